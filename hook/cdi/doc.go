// Package cdi owns how casview stands in CDI specs (Container Device Interface): input sets as devices that an engine gives
// a container by name, without annotations. The container edits of such a device are casview's hooks, with the request
// among their arguments.
package cdi

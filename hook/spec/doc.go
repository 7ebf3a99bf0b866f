// Package spec owns how casview stands in an OCI runtime configuration: its two hooks and its annotations, added to a
// bundle's config.json without touching the rest.
package spec

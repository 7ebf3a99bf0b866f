// Package install owns making a container engine call casview-hook: files that are dropped in and taken out again, never an
// edit of somebody else's. What would be done is a plan that can be shown before it is carried out.
package install

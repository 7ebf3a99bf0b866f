// Package install owns making a container engine run containers on views: files that are dropped in and taken out again, and
// where an engine reads no such files, an entry in the administrator's own file, with their leave and a backup.
//
// What would be done is a plan that can be shown before it is carried out. What was done is on record, so that uninstalling
// takes out exactly that. Each engine is a method: a function that says which files the engine needs.
package install

// Package image shows how casview's container image is built without a registry or a network, and
// its test installs casview from that image into a folder that stands for a host's root.
package image

// Package containerdopts owns what a containerd client needs to run a container on a view: one oci.SpecOpts. It links
// containerd's client packages, so nothing else in casview imports it.
package containerdopts

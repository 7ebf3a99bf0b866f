package state

// PodSandbox tells whether this is the container that only keeps a pod's namespaces. It carries the pod's annotations as the
// pod's other containers do, but has no job, and would take the name of the run from the one that has.
//
// The marks are those of containerd's CRI plugin, and of CRI-O (which podman uses too).
func PodSandbox(s State, c Config) bool {
	for _, annotations := range []map[string]string{s.Annotations, c.Annotations} {
		for _, mark := range []string{"io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"} {
			if annotations[mark] == "sandbox" {
				return true
			}
		}
	}
	return false
}

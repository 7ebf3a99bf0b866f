package examples

import (
	"encoding/json"
	"strings"
	"testing"
)

// pod is what pod.yaml has of a Kubernetes pod.
type pod struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"`
	Kind       string `yaml:"kind" json:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name" json:"name"`
		Annotations map[string]string `yaml:"annotations" json:"annotations,omitempty"`
	} `yaml:"metadata" json:"metadata"`
	Spec struct {
		RestartPolicy string            `yaml:"restartPolicy" json:"restartPolicy"`
		HostNetwork   bool              `yaml:"hostNetwork" json:"hostNetwork"`
		NodeSelector  map[string]string `yaml:"nodeSelector" json:"nodeSelector,omitempty"`
		Containers    []podContainer    `yaml:"containers" json:"containers"`
	} `yaml:"spec" json:"spec"`
}

type podContainer struct {
	Name            string        `yaml:"name" json:"name"`
	Image           string        `yaml:"image" json:"image"`
	ImagePullPolicy string        `yaml:"imagePullPolicy" json:"imagePullPolicy"`
	Command         []string      `yaml:"command" json:"command"`
	Env             []podVariable `yaml:"env" json:"env"`
}

type podVariable struct {
	Name  string `yaml:"name" json:"name"`
	Value string `yaml:"value" json:"value"`
}

// There is no CRI-O here, but podman runs pods. Before version 5 it refuses annotations as long as a digest, so the
// container asks by variables instead; and the host has no network to give to a pod.
func TestKubernetesPodWithPodmanAndVariablesForAnnotations(t *testing.T) {
	f := newForge(t, "work/project", "[policy]\naccept_env = true\n")
	root := strings.TrimSpace(f.run(t, "casview", "ingest", ".").stdout)
	var p pod
	decode(t, "kubernetes/pod.yaml", &p)
	for key, value := range p.Metadata.Annotations {
		name := strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(key, "io."), ".", "_"))
		v := podVariable{name, strings.ReplaceAll(value, "INPUTS", root)}
		p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, v)
	}
	p.Metadata.Annotations, p.Spec.HostNetwork = nil, true
	text, err := json.Marshal(p)
	must(t, err)
	manifest := writeFile(t, string(text), f.dir, "pod.json")
	f.run(t, "podman", "kube", "play", manifest).want(t, 0, "")
	defer func() { f.run(t, "podman", "kube", "down", manifest).want(t, 0, "") }()
	if o := f.run(t, "podman", "wait", "site-build"); o.stdout != "0\n" {
		t.Errorf("the container ended with %q, %q", o.stdout, o.stderr)
	}
	f.run(t, "casview", "result", "site", "--wait", "20s").want(t, 0, "")
	f.run(t, "casview", "materialize", "site", f.dir+"/result").want(t, 0, "")
	checkProject(t, f.result(t, "site"), f.dir+"/result")
}

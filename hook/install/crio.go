package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CRI-O reads its main file, and then the drop-ins by name: of several files the last one counts.
const (
	crioMain    = "/etc/crio/crio.conf"
	crioDropIns = "/etc/crio/crio.conf.d"
	crioDropIn  = "99-casview.conf" // after most others
)

// crio is what CRI-O needs. It watches its folder of hooks. It matches them against a pod's annotations, which it gives to
// each container of the pod; allowed_annotations is for those that CRI-O itself acts on.
func (o Options) crio() (part, error) {
	files, err := o.hooks()
	if err != nil {
		return part{}, err
	}
	need := part{files: files, first: "a pod with the annotation io.casview.inputs: DIGEST, from casview ingest DIR"}
	dirs, by, err := o.crioHooksDirs()
	if err != nil || dirs == nil || slices.Contains(dirs, o.hooksDir()) {
		return need, err
	}
	path, err := o.host(filepath.Join(crioDropIns, crioDropIn))
	if err != nil {
		return need, err
	}
	table := hooksTable(append(dirs, o.hooksDir()))
	if by != crioMain && filepath.Base(by) > crioDropIn {
		path, err = o.host(by)
		late := leftToAdmin{why: "it sets hooks_dir, and CRI-O reads it after what casview could add", text: table}
		need.files = append(need.files, File{Path: path, change: late})
		return need, err
	}
	head := fmt.Sprintf("# Written by casview install: %s sets hooks_dir without the last of these folders.\n", by)
	need.files = append(need.files, File{Path: path, Mode: 0o644, Content: []byte(head + table)})
	return need, nil
}

func hooksTable(dirs []string) string {
	quoted := make([]string, 0, len(dirs))
	for _, d := range dirs {
		quoted = append(quoted, fmt.Sprintf("%q", d))
	}
	return fmt.Sprintf("[crio.runtime]\nhooks_dir = [%s]\n", strings.Join(quoted, ", "))
}

// crioHooksDirs is hooks_dir of CRI-O's configuration and the file that sets it; nil where the default holds, which is
// SystemHooks alone.
func (o Options) crioHooksDirs() (dirs []string, by string, err error) {
	names := []string{crioMain}
	folder, err := o.host(crioDropIns)
	if err != nil {
		return nil, "", err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	for _, e := range entries {
		if e.Name() != crioDropIn {
			names = append(names, filepath.Join(crioDropIns, e.Name()))
		}
	}
	for _, name := range names {
		found, err := o.crioHooksDirsOf(name)
		if err != nil {
			return nil, "", err
		}
		if found != nil {
			dirs, by = found, name
		}
	}
	return dirs, by, nil
}

func (o Options) crioHooksDirsOf(name string) ([]string, error) {
	path, err := o.host(name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tree, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, ok := lookup(tree, "crio", "runtime", "hooks_dir").([]any)
	if !ok {
		return nil, nil
	}
	dirs := []string{}
	for _, d := range list {
		dirs = append(dirs, fmt.Sprint(d))
	}
	return dirs, nil
}

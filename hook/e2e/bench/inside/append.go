package inside

// Append appends a page to inputs: step "append to inputs". Their contents are numbered from First on.
type Append struct {
	Dir    string `json:"dir"`
	Files  int    `json:"files"`
	InEach int    `json:"in_each"`
	Pages  int    `json:"pages"`
	First  uint64 `json:"first"`
}

func (t *Append) run(r *Report) error {
	names := paths(t.Files, t.InEach, t.Dir+"/")
	files := Files{Files: t.Files, Pages: t.Pages, First: t.First}
	if err := r.time("append to inputs", func() error { return appendAll(names, files.after) }); err != nil {
		return err
	}
	return files.check(names)
}

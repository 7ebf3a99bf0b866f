package upper

// WithFiles makes whiteouts files, also where the filesystem takes devices.
func (w Writer) WithFiles() Writer {
	w.devices = false
	return w
}

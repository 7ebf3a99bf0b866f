package install

// cdi needs nothing of the host: casview cdi writes the specifications where engines look for them.
func (o Options) cdi() (part, error) {
	return part{first: "casview cdi --inputs DIR --name NAME && podman run --rm --device casview.io/inputs=NAME IMAGE COMMAND"}, nil
}

package main

import "errors"

// onceValue is an option that may be given once: of two, one would be dropped without a word.
type onceValue struct {
	to    *string
	given bool
}

func (v *onceValue) String() string {
	if v.to == nil {
		return ""
	}
	return *v.to
}

func (v *onceValue) Set(s string) error {
	if v.given {
		return errors.New("it is given twice: one command for each")
	}
	*v.to, v.given = s, true
	return nil
}

func (v *onceValue) Type() string { return "string" }

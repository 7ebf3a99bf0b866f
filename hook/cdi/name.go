package cdi

import (
	"fmt"

	"tags.cncf.io/container-device-interface/pkg/parser"
)

// Name is a device's name: the NAME of casview.io/inputs=NAME. A value that came from ParseName is safe as a file name part.
type Name string

// maxName keeps file names below 255 bytes. CDI itself knows no bound.
const maxName = 128

// ParseName checks a name by CDI's rules.
func ParseName(s string) (Name, error) {
	if parser.ValidateDeviceName(s) != nil || len(s) > maxName {
		return "", fmt.Errorf("device name %.160q: must be 1 to %d letters, digits, '_', '-', '.' or ':', "+
			"the first and the last of them a letter or digit", s, maxName)
	}
	return Name(s), nil
}

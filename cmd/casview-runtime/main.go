// Command casview-runtime is started by container engines in place of runc or crun. It adds casview's hooks to containers
// that ask for casview, and executes the real runtime with the same arguments.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cmd/internal/version"
	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/wrapper"
)

const usage = `usage: casview-runtime [--casview-config FILE] ARGUMENTS OF RUNC OR CRUN...

Started by container engines in place of runc or crun. A container that asks for casview, by io.casview.* annotations or
by CASVIEW_* variables where policy.accept_env allows it, gets casview's hooks. Then the real runtime takes over, with all
other arguments as they are.

  --casview-config FILE   configuration (else /etc/casview/config.toml, where it exists)
  --casview-help          print this
  --casview-version       print the version

Options of casview-runtime come first: --help and --version are the real runtime's.
`

func main() {
	own, rest, err := split(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "casview: %v\n", err)
		os.Exit(2)
	}
	if err := run(own, rest); err != nil {
		os.Exit(1)
	}
}

func run(own options, rest []string) error {
	switch {
	case own.help:
		_, err := io.WriteString(os.Stdout, usage)
		return err
	case own.version:
		_, err := fmt.Println(wrapper.Name, version.String())
		return err
	}
	self, err := os.Executable()
	if err != nil {
		self = "/proc/self/exe" // then no hook is beside it, and containers that ask are refused
	}
	return wrapper.Run(wrapper.Env{
		Hook:   filepath.Join(filepath.Dir(self), spec.HookName),
		Config: own.config,
		Path:   os.Getenv("PATH"),
		Stderr: os.Stderr,
		Exec: func(runtime string, args []string) error {
			return unix.Exec(runtime, append([]string{runtime}, args...), os.Environ())
		},
	}, rest)
}

// options are those of casview-runtime itself.
type options struct {
	config        string
	help, version bool
}

// split takes casview-runtime's own options off the front of a command line.
func split(args []string) (o options, rest []string, err error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "--casview-") {
		name, value, inline := strings.Cut(args[0], "=")
		args = args[1:]
		switch {
		case name == "--casview-help" && !inline:
			o.help = true
		case name == "--casview-version" && !inline:
			o.version = true
		case name != "--casview-config":
			return o, nil, fmt.Errorf("unknown option %s (casview-runtime --casview-help lists them)", name)
		case !inline && len(args) > 0:
			value, args = args[0], args[1:]
			fallthrough
		default:
			o.config = value
			if value == "" {
				return o, nil, errors.New("option --casview-config: a file must follow")
			}
		}
	}
	return o, args, nil
}

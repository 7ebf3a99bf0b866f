package enginecmd

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// The tables hold the options of all versions seen: podman 3 to 6, docker 20 to 29, nerdctl 0.16 to 2, ctr 1.6 to 2.
// Each is "name" or "name,letter".

func podmanGlobals(args []string) (int, error) {
	return posixOptions(args,
		[]string{
			"cdi-spec-dir", "cgroup-manager", "cni-config-dir", "config", "conmon", "connection,c", "cpu-profile", "db-backend",
			"default-mounts-file", "context", "events-backend", "hooks-dir", "host,H", "identity", "imagestore", "log-level",
			"max-workers", "memory-profile", "module", "namespace", "network-cmd-path", "network-config-dir", "out", "pull-option",
			"registries-conf", "registries-conf-dir", "root", "runroot", "runtime", "runtime-flag", "ssh",
			"storage-driver", "storage-opt", "tls-ca", "tls-cert", "tls-key", "tmpdir", "url", "volumepath",
		},
		[]string{"debug,D", "help,h", "noout", "remote,r", "syslog", "trace", "transient-store", "version,v"})
}

func dockerGlobals(args []string) (int, error) {
	return posixOptions(args,
		[]string{"config", "context,c", "host,H", "log-level,l", "tlscacert", "tlscert", "tlskey"},
		[]string{"debug,D", "help,h", "tls", "tlsverify", "version,v"})
}

func nerdctlGlobals(args []string) (int, error) {
	return posixOptions(args,
		[]string{
			"address,a", "host,H", "bridge-ip", "cgroup-manager", "cni-netconfpath", "cni-path", "data-root", "host-gateway-ip",
			"hosts-dir", "namespace,n", "snapshotter", "storage-driver", "userns-remap", "cdi-spec-dirs", "dns", "dns-opts",
			"dns-search",
		},
		[]string{"debug", "debug-full", "experimental", "help,h", "insecure-registry", "kube-hide-dupe", "version,v"})
}

// posixOptions reads options as cobra's programs do, with the same library.
func posixOptions(args, withValue, without []string) (int, error) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.SetInterspersed(false)
	for _, o := range withValue {
		name, short, _ := strings.Cut(o, ",")
		fs.StringArrayP(name, short, nil, "")
	}
	for _, o := range without {
		name, short, _ := strings.Cut(o, ",")
		fs.BoolP(name, short, false, "")
	}
	return countGlobals(fs.Parse(args), fs.NArg, len(args))
}

// ctrGlobals reads ctr's, whose library follows package flag: one dash or two.
func ctrGlobals(args []string) (int, error) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, name := range []string{"address", "a", "timeout", "connect-timeout", "namespace", "n"} {
		fs.String(name, "", "")
	}
	for _, name := range []string{"debug", "help", "h", "version", "v"} {
		fs.Bool(name, false, "")
	}
	return countGlobals(fs.Parse(args), fs.NArg, len(args))
}

func countGlobals(err error, rest func() int, all int) (int, error) {
	if err != nil {
		return 0, fmt.Errorf("global options: %w (write an option that takes a value as --option=value)", err)
	}
	return all - rest(), nil
}

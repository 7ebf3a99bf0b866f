package config

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// host is what the defaults depend on: who runs this process, and its environment.
type host struct {
	uid    int
	uidMap string // text of /proc/self/uid_map, "" where there is none
	getenv func(string) string
	homeOf func(uid string) string // home folder in the user database, "" if unknown
}

func thisHost() host {
	// A kernel without user namespaces has no such file: then uid 0 is root.
	m, _ := os.ReadFile("/proc/self/uid_map")
	return host{uid: os.Getuid(), uidMap: string(m), getenv: os.Getenv, homeOf: lookupHome}
}

func lookupHome(uid string) string {
	u, err := user.LookupId(uid)
	if err != nil {
		return ""
	}
	return u.HomeDir
}

// isRoot tells the machine's root from the uid 0 that a rootless engine has in its user namespace.
// Only the identity map over all 32 bits is root's: user_namespaces(7).
func (h host) isRoot() bool {
	if h.uid != 0 {
		return false
	}
	f := strings.Fields(h.uidMap)
	return len(f) == 0 || len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295"
}

// outerUID is this process's user id as the user namespace above sees it, which is where a rootless
// engine's user has their home.
func (h host) outerUID() string {
	for line := range strings.Lines(h.uidMap) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		inside, err1 := strconv.Atoi(f[0])
		outside, err2 := strconv.Atoi(f[1])
		count, err3 := strconv.Atoi(f[2])
		if err1 == nil && err2 == nil && err3 == nil && inside <= h.uid && h.uid-inside < count {
			return strconv.Itoa(outside + h.uid - inside)
		}
	}
	return strconv.Itoa(h.uid)
}

// home falls back to the user database because engines start some hooks with an empty environment.
func (h host) home() string {
	if dir := h.getenv("HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if dir := h.homeOf(h.outerUID()); filepath.IsAbs(dir) {
		return dir
	}
	return ""
}

// xdg is the folder that an XDG variable names, or its default below the home folder. A relative
// value counts as unset, as the XDG Base Directory Specification wants. "" if there is no home.
func (h host) xdg(variable, below string) string {
	if dir := h.getenv(variable); filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	if home := h.home(); home != "" {
		return filepath.Join(home, below)
	}
	return ""
}

func (h host) stateDir() string {
	if h.isRoot() {
		return "/var/lib/casview"
	}
	if dir := h.xdg("XDG_DATA_HOME", ".local/share"); dir != "" {
		return filepath.Join(dir, "casview")
	}
	return ""
}

func (h host) configFile() string {
	if !h.isRoot() {
		if dir := h.xdg("XDG_CONFIG_HOME", ".config"); dir != "" {
			return filepath.Join(dir, "casview", "config.toml")
		}
	}
	return "/etc/casview/config.toml"
}

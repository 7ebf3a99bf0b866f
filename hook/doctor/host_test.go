package doctor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// symptom is something that is wrong with a host, for real, in a mount namespace of the test's own.
type symptom struct {
	name string
	// host is a shell script, run as root, that makes it so. Changes to /etc, /usr/share and /run stay in the namespace;
	// $T is a directory, $BIN has casview's programs and comes first on PATH, $STATE is the state directory.
	host string
	// config is appended to the configuration, whose state is $STATE.
	config string
	// user makes an ordinary user ask.
	user bool
	// without is a system call that fails: see denials.
	without string
	args    []string

	id      ID
	subject string
	status  Status
	// kernel is the oldest one that has what is looked for.
	kernel version
	// what must be among the words of the finding.
	what string
	// mend must be among the words of the command, where mends can't run it.
	mend string
	// mends says that the finding is ok once its own command has been run.
	mends bool
}

// prelude has a /dev/shm for each namespace: of two podmans that find no libpod_lock there one fails with 125, since the other
// has made it meanwhile ("failed to create 2048 locks in /libpod_lock: file exists", podman 4.3.1).
const prelude = `set -e
mkdir $T/over; mount -t tmpfs -o mode=755 tmpfs $T/over
for d in etc usr/share run; do
	mkdir -p $T/over/$d/upper $T/over/$d/work
	mount -t overlay overlay -o lowerdir=/$d,upperdir=$T/over/$d/upper,workdir=$T/over/$d/work /$d
done
mount -t tmpfs tmpfs /dev/shm
rm -rf /etc/containers /usr/share/containers /etc/docker /etc/containerd /etc/crio /etc/cdi /etc/buildkit /run/cdi /etc/casview
mkdir -p /etc/containers /etc/docker /etc/containerd /etc/cdi
echo 'doc:x:4242:4242::'$T/home':/bin/sh' >> /etc/passwd
printf 'doc:200000:65536\n' | tee /etc/subuid > /etc/subgid
mkdir $T/fake; PATH=$BIN:$T/fake:$PATH
fake() { printf '#!/bin/sh\n%s\n' "$2" > $T/fake/$1; chmod 755 $T/fake/$1; }
doctor() { env $DENY $DENYING $AS env HOME=$T/home XDG_CONFIG_HOME= CONTAINERS_CONF= PATH=${P:-$PATH} ${CASVIEW:-$BIN/casview} --config $T/config.toml doctor --json "$@" || test $? -le 2; }
casview() { $BIN/casview --config $T/config.toml "$@"; }
AS= DENY= DENYING=
`

// examine makes the host so and asks, and asks again after the mend command where there is one.
func (s symptom) examine(t *testing.T) (report, again Report) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a mount namespace with other files in it")
	}
	dir, err := os.MkdirTemp("", "cvdoctor")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	for _, name := range []string{"home", "state"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "config.toml"), []byte("state = \""+dir+"/state\"\n"+s.config), 0o644))

	script := prelude + s.host + "\n"
	if s.user {
		script += "chown -R 4242:4242 $T/home; chown 4242:4242 $STATE 2>/dev/null || true\nAS='setpriv --reuid 4242 --regid 4242 --clear-groups --'\n"
	}
	if s.without != "" {
		script += "DENY=" + denyVariable + "=" + s.without + " DENYING=$SELF\n"
	}
	script += "doctor " + strings.Join(s.args, " ") + " > $T/report.json\n"
	if s.mends {
		script += "jq -r '[.findings[] | select(.id == \"" + string(s.id) + "\" and .mend)][0].mend' $T/report.json | sed 's/^sudo //' > $T/mend\n" +
			"bash $T/mend >$T/mend.out 2>&1 || true\ndoctor " + strings.Join(s.args, " ") + " > $T/again.json\n"
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-c", script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "T=" + dir, "BIN=" + programs, "OLD=" + oldPrograms, "STATE=" + dir + "/state", "SELF=" + self}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	report = readReport(t, filepath.Join(dir, "report.json"))
	if s.mends {
		mend, err := os.ReadFile(filepath.Join(dir, "mend"))
		must(t, err)
		said, _ := os.ReadFile(filepath.Join(dir, "mend.out"))
		t.Logf("mend: %s%s", mend, said)
		again = readReport(t, filepath.Join(dir, "again.json"))
	}
	left, err := filepath.Glob(filepath.Join(dir, "state", "*"))
	must(t, err)
	more, err := filepath.Glob(filepath.Join(dir, "state", ".*"))
	must(t, err)
	if all := append(left, more...); len(all) > 0 && !strings.Contains(s.host, "$STATE") {
		t.Errorf("left in the state directory: %q", all)
	}
	return report, again
}

func readReport(t *testing.T, path string) Report {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return r
}

// find returns the finding of the symptom: of several, the one that says it.
func (s symptom) find(r Report) (Finding, error) {
	var others []Finding
	for _, f := range r.Findings {
		if f.ID != s.id || f.Subject != s.subject {
			continue
		}
		if f.Status == s.status && strings.Contains(f.What, s.what) {
			return f, nil
		}
		others = append(others, f)
	}
	b, err := json.MarshalIndent(others, "", "  ")
	return Finding{}, errors.Join(errors.New(string(b)), err)
}

// examined is what came of one host. Failing to examine it fails the first test that needs it, and so the others.
type examined struct {
	once          sync.Once
	report, again Report
}

func (s symptom) test(t *testing.T, e *examined) {
	if release, err := parseVersion(kernelRelease()); err != nil || release.before(s.kernel[0], s.kernel[1]) {
		t.Skipf("needs Linux %s, this is %s", s.kernel, kernelRelease())
	}
	e.once.Do(func() { e.report, e.again = s.examine(t) })
	report, again := e.report, e.again
	f, err := s.find(report)
	if err != nil {
		t.Fatalf("no finding %s of %q is %s with %q, but: %v", s.id, s.subject, s.status, s.what, err)
	}
	bad := f.Status == Degraded || f.Status == Broken
	if bad != (f.Why != "") || bad != (f.Mend != "") {
		t.Errorf("only what is not right has why and mend: %+v", f)
	}
	if !strings.Contains(f.Mend, s.mend) {
		t.Errorf("mend %q, want %q in it", f.Mend, s.mend)
	}
	if f.Status.badness() > Skipped.badness() && report.Status.badness() < f.Status.badness() {
		t.Errorf("the report is %s, with a finding that is %s", report.Status, f.Status)
	}
	if !s.mends {
		return
	}
	for _, f := range again.Findings {
		if f.ID == s.id && f.Subject == s.subject && f.Status != OK {
			t.Errorf("after the mend command: %+v", f)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

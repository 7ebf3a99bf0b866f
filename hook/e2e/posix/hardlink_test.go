package posix

import (
	"io"
	"os"
	"testing"
)

func TestHardlinks(t *testing.T) {
	mkdir(t, "links")
	write(t, "a", "one\n")
	must(t, os.Link("a", "b"))
	write(t, "b", "two\n")
	wantContent(t, "a", "two\n")
	wantLinks(t, "a", 2)
	if stat(t, "a").Ino != stat(t, "b").Ino {
		t.Error("two names of one file have two inodes")
	}

	// A chain, whose first name goes.
	write(t, "c1", "chain\n")
	must(t, os.Link("c1", "c2"))
	must(t, os.Mkdir("sub", 0o755))
	must(t, os.Link("c2", "sub/c3"))
	must(t, os.Link("sub/c3", "c4"))
	must(t, os.Remove("c1"))
	for _, p := range []string{"c2", "sub/c3", "c4"} {
		wantContent(t, p, "chain\n")
		wantLinks(t, p, 3)
	}
	write(t, "c4", "chain changed\n")
	wantContent(t, "sub/c3", "chain changed\n")
}

func TestHardlinkOfOpenFile(t *testing.T) {
	mkdir(t, "links-open")
	f, err := os.OpenFile("first", os.O_RDWR|os.O_CREATE, 0o644)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("before ")
	must(t, err)
	must(t, os.Link("first", "second"))
	_, err = f.WriteString("after\n")
	must(t, err)
	wantContent(t, "second", "before after\n")
	_, err = f.Seek(0, io.SeekStart)
	must(t, err)
	if got, err := io.ReadAll(f); err != nil || string(got) != "before after\n" {
		t.Errorf("read by the open file: %q, %v", got, err)
	}
	must(t, os.Remove("first"))
	wantContent(t, "second", "before after\n")
	wantLinks(t, "second", 1)
}

// link(2) of an input must not change it, and a write through the new name is seen through both.
func TestHardlinkOfInput(t *testing.T) {
	enter(t)
	must(t, os.Link("hardlink/input", "hardlink/linked"))
	wantContent(t, "hardlink/linked", "linked input\n")
	wantLinks(t, "hardlink/linked", 2)
	f, err := os.OpenFile("hardlink/linked", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("written\n")
	must(t, err)
	must(t, f.Close())
	wantContent(t, "hardlink/input", "linked input\nwritten\n")
}

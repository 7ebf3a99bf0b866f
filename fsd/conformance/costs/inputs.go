package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// What the inputs are. Each directory is for one kind of operation, of which the first time may matter.
const (
	smallInputs   = 1000 // files of 4 KiB with contents of their own, to read
	plainInputs   = 1000 // files in each directory where contents do not matter
	longLists     = 2
	longList      = 10_000
	largeInputs   = 24 // files of 1 MiB
	inputDirs     = 200
	filesInDir    = 3
	copiedDirs    = 100
	copiedInEach  = 20
	smallFileSize = 4 * kib
)

// makeInputs makes the inputs in a new directory.
func makeInputs(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	m := inputMaker{dir: dir}
	m.contents("read", smallInputs, smallFileSize)
	m.contents("append", largeInputs, mib)
	for i := range copiedDirs {
		m.contents("copy/"+number(i), copiedInEach, smallFileSize)
	}
	m.contents("one", 1, smallFileSize)
	for _, name := range []string{"stat", "unlink", "rename"} {
		m.links(name, plainInputs)
	}
	for i := range longLists {
		m.links("list/"+number(i), longList)
	}
	for i := range inputDirs {
		m.links("move/"+number(i), filesInDir)
	}
	return m.err
}

// inputMaker makes directories of files named by numbers, until something fails.
type inputMaker struct {
	dir  string
	made uint64 // files with contents of their own
	err  error
}

// contents makes files of which no two are equal.
func (m *inputMaker) contents(name string, files, size int) {
	m.each(name, files, func(path string) error {
		content := make([]byte, size)
		for at := 0; at < size; at += 8 {
			// Multiplied by 2^64 over the golden ratio, so that it does not look like zeros to a filesystem that compresses.
			binary.LittleEndian.PutUint64(content[at:], (m.made<<32+uint64(at))*0x9E3779B97F4A7C15)
		}
		m.made++
		return os.WriteFile(path, content, 0o644)
	})
}

// links makes files of one content. As inputs they are apart from each other all the same.
func (m *inputMaker) links(name string, files int) {
	one := filepath.Join(m.dir, "one", number(0))
	m.each(name, files, func(path string) error { return os.Link(one, path) })
}

func (m *inputMaker) each(name string, files int, do func(path string) error) {
	dir := filepath.Join(m.dir, name)
	if m.err == nil {
		m.err = os.MkdirAll(dir, 0o755)
	}
	for i := 0; i < files && m.err == nil; i++ {
		m.err = do(filepath.Join(dir, number(i)))
	}
	if m.err != nil {
		m.err = fmt.Errorf("make inputs: %w", m.err)
	}
}

// number is the name of an input.
func number(i int) string { return strconv.Itoa(10_000 + i) }

// numbers are the first n names, after a prefix.
func numbers(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = prefix + number(i)
	}
	return list
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cProject is a C library as builds see it: many files that each include some of many headers, of which most include
// others, and the C library's headers.
type cProject struct {
	files   int
	headers int
	dirs    int // that are looked through for headers
}

// libraryHeaders are included by each file.
func libraryHeaders() []string {
	return []string{
		"assert.h", "ctype.h", "errno.h", "fcntl.h", "inttypes.h", "limits.h", "math.h", "poll.h", "pthread.h",
		"signal.h", "stdio.h", "stdlib.h", "string.h", "sys/mman.h", "sys/socket.h", "sys/stat.h", "sys/types.h",
		"sys/wait.h", "time.h", "unistd.h",
	}
}

// fill makes the project. The C library's headers are inputs, too: a sysroot of those that the compiler reads.
func (p cProject) fill(ctx context.Context, dir string) error {
	write := func(name, text string) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	}
	for i := range p.headers {
		if err := write(fmt.Sprintf("include%d/part%03d.h", i%p.dirs, i), p.header(i)); err != nil {
			return err
		}
	}
	for i := range p.files {
		if err := write(fmt.Sprintf("src/file%03d.c", i), p.file(i)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, outputDir), 0o755); err != nil {
		return err
	}
	if err := write("Makefile", p.makefile()); err != nil {
		return err
	}
	return p.sysroot(ctx, dir)
}

func (p cProject) header(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#ifndef PART%03d_H\n#define PART%03d_H\n#include <stddef.h>\n#include <stdint.h>\n", i, i)
	for k := 1; k <= 3 && i-7*k >= 0; k++ {
		fmt.Fprintf(&b, "#include \"part%03d.h\"\n", i-7*k)
	}
	fmt.Fprintf(&b, "struct part%03d { uint64_t value; const char *name; struct part%03d *next; };\n", i, i)
	for k := range 4 {
		fmt.Fprintf(&b, `
/* Function %d of part %d: what it works out has no meaning. */
static inline uint64_t part%03d_step%d(struct part%03d *p, uint64_t x)
{
	p->value = p->value * %dU + x;
	return p->value >> %d;
}
`, k, i, i, k, i, 2*k+3, k+1)
	}
	return b.String() + "#endif\n"
}

func (p cProject) file(i int) string {
	var b strings.Builder
	for _, h := range libraryHeaders() {
		fmt.Fprintf(&b, "#include <%s>\n", h)
	}
	var used []int
	for k := range 12 {
		used = append(used, (i*5+k*11)%p.headers)
	}
	for _, h := range used {
		fmt.Fprintf(&b, "#include \"part%03d.h\"\n", h)
	}
	for k, h := range used[:4] {
		fmt.Fprintf(&b, `
uint64_t file%03d_function%d(const char *text)
{
	struct part%03d p = {0, text, NULL};
	uint64_t sum = strlen(text);
	for (size_t i = 0; text[i] != 0; i++) {
		sum += part%03d_step%d(&p, (uint64_t)toupper((unsigned char)text[i]));
		if (sum %% 3 == 0)
			printf("%%s: %%" PRIu64 "\n", p.name, sum);
	}
	return sum;
}
`, i, k, h, h, k)
	}
	return b.String()
}

func (p cProject) makefile() string {
	return fmt.Sprintf(`CFLAGS = %s --sysroot=sysroot
OBJECTS = $(patsubst src/%%.c,out/%%.o,$(wildcard src/*.c))

out/library.a: $(OBJECTS)
	ar rcsD $@ $^

out/%%.o: src/%%.c
	gcc $(CFLAGS) -MMD -c -o $@ $<
`, strings.Join(p.flags(), " "))
}

// flags decide which headers are read.
func (p cProject) flags() []string {
	flags := []string{"-O1", "-std=gnu11"}
	for i := range p.dirs {
		flags = append(flags, fmt.Sprintf("-Iinclude%d", i))
	}
	return flags
}

// sysroot copies the headers below /usr/include that the compiler reads for a file of the project.
func (p cProject) sysroot(ctx context.Context, dir string) error {
	args := append([]string{"-M"}, p.flags()...)
	list := exec.CommandContext(ctx, "gcc", append(args, "src/file000.c")...)
	list.Dir = dir
	out, err := output(list)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, "sysroot")
	cp := []string{"--parents", "-t", to}
	for _, name := range strings.Fields(out) {
		if strings.HasPrefix(name, "/usr/include/") {
			cp = append(cp, name)
		}
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	_, err = output(exec.CommandContext(ctx, "cp", cp...))
	return err
}

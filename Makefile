# `make` alone lists the targets.

MODULE  := github.com/casview/casview
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
DESTDIR ?=
PREFIX  ?= /usr/local
# Where `make build` and `make dist` put what they build.
BIN     ?= bin
DIST    ?= dist
PROGRAMS = casview casview-hook casview-fsd casview-runtime
ROOMS    = cas cmd config examples fsd hook packaging

GO_BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags '-s -w -X $(MODULE)/cmd/internal/version.stamp=$(VERSION)'

# Time for each fuzz test of `make fuzz`.
FUZZTIME ?= 20s
# Builds the container image: `buildah bud` or `docker build` or `podman build`.
IMAGE_BUILD ?= buildah bud

# Flags of bin/costs for `make costs`, like -json, -only REGEXP or -dir DIR.
COSTSFLAGS ?=

.PHONY: help build install test test-buildkit test-engines test-dist lint demo bench fuzz costs image dist setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

build: ## build the static programs into bin/
	@mkdir -p $(BIN)
	$(GO_BUILD) -o $(BIN)/ $(PROGRAMS:%=./cmd/%)

test: setup ## install what is missing, run all tests (as root or through sudo), list the skipped ones
	.ci/test ./... ./.ci/testreport

test-dist: setup ## install the packages in whole Debian systems, which takes minutes and a mirror
	.ci/as-root env CGO_ENABLED=0 go test -count=1 -timeout 30m -v ./packaging -debian

test-buildkit: setup build ## build BuildKit from its Go module into bin/ (minutes the first time), and test builds with it
	examples/buildkit/build bin
	TESTFLAGS='-tags=buildkit -count=1 -run=^TestBuildKit' .ci/test ./examples

test-engines: setup ## build newer containerd, Docker and CRI-O from their Go modules into bin/ (minutes the first time), and test them
	.ci/setup libseccomp-dev:/usr/include/seccomp.h pkg-config:pkg-config
	.ci/engines bin/engines
	TESTFLAGS='-tags=engines -count=1 -run=^TestNewer' .ci/test ./hook/e2e

lint: ## vet, staticcheck, gofmt, direction of imports between the rooms
	CGO_ENABLED=0 go vet ./... ./.ci/testreport
	CGO_ENABLED=0 go vet -tags=buildkit ./examples
	CGO_ENABLED=0 go vet -tags=engines ./hook/e2e
	CGO_ENABLED=0 go vet -tags mandoc ./cmd/casview
	CGO_ENABLED=0 go tool staticcheck ./... ./.ci/testreport
	CGO_ENABLED=0 go tool staticcheck -tags=engines ./hook/e2e
	@unformatted=$$(gofmt -l $(ROOMS) .ci) && if [ -n "$$unformatted" ]; then echo "gofmt: not formatted:"; echo "$$unformatted"; exit 1; fi
	CGO_ENABLED=0 go test -count=1 -run 'TestImportsBetweenRooms' ./cmd/internal/importrules

demo: setup build ## build casview in a container on declared inputs only, and compare with a build outside
	.ci/as-root examples/demo/demo

bench: setup build ## measure casview beside a plain container filesystem (ROWS=1,9 ROUNDS=5 PEERS=1)
	$(GO_BUILD) -o bin/bench ./hook/e2e/bench
	.ci/as-root bin/bench $(if $(ROWS),-rows '$(ROWS)') $(if $(ROUNDS),-rounds '$(ROUNDS)') $(if $(PEERS),-peers) -json bench.json

fuzz: ## run each fuzz test for FUZZTIME (20s)
	.ci/fuzz $(FUZZTIME)

costs: build ## measure what system calls cost on a view with each driver, and in a plain directory
	$(GO_BUILD) -o bin/ ./fsd/conformance/costs
	.ci/as-root bin/costs $(COSTSFLAGS)

image: ## build the container image that installs casview onto a host
	$(IMAGE_BUILD) --build-arg VERSION=$(VERSION) -t casview:$(VERSION) .

# Builds only what is not there: `make build && sudo make install` does not build as root.
install: $(PROGRAMS:%=bin/%) ## copy the programs to $(DESTDIR)$(PREFIX)/bin
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 0755 $^ '$(DESTDIR)$(PREFIX)/bin'

$(PROGRAMS:%=bin/%) &:
	$(MAKE) build

dist: ## build packages for dpkg and rpm, a tarball, the installer image and SHA256SUMS into dist/
	packaging/build '$(DIST)' '$(VERSION)' $(PROGRAMS)

setup: ## install the Debian or Ubuntu packages that tests and demo need
	@.ci/setup

clean: ## remove bin/, dist/, bench.json and what the demo left
	rm -rf bin dist bench.json
	[ ! -e .demo ] || .ci/as-root rm -rf --one-file-system .demo

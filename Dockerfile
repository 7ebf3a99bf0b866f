# An image that installs casview onto the host whose root is mounted at /host, and exits:
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t casview .
#   podman run --rm --privileged -v /:/host casview
#
# That is `install --root /host --engine podman`. Other engines, and to take it out again:
#
#   podman run --rm --privileged -v /:/host casview install --root /host --engine all
#   podman run --rm --privileged -v /:/host casview uninstall --root /host --engine all
#
# It holds the static programs and the default configuration, nothing else. BASE may be any image with
# Go and make; GOPROXY may be a folder of modules: examples/image builds it without a network.
ARG BASE=docker.io/library/golang:1.26-bookworm

FROM ${BASE} AS build
ARG VERSION=devel
ARG GOPROXY
WORKDIR /src
COPY . .
RUN make build VERSION="${VERSION}"

FROM scratch
COPY --from=build /src/bin/casview /src/bin/casview-hook /src/bin/casview-fsd /src/bin/casview-runtime /
COPY config/default.toml /etc/casview/config.toml
ENTRYPOINT ["/casview"]
CMD ["install", "--root", "/host", "--engine", "podman"]

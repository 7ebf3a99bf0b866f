# shellcheck shell=bash disable=SC2154 # work, root, packages and the build's environment come from the demo
# Where the demo's build can run. build_in_ENGINE runs it to its end and sets run to the name of the run. Sourced by the demo.

# job VIEW sets job to the build's command with its environment, for a view at VIEW.
job() {
    job=(env "${build_env[@]}" "GOROOT=$1/go" "GOMODCACHE=$1/modules" "GOCACHE=$1/cache" GOPROXY=off GOFLAGS=-modcacherw
        GOSUMDB=off HOME=/tmp "$1/go/bin/go" build "${build_args[@]}" -o "$1/out/" "${packages[@]}")
}

about_runc() { echo "built in a runc container: no network, no other files"; }

need_runc() {
    need_root
    need runc
}

build_in_runc() {
    run=casview-demo
    job /workspace
    make_bundle "$work/bundle" /workspace/src -- "${job[@]}"
    casview spec --bundle "$work/bundle" --inputs "$root" --run "$run" --output 'out/**'
    runc run --bundle "$work/bundle" "$run"
}

about_podman() { echo "built in a podman container: no network, no other files"; }

need_podman() { need podman; }

build_in_podman() {
    run=casview-demo-podman
    job /workspace
    make_rootfs "$work/rootfs"
    casview install --engine podman --hooks-dir "$work/hooks.d"
    # podman looks for a working directory before the view is there.
    casview run --inputs "$root" --run "$run" --output 'out/**' -- \
        podman --hooks-dir "$work/hooks.d" run --rm --network=none \
        --rootfs "$work/rootfs" sh -c 'cd /workspace/src && exec "$@"' sh "${job[@]}"
}

about_mount() { echo "built on the host, in a view made by casview mount"; }

need_mount() { need mountpoint; }

build_in_mount() {
    local in=("$repo/examples/demo/in-mount")
    # Without root, mounting takes a user namespace in which one is root.
    [ "$(id -u)" = 0 ] || in=(unshare --user --map-root-user --mount "${in[@]}")
    job "$work/view"
    mkdir -p "$work/view" "$work/staging"
    "${in[@]}" "$work/view" "$bin/casview" --config "$config" mount "$root" "$work/view" --staging "$work/staging" \
        ${DRIVER:+--driver "$DRIVER"} -- "${job[@]}" > "$work/mounted.json"
    run=$(jq -r .run "$work/mounted.json")
}

# shellcheck shell=bash
# Shell functions for the examples: minimal OCI bundles. Sourced, not run.

# make_rootfs DIR: a root filesystem of busybox alone. Needs a static one, as Debian's busybox-static.
make_rootfs() {
    [ ! -e "$1/bin/sh" ] || return 0
    mkdir -p "$1"/bin "$1"/proc "$1"/dev "$1"/sys "$1"/tmp "$1"/run "$1"/etc
    chmod 1777 "$1/tmp"
    cp "$(command -v busybox)" "$1/bin/busybox"
    "$1/bin/busybox" --install "$1/bin" # hard links
}

# make_bundle DIR CWD [NAME=VALUE...] -- COMMAND...: a bundle below DIR whose job runs COMMAND in CWD. Resource limits are
# left out: raising one, as crun does to restrict devices, needs a capability that hosts inside a container lack.
make_bundle() {
    local bundle=$1 cwd=$2 env=()
    shift 2
    while [ "$1" != -- ]; do
        env+=("$1")
        shift
    done
    shift
    make_rootfs "$bundle/rootfs"
    rm -f "$bundle/config.json"
    runc spec --bundle "$bundle"
    local edited
    edited=$(jq --arg cwd "$cwd" \
        --argjson args "$(jq -cn '$ARGS.positional' --args -- "$@")" \
        --argjson env "$(jq -cn '$ARGS.positional' --args -- "${env[@]}")" '
        .process.args = $args | .process.env += $env | .process.cwd = $cwd |
        .process.terminal = false | .root.readonly = false | del(.process.rlimits, .linux.resources)
    ' "$bundle/config.json")
    printf '%s\n' "$edited" > "$bundle/config.json"
}

# shellcheck shell=bash
# Shell functions for the examples: where casview is, and a work directory with a configuration of its own, so that
# nothing on the host is changed. Sourced, not run.

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    echo "${0##*/}: $*" >&2
    exit "${die_code:-1}"
}

need_root() { [ "$(id -u)" = 0 ] || die "needs root: run it with sudo"; }

# need PROGRAM...: programs that must be installed. Debian has some where only root looks for them.
need() {
    local program
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
    for program in "$@"; do
        command -v "$program" > /dev/null || die "$program is missing: install it, or run \`make setup\` in the checkout"
    done
}

# find_programs sets bin to the directory with casview's programs: $CASVIEW_BIN, else bin/ of the checkout, else where
# PATH has them.
find_programs() {
    bin=${CASVIEW_BIN:-}
    if [ -z "$bin" ] && [ -x "$examples/../bin/casview" ]; then
        bin=$examples/../bin
    elif [ -z "$bin" ]; then
        bin=$(dirname "$(command -v casview || echo /nowhere/casview)")
    fi
    local program
    for program in casview casview-hook casview-fsd casview-runtime; do
        [ -x "$bin/$program" ] || die "$bin/$program is missing: run \`make build\` in the checkout, or set CASVIEW_BIN"
    done
    bin=$(realpath "$bin")
}

# make_work sets work to a fresh directory that is removed at the end. With $CASVIEW_WORK it is that one, and it stays.
make_work() {
    if [ -n "${CASVIEW_WORK:-}" ]; then
        mkdir -p "$CASVIEW_WORK"
        work=$(realpath "$CASVIEW_WORK")
    else
        work=$(mktemp -d)
        trap remove_work EXIT
    fi
    config=$work/config.toml
    write_config "$config" "$work/state"
}

# write_config FILE STATE: a configuration with a state directory of its own. $DRIVER chooses the staging driver, and $DATA
# how the fuse driver moves content; see docs/configuration.md.
write_config() {
    {
        printf 'state = "%s"\n[staging]\n' "$2"
        [ -z "${DRIVER:-}" ] || printf 'driver = "%s"\n' "$DRIVER"
        [ -z "${DATA:-}" ] || printf 'data = "%s"\n' "$DATA"
    } > "$1"
}

remove_work() { rm -rf --one-file-system "$work"; }

casview() { "$bin/casview" --config "$config" "$@"; }

step() { printf '\n== %s\n' "$*"; }

# show_result RUN: what a result says, for people.
show_result() {
    casview result "$1" --wait 60s | jq -r '
        def line(name): "\(name):" + ([" ", .[]] | join(" "));
        "status:  \(.status), staging driver \(.staging_driver)",
        "outputs:", (.hashed_files | to_entries[] | "  \(.value.type)\t\(.key)\t\(.value.hash // .value.target // "")"),
        (.inputs | line("read")), (.listed | line("listed")), (.absent | line("absent")),
        (.modified_inputs | line("changed"))'
}

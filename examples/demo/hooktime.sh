# shellcheck shell=bash disable=SC2154 # work, bin and the functions come from the demo
# Measures the createRuntime hook as the runtime sees it: the wall time from starting the hook to its end, in runs of a
# container that does nothing, in turn with other input sets. Sourced by the demo.

# tree_of N: root digest of N small files.
tree_of() {
    local dir=$work/many/$1
    if [ ! -d "$dir" ]; then
        mkdir -p "$dir"
        (cd "$dir" && seq "$1" | awk '{ d = int($1 / 1000); if (!(d in made)) { system("mkdir -p d" d); made[d] = 1 }
            print $1 > ("d" d "/f" $1); close("d" d "/f" $1) }')
    fi
    casview ingest "$dir"
}

# timed_bundle NAME ROOT: a bundle whose create hook runs under a shell that writes down how long it took.
timed_bundle() {
    local bundle=$work/hooktime/$1
    make_bundle "$bundle" / -- /bin/true
    casview spec --bundle "$bundle" --inputs "$2"
    cat > "$bundle/timed-hook" <<EOF
#!/usr/bin/env bash
start=\$EPOCHREALTIME
"$bin/casview-hook" "\$@"
code=\$?
end=\$EPOCHREALTIME
echo \$((\${end/./} - \${start/./})) >> "$bundle/times"
exit \$code
EOF
    chmod +x "$bundle/timed-hook"
    local edited
    edited=$(jq --arg hook "$bundle/timed-hook" '.hooks.createRuntime[].path = $hook' "$bundle/config.json")
    printf '%s\n' "$edited" > "$bundle/config.json"
}

median_ms() { sort -n "$1" | awk '{ t[NR] = $1 } END { printf "%.1f", t[int((NR + 1) / 2)] / 1000 }'; }

# hook_times ROOT: prints the medians for the demo's own inputs and for 10 and 100,000 files.
hook_times() {
    local rounds=11 i set
    rm -rf "$work/hooktime"
    timed_bundle demo "$1"
    timed_bundle 10 "$(tree_of 10)"
    timed_bundle 100000 "$(tree_of 100000)"
    for ((i = 0; i < rounds; i++)); do
        for set in demo 10 100000; do
            runc run --bundle "$work/hooktime/$set" "casview-hooktime-$set"
        done
    done
    printf '\ncreateRuntime hook, wall time, median of %d runs in turn:\n' "$rounds"
    printf '  %-24s %6s ms\n' "the demo's inputs" "$(median_ms "$work/hooktime/demo/times")" \
        "10 files" "$(median_ms "$work/hooktime/10/times")" "100,000 files" "$(median_ms "$work/hooktime/100000/times")"
}

# shellcheck shell=bash
# shellcheck disable=SC2154 # setup.sh sets bin and config
# Shell functions for the examples: a Docker daemon of its own, so that nothing on the host is changed. Sourced, not run.

# start_docker DIR: a dockerd, and a containerd for it, with everything below DIR, and casview-runtime as its runtime
# "casview". Sets DOCKER_HOST for the docker command. What the daemons say is in DIR/log.
start_docker() {
    docker_dir=$1 docker_pids=() docker_group=casview-docker-$$ docker_made=()
    local containerd_sock=$docker_dir/containerd.sock path
    export DOCKER_HOST=unix://$docker_dir/sock DOCKER_CONFIG=$docker_dir/client
    mkdir -p "$docker_dir"
    # dockerd 20.10 makes these wherever its own directories are.
    for path in /etc/docker/key.json /etc/docker /run/docker/plugins /run/docker; do
        [ -e "$path" ] || docker_made+=("$path")
    done
    cat > "$docker_dir/containerd.toml" << END
version = 2
root = "$docker_dir/containerd"
state = "$docker_dir/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$containerd_sock"
END
    # The runtime's entry is what \`casview install --engine docker\` writes, but for the configuration.
    jq -n --arg dir "$docker_dir" --arg group "$docker_group" --arg sock "$containerd_sock" --arg runtime "$bin/casview-runtime" \
        --arg config "$config" '{
            "data-root": "\($dir)/data", "exec-root": "\($dir)/exec", pidfile: "\($dir)/pid", hosts: ["unix://\($dir)/sock"],
            containerd: $sock, "containerd-namespace": $group, "containerd-plugins-namespace": "\($group)-plugins",
            "cgroup-parent": "/\($group)", bridge: "none", iptables: false, ip6tables: false,
            runtimes: {casview: {path: $runtime, runtimeArgs: ["--casview-config", $config]}}
        }' > "$docker_dir/daemon.json"
    containerd --config "$docker_dir/containerd.toml" >> "$docker_dir/log" 2>&1 &
    docker_pids+=($!)
    answers ctr --address "$containerd_sock" version
    dockerd --config-file "$docker_dir/daemon.json" >> "$docker_dir/log" 2>&1 &
    docker_pids+=($!)
    answers docker version
}

# answers COMMAND...: waits until a daemon does.
answers() {
    local try
    for try in {1..400}; do
        ! "$@" > /dev/null 2>&1 || return 0
        kill -0 "${docker_pids[-1]}" 2> /dev/null || break
        sleep 0.05
    done
    tail -n 5 "$docker_dir/log" >&2
    die "no answer to: $* (after $try tries)"
}

# stop_docker ends the daemons, the last one first, and removes what they leave outside their directories.
stop_docker() {
    local i
    for ((i = ${#docker_pids[@]} - 1; i >= 0; i--)); do
        kill "${docker_pids[i]}" 2> /dev/null || true
        wait "${docker_pids[i]}" 2> /dev/null || true
    done
    find /sys/fs/cgroup -maxdepth 2 -type d -name "$docker_group" -exec rmdir {} + 2> /dev/null || true
    [ ! -d "/run/containerd/runc/$docker_group" ] || rmdir "/run/containerd/runc/$docker_group" || true
    # Only what is empty, but for the key.
    case " ${docker_made[*]} " in *" /etc/docker/key.json "*) rm -f /etc/docker/key.json ;; esac
    [ ${#docker_made[@]} = 0 ] || rmdir "${docker_made[@]}" 2> /dev/null || true
}

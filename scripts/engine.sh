#!/usr/bin/env bash
# The Docker engine: `engine.sh ensure` installs and starts one if none answers, `engine.sh stop` ends the one that
# `ensure` started as a bare process (never one that was there before, nor a system service).
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packages.sh
. "$repository/scripts/packages.sh"

readonly engine_log=/var/log/paddock-dockerd.log
readonly state_file=/run/paddock-dockerd.pid # pid and start time of the dockerd that `ensure` started
readonly engine_pid_file=/var/run/docker.pid
readonly containerd_pid_file=/var/run/docker/containerd/containerd.pid
readonly start_limit_s=60
readonly stop_limit_s=60

main() {
    case "${1:-}" in
        ensure) ensure_engine ;;
        stop) stop_own_engine ;;
        *) echo "usage: engine.sh ensure|stop" >&2 && exit 2 ;;
    esac
}

ensure_engine() {
    if engine_answers; then
        echo "Docker $(engine_version) answers"
        return
    fi
    refuse_where_it_cannot_be_started
    if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
        install_engine
    fi
    if has_systemd; then
        start_service
    else
        start_bare_process
    fi
    wait_for_engine
    echo "Docker $(engine_version) was started"
}

engine_answers() {
    timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

engine_version() {
    docker version --format '{{.Server.Version}}'
}

refuse_where_it_cannot_be_started() {
    if [ -n "${DOCKER_HOST:-}" ]; then
        fail "the engine at DOCKER_HOST=$DOCKER_HOST does not answer; start it, or unset DOCKER_HOST"
    fi
    if [ "$(uname -s)" != Linux ]; then
        fail "no Docker engine answers; install Docker Desktop, start it, and try again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail "no Docker engine answers for user $(id -un); start it (systemctl start docker), join its group" \
            "(usermod -aG docker $(id -un), then log in again), or run this as root on Debian to have one installed"
    fi
    if ! command -v dockerd >/dev/null && [ ! -e /etc/debian_version ]; then
        fail "no Docker engine is installed, and this is not Debian; install Docker Engine with Compose" \
            "(https://docs.docker.com/engine/install/), start it, and try again"
    fi
}

install_engine() {
    local packages=(docker.io ca-certificates)
    # Where the kernel enforces AppArmor, the engine needs its parser to start any container.
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        packages+=(apparmor)
    fi
    install_packages "the Docker engine" "${packages[@]}"
}

start_service() {
    systemctl enable --now docker >&2
}

start_bare_process() {
    local pid
    mount_cgroups
    forget_stale_pid "$engine_pid_file" dockerd
    forget_stale_pid "$containerd_pid_file" containerd
    echo "starting dockerd without an init system; its log: $engine_log"
    setsid dockerd >>"$engine_log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(start_time "$pid")" >"$state_file"
}

# A bare machine without an init system may have none mounted, and dockerd cannot limit containers then.
mount_cgroups() {
    if mountpoint --quiet /sys/fs/cgroup; then
        return
    fi
    command -v cgroupfs-mount >/dev/null || install_packages "cgroups" cgroupfs-mount
    cgroupfs-mount >&2
}

# dockerd refuses to start, and waits for a containerd that is not there, when the pid in its file lives again as
# another process.
forget_stale_pid() {
    local file=$1 program=$2 pid
    [ -e "$file" ] || return 0
    pid=$(cat "$file")
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$program" ]; then
        rm -f "$file"
    fi
}

wait_for_engine() {
    local waited_s=0
    until engine_answers; do
        if [ "$waited_s" -ge "$start_limit_s" ]; then
            tail -n 30 "$engine_log" >&2 || true
            fail "dockerd did not answer within $start_limit_s s; its log (above) is $engine_log," \
                "or 'journalctl -u docker' where systemd started it"
        fi
        sleep 1
        waited_s=$((waited_s + 1))
    done
}

stop_own_engine() {
    local pid waited_s=0
    pid=$(own_engine_pid)
    if [ -z "$pid" ]; then
        return
    fi
    if [ -n "$(docker ps --quiet 2>/dev/null)" ]; then
        echo "the Docker engine stays: it runs containers that are not Paddock's (docker ps)"
        return
    fi
    kill -TERM "$pid"
    while [ -d "/proc/$pid" ]; do
        if [ "$waited_s" -ge "$stop_limit_s" ]; then
            fail "dockerd (pid $pid) did not end within $stop_limit_s s; see $engine_log"
        fi
        sleep 1
        waited_s=$((waited_s + 1))
    done
    rm -f "$state_file"
    echo "the Docker engine that was started for Paddock has ended"
}

# Empty unless that very process still runs: a pid alone may have been given to another one.
own_engine_pid() {
    local pid started
    [ -e "$state_file" ] || return 0
    read -r pid started <"$state_file"
    if [ "$(start_time "$pid")" = "$started" ]; then
        echo "$pid"
    else
        rm -f "$state_file"
    fi
}

# Field 22 of /proc/PID/stat; the second, the name in brackets, may contain blanks.
start_time() {
    [ -r "/proc/$1/stat" ] || return 0
    sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20
}

fail() {
    echo "$*" >&2
    exit 1
}

main "$@"

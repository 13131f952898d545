#!/usr/bin/env bash
# `make down`: ends the control plane, which removes its environments; sweeps what a killed one left behind; ends the
# engine if `make up` started it as a bare process. Functions and payloads stay, in the volume.
# `--keep-engine` leaves the engine running.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=progress.sh
. "$repository/scripts/progress.sh"

readonly grace_s=30
readonly sweep_attempts=5

main() {
    cd "$repository"
    start_progress "$repository/.logs/down.log"
    if docker version >/dev/null 2>&1; then
        run_step "control plane" stop_control_plane
    else
        echo "no Docker engine answers, so nothing of Paddock runs"
    fi
    if [ "${1:-}" != --keep-engine ]; then
        run_step "engine" scripts/engine.sh stop
    fi
    printf '\n'
    print_times
}

stop_control_plane() {
    # Its environments first: Compose could not remove a network they are still on.
    scripts/compose.sh stop --timeout "$grace_s" >&2 || return
    sweep || return
    scripts/compose.sh down --timeout "$grace_s" --remove-orphans >&2 || return
    echo "stopped; its data stays in the volume paddock_data"
}

# What a control plane that was killed could not remove itself.
sweep() {
    if [ -n "$(list_containers)" ]; then
        # One at a time: an engine before 23 may lock up when two leave a network together (moby#46661).
        remove_all containers docker rm --force --volumes || return
        detach_disks
    fi
    remove_all networks docker network rm || return
    remove_all volumes docker volume rm
}

list_containers() {
    docker ps --all --quiet --filter label=paddock.owner
}

list_networks() {
    docker network ls --quiet --filter label=paddock.owner
}

list_volumes() {
    docker volume ls --quiet --filter label=paddock.owner
}

# Removes what list_WHAT lists; what somebody else is removing at the same moment is asked for again.
remove_all() {
    local what=$1 left attempts=0
    shift
    while left=$("list_$what") && [ -n "$left" ]; do
        if [ "$attempts" -ge "$sweep_attempts" ]; then
            echo "these $what could not be removed; see above for why, and 'docker ps' for what still runs: ${left//$'\n'/ }" >&2
            return 1
        fi
        echo "removing $(wc -w <<<"$left") $what that were left behind"
        xargs -n 1 "$@" <<<"$left" >&2 || sleep 1
        attempts=$((attempts + 1))
    done
}

# Loop devices of the functions' /tmp; the next start would detach them, too.
detach_disks() {
    local folder
    folder=$(docker volume inspect --format '{{.Mountpoint}}' paddock_driver 2>/dev/null) || return 0
    docker run --rm --network none --cap-drop ALL --cap-add MKNOD --device /dev/loop-control \
        --device-cgroup-rule 'b 7:* rwm' --read-only --tmpfs /tmp \
        --mount "type=bind,source=$folder/scratch,target=/scratch" \
        --entrypoint /scratch-disks paddock/sandbox:latest --forget >&2 || true
}

main "$@"

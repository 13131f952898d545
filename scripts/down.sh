#!/usr/bin/env bash
# `make down`: ends the control plane, which removes its environments; sweeps what a killed one left behind; ends the
# engine if `make up` started it as a bare process. Functions and payloads stay, in the volume.
# `--keep-engine` leaves the engine running.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=progress.sh
. "$repository/scripts/progress.sh"

readonly grace_s=30

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
    local containers networks
    containers=$(docker ps --all --quiet --filter label=paddock.owner)
    if [ -n "$containers" ]; then
        echo "removing $(wc -w <<<"$containers") containers that were left behind"
        xargs docker rm --force --volumes <<<"$containers" >&2 || return
    fi
    networks=$(docker network ls --quiet --filter label=paddock.owner)
    if [ -n "$networks" ]; then
        echo "removing $(wc -w <<<"$networks") networks that were left behind"
        xargs docker network rm <<<"$networks" >&2 || return
    fi
}

main "$@"

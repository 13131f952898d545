#!/usr/bin/env bash
# `make up`: from a fresh clone to an answered invocation. What is there already is left as it is.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=progress.sh
. "$repository/scripts/progress.sh"

readonly ready_limit_s=60

main() {
    cd "$repository"
    start_progress "$repository/.logs/up.log"
    run_step "engine" scripts/engine.sh ensure
    run_step "base images" scripts/base-images.sh
    run_step "control plane image" scripts/images.sh control-plane
    run_step "example images" scripts/images.sh examples
    run_step "start" start_control_plane
    run_step "deploy examples/hello" paddock deploy hello --image paddock/example-hello:latest
    run_step "invoke it" paddock invoke hello '{"name": "Paddock"}'
    printf '\n▸ times\n'
    print_times
    show_next_steps
}

start_control_plane() {
    scripts/compose.sh up --detach --no-build >&2 || return
    wait_until_ready || return
    echo "ready at http://127.0.0.1:$(port)"
}

wait_until_ready() {
    local deadline_s=$((SECONDS + ready_limit_s))
    until is_ready; do
        if [ "$SECONDS" -ge "$deadline_s" ] || [ "$(restarts)" -ge 2 ]; then
            docker logs --tail 60 "$(control_plane)" >&2 || true
            echo "the control plane $(what_happened); the end of its log is above," \
                "'docker logs $(control_plane)' has all of it" >&2
            return 1
        fi
        sleep 0.1
    done
}

restarts() {
    docker inspect --format '{{.RestartCount}}' "$(control_plane)"
}

what_happened() {
    if [ "$(restarts)" -ge 2 ]; then
        echo "ends again and again as soon as it is started"
    else
        echo "was not ready within $ready_limit_s s"
    fi
}

# Through the published port, as callers come, and without curl, which a bare machine does not have. In a subshell,
# because the engine's proxy accepts before the control plane listens, and a write to a closed connection ends a shell.
is_ready() (
    exec 3<>"/dev/tcp/127.0.0.1/$(port)" || exit 1
    printf 'GET /readyz HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$(port)" >&3
    read -r -t 5 status <&3 || exit 1
    [[ $status == *" 200 "* ]]
) 2>/dev/null

port() {
    local in_file
    in_file=$(setting PADDOCK_PORT)
    echo "${PADDOCK_PORT:-${in_file:-4574}}"
}

# setting NAME: what .env says.
setting() {
    sed -n "s/^$1=//p" .env | tail -n 1
}

# The command line inside the control plane's own container, so that the host needs no Python.
paddock() {
    docker exec "$(control_plane)" paddock "$@"
}

# Docker is asked: Compose 1.29 takes half a second for it. Only what Compose itself created has a config-hash.
control_plane() {
    docker ps --all --quiet --filter label=com.docker.compose.config-hash \
        --filter label=com.docker.compose.service=control-plane \
        --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-$(setting COMPOSE_PROJECT_NAME)}"
}

show_next_steps() {
    cat <<END

Paddock is up at http://127.0.0.1:$(port). Try:
  docker exec $(control_plane) paddock ps
  aws lambda invoke --endpoint-url http://127.0.0.1:$(port) --function-name hello /dev/stdout
End it with: make down
END
}

main "$@"

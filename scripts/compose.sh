#!/usr/bin/env bash
# Runs whichever Compose is here, `docker compose` (v2) or docker-compose (1.29), on this project.
# Installs Debian's where there is none and we may. The project is called paddock whatever the clone's folder is called.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packages.sh
. "$repository/scripts/packages.sh"

main() {
    cd "$repository"
    grep --quiet '^COMPOSE_PROJECT_NAME=' .env 2>/dev/null || export COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-paddock}"
    if docker compose version >/dev/null 2>&1; then
        exec docker compose "$@"
    fi
    command -v docker-compose >/dev/null || install_packages "Compose" docker-compose >&2
    exec docker-compose "$@"
}

main "$@"

#!/usr/bin/env bash
# `make test`: provides what the tests need (engine, images, uv), then runs all of them. Arguments go to pytest.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=progress.sh
. "$repository/scripts/progress.sh"

main() {
    cd "$repository"
    start_progress "$repository/.logs/test.log"
    run_step "engine" scripts/engine.sh ensure
    run_step "base images" scripts/base-images.sh
    run_step "control plane image" scripts/images.sh control-plane
    run_step "example images" scripts/images.sh examples
    run_step "Python environment" scripts/uv.sh sync --frozen
    printf '\n'
    print_times
    printf '\n▸ tests\n'
    exec scripts/uv.sh run --frozen pytest "$@"
}

main "$@"

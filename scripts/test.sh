#!/usr/bin/env bash
# `make test`: provides what the tests need (engine, images, uv), then runs all of them. Arguments go to pytest.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=progress.sh
. "$repository/scripts/progress.sh"
# shellcheck source=packages.sh
. "$repository/scripts/packages.sh"

main() {
    cd "$repository"
    start_progress "$repository/.logs/test.log"
    run_step "engine" scripts/engine.sh ensure
    run_step "base images" scripts/base-images.sh
    run_step "control plane image" scripts/images.sh control-plane
    run_step "example images" scripts/images.sh examples
    run_step "browser" ensure_browser
    run_step "network tools" ensure_network_tools
    run_step "compiler" ensure_compiler
    run_step "clock tools" ensure_clock_tools
    run_step "Python environment" scripts/uv.sh sync --frozen
    printf '\n'
    print_times
    printf '\n▸ tests\n'
    exec scripts/uv.sh run --frozen pytest "$@"
}

ensure_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name"; then
            return
        fi
    done
    install_packages "a browser, for the tests of what websites may do" chromium
}

# For a stand-in of the internet behind this host.
ensure_network_tools() {
    command -v ip || install_packages "network tools" iproute2
}

# For a program that runs in an image with nothing else.
ensure_compiler() {
    echo 'int main(void) { return 0; }' | gcc -static -x c -o /dev/null - ||
        install_packages "a C compiler, for the tests of images with nothing in them" gcc libc6-dev
}

# For a process whose clock tests can set.
ensure_clock_tools() {
    compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' || install_packages "clock tools" faketime
}

main "$@"

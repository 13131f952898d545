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
    # Each kind reads its own folders only, unless arguments say which.
    local -a quick=(--ignore tests/docker --ignore tests/browser) others=(tests/docker tests/browser)
    if (($# > 0)); then
        quick=() others=()
    fi
    local -i fast=0 together=0 alone=0
    run_tests "fast tests, on every processor" \
        --numprocesses auto --dist worksteal -m "not docker and not browser" "${quick[@]}" "$@" || fast=$?
    run_tests "tests on the engine and in the browser, two files at a time" \
        --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "(docker or browser) and not alone" "${others[@]}" "$@" ||
        together=$?
    run_tests "tests on the engine that must be alone" -m alone "${others[@]}" "$@" || alone=$?
    if (($# == 0)); then
        ((fast == 0 && together == 0 && alone == 0))
    else
        answer_for "$fast" "$together" "$alone"
    fi
}

run_tests() {
    local -ri interrupted=2
    local -i outcome=0
    printf '\n▸ %s\n' "$1"
    scripts/uv.sh run --frozen pytest "${@:2}" || outcome=$?
    if ((outcome == interrupted)); then
        exit "$outcome"
    fi
    return "$outcome"
}

# Arguments may choose tests of one kind only; to have chosen none at all is an error.
answer_for() {
    local -ri none_chosen=5
    local -i outcome answer=none_chosen
    for outcome in "$@"; do
        if ((outcome != 0 && outcome != none_chosen)); then
            return "$outcome"
        elif ((outcome == 0)); then
            answer=0
        fi
    done
    return "$answer"
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

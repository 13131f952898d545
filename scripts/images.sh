#!/usr/bin/env bash
# Builds the images that stand on the base images: `images.sh control-plane`, `images.sh examples`.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

main() {
    cd "$repository"
    case "${1:-}" in
        control-plane) build_control_plane ;;
        examples) build_examples ;;
        *) echo "usage: images.sh control-plane|examples" >&2 && exit 2 ;;
    esac
}

build_control_plane() {
    scripts/build-image.sh paddock/control-plane:latest Dockerfile . \
        "PYTHON_BASE_IMAGE=$(chosen PYTHON_BASE_IMAGE)" .dockerignore pyproject.toml uv.lock README.md orchestrator
}

build_examples() {
    scripts/build-image.sh paddock/example-hello:latest examples/hello/Dockerfile examples/hello \
        BASE=paddock/python:latest examples/hello
    scripts/build-image.sh paddock/example-bash:latest examples/bash/Dockerfile examples/bash \
        "BASE=$(chosen DEBIAN_BASE_IMAGE)" examples/bash
}

# What scripts/base-images.sh wrote to .env.
chosen() {
    if ! grep --quiet "^$1=" .env 2>/dev/null; then
        echo "no base images are chosen yet; run scripts/base-images.sh first" >&2
        exit 1
    fi
    sed -n "s/^$1=//p" .env | tail -n 1
}

main "$@"

#!/usr/bin/env bash
# Decides where base images come from, says so, writes it to .env for Compose, and builds what is missing:
# paddock/base-debian-python (only where no registry answers), paddock/python, paddock/sandbox.
#
# PADDOCK_BASE_IMAGES=auto|public|debian; unset: what .env says, else auto. auto tries one short pull.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packages.sh
. "$repository/scripts/packages.sh"

readonly public_python=python:3.13-slim
readonly public_lambda_python=public.ecr.aws/lambda/python:3.13
readonly public_debian=debian:bookworm-slim
readonly own_debian=paddock/base-debian-python:bookworm
readonly answer_limit_s=10  # for the registry to answer at all
readonly pull_limit_s=1800  # for a pull that has begun

main() {
    cd "$repository"
    touch .env
    choose
    case "$choice" in
        public) use_public_images ;;
        debian) use_debian_packages ;;
    esac
    write_choice
    build_python
    scripts/build-image.sh paddock/sandbox:latest runtime-images/sandbox/Dockerfile runtime-images \
        "BASE_IMAGE=$debian_base" runtime-images/sandbox
}

# Sets `choice` to public or debian.
choose() {
    choice=${PADDOCK_BASE_IMAGES:-$(sed -n 's/^PADDOCK_BASE_IMAGES=//p' .env | tail -n 1)}
    case "${choice:-auto}" in
        public) echo "base images: public ones (PADDOCK_BASE_IMAGES=public)" ;;
        debian) echo "base images: Debian packages (PADDOCK_BASE_IMAGES=debian)" ;;
        auto) choose_by_trying ;;
        *)
            echo "PADDOCK_BASE_IMAGES is '$choice', which is none of auto, public, debian; set one of them" >&2
            exit 2
            ;;
    esac
}

choose_by_trying() {
    local reason
    if reason=$(pull "$public_lambda_python" && pull "$public_python" && pull "$public_debian"); then
        choice=public
        echo "base images: public ones (the registries answer)"
    else
        choice=debian
        echo "base images: Debian packages (${reason##*$'\n'})"
    fi
}

use_public_images() {
    python_base=$public_python
    lambda_python_base=$public_lambda_python
    debian_base=$public_debian
    local image
    for image in "$python_base" "$lambda_python_base" "$debian_base"; do
        pull "$image" || {
            echo "$image is needed because PADDOCK_BASE_IMAGES=public; make its registry reachable for the engine," \
                "or set PADDOCK_BASE_IMAGES=debian" >&2
            exit 1
        }
    done
}

use_debian_packages() {
    python_base=$own_debian
    lambda_python_base=$own_debian
    debian_base=$own_debian
    import_debian
}

# Pulls an image that is not here. On failure its last line on stdout is the reason.
pull() {
    local image=$1 said began_s=$SECONDS puller
    docker image inspect "$image" >/dev/null 2>&1 && return
    said=$(mktemp)
    timeout "$pull_limit_s" docker pull "$image" >"$said" 2>&1 &
    puller=$!
    # "Pulling from" is printed when the registry has answered; from then on it may take its time.
    while kill -0 "$puller" 2>/dev/null && ! grep --quiet 'Pulling from' "$said"; do
        if [ $((SECONDS - began_s)) -ge "$answer_limit_s" ]; then
            kill "$puller" 2>/dev/null || true
            echo "no answer within $answer_limit_s s" >>"$said"
            break
        fi
        sleep 0.1
    done
    if wait "$puller"; then
        rm -f "$said"
        return
    fi
    cat "$said" >&2
    echo "$image cannot be pulled: $(tail -n 1 "$said")"
    rm -f "$said"
    return 1
}

# The one base image where no registry answers.
import_debian() {
    local content archive
    content=$(declare -f make_debian | sha256sum | cut -c1-32)
    if [ "${PADDOCK_REBUILD:-}" != 1 ] && [ "$(label_of "$own_debian")" = "$content" ]; then
        echo "$own_debian is up to date"
        return
    fi
    command -v mmdebstrap >/dev/null || install_packages "what builds base images from Debian packages" mmdebstrap
    echo "building $own_debian from Debian packages (20 to 40 s)"
    # Through a file: a failure half-way must not become an image.
    archive=$(mktemp --suffix .tar)
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -f '$archive'" EXIT
    make_debian "$archive"
    docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["bash"]' --change "LABEL paddock.content=$content" \
        "$archive" "$own_debian" >&2
    rm -f "$archive"
}

# usr-is-merged with its hook: without it, usrmerge brings 47 MB of Perl. PADDOCK_DEBIAN_MIRROR: a mirror of yours.
make_debian() {
    mmdebstrap --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --include=usr-is-merged,python3,python3-pip,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        bookworm "$1" ${PADDOCK_DEBIAN_MIRROR:+"$PADDOCK_DEBIAN_MIRROR"} >&2
}

label_of() {
    docker image inspect --format '{{index .Config.Labels "paddock.content"}}' "$1" 2>/dev/null || true
}

# For Compose, which reads .env: what a person wrote there stays.
write_choice() {
    set_line PADDOCK_BASE_IMAGES "$choice"
    set_line PYTHON_BASE_IMAGE "$python_base"
    set_line DEBIAN_BASE_IMAGE "$debian_base"
    # The same project name whatever the clone's folder is called.
    grep --quiet '^COMPOSE_PROJECT_NAME=' .env || set_line COMPOSE_PROJECT_NAME paddock
}

set_line() {
    local name=$1 value=$2 rest
    grep --quiet --line-regexp --fixed-strings "$name=$value" .env && return
    rest=$(grep --invert-match "^$name=" .env || true)
    printf '%s' "${rest:+$rest$'\n'}$name=$value"$'\n' >.env
}

build_python() {
    local version
    scripts/build-image.sh paddock/python:latest runtime-images/python/Dockerfile runtime-images \
        "BASE_IMAGE=$lambda_python_base" runtime-images/python
    if [ -z "$(version_tag)" ]; then
        version=$(docker run --rm --network none --entrypoint python3 paddock/python:latest \
            -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        docker tag paddock/python:latest "paddock/python:$version"
    fi
}

# paddock/python:3.x, if the image called latest has that name too.
version_tag() {
    docker image inspect --format '{{join .RepoTags "\n"}}' paddock/python:latest | grep '^paddock/python:3' || true
}

main "$@"

#!/usr/bin/env bash
# Builds one image, unless the image with this tag was built from the same content.
#
#   build-image.sh TAG DOCKERFILE CONTEXT ARG=BASE_IMAGE INPUT...
#
# ARG is the Dockerfile's build argument for its base; INPUT are the files and folders that the image is made of.
# Their hash, with the base's id, is kept in a label: docker's own cache is slower to ask, and knows nothing of bases
# that were imported again. PADDOCK_REBUILD=1 builds anyway.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

main() {
    local tag=$1 dockerfile=$2 context=$3 base_argument=$4 content
    shift 4
    cd "$repository"
    if ! docker image inspect "${base_argument#*=}" >/dev/null 2>&1; then
        echo "$tag is built from ${base_argument#*=}, which is not here; run scripts/base-images.sh first" >&2
        exit 1
    fi
    content=$(content_hash "${base_argument#*=}" "$dockerfile" "$@")
    if [ "${PADDOCK_REBUILD:-}" != 1 ] && [ "$(label_of "$tag")" = "$content" ]; then
        echo "$tag is up to date"
        return
    fi
    hand_in_ca_bundle
    echo "building $tag from ${base_argument#*=}"
    build "$tag" "$dockerfile" "$context" "$base_argument" "$content"
}

content_hash() {
    local base=$1
    shift
    {
        docker image inspect --format '{{.Id}}' "$base"
        find "$@" -type f -not -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum
        find "$@" -type f -perm -u+x -not -path '*/__pycache__/*' | sort
    } | sha256sum | cut -c1-32
}

label_of() {
    docker image inspect --format '{{index .Config.Labels "paddock.content"}}' "$1" 2>/dev/null || true
}

build() {
    local tag=$1 dockerfile=$2 context=$3 base_argument=$4 content=$5 variable proxies=()
    # By name only: docker takes the value from the environment, and keeps these out of the image and the cache key.
    for variable in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
        if [ -n "${!variable:-}" ]; then
            proxies+=(--build-arg "$variable")
        fi
    done
    docker build --tag "$tag" --file "$dockerfile" --build-arg "$base_argument" "${proxies[@]}" \
        --label "paddock.content=$content" "$context" >&2
}

# See runtime-images/build-ca/README.md.
hand_in_ca_bundle() {
    local bundle copy=runtime-images/build-ca/host.crt
    for bundle in "${PADDOCK_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
        /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
        if [ -n "$bundle" ] && [ -s "$bundle" ]; then
            cmp --silent "$bundle" "$copy" || cp "$bundle" "$copy"
            return
        fi
    done
    rm -f "$copy"
}

main "$@"

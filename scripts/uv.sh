#!/usr/bin/env bash
# Runs uv, in the version that Dockerfile names, installed from PyPI into .tools on first use.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packages.sh
. "$repository/scripts/packages.sh"

main() {
    trust_host_bundle
    # A start of `paddock up` takes 1.2 s with the dependencies compiled, and 4 s where Python may not cache them.
    export UV_COMPILE_BYTECODE=1
    ensure_uv
    exec "$repository/.tools/bin/uv" "$@"
}

# pip and uv bring their own list of CAs; a company's is in the host's bundle.
trust_host_bundle() {
    local bundle=/etc/ssl/certs/ca-certificates.crt
    if [ -s "$bundle" ]; then
        export PIP_CERT="${PIP_CERT:-$bundle}" SSL_CERT_FILE="${SSL_CERT_FILE:-$bundle}"
    fi
}

ensure_uv() {
    local version
    version=$(sed -n 's/^ARG UV_VERSION=//p' "$repository/Dockerfile")
    if [ "$("$repository/.tools/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$version" ]; then
        return
    fi
    python_can_make_environments || install_packages "Python 3.11 or newer with venv" python3 python3-venv >&2
    echo "installing uv $version into .tools" >&2
    python3 -m venv --clear "$repository/.tools"
    "$repository/.tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$version"
}

python_can_make_environments() {
    python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

main "$@"

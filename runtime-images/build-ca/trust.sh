# shellcheck shell=sh
# Sourced in build stages: lets pip and uv trust the host's CA bundle, if the host handed one in.
if [ -s /build/ca/host.crt ]; then
    export PIP_CERT=/build/ca/host.crt SSL_CERT_FILE=/build/ca/host.crt
fi

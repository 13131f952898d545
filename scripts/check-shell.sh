#!/usr/bin/env bash
# Runs shellcheck on every shell script; where it is not installed that is told and passed over, except in CI.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly scripts=(
    .ci/run scripts/*.sh examples/bash/bootstrap
    runtime-images/build-ca/trust.sh runtime-images/python/bootstrap runtime-images/python/lambda-entrypoint.sh
    runtime-images/sandbox/entrypoint
)

if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
elif [ -n "${CI:-}" ]; then
    echo "shellcheck is not installed, and CI needs it; apt-get install shellcheck" >&2
    exit 1
else
    echo "shell scripts were not checked: shellcheck is not installed (apt-get install shellcheck)"
fi

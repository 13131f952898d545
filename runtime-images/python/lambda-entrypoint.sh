#!/bin/sh
# AWS's contract: the image's CMD is the handler; the runtime learns it from _HANDLER.
if [ $# -ne 1 ]; then
    echo "entrypoint requires the handler name to be the first argument" >&2
    exit 142
fi
if [ -z "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
    echo "AWS_LAMBDA_RUNTIME_API is not set, so there is no Runtime API to ask for work; deploy this image" \
        "with 'paddock deploy NAME --image TAG' instead of running it by itself" >&2
    exit 1
fi
export _HANDLER="$1"
exec /var/runtime/bootstrap

# shellcheck shell=bash
# Sourced: installs Debian packages where we may, and says what to install where we may not.

# install_packages PURPOSE PACKAGE...
install_packages() {
    local purpose=$1
    shift
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "$purpose is missing, and it can be installed for you only as root on Debian or Ubuntu;" \
            "there, install: $*" >&2
        return 1
    fi
    echo "installing $* ($purpose)"
    with_services_held_back apt_get update
    with_services_held_back apt_get install --yes --no-install-recommends "$@"
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get --quiet -o DPkg::Lock::Timeout=120 "$@" >&2
}

# Without systemd a package would start its service by an init script that nobody watches and `make down` could not
# end; a policy that forbids it is Debian's own way (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
with_services_held_back() {
    local policy=/usr/sbin/policy-rc.d status=0
    if has_systemd || [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    "$@" || status=$?
    rm -f "$policy"
    return "$status"
}

has_systemd() {
    [ -d /run/systemd/system ]
}

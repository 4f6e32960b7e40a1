#!/usr/bin/env bash
# setup.sh - installs what Debian 12 needs to build, test and show ml-connector.
# Installs only what is missing; as root, or through sudo. A Node.js 18 or newer from elsewhere is accepted.
#   packaging/setup.sh [--packages]     also what building and testing DEB and RPM packages needs
set -euo pipefail

packages=(
    # build
    build-essential cmake ninja-build pkg-config
    libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libcurl4-openssl-dev libcjson-dev libmbedtls-dev
    liblmdb-dev libconfig-dev liblua5.4-dev libcmocka-dev libp11-kit-dev
    # run
    ca-certificates tzdata
    # test and show: proxies, certificates, requests, fuzzing, checks
    nginx haproxy
    squid-openssl krb5-kdc krb5-admin-server nftables iproute2 procps # tests/net: proxies, Kerberos, network namespaces
    softhsm2 opensc # a token (PKCS#11) that is software, and the tool that makes keys on it
    openssl curl clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck shellcheck valgrind
)

if [[ ${1:-} == --packages ]]; then packages+=(dpkg-dev rpm lintian rpmlint mandoc mmdebstrap iproute2 lmdb-utils); fi

node_is_new_enough() {
    command -v node >/dev/null && node -e 'process.exit(parseInt(process.versions.node, 10) >= 18 ? 0 : 1)'
}

installed() {
    [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

node_is_new_enough || packages+=(nodejs)
# For tests/thirdparty. A Node.js from elsewhere brings its own.
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "setup.sh: missing packages: ${missing[*]}; run this script as root" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Proxies and the KDC are for tests, which start their own: no service of theirs shall run on this machine.
idle_services=(squid krb5-kdc krb5-admin-server nginx haproxy)
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    # shellcheck disable=SC2064 # the values of now
    trap "${as_root[*]} rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi

echo "setup.sh: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
"${apt[@]}" install --no-install-recommends "${missing[@]}"
for service in "${idle_services[@]}"; do
    # Only those that were installed just now; without systemd there is nothing to disable.
    if [[ " ${missing[*]} " == *" $service"* ]]; then
        "${as_root[@]}" systemctl disable --quiet "$service" 2>/dev/null || true
    fi
done

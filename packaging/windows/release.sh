#!/usr/bin/env bash
# release.sh - the MSI of a release and its bill of materials, as packaging/release.sh --windows wants it.
#
#   packaging/windows/release.sh --version VERSION --out FOLDER --work FOLDER
# SOURCE_DATE_EPOCH is set. The libraries are those of build/windows/deps: the same libraries and the same commit give the same
# bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

while (($# > 0)); do
    case $1 in
    --version | --out | --work) declare "${1#--}=${2:?release.sh: $1 needs a value}" ;;
    *) echo "release.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
: "${version:?release.sh: --version is missing}" "${out:?release.sh: --out is missing}" "${work:?release.sh: --work is missing}"
: "${SOURCE_DATE_EPOCH:?release.sh: SOURCE_DATE_EPOCH is not set}"

packaging/windows/deps.sh
# Paths of this machine belong in no program. Given like this, the options are added to the toolchain file's own.
CFLAGS=-ffile-prefix-map=$PWD=. cmake --preset windows -B "$work" -DMLC_VERSION="$version" -DMLC_BUILD_TESTS=OFF
cmake --build "$work" -j "${MLC_JOBS:-$(nproc)}" --target ml-agent mlctl ml-setup
packaging/windows/msi.sh --version "$version" --out "$out" --bin "$work"
# Of the programs as the MSI has them.
node packaging/windows/sbom.mjs "$version" build/windows/deps build/windows/msi/bin/{ml-agent.exe,mlctl.exe,ml-setup.dll} \
    >"$out/ml-connector-agent-$version.msi.cdx.json"

#!/usr/bin/env bash
# release.sh - all artefacts of a release of the present commit, and SHA256SUMS over them.
#
#   packaging/release.sh [--version VERSION] [--out FOLDER] [--work FOLDER] [--only NAME]... [--windows] [--list]
#     --version  instead of that of CMakeLists.txt
#     --out      build/release; emptied first
#     --work     folder of the builds, kept for the next time: build/release-work
#     --only     this maker only; may be repeated
#     --windows  also the MSI of the agent, which needs mingw-w64 and msitools (packaging/windows/deps.sh --tools)
#     --list     names the makers
# Two runs on one commit give the same bytes, in whatever folder, at whatever time, under whatever umask, locale and time zone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A maker is called as "COMMAND --version VERSION --out FOLDER --work FOLDER" with SOURCE_DATE_EPOCH, TZ, LC_ALL and umask set.
# It leaves its artefacts in the folder of --out, and the same bytes for the same commit.
makers=(
    "packages packaging/package.sh" # DEB, RPM, source tarball, bill of materials
)

windows_maker="windows packaging/windows/release.sh" # MSI of the agent, bill of materials

version=$(sed -n 's/^set(MLC_VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
out=build/release
work=build/release-work
only=()
while (($# > 0)); do
    case $1 in
    --version | --out | --work | --only)
        [[ -n ${2:-} ]] || { echo "release.sh: $1 needs a value" >&2; exit 2; }
        if [[ $1 == --only ]]; then only+=("$2"); else declare "${1#--}=$2"; fi
        shift
        ;;
    --windows) makers+=("$windows_maker") ;;
    --list)
        printf '%s\n' "${makers[@]}" "$windows_maker"
        exit 0
        ;;
    -h | --help)
        sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        echo "release.sh: unknown option $1; --help tells more" >&2
        exit 2
        ;;
    esac
    shift
done

if [[ -n "$(git status --porcelain 2>/dev/null)" ]]; then
    echo "release.sh: the tree differs from its commit: these artefacts are for trying only" >&2
fi
if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) || { echo "release.sh: a release is made from a commit, or set SOURCE_DATE_EPOCH" >&2; exit 1; }
fi
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C.UTF-8
umask 022
mkdir -p "$out" "$work"
find "$out" -mindepth 1 -maxdepth 1 -type f -delete

made=0
for maker in "${makers[@]}"; do
    read -r name command <<<"$maker"
    if ((${#only[@]} > 0)) && [[ " ${only[*]} " != *" $name "* ]]; then continue; fi
    "$command" --version "$version" --out "$out" --work "$work/$name"
    made=$((made + 1))
done
((made > 0)) || { echo "release.sh: no maker is named ${only[*]}; --list names them" >&2; exit 2; }
# shellcheck disable=SC2094 # SHA256SUMS itself is not among the files
(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -r sha256sum >SHA256SUMS)
echo "release.sh: version $version in $out:"
cat "$out/SHA256SUMS"

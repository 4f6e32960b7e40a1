#!/usr/bin/env bash
# package.sh - DEB and RPM packages, checksums and a bill of materials into build/packages.
#
#   packaging/package.sh [deb|rpm|all] [--version VERSION] [--out FOLDER] [--work FOLDER]
#     --version  instead of that of CMakeLists.txt
#     --out      build/packages
#     --work     folder of the build, kept for the next time: build/package
# Two builds of one commit give the same bytes: SOURCE_DATE_EPOCH is the time of the last commit unless it is set.
# deb needs dpkg-dev, rpm needs rpmbuild; both need what packaging/setup.sh installs. MLC_JOBS: compilers at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=all
version=$(sed -n 's/^set(MLC_VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
out=build/packages
work=build/package
while (($# > 0)); do
    case $1 in
    deb | rpm | all) kind=$1 ;;
    --version | --out | --work)
        [[ -n ${2:-} ]] || { echo "package.sh: $1 needs a value" >&2; exit 2; }
        declare "${1#--}=$2"
        shift
        ;;
    -h | --help)
        sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        echo "package.sh: unknown option $1; --help tells more" >&2
        exit 2
        ;;
    esac
    shift
done
[[ $version =~ ^[0-9]+(\.[0-9]+)*$ ]] || { echo "package.sh: \"$version\" is no version" >&2; exit 2; }

if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
    # An exported tree has no commit: then the time of its newest file.
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) ||
        SOURCE_DATE_EPOCH=$(find CMakeLists.txt agent cli common packaging relay -type f -printf '%T@\n' | sort -n | tail -1 | cut -d. -f1)
fi
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C.UTF-8
umask 022
day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)
jobs=${MLC_JOBS:-$(nproc)}
mkdir -p "$out" "$work"
out=$(realpath "$out")
work=$(realpath "$work")

build_programs() {
    cmake -G Ninja -S . -B "$work/deb" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMLC_BUILD_TESTS=OFF \
        "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG" "-DCMAKE_C_FLAGS=-ffile-prefix-map=$PWD=." \
        -DCMAKE_INSTALL_PREFIX=/usr -DMLC_UNIT_DIR=/lib/systemd/system -DMLC_VERSION="$version" -DMLC_DATE="$day"
    cmake --build "$work/deb" -j "$jobs"
}

# What is committed, or, in a tree without git, all but build folders.
source_tarball() { # file
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . \( -name build -o -name node_modules \) -prune -o -type f -printf '%P\0'
    fi | LC_ALL=C sort -z | while IFS= read -r -d '' file; do
        if [[ -f $file ]]; then printf '%s\0' "$file"; fi
    done | tar --create --null --files-from=- --transform="s,^,ml-connector/," --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" | gzip -9n >"$1"
}

make_deb() {
    build_programs
    packaging/deb/build.sh "$work/deb" "$out" "$version"
    rm -rf "$work/root"
    DESTDIR=$work/root cmake --install "$work/deb" --strip >/dev/null
    node packaging/sbom.mjs "$version" "$work"/root/usr/{sbin/ml-agent,sbin/ml-relay,bin/mlctl} >"$out/ml-connector-$version.spdx.json"
}

make_rpm() {
    local top=$work/rpmbuild
    mkdir -p "$top"/{SOURCES,SPECS,RPMS,SRPMS,BUILD}
    source_tarball "$top/SOURCES/ml-connector-$version.tar.gz"
    # Its files have the time of the commit: ninja would not see that they are others than last time.
    local source
    source=$(sha256sum <"$top/SOURCES/ml-connector-$version.tar.gz")
    if [[ "$(cat "$work/rpm.source" 2>/dev/null)" != "$source" ]]; then rm -rf "$work/rpm"; fi
    echo "$source" >"$work/rpm.source"
    cp packaging/rpm/ml-connector.spec "$top/SPECS/"
    MLC_JOBS=$jobs rpmbuild -ba --quiet --define "_topdir $top" --define "mlc_version $version" \
        --define "mlc_builddir $work/rpm" --define "mlc_date $day" --define "_source_payload w6.gzdio" \
        --define "_binary_payload w6.gzdio" "$top/SPECS/ml-connector.spec"
    cp "$top"/RPMS/*/ml-connector-*-"$version"-1*.rpm "$top"/SRPMS/ml-connector-"$version"-1*.src.rpm "$out/"
}

if [[ $kind != rpm ]]; then make_deb; fi
if [[ $kind != deb ]]; then make_rpm; fi
# shellcheck disable=SC2094 # SHA256SUMS itself is not among the files
(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs -r sha256sum >SHA256SUMS)
echo "package.sh: version $version in $out"

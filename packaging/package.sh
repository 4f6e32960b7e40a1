#!/usr/bin/env bash
# package.sh - DEB and RPM packages, the source tarball and a bill of materials into build/packages.
#
#   packaging/package.sh [deb|rpm|all] [--version VERSION] [--out FOLDER] [--work FOLDER]
#     --version  instead of that of CMakeLists.txt
#     --out      build/packages
#     --work     folder of the build, kept for the next time: build/package
# Both kinds are built from the same tarball, compiled once. Two builds of one commit give the same bytes, wherever and
# whenever: SOURCE_DATE_EPOCH is the time of the last commit unless it is set.
# deb needs dpkg-dev, rpm needs rpmbuild; both need what packaging/setup.sh installs. ccache is used where it is.
# The build is reached by the name /var/tmp/ml-connector-build-UID while it lasts, one at a time for each user.
# MLC_JOBS: compilers at once. MLC_MAINTAINER: "NAME <ADDRESS>" to stand in the packages.
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
export MLC_MAINTAINER=${MLC_MAINTAINER:-ml-connector maintainers <maintainers@ml-connector.invalid>}
umask 022
# What the caller's environment adds to a compile would be in the packages.
unset CFLAGS CPPFLAGS LDFLAGS DEB_BUILD_OPTIONS
if [[ -z ${CMAKE_C_COMPILER_LAUNCHER:-} ]] && command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache; fi
jobs=${MLC_JOBS:-$(nproc)}
mkdir -p "$out" "$work"
out=$(realpath "$out")
work=$(realpath "$work")
# RPM writes the names of its build's folders into the source package: so they are the same wherever the build is, by a link,
# and one build goes on at a time.
place=/var/tmp/ml-connector-build-$EUID
exec 9>"$place.lock"
flock 9
ln -sfnT "$work" "$place"
trap 'rm -f "$place"' EXIT
work=$place
tarball=$out/ml-connector-$version.tar.gz
source=$work/source/ml-connector

at_epoch() { # date's format
    LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" "$1"
}

# What is committed or would be, or, in a tree without git, all but build folders.
list_source() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . \( -name build -o -name node_modules \) -prune -o -type f -printf '%P\0'
    fi | LC_ALL=C sort -z | while IFS= read -r -d '' file; do
        if [[ -f $file ]]; then printf '%s\0' "$file"; fi
    done
}

make_tarball() {
    list_source | tar --create --format=gnu --null --files-from=- --transform="s,^,ml-connector/," --owner=0 --group=0 \
        --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" | gzip -9n >"$tarball"
}

unpack() {
    local digest
    # Its files have the time of the commit: ninja would not see that they are others than last time.
    digest=$(sha256sum <"$tarball")
    if [[ "$(cat "$work/source.sha256" 2>/dev/null)" != "$digest" ]]; then rm -rf "$work"/{build,source}; fi
    mkdir -p "$work/source"
    tar --extract --gzip --file="$tarball" --directory="$work/source"
    echo "$digest" >"$work/source.sha256"
}

# Same options as in packaging/rpm/ml-connector.spec, so that both take the same objects.
build_programs() {
    cmake -G Ninja -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMLC_BUILD_TESTS=OFF \
        "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG" "-DCMAKE_C_FLAGS=-ffile-prefix-map=$source=." \
        -DCMAKE_INSTALL_PREFIX=/usr -DMLC_UNIT_DIR=/lib/systemd/system -DMLC_VERSION="$version" -DMLC_DATE="$(at_epoch +%F)"
    cmake --build "$work/build" -j "$jobs"
}

make_deb() {
    build_programs
    packaging/deb/build.sh "$work/build" "$out" "$version"
    rm -rf "$work/root"
    DESTDIR=$work/root cmake --install "$work/build" --strip >/dev/null
    node packaging/sbom.mjs "$version" "$work"/root/usr/{sbin/ml-agent,sbin/ml-relay,bin/mlctl} >"$out/ml-connector-$version.cdx.json"
}

make_rpm() {
    local top=$work/rpmbuild
    rm -rf "$top"
    mkdir -p "$top"/{SOURCES,SPECS,RPMS,SRPMS}
    cp "$tarball" "$top/SOURCES/"
    cp packaging/rpm/ml-connector.spec "$top/SPECS/"
    MLC_JOBS=$jobs rpmbuild -ba --quiet --define "_topdir $top" --define "_builddir $work/source" \
        --define "mlc_builddir $work/build" --define "mlc_version $version" --define "mlc_date $(at_epoch +%F)" \
        --define "mlc_change $(at_epoch '+%a %b %d %Y') $MLC_MAINTAINER" --define "packager $MLC_MAINTAINER" \
        --define "_source_payload w6.gzdio" --define "_binary_payload w6.gzdio" "$top/SPECS/ml-connector.spec"
    cp "$top"/RPMS/*/ml-connector-*-"$version"-1*.rpm "$top"/SRPMS/ml-connector-"$version"-1*.src.rpm "$out/"
}

make_tarball
unpack
if [[ $kind != rpm ]]; then make_deb; fi
if [[ $kind != deb ]]; then make_rpm; fi
echo "package.sh: version $version in $out"

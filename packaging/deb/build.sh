#!/usr/bin/env bash
# build.sh - the three DEB packages from a finished build; packaging/package.sh calls it.
#   packaging/deb/build.sh BUILD-FOLDER OUTPUT-FOLDER VERSION
# SOURCE_DATE_EPOCH and MLC_MAINTAINER must be set: the same files give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
version=$3
: "${SOURCE_DATE_EPOCH:?}" "${MLC_MAINTAINER:?}"
umask 022
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

describe() { # part
    case $1 in
    agent) cat <<'TEXT' ;;
Description: keeps JD Edwards in step with Dynamics 365 Sales - agent
 ml-agent runs beside JD Edwards EnterpriseOne at the customer's site. It reads
 master records and writes orders by the AIS REST services, and opens one
 outgoing TLS websocket to the relay. It needs no inbound port.
TEXT
    relay) cat <<'TEXT' ;;
Description: keeps JD Edwards in step with Dynamics 365 Sales - relay
 ml-relay runs in the cloud, for many tenants. It writes master records to
 Dynamics by the Dataverse Web API, takes its webhooks, and hands orders to the
 agents.
TEXT
    common) cat <<'TEXT' ;;
Description: keeps JD Edwards in step with Dynamics 365 Sales - common files
 mlctl, with which operators look after a running agent or relay, manual pages
 and the built-in mappings.
TEXT
    esac
}

# What the programs are linked with, as packages. dpkg-shlibdeps wants a debian/control to stand beside.
linked_with() { # root
    local programs
    mapfile -t programs < <(find "$1/usr/bin" "$1/usr/sbin" -type f 2>/dev/null)
    mkdir -p "$work/shlibs/debian"
    : >"$work/shlibs/debian/control"
    (cd "$work/shlibs" && dpkg-shlibdeps -O "${programs[@]}") | sed -n 's/^shlibs:Depends=//p'
}

# Without debhelper: policy wants a changelog and a copyright file in each package.
add_documents() { # package, root
    local folder=$2/usr/share/doc/$1
    mkdir -p "$folder"
    install -m 0644 packaging/deb/copyright "$folder/copyright"
    cat <<TEXT | gzip -9n >"$folder/changelog.gz"
ml-connector ($version) stable; urgency=medium

  * Version $version.

 -- $MLC_MAINTAINER  $(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')
TEXT
}

# What lintian finds and is meant so.
add_overrides() { # part, root
    local file=$2/usr/share/lintian/overrides/ml-connector-$1
    mkdir -p "${file%/*}"
    {
        if [[ $MLC_MAINTAINER == *.invalid\> ]]; then
            echo "# Who hands the package out sets MLC_MAINTAINER."
            echo "ml-connector-$1: bogus-mail-host"
            echo "ml-connector-$1: bogus-mail-host-in-debian-changelog"
        fi
        if [[ $1 != common ]]; then
            echo "# daemon-reload, for which deb-systemd-invoke has no word."
            echo "ml-connector-$1: maintainer-script-calls-systemctl"
        fi
    } >"$file"
    if [[ ! -s $file ]]; then rm "$file"; fi
}

add_scripts() { # part, root
    local script units="ml-$1.service"
    if [[ $1 == relay ]]; then units="ml-relay.socket $units"; fi
    for script in postinst prerm postrm; do
        sed "s/@name@/ml-$1/g; s/@part@/$1/g; s/@units@/$units/g" "packaging/deb/$script.in" >"$2/DEBIAN/$script"
        chmod 0755 "$2/DEBIAN/$script"
    done
}

make_package() { # part
    local part=$1 package=ml-connector-$1 root=$work/$1 depends
    DESTDIR=$root cmake --install "$build" --component "$part" --strip >"$work/install.log" ||
        { cat "$work/install.log" >&2; return 1; }
    mkdir -p "$root/DEBIAN"
    add_documents "$package" "$root"
    add_overrides "$part" "$root"
    depends=$(linked_with "$root")
    if [[ $part != common ]]; then
        # libwebsockets loads its libuv plugin at run time; nothing links with it.
        depends+=", libwebsockets-evlib-uv, ca-certificates, tzdata, passwd, ml-connector-common (= $version)"
        add_scripts "$part" "$root"
        (cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
    fi
    (cd "$root" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    {
        echo "Package: $package"
        echo "Source: ml-connector"
        echo "Version: $version"
        echo "Architecture: $architecture"
        echo "Maintainer: $MLC_MAINTAINER"
        echo "Installed-Size: $(($(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%k\n' 2>/dev/null | paste -sd+)))"
        echo "Depends: $depends"
        if [[ $part != common ]]; then echo "Recommends: systemd"; fi
        echo "Section: net"
        echo "Priority: optional"
        describe "$part"
    } >"$root/DEBIAN/control"
    # The threads' number would be in the bytes of xz; dpkg-deb itself lowers only what is newer than SOURCE_DATE_EPOCH.
    find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$out/${package}_${version}_$architecture.deb" >/dev/null
}

for part in agent relay common; do
    make_package "$part"
done

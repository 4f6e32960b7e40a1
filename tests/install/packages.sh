#!/usr/bin/env bash
# packages.sh - a release is built, twice; its packages are looked at by the distributions' own checkers, installed, run, upgraded,
# removed and purged as an administrator would.
# DEB: on two machines with a fresh Debian under systemd, by the commands of docs/install.md (guide.sh). RPM: in an overlay over
# this machine, in namespaces of its own, so that the libraries are there. Nothing here is changed, which is checked too.
# Where root and namespaces are not to be had, the content of the packages is checked only.
# Each check is a line "ok NAME" or "FAILED NAME"; the last line is "N passed, N failed". A scratch Debian is kept in
# build/packages-test/base.
# shellcheck disable=SC2016 # other programs' text in single quotes is not for this shell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

repository=$PWD
work=$repository/build/packages-test
old=$work/old
new=$work/new
base=$work/base
new_version=99.0.0
# shellcheck source=tests/install/checks.sh
source tests/install/checks.sh
# shellcheck source=tests/install/machine.sh
source tests/install/machine.sh

# ---- inside an overlay over this machine ----

test_rpm() { # run in an overlay
    local name version=$1
    local all=(ml-connector-{common,agent,relay})
    export HOME=/root
    # An empty database: the libraries are Debian's, so their names are not looked for.
    check rpm.database rpm --initdb
    check rpm.install rpm -i --nodeps "$old"/ml-connector-{common,agent,relay}-"$version"-1*.x86_64.rpm
    check rpm.user id ml-agent
    check rpm.state-private same "$(stat -c '%U %a' /var/lib/ml-connector/relay)" "ml-relay 700"
    check rpm.verify rpm -V --nodeps "${all[@]}"
    check rpm.scripts matches 'preinstall.*useradd' "$(rpm -q --scripts ml-connector-agent | tr '\n' ' ')"
    check rpm.socket-stops-first matches 'ml-relay\.socket ml-relay\.service' "$(rpm -q --scripts ml-connector-relay | tr '\n' ' ')"
    check rpm.socket-is-not-enabled same "$(find /etc/systemd -name 'ml-relay.socket')" ""
    check rpm.config matches 'agent\.conf' "$(rpm -q --configfiles ml-connector-agent)"
    check rpm.runs ml-agent --version
    echo "# mine" >>/etc/ml-connector/agent.conf
    check rpm.upgrade rpm -U --nodeps "$new"/ml-connector-{common,agent,relay}-"$new_version"-1*.x86_64.rpm
    check rpm.keeps-configuration grep -q '^# mine' /etc/ml-connector/agent.conf
    for name in agent relay; do : >"/var/lib/ml-connector/$name/data.mdb"; done
    check rpm.remove rpm -e "${all[@]}"
    check rpm.remove-keeps-store ls /var/lib/ml-connector/agent/data.mdb
    check rpm.remove-keeps-configuration ls /etc/ml-connector/agent.conf.rpmsave
}

# ---- outside ----

in_overlay() { # function, arguments...: this script again, in namespaces of its own with an overlay as its root; no process outlives it
    unshare --mount --pid --fork --kill-child --propagation private bash -euc '
        root=$1; repository=$2; shift 2; mkdir -p "$root"; mount -t tmpfs -o mode=0755 overlay "$root"
        mkdir "$root"/{upper,work,root}
        mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/root"
        mount -t proc proc "$root/root/proc" 2>/dev/null || mount --rbind /proc "$root/root/proc"
        mount --rbind /dev "$root/root/dev"
        mount -t tmpfs -o mode=0755 run "$root/root/run"; mount -t tmpfs -o mode=1777 tmp "$root/root/tmp"
        mkdir -p "$root/root$repository"; mount --bind "$repository" "$root/root$repository"
        exec chroot "$root/root" /bin/bash "$@"' _ "$work/root" "$repository" \
        "$repository/tests/install/packages.sh" --inside "$@"
}

overlay_works() {
    ((EUID == 0)) && in_overlay true >/dev/null 2>&1
}

files_of() { # package file
    case $1 in
    *.deb) dpkg-deb -c "$1" | awk '{ print $6 }' | sed 's/^\.//' ;;
    *) rpm -qlp "$1" ;;
    esac
}

test_content() { # without an overlay
    local kind part
    for kind in deb rpm; do
        for part in agent relay; do
            check "content.$kind.$part" matches "/sbin/ml-$part( |$)" "$(files_of "$old"/ml-connector-"$part"[-_]*."$kind" | tr '\n' ' ')"
        done
    done
    mkdir -p "$work/extracted"
    for part in "$old"/*.deb; do dpkg-deb -x "$part" "$work/extracted"; done
    check content.runs "$work/extracted/usr/sbin/ml-agent" --version
}

if [[ ${1:-} == --inside ]]; then
    shift
    "$@"
    if [[ $1 != true ]]; then finish; fi
    exit
fi

# ---- what is built ----

# The tree as it is, in another folder, with its history.
copy_tree() { # folder
    rm -rf "$1"
    git clone --quiet --no-hardlinks . "$1"
    git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
        tar --extract --directory="$1"
    git ls-files -z --deleted | (cd "$1" && xargs -0 -r rm -f --)
}

# In another folder, later, under another umask, locale and time zone, by another number of processes; nothing from a cache.
build_again() { # folder of the release
    local tree=$work/another/place/of-the-source
    copy_tree "$tree"
    (umask 077 && cd "$tree" && nice env LC_ALL=POSIX TZ=Pacific/Kiritimati HOME="$work/another-home" CCACHE_DISABLE=1 MLC_JOBS=3 \
        packaging/release.sh --out "$1")
}

# ---- what is looked at ----

test_manuals() {
    local page
    for page in ml-agent.8 ml-relay.8 mlctl.1 ml-connector.conf.5; do
        check "manual.$page" mandoc -T lint -W warning "$work/release-work/packages/build/packaging/$page"
    done
}

test_release() { # version
    check release.sums bash -c 'cd "$1" && sha256sum --check --quiet SHA256SUMS' _ "$old"
    check release.has same "$(find "$old" -type f -printf '%f\n' | sed "s/$1/VERSION/; s/_$(dpkg --print-architecture)/_ARCH/; s/\.$(uname -m)\./.ARCH./" | sort)" \
        "$(sort tests/install/artefacts.txt)"
    check release.bill-of-materials node tests/install/sbom.mjs "$old/ml-connector-$1.cdx.json"
    check release.source-tarball matches '^ml-connector/CMakeLists.txt$' "$(tar -tzf "$old/ml-connector-$1.tar.gz")"
    check lintian lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$old"/*.deb
    check rpmlint rpmlint --config packaging/rpm/rpmlint.toml "$old"/*.rpm packaging/rpm/ml-connector.spec
    check rpm.digests rpm --checksig --nosignature "$old"/*.rpm
    test_manuals
}

# ---- machines ----

cgroup_parent() { # the folder of this process in cgroup v2
    local mount
    mount=$(findmnt --noheadings --types cgroup2 --output TARGET | head -n 1)
    [[ -n $mount ]] && echo "$mount$(sed -n 's/^0:://p' /proc/self/cgroup)"
}

machines_work() {
    ((EUID == 0)) && [[ -n "$(debian_release)" ]] && command -v mmdebstrap >/dev/null && cgroup=$(cgroup_parent)/mlc-test-$$ &&
        unshare --mount --net --pid --cgroup --uts --ipc --fork true 2>/dev/null && mkdir "$cgroup" 2>/dev/null
}

remove_cgroup() {
    # Its processes end with their namespace, but not at once.
    until_true bash -c '! [[ -d $1 ]] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null' _ "$cgroup"
}

in_namespaces() { # command...: none of its processes, mounts and networks outlives it
    unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$@" </dev/null
}

# What a package or a service could leave behind on this machine.
host_state() {
    sha256sum /etc/passwd /etc/group
    find /etc/systemd/system /lib/systemd/system /etc/ml-connector /var/lib/ml-connector /run/ml-connector 2>/dev/null | sort
    findmnt --noheadings --list --output TARGET | sort
}

# ---- all of it ----

mkdir -p "$work"
packaging/setup.sh --packages
# Two large folders of other runs, and what these runs made.
rm -rf "$work"/{old,new,again,another,guide,extracted}
host_before=$(host_state)
base_log=$work/base.log
with_machines=false
if machines_work; then with_machines=true; fi
if $with_machines; then make_base >"$base_log" 2>&1 & base_job=$!; fi

packaging/release.sh --out "$old" --work "$work/release-work"
version=$(basename "$old"/ml-connector-*.cdx.json .cdx.json)
version=${version#ml-connector-}
build_again "$work/again" >"$work/again.log" 2>&1 &
again_job=$!
(cd tests/install && npm ci --omit=optional --no-audit --no-fund --no-progress)
test_release "$version"
packaging/release.sh --version "$new_version" --out "$new" --work "$work/release-work" >"$work/new.log" 2>&1 ||
    { cat "$work/new.log"; exit 1; }

if $with_machines; then
    wait "$base_job" || tail -n 30 "$base_log"
    check machines.base test -s "$base.stamp"
    check machines.dependencies fetch_dependencies "$old"/*.deb
    mkdir -p "$work/guide"
    counted in_namespaces tests/install/guide.sh "$work/guide" "$base" "$cgroup" "$old" "$new"
    counted in_overlay test_rpm "$version"
    check host.cgroup-gone remove_cgroup
else
    echo "packages.sh: no machines here (root, namespaces, cgroup v2 and mmdebstrap are needed): only the packages' content is checked"
    test_content
fi
check reproducible.built wait "$again_job"
if ! [[ -s $work/again/SHA256SUMS ]]; then tail -n 30 "$work/again.log"; fi
check reproducible.same-bytes diff "$old/SHA256SUMS" "$work/again/SHA256SUMS"
check host.unchanged same "$(host_state)" "$host_before"
rm -rf "$work"/{another,guide}
finish

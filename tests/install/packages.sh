#!/usr/bin/env bash
# packages.sh - builds the packages, installs, upgrades, removes and purges them as an administrator would.
# It installs into a root of its own: an overlay over this machine's, in a mount namespace, so that the libraries are
# there and nothing here is changed. Where overlays are not allowed, the content of the packages is checked only.
# Each check is a line "ok NAME" or "FAILED NAME"; the last line is "N passed, N failed".
# shellcheck disable=SC2016 # other programs' text in single quotes is not for this shell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

repository=$PWD
work=$repository/build/packages-test
old=$work/old
new=$work/new
new_version=99.0.0
passed=0
failed=0

check() { # name, command...
    local name=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name: $*"
        tail -n 20 "$work/check.log"
        failed=$((failed + 1))
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    ((failed == 0 && passed > 0))
}

not() { ! "$@"; }
same() { [[ "$1" == "$2" ]]; }
matches() { grep -Eq "$1" <<<"$2"; }

until_true() { # command...: for at most 30 s
    local _
    for _ in {1..150}; do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    return 1
}

# ---- inside the root of its own ----

as() { # user, command...
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
}

put_secret() { # file, user: as docs/install.md says
    head -c 20 /dev/urandom | base64 | install -o "$2" -g "$2" -m 0600 /dev/stdin "$1"
}

set_value() { # file, name, value: of the first such setting
    sed -i "0,/^\( *\)#\{0,1\}$2 = .*/s||\1$2 = $3;|" "$1"
}

configure() {
    local relay=/etc/ml-connector/relay.conf agent=/etc/ml-connector/agent.conf
    put_secret /etc/ml-connector/secrets/agent/ais-password ml-agent
    put_secret /etc/ml-connector/secrets/relay/acme-webhook ml-relay
    put_secret /etc/ml-connector/secrets/relay/acme-client ml-relay
    # Loopback needs no certificate.
    sed -i 's/^\( *\)\(cert_file\|key_file\) = /\1#\2 = /' "$relay"
    set_value "$relay" listen_host '"127.0.0.1"'
    set_value "$relay" listen_port 18443
    set_value "$relay" map_max '"64M"'
    set_value "$agent" url '"ws://127.0.0.1:18443/v1/tunnel"'
    set_value "$agent" map_max '"64M"'
}

start() { # part; systemd makes its folder under /run
    local part=$1
    install -d -m 0755 /run/ml-connector
    install -d -m 0750 -o "ml-$part" -g "ml-$part" "/run/ml-connector/$part"
    # Not by the function: the process's id is to be the program's.
    setpriv --reuid "ml-$part" --regid "ml-$part" --clear-groups -- "/usr/sbin/ml-$part" --config "/etc/ml-connector/$part.conf" >"$work/$part.log" 2>&1 &
    declare -g "pid_$part=$!" # pid_agent, pid_relay
    until_true mlctl --socket "/run/ml-connector/$part/admin.sock" status
}

stop() { # part
    local pid=pid_$1
    kill -TERM "${!pid}"
    wait "${!pid}"
}

relay_ctl() { mlctl --socket /run/ml-connector/relay/admin.sock "$@"; }

agent_is_linked() { relay_ctl agents | grep -E 'site-1' | grep -Eqi 'connected|yes|true|up'; }

enrol() {
    relay_ctl --json enroll-token acme site-1 | sed 's/.*"token":"\([^"]*\)".*/\1/' |
        as ml-agent ml-agent enroll --config /etc/ml-connector/agent.conf
}

tell_manager() { # notes that a service manager hears from the relay
    perl -MSocket -e '
        my $path = shift; my $end = time + 20; my $stop = 0;
        socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($path)) or die; chmod 0777, $path;
        my $pid = fork // die; if (!$pid) { $ENV{NOTIFY_SOCKET} = $path; $ENV{WATCHDOG_USEC} = 200000; exec @ARGV or die }
        local $SIG{ALRM} = sub { kill "KILL", $pid; die "no STOPPING=1\n" }; alarm 30;
        my %seen; while (!$seen{"STOPPING=1"}) { recv($s, my $note, 256, 0) // die; $seen{$_}++ for split /\n/, $note;
            if ($seen{"READY=1"} && ($seen{"WATCHDOG=1"} // 0) > 2 && !$stop++) { kill "TERM", $pid } }
        waitpid $pid, 0; exit($seen{"READY=1"} == 1 && $? == 0 ? 0 : 1)' "$@"
}

store_state() { sha256sum /var/lib/ml-connector/*/root.key; }

test_deb_installed() {
    check deb.user-agent id ml-agent
    check deb.user-relay id ml-relay
    check deb.state-private same "$(stat -c '%U %a' /var/lib/ml-connector/agent)" "ml-agent 700"
    check deb.secrets-private same "$(stat -c '%U %G %a' /etc/ml-connector/secrets/agent)" "root ml-agent 750"
    check deb.version same "$(ml-agent --version) $(ml-relay --version)" "ml-agent/$1 ml-relay/$1"
    check deb.manual-pages ls /usr/share/man/man8/ml-agent.8.gz /usr/share/man/man8/ml-relay.8.gz \
        /usr/share/man/man1/mlctl.1.gz /usr/share/man/man5/ml-connector.conf.5.gz
    check deb.mappings mlctl map check /usr/share/ml-connector/mappings/customer.map
    check deb.no-secret-yet not as ml-agent ml-agent --check-config /etc/ml-connector/agent.conf
}

# Every setting of the program stands in the example, and each default there is accepted by the program.
test_example() { # part
    local setting file=/etc/ml-connector/$1.conf missing=()
    while read -r setting; do
        grep -Eq "^ *#?${setting##*.} = " "$file" || missing+=("$setting")
    done < <("ml-$1" --help-config | sed -n 's/^| `\([^`]*\)`.*/\1/p')
    check "example.$1.complete" same "${missing[*]}" ""
    sed '/= \.\.\.;$/!s/^\( *\)#\([a-z_]* = .*;\)$/\1\2/' "$file" >"/tmp/$1-full.conf"
    check "example.$1.defaults" as "ml-$1" "ml-$1" --check-config "/tmp/$1-full.conf"
}

test_units() {
    local part
    command -v systemd-analyze >/dev/null || return 0
    for part in agent relay; do
        check "unit.$part.verify" systemd-analyze verify --man=no "/lib/systemd/system/ml-$part.service"
        # At most 2.0 of 10.
        check "unit.$part.security" systemd-analyze security --offline=true --threshold=20 \
            "/lib/systemd/system/ml-$part.service"
    done
}

test_run() {
    check run.check-agent as ml-agent ml-agent --check-config /etc/ml-connector/agent.conf
    check run.check-relay as ml-relay ml-relay --check-config /etc/ml-connector/relay.conf
    check run.notify tell_manager /tmp/notify.sock setpriv --reuid ml-relay --regid ml-relay --clear-groups -- \
        env MLC_RELAY_ADMIN_SOCKET=/tmp/none-relay.sock ml-relay --config /etc/ml-connector/relay.conf
    check run.relay start relay
    check run.enrol enrol
    check run.agent start agent
    check run.linked until_true agent_is_linked
    check run.no-core-dump matches '^Max core file size +0 +0 ' "$(</proc/"${pid_relay:?}"/limits)"
    check run.stop-agent stop agent
    check run.stop-relay stop relay
}

test_deb() { # run in the overlay
    local before state
    check deb.install dpkg -i "$old"/*.deb
    test_deb_installed "$1"
    configure
    test_example agent
    test_example relay
    test_units
    test_run
    before=$(sha256sum /etc/ml-connector/*.conf /etc/ml-connector/secrets/*/*)
    state=$(store_state)
    check deb.upgrade dpkg -i --force-confold "$new"/*.deb
    check deb.new-version same "$(ml-agent --version)" "ml-agent/$new_version"
    check upgrade.keeps-configuration same "$(sha256sum /etc/ml-connector/*.conf /etc/ml-connector/secrets/*/*)" "$before"
    check upgrade.keeps-root-keys same "$(store_state)" "$state"
    check upgrade.relay start relay
    check upgrade.agent start agent
    check upgrade.agent-still-enrolled until_true agent_is_linked
    stop agent
    stop relay
    check deb.remove dpkg -r ml-connector-agent ml-connector-relay ml-connector-common
    check remove.takes-programs not test -e /usr/sbin/ml-agent
    check remove.keeps-configuration same "$(sha256sum /etc/ml-connector/*.conf /etc/ml-connector/secrets/*/*)" "$before"
    check remove.keeps-store same "$(store_state)" "$state"
    check deb.purge dpkg -P ml-connector-agent ml-connector-relay ml-connector-common
    check purge.takes-all not ls -d /etc/ml-connector /var/lib/ml-connector
}

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

counted() { # command...: its checks are part of ours
    local log=$work/part.log ok bad
    "$@" | tee "$log" || true
    read -r ok bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1) || true
    passed=$((passed + ${ok:-0}))
    # Without a sum it broke off.
    failed=$((failed + ${bad:-1}))
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

test_same_bytes() { # packed twice, in other folders; compiled twice: the DEB's programs and the RPM's
    local again=$work/again part
    packaging/package.sh all --out "$again" --work "$work/build" >"$work/again.log" 2>&1 || { cat "$work/again.log"; return 1; }
    check reproducible.packages cmp "$old/SHA256SUMS" "$again/SHA256SUMS"
    mkdir -p "$work/of-deb"
    for part in agent relay; do
        dpkg-deb -x "$old"/ml-connector-"$part"_*.deb "$work/of-deb"
        DESTDIR=$work/of-rpm cmake --install "$work/build/rpm" --component "$part" --strip >/dev/null
        check "reproducible.compiled.$part" cmp "$work/of-deb/usr/sbin/ml-$part" "$work/of-rpm/usr/sbin/ml-$part"
    done
}

need() { # programs' package
    command -v "$1" >/dev/null && return 0
    echo "installing $2"
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o DPkg::Lock::Timeout=300 install --no-install-recommends "$2" >/dev/null
}

if [[ ${1:-} == --inside ]]; then
    shift
    "$@"
    if [[ $1 != true ]]; then finish; fi
    exit
fi

need rpmbuild rpm
rm -rf "$work"/{old,new,again,of-deb,of-rpm,extracted}
mkdir -p "$work"
packaging/package.sh all --out "$old" --work "$work/build"
version=$(basename "$old"/ml-connector-*.spdx.json .spdx.json)
version=${version#ml-connector-}
check sums bash -c 'cd "$1" && sha256sum --check --quiet SHA256SUMS' _ "$old"
check sbom node -e 'const d = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const names = new Set(d.packages.map((p) => p.name));
    for (const name of ["liblmdb0", "libwebsockets17", "libcurl4", "libssl3", "libmbedcrypto7"]) if (!names.has(name)) throw name;' \
    "$old/ml-connector-$version.spdx.json"
test_same_bytes
packaging/package.sh all --version "$new_version" --out "$new" --work "$work/build" >"$work/new.log" 2>&1 || { cat "$work/new.log"; exit 1; }
if overlay_works; then
    counted in_overlay test_deb "$version"
    counted in_overlay test_rpm "$version"
else
    echo "packages.sh: no overlay here (root and mount are needed): only the packages' content is checked"
    test_content
fi
finish

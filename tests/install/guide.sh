#!/usr/bin/env bash
# guide.sh - docs/install.md, carried out on two machines under systemd beside the simulators of AIS and Dataverse, with checks
# between its sections. packages.sh calls it in mount, network and process namespaces of its own.
#   tests/install/guide.sh WORK BASE CGROUP OLD NEW
# OLD and NEW: folders with the packages of two versions. Lines "ok NAME" and "FAILED NAME"; the last is "N passed, N failed".
# shellcheck disable=SC2016 # other programs' text in single quotes is not for this shell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$1 base=$2 cgroup=$3 old=$4 new=$5
machines=$work/machines
# shellcheck source=tests/install/checks.sh
source tests/install/checks.sh
# shellcheck source=tests/install/machine.sh
source tests/install/machine.sh

directory=3f1c2d4e-0000-4000-8000-00000000acce # as in the guide
client=7a9b8c6d-0000-4000-8000-00000000acce
ais_password=$(openssl rand -hex 12)
client_secret=$(openssl rand -hex 12)
webhook_secret=$(openssl rand -hex 12)
sections=() # of the guide, that were carried out

make_certificate() { # name, further names...
    local name=$1
    openssl req -newkey rsa:2048 -nodes -keyout "$work/$name.key" -subj "/CN=$name" -out "$work/$name.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "$@" | sed 's/,$//')" >"$work/$name.ext"
    openssl x509 -req -in "$work/$name.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 30 \
        -extfile "$work/$name.ext" -out "$work/$name.pem" 2>/dev/null
}

make_certificates() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 30 -subj "/CN=test CA" \
        -addext keyUsage=critical,keyCertSign 2>/dev/null
    make_certificate relay.example.com
    make_certificate ais.example.com
    make_certificate acme.api.crm.dynamics.com login.microsoftonline.com
}

of_its_own() { [[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]]; }

# Dynamics has a network of its own behind a cable, since it and the relay both listen on port 443.
make_network() { # a process in the network of Dynamics: cloud
    ip link set lo up
    unshare --net sleep infinity </dev/null >/dev/null 2>&1 &
    cloud=$!
    until_true of_its_own "$cloud"
    ip link add outside type veth peer name inside netns "$cloud"
    ip address add 192.0.2.1/24 dev outside
    ip link set outside up
    nsenter --target "$cloud" --net bash -c 'ip address add 192.0.2.2/24 dev inside; ip link set inside up'
}

start_simulators() {
    node tests/sim/ais/main.mjs --cert "$work/ais.example.com.pem" --key "$work/ais.example.com.key" --port 9300 \
        --data "$work/jde" --port-file "$work/jde.port" --username MLCONN --password "$ais_password" --environment JPD920 \
        --seed-customers 20 >"$work/jde.log" 2>&1 &
    nsenter --target "$cloud" --net node tests/sim/dataverse/main.mjs \
        --cert "$work/acme.api.crm.dynamics.com.pem" --key "$work/acme.api.crm.dynamics.com.key" --host 192.0.2.2 --port 443 --data "$work/dynamics" --port-file "$work/dynamics.port" --tenant "$directory" \
        --client-id "$client" --client-secret "$client_secret" --seed-accounts 0 --seed-quotes 0 >"$work/dynamics.log" 2>&1 &
    until_true test -s "$work/jde.port" && until_true test -s "$work/dynamics.port"
}

prepare() { # machine: what a customer has before the first step: names, a trusted CA, the packages
    local name=$1
    machine_boot "$name"
    machine "$name" bash -c 'cat >>/etc/hosts' <<<"127.0.0.1 localhost relay.example.com ais.example.com
192.0.2.2 acme.api.crm.dynamics.com login.microsoftonline.com"
    machine "$name" bash -c 'cat >/usr/local/share/ca-certificates/test.crt && update-ca-certificates' <"$work/ca.pem" >/dev/null 2>&1
    machine "$name" mkdir new
    # From inside: what is put into an overlay's lower parts from outside may not be seen.
    tar -C "$old" -c . | machine "$name" tar -x
    tar -C "$new" -c . | machine "$name" tar -x -C new
}

follow() { # guide, sections...
    local name machines_json=
    for name in relay agent; do
        local first=machine_$name
        machines_json+="\"$name\": [\"nsenter\", \"--target\", \"${!first}\", \"--all\", \"--wdns=/root\", \"--\", \"/usr/bin/env\",
            \"-i\", \"PATH=/usr/sbin:/usr/bin:/sbin:/bin\", \"HOME=/root\", \"LC_ALL=C.UTF-8\", \"TERM=dumb\", \"DEBIAN_FRONTEND=noninteractive\"],"
    done
    counted node tests/install/guide.mjs "$@" <<<"{ \"machines\": { ${machines_json%,} }, \"secrets\": {
        \"acme-webhook\": \"$webhook_secret\", \"acme-client\": \"$client_secret\", \"ais-password\": \"$ais_password\",
        \"ml-agent.ais-password\": \"$ais_password\" }, \"token\": \"$work/token\" }"
}

guide() { # sections...
    follow docs/install.md "$@"
    sections+=("$@")
}

# ---- what is checked between the sections ----

show() { # machine, property
    machine "$1" systemctl show --property "$2" --value "ml-$1"
}

state_folder() { machine "$1" stat -c '%U %a' "/var/lib/ml-connector/$1"; }

# Every setting of the program stands in the example, and each default there is accepted by the program.
check_example() { # machine
    local setting part=$1 file missing=()
    file=$(machine "$part" cat "/etc/ml-connector/$part.conf")
    while read -r setting; do
        grep -Eq "^ *#?${setting##*.} = " <<<"$file" || missing+=("$setting")
    done < <(machine "$part" "ml-$part" --help-config | sed -n 's/^| `\([^`]*\)`.*/\1/p')
    check "example.$part.complete" same "${missing[*]}" ""
}

check_defaults() { # machine, when its secrets are there
    machine "$1" sed '/= \.\.\.;$/!s/^\( *\)#\([a-z_]* = .*;\)$/\1\2/' "/etc/ml-connector/$1.conf" |
        machine "$1" bash -c 'cat >/tmp/full.conf'
    check "example.$1.defaults" machine "$1" runuser -u "ml-$1" -- "ml-$1" --check-config /tmp/full.conf
}

complete_word() { # machine, words...: what the completion offers for the last one
    machine "$1" bash -c '
        source /usr/share/bash-completion/bash_completion
        _completion_loader "$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _ml_connector "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}"' _ "${@:2}"
}

check_installed() { # machine: after its section of the guide
    local part=$1
    check "$part.user" machine "$part" id "ml-$part"
    check "$part.state-is-private" same "$(state_folder "$part")" "ml-$part 700"
    check "$part.secrets-are-private" same "$(machine "$part" stat -c '%U %G %a' "/etc/ml-connector/secrets/$part")" "root ml-$part 750"
    check "$part.manual-pages" machine "$part" ls "/usr/share/man/man8/ml-$part.8.gz" /usr/share/man/man1/mlctl.1.gz \
        /usr/share/man/man5/ml-connector.conf.5.gz
    check "$part.mappings" machine "$part" mlctl map check /usr/share/ml-connector/mappings/customer.map
    check "$part.unit-verified" machine "$part" systemd-analyze verify --man=no "ml-$part.service"
    # At most 2.0 of 10.
    check "$part.unit-security" machine "$part" systemd-analyze security --offline=true --threshold=20 "/lib/systemd/system/ml-$part.service"
    check "$part.completion-commands" matches '(^| )parked( |$)' "$(complete_word "$part" mlctl par)"
    check "$part.completion-options" matches '(^| )--check-config( |$)' "$(complete_word "$part" "ml-$part" --ch)"
    check "$part.completion-subcommands" matches '(^| )doctor( |$)' "$(complete_word "$part" "ml-$part" doc)"
    check_example "$part"
    check_defaults "$part"
    check_running "$part"
}

field() { sed -n "s/^$1:[[:space:]]*//p" <<<"$2"; }

check_running() { # machine: what the kernel says of the process
    local part=$1 status
    status=$(machine "$part" cat "/proc/$(show "$part" MainPID)/status") || true
    check "$part.notify" same "$(show "$part" Type) $(show "$part" WatchdogUSec)" "notify 1min"
    check "$part.runs-as-its-user" same "$(field Uid "$status" | cut -f1)" "$(machine "$part" id -u "ml-$part")"
    check "$part.no-new-privileges" same "$(field NoNewPrivs "$status") $(field Seccomp "$status")" "1 2"
    check "$part.no-core-dump" matches '^Max core file size +0 +0 ' "$(machine "$part" cat "/proc/$(show "$part" MainPID)/limits")"
    # CAP_NET_BIND_SERVICE is the tenth bit.
    local capabilities=0000000000000000
    if [[ $part == relay ]]; then capabilities=0000000000000400; fi
    check "$part.capabilities" same "$(field CapBnd "$status") $(field CapEff "$status")" "$capabilities $capabilities"
}

restarts() { [[ "$(show "$1" NRestarts)" -ge $2 && "$(show "$1" ActiveState)" == active ]]; }

# A process that hangs is started anew, and one that is killed.
check_watchdog() { # machine
    local part=$1
    machine "$part" bash -c 'mkdir -p /run/systemd/system/$0.service.d; cat >/run/systemd/system/$0.service.d/test.conf; systemctl daemon-reload
        systemctl restart $0' "ml-$part" <<<$'[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms'
    machine "$part" systemctl kill --kill-whom=main --signal=KILL "ml-$part"
    check "$part.comes-back-when-killed" until_true restarts "$part" 1
    sleep 4
    check "$part.feeds-the-watchdog" same "$(show "$part" NRestarts)" 1
    machine "$part" systemctl kill --kill-whom=main --signal=STOP "ml-$part"
    check "$part.comes-back-when-it-hangs" until_true restarts "$part" 2
    check "$part.the-watchdog-it-was" machine "$part" bash -c 'journalctl --unit $0 | grep -q "Watchdog timeout"' "ml-$part"
    machine "$part" bash -c 'rm -r /run/systemd/system/$0.service.d; systemctl daemon-reload; systemctl restart $0' "ml-$part"
}

accounts() {
    curl --silent --fail --cacert "$work/ca.pem" --resolve acme.api.crm.dynamics.com:443:192.0.2.2 \
        https://acme.api.crm.dynamics.com/__sim/health | sed 's/.*"accounts":\([0-9]*\).*/\1/'
}

# 20 customers and 10 suppliers: all flows run once when the agent starts.
records_arrived() { same "$(accounts)" 30; }

agent_is_linked() { machine relay mlctl agents | grep -Eqi 'site-1 .*(connected|yes|true|up)'; }

# Could a service of this systemd, on this kernel, read a credential at all?
credentials_work() {
    machine agent bash -c 'cat >/run/systemd/system/probe.service && systemctl daemon-reload && systemctl start probe.service' \
        >/dev/null 2>&1 <<<$'[Service]\nType=oneshot\nUser=ml-agent\nSetCredential=probe:x\nExecStart=/bin/sh -c "cat $CREDENTIALS_DIRECTORY/probe"'
}

kept() { # machine: what an upgrade and a removal keep
    machine "$1" bash -c 'find /etc/ml-connector /var/lib/ml-connector/*/root.key -type f | sort | xargs sha256sum'
}

# ---- the socket that stays open (docs/deploy.md) ----

ask_relay() { machine relay curl --silent --show-error --fail --max-time 60 --output /dev/null https://relay.example.com/healthz; }

socket_since() { machine relay systemctl show --property ActiveEnterTimestampMonotonic --value ml-relay.socket; }

# New connections one after the other, until the file "asked" is removed; a line in it for each: its exit status and what curl said.
keep_asking() {
    local said status
    : >"$work/asked"
    (
        while [[ -e $work/asked ]]; do
            status=0
            said=$(ask_relay 2>&1) || status=$?
            if [[ -e $work/asked ]]; then echo "$status $said" >>"$work/asked"; fi
        done
    ) &
    asking=$!
}

# Prints what was refused, and fails then; also when hardly anything was asked.
all_answered() { # at least so many
    mv "$work/asked" "$work/answers"
    wait "$asking"
    ! grep -v '^0 ' "$work/answers" && (($(wc -l <"$work/answers") >= $1))
}

# The same restart refuses without the socket: a stopped relay leaves nobody at the port.
check_socket() {
    local round since pid
    check socket.installed-not-enabled same "$(machine relay systemctl is-enabled ml-relay.socket) $(machine relay systemctl is-active ml-relay.socket)" \
        "disabled inactive"
    check socket.unit-verified machine relay systemd-analyze verify --man=no ml-relay.socket
    machine relay systemctl stop ml-relay 2>/dev/null
    check socket.refused-without not ask_relay
    machine relay systemctl start ml-relay
    follow docs/deploy.md "Restart without a refused webhook"
    check socket.used same "$(show relay TriggeredBy)" ml-relay.socket
    since=$(socket_since)
    keep_asking
    for round in 1 2 3; do
        pid=$(show relay MainPID)
        check "socket.restart-$round" machine relay systemctl restart ml-relay
        check "socket.restart-$round-was-one" not same "$(show relay MainPID)" "$pid"
        sleep 1
    done
    check socket.no-connection-refused all_answered 9
    check socket.never-closed same "$(socket_since)" "$since"
    machine relay systemctl stop ml-relay 2>/dev/null
    check socket.a-connection-starts-the-relay ask_relay
    check socket.agent-comes-back until_true agent_is_linked
}

# ---- backup and restore (docs/deploy.md) ----

check_backup() {
    local key
    key=$(machine relay sha256sum /var/lib/ml-connector/relay/root.key)
    follow docs/deploy.md "Backup and restore"
    check backup.root-key-is-not-in-it same "$(machine relay find /backup/relay-2026-11-25 -type f -printf '%P %m\n' | sort)" \
        $'backup.json 600\ncontrol/data.mdb 600\ntenants/acme/data.mdb 600'
    check backup.root-key-stays same "$(machine relay sha256sum /var/lib/ml-connector/relay/root.key)" "$key"
    check backup.restored-knows-the-agent until_true agent_is_linked
    check backup.restored-knows-links matches accounts "$(machine relay mlctl xref JDE/F0101/6001)"
    check backup.of-others-refused not machine relay runuser -u nobody -- mlctl backup /tmp/mine
    check backup.agent machine agent mlctl backup /root/agent-backup
    check backup.nothing-left-beside same "$(machine agent find /var/lib/ml-connector/agent -name 'copy*')" ""
}

# The first format knew neither the head of the audit trail on record nor segments; keys and values are in hexadecimal.
as_first_format() { # of a dump of all tables
    awk '/^VERSION=/ { held = ""; name = "" }
        name == "" { held = held $0 "\n"; if (sub(/^database=/, "")) { name = $0; if (name != "audit-segment") printf "%s", held } next }
        name == "audit-segment" || skip-- > 0 { next }
        name == "meta" && /^ 61756469742d68656164(00)?$/ { skip = 1; next }
        name == "meta" && number-- > 0 { print " 0000000000000001"; next }
        name == "meta" && /^ 666f726d617400$/ { number = 1 }
        { print }'
}

export -f as_first_format

check_migration() { # machine: its store, as an older program would have left it, is brought forward by the installed one
    local part=$1 file=/var/lib/ml-connector/$1/data.mdb
    machine "$part" systemctl stop "ml-$part"
    mkdir -p "$work"/store{,-1}
    machine "$part" cat "$file" >"$work/store/data.mdb"
    check "migration.$part.older-store" bash -o pipefail -c 'mdb_dump -a "$1/store" | as_first_format | mdb_load "$1/store-1"' _ "$work"
    machine "$part" bash -c 'cat >"$0"' "$file" <"$work/store-1/data.mdb"
    check "migration.$part.starts" machine "$part" systemctl start "ml-$part"
    check "migration.$part.told" matches '"store brought to the present format".*"from":1,"to":2' \
        "$(machine "$part" journalctl --output=cat --unit="ml-$part" --grep='present format')"
    check "migration.$part.audit-trail-whole" machine "$part" mlctl audit verify
}

tell_journals() { # when something failed
    local name
    if ((failed == 0)); then return; fi
    for name in relay agent; do
        echo "-- $name:"
        machine "$name" journalctl --no-pager --output=cat --lines=60 --unit="ml-$name" || true
    done
}

# ---- the story ----

mkdir -p "$machines"
make_network
make_certificates
start_simulators
prepare relay
prepare agent
machine relay bash -c 'cat >relay.key' <"$work/relay.example.com.key"
machine relay bash -c 'cat >relay-chain.pem' <"$work/relay.example.com.pem"

guide "The packages" "1. The relay"
check_installed relay
guide "2. The agent"
check_installed agent
guide "3. The first record"
check guide.records-arrived until_true records_arrived
check_watchdog relay
check_socket
check_backup
check_watchdog agent
if credentials_work; then
    guide "Secrets as systemd credentials"
    check credential.used until_true agent_is_linked
    check credential.no-file-left not machine agent test -e /etc/ml-connector/secrets/agent/ais-password
else
    echo "not run: systemd's credentials cannot be read by a service's user on this kernel (neither a mount of their own nor ACLs on tmpfs)"
    sections+=("Secrets as systemd credentials")
fi

declare -A before pid
for part in relay agent; do
    before[$part]=$(kept "$part")
    pid[$part]=$(show "$part" MainPID)
done
socket_before=$(socket_since)
keep_asking
guide "Upgrade"
check upgrade.relay.no-connection-refused all_answered 3
check upgrade.relay.keeps-socket-open same "$(machine relay systemctl is-active ml-relay.socket) $(socket_since)" "active $socket_before"
for part in relay agent; do
    check "upgrade.$part.version" matches "^ml-$part/99\\." "$(machine "$part" "ml-$part" --version)"
    check "upgrade.$part.started-anew" not same "$(show "$part" MainPID)" "${pid[$part]}"
    check "upgrade.$part.keeps-configuration-and-keys" same "$(kept "$part")" "${before[$part]}"
    check "upgrade.$part.keeps-audit-trail" machine "$part" mlctl audit verify
done
check_migration agent
check upgrade.still-enrolled until_true agent_is_linked
check upgrade.keeps-links matches accounts "$(machine relay mlctl xref JDE/F0101/6001)"

# Removal and return, at the relay; the guide removes the agent for good.
check remove.relay machine relay apt-get remove --yes ml-connector-relay
check remove.takes-program not machine relay test -e /usr/sbin/ml-relay
check remove.stops-service not same "$(show relay ActiveState)" active
check remove.stops-socket not machine relay systemctl is-active --quiet ml-relay.socket
check remove.closes-port not ask_relay
check remove.keeps-all same "$(kept relay)" "${before[relay]}"
check remove.return machine relay bash -c 'apt-get install --yes ./new/ml-connector-relay_*.deb && systemctl start ml-relay'
check remove.return-is-enabled same "$(machine relay systemctl is-enabled ml-relay)" enabled
check remove.return-has-its-socket same "$(machine relay systemctl is-enabled ml-relay.socket) $(machine relay systemctl is-active ml-relay.socket)" \
    "enabled active"
check remove.return-goes-on until_true agent_is_linked
guide "Removal"
check purge.keeps-user machine agent id ml-agent
guide "How the services are shut in"
check guide.whole same "$(printf '%s\n' "${sections[@]}")" "$(node tests/install/guide.mjs --list docs/install.md)"
check purge.relay machine relay apt-get purge --yes ml-connector-relay
check purge.disables-all same "$(machine relay find /etc/systemd/system /var/lib/systemd/deb-systemd-helper-enabled -name 'ml-relay.*')" ""
tell_journals
finish

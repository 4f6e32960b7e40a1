#!/usr/bin/env bash
# demo.sh - shows the whole connector on one machine: builds it, starts a JDE and a Dynamics simulator, relay and
# agent, and lets customers and orders travel. Stays until Ctrl-C.
#
#   packaging/demo.sh [--day] [--once] [--bin DIR] [--dir DIR] [--customers N] [--orders N]
#     --day        a day in the life of a distributor instead: night's sync, a won quote, a price, a failure, the audit trail
#     --once       end after the show; exit status 1 when a step did not come true in time
#     --bin DIR    use the programs in DIR; installs and builds nothing
#     --dir DIR    scratch folder, emptied at the start (build/demo)
# shellcheck disable=SC2317 # some functions are called by trap and wait_for only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

once=false
day=false
bin=
dir=build/demo
customers=200
orders=5
limit=120 # seconds for each step

usage() {
    sed -n '2,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}
while (($# > 0)); do
    case $1 in
    --once) once=true ;;
    --day) day=true ;;
    --bin | --dir | --customers | --orders)
        if (($# < 2)); then usage >&2; exit 2; fi
        declare "${1#--}=$2"
        shift
        ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

# --- output -----------------------------------------------------------------------
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
note() { printf '   %s\n' "$*"; }
fail() {
    printf '\ndemo.sh: %s\n' "$*" >&2
    for log in "$dir"/logs/*.log; do
        if [[ -s $log && $log != */certs.log ]]; then
            printf -- '--- %s\n' "$log" >&2
            tail -n 15 "$log" >&2
        fi
    done
    exit 1
}

# --- children ---------------------------------------------------------------------
children=()
run_dir=

start() { # name, command...
    local name=$1
    shift
    "$@" >>"$dir/logs/$name.log" 2>&1 &
    children+=("$!")
    note "$name runs (process $!, log $dir/logs/$name.log)"
}

cleanup() {
    trap - EXIT INT TERM
    local at pid
    for ((at = ${#children[@]} - 1; at >= 0; at--)); do
        pid=${children[at]}
        kill -TERM "$pid" 2>/dev/null || continue
        for _ in {1..50}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [[ -n $run_dir ]]; then rm -rf "$run_dir"; fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

all_alive() {
    local pid
    for pid in "${children[@]}"; do
        kill -0 "$pid" 2>/dev/null || return 1
    done
}

wait_for() { # what, command...: until the command succeeds
    local what=$1 end=$((SECONDS + limit))
    shift
    until "$@"; do
        all_alive || fail "a program ended while waiting for: $what"
        ((SECONDS < end)) || fail "did not come true within $limit s: $what"
        sleep 0.5
    done
}

# --- the two simulators' doors ------------------------------------------------------
request() { # URL, [body]
    curl --silent --show-error --fail --max-time 30 --cacert "$dir/certs/ca.pem" ${2+--json "$2"} "$1"
}

pick() { # JavaScript expression over `d`, the JSON on standard input
    node -e 'const d = JSON.parse(require("fs").readFileSync(0)); const v = eval(process.argv[1]); console.log(v ?? "")' "$1"
}

agent_answers() { "$bin/mlctl" --socket "$agent_socket" status >/dev/null 2>&1; }
port_written() { # file
    [[ -s $1 ]]
}

# --- preparation ------------------------------------------------------------------
prepare() {
    if [[ -d $dir && ! -e $dir/.ml-demo && -n "$(ls -A "$dir")" ]]; then
        echo "demo.sh: $dir holds files that are not of an earlier demo" >&2
        exit 1
    fi
    rm -rf "$dir"
    mkdir -p "$dir"/{logs,secrets,agent,relay}
    dir=$(realpath "$dir")
    : >"$dir/.ml-demo"
    # The path of a Unix socket has at most 107 characters.
    run_dir=$(mktemp -d "${TMPDIR:-/tmp}/ml-demo.XXXXXX")
    relay_socket=$run_dir/relay.sock
    agent_socket=$run_dir/agent.sock
    tests/support/make_certs.sh "$dir/certs" >"$dir/logs/certs.log" 2>&1 || fail "cannot make certificates; see $dir/logs/certs.log"
    local secret
    for secret in ais_password webhook_secret client_secret; do
        (umask 077 && openssl rand -hex 20 >"$dir/secrets/$secret")
    done
}

start_simulators() {
    # The simulators are given their secrets on the command line: they are test tools with made-up data.
    local common=(--cert "$dir/certs/server.pem" --key "$dir/certs/server.key" --port 0)
    start jde-sim node tests/sim/ais/main.mjs "${common[@]}" --data "$dir/jde" --port-file "$dir/jde.port" \
        --username MLCONN --password "$(<"$dir/secrets/ais_password")" --environment JPD920 \
        --seed-customers "$customers" --seed-items 20
    start dynamics-sim node tests/sim/dataverse/main.mjs "${common[@]}" --data "$dir/dynamics" \
        --port-file "$dir/dynamics.port" --webhook-ca "$dir/certs/ca.pem" --tenant contoso-directory \
        --client-id ml-connector --client-secret "$(<"$dir/secrets/client_secret")" \
        --seed-accounts 0 --seed-quotes 0 --seed-products 20
    wait_for "the JDE simulator is ready" port_written "$dir/jde.port"
    wait_for "the Dynamics simulator is ready" port_written "$dir/dynamics.port"
    jde=https://127.0.0.1:$(<"$dir/jde.port")
    dynamics=https://127.0.0.1:$(<"$dir/dynamics.port")
}

write_relay_config() {
    cat >"$dir/relay.conf" <<CONF
relay = {
    listen_host = "127.0.0.1"; listen_port = 0; port_file = "$dir/relay.port";
    cert_file = "$dir/certs/server.pem"; key_file = "$dir/certs/server.key";
    data_dir = "$dir/relay"; admin_socket = "$relay_socket";
};
tenants = ( {
    id = "demo";
    webhook_secret = "file:$dir/secrets/webhook_secret";
    dynamics = {
        url = "$dynamics/api/data/v9.2/"; authority = "$dynamics"; directory = "contoso-directory";
        client_id = "ml-connector"; client_secret = "file:$dir/secrets/client_secret";
        scope = "https://contoso.crm.dynamics.com/.default"; ca_file = "$dir/certs/ca.pem";
    };
} );
store = { map_max = "1G"; };
CONF
}

write_agent_config() {
    cat >"$dir/agent.conf" <<CONF
agent = { id = "site-1"; tenant = "demo"; data_dir = "$dir/agent"; admin_socket = "$agent_socket"; };
relay = { url = "wss://127.0.0.1:$(<"$dir/relay.port")/v1/tunnel"; ca_file = "$dir/certs/ca.pem"; };
ais = {
    url = "$jde"; ca_file = "$dir/certs/ca.pem"; username = "MLCONN";
    password = "file:$dir/secrets/ais_password"; environment = "JPD920"; time_zone = "America/Denver";
};
$(if $day; then day_flows; else often_flows; fi)
store = { map_max = "1G"; };
CONF
}

often_flows() {
    cat <<CONF
flows = {
  customers = { schedule = "@every 2s"; page_size = 50; };
  suppliers = { enabled = false; };
  contacts = { enabled = false; };
  items = { enabled = false; };
  prices = { enabled = false; };
};
CONF
}

enroll_agent() {
    (
        umask 077
        "$bin/mlctl" --socket "$relay_socket" --json enroll-token demo site-1 >"$dir/token.json"
        pick d.token <"$dir/token.json" >"$dir/token"
    ) || fail "the relay gave no enrolment token"
    "$bin/ml-agent" enroll --config "$dir/agent.conf" --token-file "$dir/token" >>"$dir/logs/enroll.log" 2>&1 ||
        fail "the agent could not be enrolled"
    rm -f "$dir/token" "$dir/token.json"
}

register_webhooks() {
    local url secret
    url=https://127.0.0.1:$(<"$dir/relay.port")/v1/webhook/demo
    secret=$(<"$dir/secrets/webhook_secret")
    request "$dynamics/__sim/webhooks" "{\"url\":\"$url\",\"auth\":{\"type\":\"key\",\"value\":\"$secret\"},
        \"messages\":[\"ConvertQuoteToSalesOrder\",\"GenerateInvoiceFromOrder\"]}" >/dev/null
}

# shellcheck source=packaging/day.sh
source packaging/day.sh

# --- the show ---------------------------------------------------------------------
accounts_arrived() {
    local now
    now=$(request "$dynamics/__sim/health" | pick d.rows.accounts) || return 1
    if [[ $now != "$accounts" ]]; then
        accounts=$now
        note "accounts in Dynamics: $accounts of $customers"
    fi
    ((accounts >= customers))
}

show_customers() {
    say "Customers: JDE -> Dynamics"
    accounts=
    wait_for "$customers customers of JDE stand in Dynamics" accounts_arrived
    note "for example $customer: $(request "$dynamics/__sim/rows/accounts?accountnumber=$customer" |
        pick '[d.rows[0].name, d.rows[0].address1_city].join(", ")')"
}

name_arrived() {
    [[ "$(request "$dynamics/__sim/rows/accounts?accountnumber=$customer" | pick 'd.rows[0].name')" == "$1" ]]
}

show_change() {
    local name="Moved & Renamed Ltd"
    say "A change of customer $customer in JDE"
    request "$jde/__sim/touch" "{\"table\":\"F0101\",\"keys\":[$customer],\"fields\":{\"ALPH\":\"$name\"}}" >/dev/null
    note "JDE: its name is \"$name\" now"
    wait_for "the account has the new name" name_arrived "$name"
    note "Dynamics: account $customer has the new name"
}

orders_match() {
    request "$jde/__sim/orders" >"$dir/jde-orders.json" &&
        request "$dynamics/__sim/dump/salesorders" >"$dir/dynamics-orders.ndjson" &&
        node packaging/demo-orders.mjs "$dir/jde-orders.json" "$dir/dynamics-orders.ndjson" >"$dir/orders.txt"
}

show_orders() {
    local quotes deals
    say "Orders: Dynamics -> JDE, and the order numbers back"
    request "$dynamics/__sim/make-quotes" "{\"count\":$orders}" >/dev/null
    quotes=$(request "$dynamics/__sim/close-deals" "{\"count\":$orders}")
    deals=$(pick d.deals.length <<<"$quotes")
    [[ $deals == "$orders" ]] || fail "only $deals of $orders quotes became orders: $quotes"
    note "$deals quotes were won and became sales orders in Dynamics"
    wait_for "each order stands in JDE once, and its number in Dynamics" orders_match
    cat "$dir/orders.txt"
}

show_status() {
    say "What the operator sees: mlctl status"
    note "relay:"
    "$bin/mlctl" --socket "$relay_socket" status || fail "mlctl status failed at the relay"
    note "agent:"
    "$bin/mlctl" --socket "$agent_socket" status || fail "mlctl status failed at the agent"
}

show_doors() {
    local get="curl --cacert $dir/certs/ca.pem"
    say "All of this keeps running until Ctrl-C. To look around:"
    cat <<TEXT
   Dynamics   $get $dynamics/__sim/dump/accounts
              $get $dynamics/__sim/dump/salesorders
              $get $dynamics/__sim/webhook-jobs
   JDE        $get $jde/__sim/orders
              $get $jde/__sim/dump/F0101
   new deals  $get --json '{"count":3}' $dynamics/__sim/make-quotes
              $get --json '{"count":3}' $dynamics/__sim/close-deals
   a change   $get --json '{"table":"F0101","keys":[6002],"fields":{"ALPH":"New Name"}}' $jde/__sim/touch
   operator   $bin/mlctl --socket $relay_socket status
              $bin/mlctl --socket $agent_socket status
   files      $dir (relay.conf, agent.conf, logs/)
TEXT
}

if [[ -z $bin ]]; then
    say "Packages and programs"
    packaging/setup.sh
    mkdir -p build
    { cmake --preset release && cmake --build --preset release --target ml-agent ml-relay mlctl; } \
        >build/demo-build.log 2>&1 || { tail -n 40 build/demo-build.log >&2; exit 1; }
    bin=build/release
fi
bin=$(realpath "$bin")
for program in ml-agent ml-relay mlctl; do
    [[ -x $bin/$program ]] || { echo "demo.sh: $bin/$program is missing" >&2; exit 1; }
done
prepare
note "programs: $bin"

say "Simulators of JDE and Dynamics"
start_simulators

say "Relay and agent"
write_relay_config
start ml-relay "$bin/ml-relay" --config "$dir/relay.conf"
wait_for "the relay is ready" port_written "$dir/relay.port"
write_agent_config
enroll_agent
note "agent site-1 is enrolled"
start ml-agent "$bin/ml-agent" --config "$dir/agent.conf"
wait_for "the agent is ready" agent_answers
register_webhooks
note "Dynamics sends its webhooks to the relay"

customer=6042
((customers >= 42)) || customer=6001
if $day; then
    show_day
else
    show_customers
    show_change
    show_orders
    show_status
fi

if $once; then
    say "All steps came true."
    exit 0
fi
show_doors
wait -n "${children[@]}" || true
fail "a program ended"

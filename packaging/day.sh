#!/usr/bin/env bash
# day.sh - a day in the life of a distributor, on one machine: the part that "demo.sh --day" plays. demo.sh reads it in; it
# uses that script's functions. Started by itself it calls demo.sh --day.
# shellcheck disable=SC2154 # dir, bin, jde ... are demo.sh's
# shellcheck disable=SC2317 # some functions are called by wait_for only
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    exec "$(dirname "${BASH_SOURCE[0]}")/demo.sh" --day "$@"
fi

relay_ctl() { "$bin/mlctl" --socket "$relay_socket" "$@"; }
agent_ctl() { "$bin/mlctl" --socket "$agent_socket" "$@"; }
explain() { printf '   \033[2m%s\033[0m\n' "$@"; }

# The night's run is due at the next full minute but one, in place of two in the morning: nobody wants to wait for it.
day_flows() {
    local at
    at=$(date -u -d '+75 seconds' '+%-M %-H * * *')
    cat <<CONF
flows = {
  time_zone = "UTC";
  customers = { schedule = "$at"; catch_up = false; };
  items     = { schedule = "$at"; catch_up = false; };
  prices    = { schedule = "$at"; catch_up = false; };
  suppliers = { enabled = false; };
  contacts  = { enabled = false; };
};
CONF
}

rows_of() { # set, query
    request "$dynamics/__sim/rows/$1?$2"
}

count_of() { # set
    request "$dynamics/__sim/health" | pick "d.rows.$1"
}

dump_both() {
    local set
    mkdir -p "$dir/day"
    for set in salesorders salesorderdetails accounts products; do
        request "$dynamics/__sim/dump/$set" >"$dir/day/$set.ndjson" || return 1
    done
    request "$jde/__sim/orders" >"$dir/day/jde-orders.json"
}

jde_prices() { # those that came from JDE
    rows_of productpricelevels "" | pick "d.rows.filter((r) => r.ml_sourcerecordid?.startsWith('JDE/F4106/')).length"
}

# --- night ------------------------------------------------------------------------
night_is_over() {
    [[ "$(count_of accounts)" == "$customers" && "$(jde_prices)" == 20 ]]
}

show_night() {
    local cron
    cron=$(sed -n 's/.*customers = { schedule = "\([^"]*\)".*/\1/p' "$dir/agent.conf")
    say "1. Night: customers, items and prices go from JDE to Dynamics by schedule"
    explain "The flows run by cron. Here it says \"$cron\" (UTC), a minute from now; usually it is two in the morning." \
        "Look at NEXT RUN: nothing has been read yet."
    agent_ctl flows
    [[ "$(count_of accounts)" == 0 ]] || fail "accounts were there before the schedule was due"
    limit=240 wait_for "the night's run is over" night_is_over
    note "$(count_of accounts) accounts, $(count_of products) products, $(jde_prices) prices from JDE stand in Dynamics"
    explain "A rep who opens customer 6003 sees JDE's name, credit limit and currency:"
    rows_of accounts "accountnumber=6003" |
        pick '"   " + [d.rows[0].accountnumber, d.rows[0].name, "credit limit " + d.rows[0].creditlimit, d.rows[0].address1_city].join(", ")'
}

# --- a deal -----------------------------------------------------------------------
order_agrees() {
    dump_both && node packaging/day.mjs "$dir/day" "$order_id" >"$dir/day/order.txt"
}

show_deal() {
    local deal
    say "2. Morning: a rep makes a quote for customer 6003 and wins it"
    quote=$(request "$dynamics/__sim/make-quotes" '{"count":1,"accounts":["6003"]}' | pick 'd.quoteIds[0]')
    deal=$(request "$dynamics/__sim/close-deals" "{\"quoteIds\":[\"$quote\"]}")
    order_id=$(pick 'd.deals[0].orderId' <<<"$deal")
    [[ -n $order_id ]] || fail "the quote did not become an order: $deal"
    explain "Dynamics calls the relay's webhook; the relay reads the order, the agent makes it in JDE, and the number comes back." \
        "Look at both columns: customer, items, quantities and prices must be the same."
    wait_for "the order stands in JDE with customer, items and amounts" order_agrees
    cat "$dir/day/order.txt"
}

# --- a price ----------------------------------------------------------------------
price_arrived() {
    [[ "$(rows_of productpricelevels "ml_sourcerecordid=$price_source" | pick 'Number(d.rows[0]?.amount ?? 0).toFixed(2)')" == 77.70 ]]
}

show_price() {
    local before item
    say "3. Noon: a price changes in JDE"
    item=$(request "$jde/__sim/rows/F4106" | pick 'd.rows[0].ITM')
    price_source=$(rows_of productpricelevels "" | pick "d.rows.find((r) => r.ml_sourcerecordid?.startsWith('JDE/F4106/$item/'))?.ml_sourcerecordid")
    before=$(rows_of productpricelevels "ml_sourcerecordid=$price_source" | pick 'd.rows[0].amount')
    request "$jde/__sim/touch" "{\"table\":\"F4106\",\"keys\":[$item],\"fields\":{\"UPRC\":77.7}}" >/dev/null
    note "price of item $item: $before in Dynamics, 77.70 in JDE now"
    explain "What would be sent? A dry run reads JDE and sends nothing:"
    agent_ctl dry-run prices --id "$item" | sed 's/^/   /' | cut -c1-150
    explain "Nobody wants to wait until the night, so the operator runs the flow now: mlctl poll prices"
    agent_ctl poll prices >/dev/null
    wait_for "the price list has the new price" price_arrived
    note "Dynamics: $price_source costs 77.70"
}

# --- a failure --------------------------------------------------------------------
order_parked() {
    parked=$(agent_ctl --json parked --store agent --stream jde) || return 1
    [[ "$(pick 'd.entries.length' <<<"$parked")" == 1 ]]
}

show_failure() {
    local seq item number
    say "4. Afternoon: an order with an item that JDE does not know"
    quote=$(request "$dynamics/__sim/make-quotes" '{"count":1,"accounts":["6004"]}' | pick 'd.quoteIds[0]')
    request "$dynamics/__sim/dump/quotedetails" >"$dir/day/quotedetails.ndjson"
    dump_both
    # shellcheck disable=SC2016 # JavaScript
    number=$(node -e '
        const fs = require("fs");
        const read = (name) => fs.readFileSync(`${process.argv[1]}/${name}.ndjson`, "utf8").split("\n").filter(Boolean).map(JSON.parse);
        const line = read("quotedetails").find((row) => row._quoteid_value === process.argv[2]);
        console.log(read("products").find((row) => row.productid === line._productid_value).productnumber);' "$dir/day" "$quote")
    item=$(request "$jde/__sim/rows/F4101?LITM=$number" | pick 'd.rows[0].ITM')
    request "$jde/__sim/touch" "{\"table\":\"F4101\",\"keys\":[$item],\"fields\":{\"LITM\":\"RENUMBERED\"}}" >/dev/null
    note "somebody gave item $number another number in JDE, after the night's run; the rep cannot know"
    order_id=$(request "$dynamics/__sim/close-deals" "{\"quoteIds\":[\"$quote\"]}" | pick 'd.deals[0].orderId')
    wait_for "the order waits for review" order_parked
    explain "JDE refused the order, and trying again would not help: it waits for a person. mlctl parked says why:"
    agent_ctl parked --store agent --stream jde | sed 's/^/   /' | cut -c1-220
    request "$jde/__sim/touch" "{\"table\":\"F4101\",\"keys\":[$item],\"fields\":{\"LITM\":\"$number\"}}" >/dev/null
    seq=$(pick 'd.entries[0].seq' <<<"$parked")
    explain "The item gets its number back in JDE: the source is corrected. Then: mlctl retry agent jde $seq"
    agent_ctl retry agent jde "$seq" | sed 's/^/   /'
    wait_for "the order stands in JDE once, complete" order_agrees
    cat "$dir/day/order.txt"
}

# --- the trail --------------------------------------------------------------------
show_trail() {
    local verdict
    say "5. Evening: what happened to that order, and can the record of it be trusted?"
    explain "The audit trail of the agent for this order, oldest first (mlctl audit --key):"
    agent_ctl audit --key "order/$order_id" | sed 's/^/   /' | cut -c1-170
    explain "Each entry is chained to the one before by its hash. mlctl audit verify, at both ends:"
    for verdict in agent_ctl relay_ctl; do
        "$verdict" audit verify | sed 's/^/   /' || fail "the audit trail does not verify"
    done
}

show_day() {
    show_night
    show_deal
    show_price
    show_failure
    show_trail
    show_status
}

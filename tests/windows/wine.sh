#!/usr/bin/env bash
# wine.sh - runs a Windows program under wine so that the tests can treat it as one of their own: SIGTERM to this script
# is Ctrl-C to the program, and the program ends with this script, also when that is killed.
#
#   tests/windows/wine.sh program.exe arguments...
#   MLC_WINE_PROGRAM=program.exe tests/windows/wine.sh arguments...     for who knows one program with arguments only
# Paths of the tests begin with a slash: the root of wine's drive Z, which must be the current one.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export WINEPREFIX=${WINEPREFIX:-$root/build/windows/wine}
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES='mscoree=;mshtml='
export MLC_ZONEINFO=${MLC_ZONEINFO:-/usr/share/zoneinfo}
loader=/usr/lib/wine/wine64
# wine makes access lists from modes: with this, what the program makes is its user's own, as below a folder that is.
umask 077
child=0
# shellcheck disable=SC2317 # the trap calls it
stop() { kill -INT "$child"; }
trap stop TERM INT
setpriv --pdeathsig KILL "$loader" ${MLC_WINE_PROGRAM:+"$MLC_WINE_PROGRAM"} "$@" &
child=$!
status=0
wait "$child" || status=$?
# A signal ends the first wait; the program's own end is the second.
while kill -0 "$child" 2>/dev/null; do
    status=0
    wait "$child" || status=$?
done
exit "$status"

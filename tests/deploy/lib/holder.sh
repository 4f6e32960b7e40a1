#!/usr/bin/env bash
# holder.sh LOG COMMAND... - holds a listening socket (descriptor 3) and starts COMMAND with it, as systemd does for a
# service with a socket unit. Each line "start" on standard input starts it; "started PID" and "ended STATUS" come back.
set -euo pipefail
log=$1
shift
while read -r word; do
    [[ $word == start ]] || exit 2
    (
        (
            export LISTEN_PID=$BASHPID LISTEN_FDS=1
            exec "$@" </dev/null >>"$log" 2>&1
        ) &
        pid=$!
        echo "started $pid"
        status=0
        wait "$pid" || status=$?
        exec 3<&-
        echo "ended $status"
    ) &
done

# shellcheck shell=bash disable=SC2154
# checks.sh - to be sourced by the tests of packages: counts checks, each a line "ok NAME" or "FAILED NAME" with what was printed.
# The caller sets `work`, a folder.
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

counted() { # command...: what prints "N passed, N failed" at its end; its checks are part of ours
    local log=$work/part.$BASHPID.log ok="" bad=""
    "$@" 2>&1 | tee "$log" | sed '/^[0-9]* passed, [0-9]* failed$/d' || true
    read -r ok bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1) || true
    rm -f "$log"
    passed=$((passed + ${ok:-0}))
    # Without a sum it broke off.
    failed=$((failed + ${bad:-1}))
}

not() { ! "$@"; }
same() { [[ "$1" == "$2" ]] || { printf '%s\n-- and not --\n%s\n' "$1" "$2"; return 1; }; }
matches() { grep -Eq -- "$1" <<<"$2" || { echo "$2"; return 1; }; }

until_true() { # command...: for at most 30 s
    local _
    for _ in {1..150}; do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    "$@"
}

#!/usr/bin/env bash
# test.sh - the one test command. All stages run, also after a failure; the last line is "N passed, N failed",
# and the exit status 1 when anything failed.
#
#   packaging/test.sh [--quick] [--only STAGE]... [--list]
#     --quick   without lint, packages, deploy, windows, tsan, valgrind and fuzz
#     --only    that stage only; may be repeated
# Stages: setup lint build ctest sims thirdparty demo packages deploy windows tsan valgrind fuzz (--list tells more). Logs: build/test-logs/.
# MLC_JOBS: tests and compilers at once (number of processors); MLC_FUZZ_SECONDS: for each fuzz target (60).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs=${MLC_JOBS:-$(nproc)}
fuzz_seconds=${MLC_FUZZ_SECONDS:-60}
logs=build/test-logs
all_stages=(setup lint build ctest sims thirdparty demo packages deploy windows tsan valgrind fuzz)
quick_stages=(setup build ctest sims thirdparty demo)
valgrind_parts=(base crypto record tunnel store)

export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp"
# Anything undefined must end the process, and tell where.
export UBSAN_OPTIONS=print_stacktrace=1

usage() {
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

list_stages() {
    cat <<'TEXT'
setup      install missing packages (packaging/setup.sh)
lint       static checks (packaging/lint.sh)
build      everything with AddressSanitizer and UndefinedBehaviorSanitizer (build/asan)
ctest      unit, fault, end-to-end and scenario tests of that build
sims       the simulators' own tests
thirdparty servers and clients of other makers, from npm: tests/thirdparty/README.md
demo       packaging/demo.sh, also with --day, with the programs of that build
packages   a release, built twice; its packages installed by docs/install.md, upgraded, removed on machines under systemd (tests/install/packages.sh)
deploy     container image, Kubernetes manifests, nginx and HAProxy, restarts without a refused webhook, backup (tests/deploy)
windows    the agent for Windows: cross-built, its unit tests, its end-to-end flow, its service and MSI under wine (docs/windows.md)
tsan       the unit tests under ThreadSanitizer (build/tsan)
valgrind   unit tests of base, crypto, record, tunnel and store under memcheck (build/dev)
fuzz       each fuzz target from its corpus, then beyond (build/fuzz, clang)
TEXT
}

# Every stage function leaves these two; a stage that fails without a count counts as one failure.
passed=0
failed=0

build_preset() { # preset, targets...
    local preset=$1
    shift
    cmake --preset "$preset"
    # -k 0: what can be built is built, so that one broken file does not hide the results of the rest.
    cmake --build --preset "$preset" -j "$jobs" ${1+--target "$@"} -- -k 0
}

unit_programs() { # parts... (all without): names of the test programs
    local part
    if (($# == 0)); then set -- '*'; fi
    for part in "$@"; do
        # shellcheck disable=SC2086 # a pattern
        find tests/unit/$part -maxdepth 1 -name 'test_*.c' -printf '%f\n' 2>/dev/null | sed 's/\.c$//'
    done | sort
}

count_ctest() { # log: "97% tests passed, 2 tests failed out of 60"
    local total
    read -r failed total < <(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p' "$1" | tail -1)
    passed=$((total - failed))
}

ctest_command=(ctest)
run_ctest() { # build folder, ctest's options...
    local dir=$1 log status=0
    shift
    log=$(mktemp "$logs/ctest.XXXXXX")
    "${ctest_command[@]}" --test-dir "$dir" --output-on-failure --no-tests=error -j "$jobs" "$@" | tee "$log" || status=$?
    count_ctest "$log"
    rm -f "$log"
    return "$status"
}

# One program for each line of standard input, `jobs` at once; counts successes. The command gets the name.
run_each() { # command...
    local results
    results=$(mktemp "$logs/each.XXXXXX")
    # shellcheck disable=SC2016 # expanded by the inner shell
    xargs -r -P "$jobs" -I{} bash -c '
        results=$1 name=$2; shift 2
        if "$@" "$name" >"'"$logs"'/each-$name.log" 2>&1; then
            echo "ok $name" | tee -a "$results"
        else
            echo "FAILED $name" | tee -a "$results"
            tail -n 60 "'"$logs"'/each-$name.log"
        fi
        rm -f "'"$logs"'/each-$name.log"' _ "$results" {} "$@"
    passed=$(grep -c '^ok ' "$results" || true)
    failed=$(grep -c '^FAILED ' "$results" || true)
    rm -f "$results"
    ((failed == 0 && passed > 0))
}

stage_setup() {
    packaging/setup.sh
    passed=1
}

stage_lint() {
    local log=$logs/lint-counts status=0
    packaging/lint.sh | tee "$log" || status=$?
    read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1)
    rm -f "$log"
    return "$status"
}

stage_build() {
    build_preset asan
    passed=1
}

stage_ctest() {
    # The simulators' tests are a stage of their own.
    run_ctest build/asan -LE '^sim$'
}

run_node_tests() { # files...; in Node.js 18 their names are needed, later versions differ in folders and patterns
    local log status=0
    log=$(mktemp "$logs/node.XXXXXX")
    node --test "$@" | tee "$log" || status=$?
    passed=$(sed -n 's/^[^ ]* pass \([0-9]*\)$/\1/p' "$log" | tail -1)
    failed=$(sed -n 's/^[^ ]* fail \([0-9]*\)$/\1/p' "$log" | tail -1)
    rm -f "$log"
    return "$status"
}

stage_sims() {
    run_node_tests tests/sim/*/test/*.test.mjs
}

# npm needs a registry; where from, the machine's own settings say.
# The servers of other makers need Node.js 20; Debian 12 has 18. A newer one comes from the npm registry, for this stage only.
need_node() { # least major version
    local machine=x64 dir=build/node-$1
    if node -e "process.exit(parseInt(process.versions.node, 10) >= $1 ? 0 : 1)"; then return; fi
    if [[ $(uname -m) == aarch64 ]]; then machine=arm64; fi
    npm install --no-save --no-audit --no-fund --no-progress --prefix "$dir" "node-linux-$machine@$1"
    export PATH=$PWD/$dir/node_modules/node-linux-$machine/bin:$PATH
}

stage_thirdparty() {
    command -v npm >/dev/null || { echo "test.sh: npm is missing; run packaging/setup.sh" >&2; return 1; }
    need_node 20
    (cd tests/thirdparty && npm ci --no-progress)
    build_preset asan odata_driver
    run_node_tests tests/thirdparty/*.test.mjs
}

stage_demo() {
    local broken=0
    passed=0
    packaging/demo.sh --once --bin build/asan --dir build/demo-test && passed=$((passed + 1)) || broken=1
    packaging/demo.sh --day --once --bin build/asan --dir build/day-test && passed=$((passed + 1)) || broken=1
    return "$broken"
}

stage_packages() {
    local log=$logs/packages-counts status=0
    tests/install/packages.sh | tee "$log" || status=$?
    read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1)
    rm -f "$log"
    return "$status"
}

stage_deploy() {
    command -v npm >/dev/null || { echo "test.sh: npm is missing; run packaging/setup.sh" >&2; return 1; }
    (cd tests/deploy && npm ci --no-progress)
    build_preset asan ml-agent ml-relay mlctl
    run_node_tests tests/deploy/*.test.mjs
}

# The relay that the agent for Windows talks to is the one of stage build.
stage_windows() {
    local broken=0 unit_passed=0 unit_failed=0
    packaging/windows/deps.sh
    build_preset windows || broken=1
    build_preset asan ml-relay || broken=1
    export WINEPREFIX=$PWD/build/windows/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='
    # The server makes the files of all programs, and wine makes access lists from their modes (tests/windows/wine.sh).
    (umask 077 && wine wineboot --init) >/dev/null 2>&1 || true
    run_ctest build/windows/programs -L '^unit$' || broken=1
    read -r unit_passed unit_failed <<<"$passed $failed"
    packaging/lint.sh --windows && unit_passed=$((unit_passed + 1)) || broken=1
    packaging/windows/msi.sh && unit_passed=$((unit_passed + 1)) || broken=1
    MLC_AGENT=$PWD/tests/windows/wine.sh MLC_WINE_PROGRAM=$PWD/build/windows/programs/ml-agent.exe \
        run_node_tests tests/windows/*.test.mjs || broken=1
    passed=$((passed + unit_passed)) failed=$((failed + unit_failed))
    wineserver -k || true
    return "$broken"
}

stage_tsan() {
    local programs broken=0
    mapfile -t programs < <(unit_programs)
    build_preset tsan "${programs[@]}" || broken=1
    local options="halt_on_error=1 second_deadlock_stack=1"
    if [[ -f tests/tsan.supp ]]; then options+=" suppressions=$PWD/tests/tsan.supp"; fi
    export TSAN_OPTIONS=$options
    # ThreadSanitizer of gcc 12 cannot live with more random address bits than 28.
    local setarch=()
    if (($(</proc/sys/vm/mmap_rnd_bits) > 28)) && setarch -R true; then setarch=(setarch -R); fi
    ctest_command=("${setarch[@]}" ctest)
    run_ctest build/tsan -L '^unit$' || broken=1
    return "$broken"
}

memcheck() { # program
    (
        cd build/dev/tests
        valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
            --child-silent-after-fork=yes "./$1"
    )
}
export -f memcheck

stage_valgrind() {
    local programs broken=0
    mapfile -t programs < <(unit_programs "${valgrind_parts[@]}")
    build_preset dev "${programs[@]}" || broken=1
    run_each memcheck < <(printf '%s\n' "${programs[@]}") || broken=1
    return "$broken"
}

# New finds go to build/fuzz/corpus, what breaks the target to build/fuzz/crashes.
fuzz_one() {
    local name=$1 work=build/fuzz/corpus/$1 seeds=tests/fuzz/corpus/${1#fuzz_}
    rm -rf "$work"
    mkdir -p "$work" build/fuzz/crashes
    touch "$work.begun"
    local corpus=("$work")
    if [[ -d $seeds ]]; then corpus+=("$seeds"); fi
    # Without the lines of progress and the dictionary, the last lines of a log tell where it broke.
    "build/fuzz/tests/$name" -max_total_time="$fuzz_seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=20 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" "${corpus[@]}" 2>&1 |
        { grep -avE '^(#[0-9]+[[:space:]]|".*# Uses:)' || true; }
    local status=${PIPESTATUS[0]}
    if ((status != 0)); then
        find build/fuzz/crashes -name "$name-*" -newer "$work.begun" -printf 'input %f, base64:\n' -exec base64 -w 0 {} \;
    fi
    return "$status"
}
export -f fuzz_one
export fuzz_seconds

stage_fuzz() {
    local programs broken=0
    mapfile -t programs < <(find tests/fuzz -maxdepth 1 -name 'fuzz_*.c' -printf '%f\n' | sed 's/\.c$//' | sort)
    build_preset fuzz "${programs[@]}" || broken=1
    # A target's time is by the clock: two for each processor get half as far each, in half the time for all.
    jobs=$((2 * jobs))
    run_each fuzz_one < <(printf '%s\n' "${programs[@]}") || broken=1
    return "$broken"
}

# Runs a stage in a shell of its own, so that it stops at its first error, and adds its counts to the sum.
run_stage() { # name
    local stage=$1 start=$SECONDS status=0 counts=$logs/$1.counts
    echo "=== $stage"
    rm -f "$counts"
    set +e
    (
        set -e
        trap 'echo "${passed:-0} ${failed:-0}" >"$counts"' EXIT
        "stage_$stage"
    ) 2>&1 | tee "$logs/$stage.log"
    status=${PIPESTATUS[0]}
    set -e
    local ok=0 bad=0
    read -r ok bad <"$counts" || true
    rm -f "$counts"
    # A stage that counted nothing did not do its work, whatever it says.
    if ((bad == 0 && (status != 0 || ok == 0))); then bad=1; fi
    sum_passed=$((sum_passed + ok))
    sum_failed=$((sum_failed + bad))
    summary+=("$(printf '%-10s %5d passed %5d failed %6d s' "$stage" "$ok" "$bad" $((SECONDS - start)))")
}

stages=("${all_stages[@]}")
only=()
while (($# > 0)); do
    case $1 in
    --quick) stages=("${quick_stages[@]}") ;;
    --only)
        if [[ " ${all_stages[*]} " != *" ${2:-} "* ]]; then
            echo "test.sh: --only needs one of: ${all_stages[*]}" >&2
            exit 2
        fi
        only+=("$2")
        shift
        ;;
    --list)
        list_stages
        exit 0
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "test.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done
if ((${#only[@]} > 0)); then stages=("${only[@]}"); fi

mkdir -p "$logs"
sum_passed=0
sum_failed=0
summary=()
for stage in "${stages[@]}"; do
    run_stage "$stage"
done

echo
echo "=== summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '%s\n' "${summary[@]}"
echo "$sum_passed passed, $sum_failed failed"
((sum_failed == 0))

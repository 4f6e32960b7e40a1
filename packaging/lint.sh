#!/usr/bin/env bash
# lint.sh - all static checks over the files of the repository; builds nothing.
#   clang-format, clang-tidy, cppcheck, node --check, shellcheck, length of files.
#   packaging/lint.sh [--windows]
#     --windows  clang-tidy over what is only compiled for Windows, and nothing else; after packaging/windows/deps.sh
# clang-tidy's good results are kept in build/lint-cache under a hash of all that they depend on.
# Last line: "N passed, N failed"; exit status 1 when a check failed. MLC_JOBS: parallel processes (2).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs=${MLC_JOBS:-2}
cache=build/lint-cache
lint_build=build/lint
line_limit=500

tool() { # the versioned name, or the plain one
    command -v "$1-14" || command -v "$1" || { echo "lint.sh: $1 is missing; run packaging/setup.sh" >&2; exit 2; }
}
clang_format=$(tool clang-format)
clang_tidy=$(tool clang-tidy)

# Files of the repository, also those not yet committed; of an exported tree, all but build/.
list_files() { # find patterns...
    local pattern
    for pattern in "$@"; do
        if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
            git ls-files --cached --others --exclude-standard -- "$pattern"
        else
            find . -path ./build -prune -o -type f -name "$pattern" -printf '%P\n'
        fi
    done | sort -u | while read -r file; do
        if [[ -f $file ]]; then printf '%s\n' "$file"; fi
    done
}

# A compile database of everything, fuzz targets and benchmarks included; nothing is compiled.
configure() {
    cmake -S . -B "$lint_build" -G Ninja -DCMAKE_C_COMPILER=clang-14 -DCMAKE_BUILD_TYPE=Debug \
        -DMLC_BUILD_FUZZ=ON -DMLC_BUILD_BENCH=ON >"$cache/configure.log" || {
        cat "$cache/configure.log"
        return 1
    }
    # Sources that are made by the build stand in the database too.
    ninja -C "$lint_build" map_defaults.c >>"$cache/configure.log"
}

check_format() {
    list_files '*.c' '*.h' | xargs -r "$clang_format" --dry-run -Werror
}

# What only Windows has, which the compile database of this machine lacks (cmake/sources.cmake).
windows_only='_windows\.c$|/windows/'

# One file. A result depends on the checks, the compiler's arguments and each header of the project.
tidy_one() {
    local file=$1 key log folders
    read -ra folders <<<"$(pkg-config --cflags lua5.4 p11-kit-1)"
    key=$({
        "$clang_tidy" --version
        cat .clang-tidy cmake/options.cmake
        clang-14 -MM -D_GNU_SOURCE -I. -Icommon -Itests "${folders[@]}" "$file" | sed 's/^[^ ]*: //; s/\\$//' | xargs -r -n 1 |
            sort -u | xargs -r sha256sum
    } | sha256sum | cut -d' ' -f1)
    if [[ -e $cache/tidy/$key ]]; then
        return 0
    fi
    if log=$("$clang_tidy" -p "$lint_build" --quiet "$file" 2>/dev/null); then
        : >"$cache/tidy/$key"
        return 0
    fi
    printf '%s\n' "$log"
    return 1
}
export -f tidy_one
export clang_tidy cache lint_build

check_tidy() {
    mkdir -p "$cache/tidy"
    configure
    # shellcheck disable=SC2016 # expanded by the inner shell
    list_files '*.c' | grep -vE "$windows_only" | xargs -r -P "$jobs" -I{} bash -c 'set -o pipefail; tidy_one "$1"' _ {}
}

# As mingw-w64 compiles them. Handles of Windows are pointers behind a typedef, and some are numbers.
check_tidy_windows() {
    local deps=build/windows/deps/include
    [[ -d $deps/openssl || -d $deps/mbedtls ]] || { echo "lint.sh: $deps is missing; run packaging/windows/deps.sh" >&2; return 1; }
    list_files '*.c' | grep -E "$windows_only" | xargs -r -P "$jobs" -I{} "$clang_tidy" --quiet \
        --checks=-misc-misplaced-const,-performance-no-int-to-ptr {} -- --target=x86_64-w64-mingw32 -std=gnu11 \
        -D_WIN32_WINNT=0x0A00 -D_FILE_OFFSET_BITS=64 -D_GNU_SOURCE -DWIN32_LEAN_AND_MEAN -D__USE_MINGW_ANSI_STDIO=1 \
        -D_POSIX_THREAD_SAFE_FUNCTIONS=200112L -include common/windows/posix.h -isystem common/windows/include \
        -isystem /usr/x86_64-w64-mingw32/include -isystem "$deps" -I. -Icommon -Itests 2>/dev/null
}

check_cppcheck() {
    mkdir -p "$cache/cppcheck"
    configure
    cppcheck --quiet -j "$jobs" --project="$lint_build/compile_commands.json" --cppcheck-build-dir="$cache/cppcheck" \
        --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=unmatchedSuppression --template=gcc
}

check_node() {
    list_files '*.mjs' | xargs -r -n 1 node --check
}

check_shell() {
    if ! command -v shellcheck >/dev/null; then
        echo "shellcheck is not installed: skipped"
        return 0
    fi
    { list_files '*.sh'; echo .ci/run; } | xargs shellcheck
}

check_length() {
    local file lines bad=0
    while read -r file; do
        lines=$(wc -l <"$file")
        if ((lines > line_limit)); then
            echo "$file: $lines lines, more than $line_limit"
            bad=1
        fi
    done < <(list_files '*.c' '*.h' | grep -E '^(agent|relay|common|cli)/')
    return "$bad"
}

passed=0
failed=0
check() { # name, function: in a shell of its own, so that it stops at its first error
    local start=$SECONDS verdict status=0
    set +e
    (set -e; "$2")
    status=$?
    set -e
    if ((status == 0)); then
        verdict=ok passed=$((passed + 1))
    else
        verdict=FAILED failed=$((failed + 1))
    fi
    printf 'lint: %-14s %-6s %4d s\n' "$1" "$verdict" $((SECONDS - start))
}

mkdir -p "$cache"
if [[ ${1:-} == --windows ]]; then
    check "Windows" check_tidy_windows
    echo "$passed passed, $failed failed"
    exit "$failed"
fi
check clang-format check_format
check cppcheck check_cppcheck
check clang-tidy check_tidy
check "node --check" check_node
check shellcheck check_shell
check "file length" check_length
echo "$passed passed, $failed failed"
((failed == 0))

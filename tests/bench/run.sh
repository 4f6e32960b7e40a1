#!/usr/bin/env bash
# run.sh - builds the release and takes all measurements; prints one table in Markdown. See README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cmake --preset release >&2
cmake --build build/release --parallel "${MLC_JOBS:-2}" --target \
    ml-agent ml-relay bench_enqueue bench_tunnel bench_load bench_answerer bench_fill >&2
exec node tests/bench/run.mjs build/release

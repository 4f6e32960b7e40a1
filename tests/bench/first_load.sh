#!/usr/bin/env bash
# first_load.sh - builds the release and measures the first load of a large address book; prints Markdown.
# Settings: README.md, section First load.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cmake --preset release >&2
cmake --build build/release --parallel "${MLC_JOBS:-2}" --target ml-agent ml-relay >&2
exec node tests/bench/first_load.mjs build/release

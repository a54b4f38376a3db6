#!/usr/bin/env bash
# The Rust tests: with nextest where it is installed, which leaves out the examples in the docs.
set -euo pipefail
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast
    exec cargo test --quiet --workspace --doc
fi
exec cargo test --workspace --no-fail-fast

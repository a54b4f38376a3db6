#!/usr/bin/env bash
# The Rust tests: with nextest where it is installed, which leaves out the examples in the docs.
# xtask is tested by itself, with the build that `cargo xtask` has made already.
set -euo pipefail
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --package xtask --no-fail-fast
    cargo nextest run --workspace --exclude xtask --no-fail-fast
    exec cargo test --quiet --workspace --exclude xtask --doc
fi
cargo test --package xtask --no-fail-fast
exec cargo test --workspace --exclude xtask --no-fail-fast

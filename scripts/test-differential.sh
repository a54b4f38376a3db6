#!/usr/bin/env bash
# Compares car with the original, codex-autorunner 0.1.0, which is installed from PyPI into a cache.
# Where that is not possible a line says why, and nothing is compared.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v python3 >/dev/null; then
    echo "skipped: python3 is not installed, so there is no original to compare with"
    exit 0
fi
python3 -m unittest discover --quiet --start-directory end2end/differential
exec python3 end2end/differential "$@"

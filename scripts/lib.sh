# shellcheck shell=bash
# What the set-up scripts share: plain messages, timed steps, packages of the system.

say() { printf '%s\n' "$*"; }

# Ends the script with one sentence that says what happened and what to do.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# step NAME COMMAND… — runs the command under a headline and says how long it took.
step() {
    local name=$1 start=$SECONDS
    shift
    say "==> $name"
    "$@" || return
    say "    $name: $((SECONDS - start)) s"
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command silently; shows what it said only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if ((status != 0)); then cat "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

can_install() { has apt-get && [[ $(id -u) == 0 ]]; }

# Installs packages of the system; only to be called where can_install says so.
install_packages() {
    local options=(-y --no-install-recommends -o "DPkg::Lock::Timeout=300")
    export DEBIAN_FRONTEND=noninteractive
    # A fresh container has no package lists, an old one has stale ones: fetch them and try again.
    apt-get install "${options[@]}" "$@" >/dev/null 2>&1 ||
        { quietly apt-get -o DPkg::Lock::Timeout=300 update && quietly apt-get install "${options[@]}" "$@"; }
}

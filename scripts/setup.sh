#!/usr/bin/env bash
# Brings what the Makefile's targets need and this machine lacks: `setup.sh build|test|dev`.
# Does nothing, in well under a second, where everything is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly RUST_MIN_MINOR=95
readonly CARGO_LEPTOS=0.3.10
CARGO_BIN=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
export PATH="$PATH:$CARGO_BIN"

rust_compiler() {
    if ! has rustc || ! has cargo; then
        fail "Rust is not installed: get rustup from https://rustup.rs and run this again."
    fi
    local version minor
    version=$(rustc --version) || fail "rustc does not run: repair the toolchain with 'rustup update'."
    version=${version#rustc }
    minor=${version#*.}
    minor=${minor%%.*}
    if [[ $version != 1.* ]] || ((minor < RUST_MIN_MINOR)); then
        fail "Rust 1.$RUST_MIN_MINOR or newer is needed and this is ${version%% *}: run 'rustup update stable'."
    fi
}

c_compiler() {
    has "${CC:-cc}" && return
    can_install || fail "A C compiler is needed (CAR bundles SQLite): install gcc or clang."
    step "Installing a C compiler" install_packages gcc libc6-dev ||
        fail "apt-get could not install gcc: install a C compiler and run this again."
}

# npm_packages needed|wanted — the lock file's packages, once per state of the lock file.
npm_packages() {
    local need=$1 stamp=end2end/node_modules/.car-lock lock
    lock=$(cksum <end2end/package-lock.json) || fail "end2end/package-lock.json is missing: restore it from git."
    [[ -f $stamp && $(<"$stamp") == "$lock" ]] && return
    local problem=""
    if ! has npm; then
        problem="npm is not installed (it comes with Node.js 20 or newer)"
    elif ! PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 step "Installing the npm packages" \
        quietly npm --prefix end2end ci --no-audit --no-fund; then
        problem="npm could not install the packages (its messages are above)"
    else
        printf '%s' "$lock" >"$stamp"
    fi
    [[ -z $problem ]] && return
    [[ $need == needed ]] && fail "The browser tests need npm packages, but $problem."
    say "    Going on without wasm-opt, the site gets larger: $problem."
}

browser() {
    if [[ -n ${CHROMIUM:-} ]]; then
        has "$CHROMIUM" || fail "CHROMIUM names $CHROMIUM, which is not a program: correct or unset it."
        return
    fi
    has chromium && return
    can_install ||
        fail "Chromium is needed for the browser tests: install it, or set CHROMIUM to a Chrome or Chromium."
    step "Installing Chromium" install_packages chromium ||
        fail "apt-get could not install chromium: install it, or set CHROMIUM to a Chrome or Chromium."
}

# What people have in front of their server and in their scripts, for the tests.
proxy() {
    PATH="$PATH:/usr/sbin" has nginx && has curl && return
    can_install || fail "nginx and curl are needed for the browser tests: install them."
    step "Installing nginx and curl" install_packages nginx-light curl ||
        fail "apt-get could not install nginx and curl: install them and run this again."
}

# has_version PROGRAM VERSION
has_version() { has "$1" && [[ $("$1" --version) == *" $2"* ]]; }

# Away from the checkout, whose cargo settings are not meant for these programs.
cargo_install() { (cd / && cargo install "$@"); }

# Unoptimised: it spends its time waiting for cargo, and an optimised build takes far longer.
cargo_leptos() {
    if has pkg-config && pkg-config --exists openssl; then export OPENSSL_NO_VENDOR=1; fi
    cargo_install cargo-leptos --version "$CARGO_LEPTOS" --locked --debug --features no_downloads
}

# Lightly optimised: it has to rewrite the whole program on each change.
wasm_bindgen() {
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    # A registry mirror may lag behind the program's own lock file.
    cargo_install wasm-bindgen-cli --version "$1" --locked || cargo_install wasm-bindgen-cli --version "$1"
}

dev_tools() {
    local bindgen
    bindgen=$(sed -n 's/^wasm-bindgen = "=\(.*\)"$/\1/p' Cargo.toml)
    [[ -n $bindgen ]] || fail "Cargo.toml does not pin wasm-bindgen any more: adapt scripts/setup.sh."
    has_version cargo-leptos "$CARGO_LEPTOS" ||
        step "Installing cargo-leptos $CARGO_LEPTOS (takes a while, once)" cargo_leptos ||
        fail "cargo-leptos $CARGO_LEPTOS could not be installed; cargo's messages are above."
    has_version wasm-bindgen "$bindgen" ||
        step "Installing wasm-bindgen $bindgen" wasm_bindgen "$bindgen" ||
        fail "wasm-bindgen-cli $bindgen could not be installed; cargo's messages are above."
}

case ${1:-} in
build)
    rust_compiler
    c_compiler
    scripts/wasm-target.sh
    npm_packages wanted
    ;;
test)
    rust_compiler
    c_compiler
    scripts/wasm-target.sh
    npm_packages needed
    browser
    proxy
    ;;
dev)
    rust_compiler
    c_compiler
    scripts/wasm-target.sh
    npm_packages wanted
    dev_tools
    ;;
*) fail "Say what to set up for: scripts/setup.sh build|test|dev" ;;
esac

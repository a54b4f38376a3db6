#!/usr/bin/env bash
# Gives the Rust compiler in use the standard library for wasm32-unknown-unknown.
#
# The normal way is rustup. Where its servers are out of reach, the library is built once from its
# source, which must be of exactly the compiler's version: from rustup, or from Debian's package.
# shellcheck disable=SC2317 # the functions are called through `step`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

readonly TARGET=wasm32-unknown-unknown
# Debian's suites that may hold a compiler as new as ours, on the mirror apt is set up with.
readonly SUITES=(trixie-backports sid)
LIBDIR=$(rustc --print target-libdir --target "$TARGET")
SYSROOT=$(rustc --print sysroot)
VERSION=$(rustc --version | cut -d ' ' -f 2)
SOURCE=$SYSROOT/lib/rustlib/src/rust/library

installed() { compgen -G "$LIBDIR/libcore-*.rlib" >/dev/null; }

# ask_rustup ARGUMENTS… — with a limit in time, where the system has the means (macOS has not).
ask_rustup() {
    local limit=()
    if has timeout; then limit=(timeout 300); fi
    quietly env -u RUST_BACKTRACE ${limit[@]+"${limit[@]}"} rustup "$@"
}

# --- 1: rustup -----------------------------------------------------------------------------------

by_rustup() { ask_rustup target add "$TARGET"; }

# --- 2: built from source ------------------------------------------------------------------------

source_by_rustup() { ask_rustup component add rust-src && [[ -d $SOURCE ]]; }

# source_by_apt SCRATCH — finds rust-src of this version in one of the suites and unpacks it.
source_by_apt() {
    local scratch=$1 mirror suite found deb
    has apt-get && has dpkg-deb || return 1
    # shellcheck disable=SC2016 # apt fills in $(SITE)
    mirror=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -m 1 '/debian/*$') || return 1
    mkdir -p "$scratch"/{lists,cache}/partial "$scratch/parts"
    for suite in "${SUITES[@]}"; do
        printf 'deb [signed-by=%s] %s %s main\n' \
            /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$suite" >"$scratch/sources.list"
        # Lists of our own: the machine's package sources stay as they are.
        local apt=(-o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts="$scratch/parts"
            -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch/cache" -o APT::Sandbox::User=root)
        quietly apt-get "${apt[@]}" update || continue
        found=$(apt-cache "${apt[@]}" madison rust-src | awk -v v="$VERSION" '$3 ~ "^" v "[+~-]" { print $3; exit }')
        [[ -n $found ]] || continue
        (cd "$scratch" && quietly apt-get "${apt[@]}" download "rust-src=$found") || continue
        deb=$(compgen -G "$scratch/rust-src_*.deb") || continue
        dpkg-deb -x "$deb" "$scratch/unpacked" || continue
        mkdir -p "$(dirname "$SOURCE")" || return 1
        cp -r "$scratch/unpacked/usr/src/rustc-$VERSION/library" "$SOURCE" && return 0
    done
    return 1
}

# build SCRATCH — compiles the standard library and puts it where the compiler looks for it.
build() {
    local crate=$1/crate
    mkdir -p "$crate/src" || return 1
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$crate/Cargo.toml"
    printf '#![no_std]\n' >"$crate/src/lib.rs"
    # Bitcode, because the site is linked with LTO, which reaches into the standard library.
    (cd "$crate" && env -u CARGO_ENCODED_RUSTFLAGS RUSTFLAGS="-C embed-bitcode=yes" RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_DIR="$crate/target" \
        cargo build --quiet --release -Zbuild-std=std,panic_abort --target "$TARGET") || return 1
    rm -f "$crate/target/$TARGET/release/deps"/libempty-*
    rm -rf "$LIBDIR.new"
    mkdir -p "$LIBDIR.new" && cp "$crate/target/$TARGET/release/deps"/*.rlib "$LIBDIR.new/" &&
        rm -rf "$LIBDIR" && mv "$LIBDIR.new" "$LIBDIR"
}

by_source() {
    local scratch origin borrowed=no status=0
    [[ -w $SYSROOT/lib/rustlib ]] || { say "    $SYSROOT is not writable, cannot add to it."; return 1; }
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # the path as it is now
    trap "rm -rf '$scratch'" EXIT
    if [[ -d $SOURCE ]]; then
        origin="already there"
    elif has rustup && source_by_rustup; then
        origin="from rustup"
    elif source_by_apt "$scratch"; then
        origin="from Debian's package rust-src"
        borrowed=yes
    else
        say "    The source of Rust $VERSION is neither at rustup nor in Debian's ${SUITES[*]}."
        return 1
    fi
    say "    The standard library's source: $origin. Compiling it, about two minutes."
    build "$scratch" || status=1
    # Not rustup's own copy: it would be in the way of a later `rustup component add`.
    if [[ $borrowed == yes ]]; then rm -rf "$SOURCE"; fi
    return "$status"
}

# -------------------------------------------------------------------------------------------------

if installed; then exit 0; fi
if has rustup && step "Adding the $TARGET target with rustup" by_rustup && installed; then exit 0; fi
say "    rustup could not add the target; building the standard library from source instead."
if step "Building the standard library for $TARGET" by_source && installed; then exit 0; fi
fail "The Rust target $TARGET is missing and could not be added: give this machine access to rustup's servers" \
    "and run 'rustup target add $TARGET', or, on Debian, install a compiler with its source" \
    "(rustc-web cargo-web rust-web-src lld) and put /usr/bin first on PATH."

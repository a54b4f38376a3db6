//! Builds `target/site`, everything the browser loads, as cargo-leptos would.
//!
//! Stays interchangeable with `cargo leptos build`: the same file names and the same cargo cache,
//! so a developer may use either. Exists because compiling cargo-leptos takes longer than
//! everything else a first build does.

mod assets;
mod build;
mod compress;
mod css;
mod publish;
mod wasm;

pub(crate) use build::build;

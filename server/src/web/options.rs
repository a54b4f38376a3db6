//! The Leptos options this binary is born with.

use anyhow::Context;
use leptos::prelude::LeptosOptions;

/// Options compiled in from `Leptos.toml`; `LEPTOS_*` variables (set by `cargo leptos watch`) win.
pub(super) fn leptos_options() -> anyhow::Result<LeptosOptions> {
    leptos::config::get_config_from_str(include_str!("../../../Leptos.toml"))
        .context("the built-in Leptos.toml cannot be read")
}

#[cfg(test)]
mod tests {
    use toml::Table;

    /// cargo-leptos reads Cargo.toml only, the binary Leptos.toml only.
    #[test]
    fn both_files_say_the_same() {
        let section = |text: &str| -> Table {
            let table: Table = text.parse().expect("valid TOML");
            table["workspace"]["metadata"]["leptos"][0].as_table().expect("a table").clone()
        };
        let cargo = section(include_str!("../../../Cargo.toml"));
        let leptos = section(include_str!("../../../Leptos.toml"));
        for key in ["output-name", "site-root", "site-pkg-dir", "site-addr", "reload-port"] {
            assert_eq!(cargo[key], leptos[key], "{key}");
        }
    }
}

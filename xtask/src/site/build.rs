//! The order of a site build: style, WebAssembly, public files, compression, publication.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use super::{assets, compress, css, publish, wasm};
use crate::workspace::{Profile, Workspace};

/// The files of a site by their path below its root.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Brings `target/site` up to date; leaves it untouched when nothing changed.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<ExitCode> {
    let start = Instant::now();
    // The style sheet goes first: a mistake in it shows at once, not after the compiler.
    let style = css::bundle(workspace, profile)?;
    let mut files = wasm::build(workspace, profile)?;
    files.insert("pkg/car.css".into(), style);
    assets::collect(&workspace.root().join("public"), &mut files)?;
    if profile == Profile::Release {
        compress::add(&workspace.front_target().join("brotli"), &mut files)?;
    }
    let changed = publish::publish(&workspace.site(), &files)?;
    report(&files, changed, start);
    Ok(ExitCode::SUCCESS)
}

fn report(files: &Files, changed: bool, start: Instant) {
    for name in ["pkg/car.wasm", "pkg/car.js", "pkg/car.css"] {
        let size = |name: &str| files.get(&PathBuf::from(name)).map(|bytes| kilobytes(bytes.len()));
        let Some(plain) = size(name) else { continue };
        match size(&format!("{name}.br")) {
            Some(packed) => println!("  {name}: {plain}, {packed} compressed"),
            None => println!("  {name}: {plain}"),
        }
    }
    let outcome = if changed { "is up to date" } else { "was up to date already" };
    println!("target/site {outcome} ({:.1} s)", start.elapsed().as_secs_f64());
}

fn kilobytes(bytes: usize) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(kilobytes(0), "0 kB");
        assert_eq!(kilobytes(1001), "2 kB");
    }
}

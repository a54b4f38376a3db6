//! Scripts of others that the browser loads: copied from npm's packages as they are, and never edited here.
//!
//! They are part of the repository, so that a build needs no npm. `INTEGRITY.json` beside them says what each must be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha384};

use crate::workspace::Workspace;

/// The terminal, of which the others are parts; its version names the directory.
const MAIN: &str = "@xterm/xterm";
/// Packages, and the files of each.
const FILES: [(&str, &[&str]); 6] = [
    (MAIN, &["lib/xterm.mjs", "css/xterm.css", "LICENSE"]),
    ("@xterm/addon-fit", &["lib/addon-fit.mjs"]),
    ("@xterm/addon-search", &["lib/addon-search.mjs"]),
    ("@xterm/addon-unicode11", &["lib/addon-unicode11.mjs"]),
    ("@xterm/addon-web-links", &["lib/addon-web-links.mjs"]),
    ("@xterm/addon-webgl", &["lib/addon-webgl.mjs"]),
];
const INTEGRITY: &str = "INTEGRITY.json";

/// Copies the files of the installed packages to `public/vendor`.
pub(crate) fn copy(workspace: &Workspace) -> Result<ExitCode> {
    let modules = workspace.root().join("end2end/node_modules");
    let vendor = workspace.root().join("public/vendor");
    let folder = vendor.join(format!("xterm-{}", version(&modules.join(MAIN))?));
    if vendor.exists() {
        fs::remove_dir_all(&vendor)
            .with_context(|| format!("cannot clear {}", vendor.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut sums = BTreeMap::new();
    for (package, files) in FILES {
        for file in files {
            let from = modules.join(package).join(file);
            let bytes = fs::read(&from).with_context(|| {
                format!("cannot read {}; `npm --prefix end2end ci` brings it", from.display())
            })?;
            let name = file.rsplit('/').next().unwrap_or(file);
            let to = folder.join(name);
            fs::write(&to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
            sums.insert(relative(&vendor, &to), sum(&bytes));
        }
    }
    let text = serde_json::to_string_pretty(&sums)? + "\n";
    fs::write(vendor.join(INTEGRITY), text).context("cannot write INTEGRITY.json")?;
    println!("{} files of {} packages are in public/vendor", sums.len(), FILES.len());
    Ok(ExitCode::SUCCESS)
}

/// Says which of the files are not what they were when they were copied.
pub(crate) fn check(workspace: &Workspace) -> Result<ExitCode> {
    let vendor = workspace.root().join("public/vendor");
    let text = fs::read_to_string(vendor.join(INTEGRITY)).context("cannot read INTEGRITY.json")?;
    let sums: BTreeMap<String, String> = serde_json::from_str(&text)?;
    ensure!(!sums.is_empty(), "public/vendor/INTEGRITY.json names no file");
    let is_as_copied = |name: &str, sum_then: &String| {
        fs::read(vendor.join(name)).is_ok_and(|bytes| sum(&bytes) == *sum_then)
    };
    let changed: Vec<_> = sums.iter().filter(|(name, sum)| !is_as_copied(name, sum)).collect();
    if changed.is_empty() {
        println!("{} files in public/vendor are as their authors published them", sums.len());
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<_> = changed.into_iter().map(|(name, _)| name.as_str()).collect();
    bail!("changed or missing: {}; `cargo xtask vendor` copies them anew", names.join(", "))
}

fn version(package: &Path) -> Result<String> {
    let path = package.join("package.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("cannot read {}; `npm --prefix end2end ci` brings it", path.display())
    })?;
    let manifest: Value = serde_json::from_str(&text)?;
    let version = manifest["version"].as_str().context("a package without a version")?;
    Ok(version.to_owned())
}

fn relative(vendor: &Path, file: &Path) -> String {
    file.strip_prefix(vendor).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn sum(bytes: &[u8]) -> String {
    format!("sha384-{}", STANDARD.encode(Sha384::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("end2end/node_modules");
        for (name, files) in FILES {
            for file in files {
                let path = package.join(name).join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, file).unwrap();
            }
            fs::write(package.join(name).join("package.json"), r#"{"version": "6.0.0"}"#).unwrap();
        }
        let workspace = Workspace::at(root.path().to_owned(), None);
        copy(&workspace).unwrap();
        check(&workspace).unwrap();
        let copied = root.path().join("public/vendor/xterm-6.0.0/xterm.mjs");
        fs::write(copied, "something else").unwrap();
        let error = check(&workspace).unwrap_err().to_string();
        assert!(error.contains("xterm-6.0.0/xterm.mjs"), "{error}");
    }
}

//! Reads the checkout, applies every rule, prints the findings.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use super::schemas::Schemas;
use super::{crates, files};
use crate::workspace::Workspace;

const FOLDERS: [&str; 8] =
    ["app", "crates", "end2end", "frontend", "public", "server", "style", "xtask"];
/// Folders nobody here writes by hand.
const SKIPPED: [&str; 4] = ["node_modules", "target", "vendor", "test-results"];

/// One broken rule, as `path:line: what is wrong`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Prints each finding; the exit code says whether there was one.
pub(crate) fn check(workspace: &Workspace) -> Result<ExitCode> {
    let mut findings = crates::check(&metadata(workspace)?);
    let mut count = 0;
    let mut schemas = Schemas::default();
    for folder in FOLDERS {
        for path in source_files(&workspace.root().join(folder))? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = workspace.relative(&path).to_string_lossy().replace('\\', "/");
            findings.extend(files::check(&name, &text));
            findings.extend(schemas.add(&name, &text));
            count += 1;
        }
    }
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("The architecture holds ({count} files)");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Findings: {}. The rules and their reasons are in xtask/src/arch", findings.len());
    Ok(ExitCode::FAILURE)
}

fn metadata(workspace: &Workspace) -> Result<serde_json::Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(workspace.root())
        .output()
        .context("cannot start cargo")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo cannot describe the workspace: {complaint}");
    serde_json::from_slice(&output.stdout).context("cannot read what `cargo metadata` says")
}

fn source_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        if !current.is_dir() {
            continue;
        }
        let describe = || format!("cannot read {}", current.display());
        for entry in fs::read_dir(&current).with_context(describe)? {
            let path = entry.with_context(describe)?.path();
            let extension = path.extension().unwrap_or_default();
            if path.is_dir() {
                let name = path.file_name().unwrap_or_default();
                if !SKIPPED.iter().any(|skipped| name == *skipped) {
                    pending.push(path);
                }
            } else if ["rs", "css", "ts"].iter().any(|known| extension == *known) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

//! Which session files there are, and which changed since they were last looked at.
//!
//! Every file is asked for its size each time. Directories by day would suggest to look at the last days only, but a resumed
//! thread appends to the file of the day it began on and changes no directory, so that would miss usage. Listing ten thousand
//! files and asking for their sizes takes about 30 ms, and nothing is ever stale.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use car_store::FileMark;

/// Deepest directory looked into; Codex uses three. A link in a circle ends here.
const MAX_DEPTH: usize = 8;

/// A session file.
#[derive(Clone, Debug)]
pub(super) struct SessionFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Path below the Codex home.
    pub(super) name: String,
    pub(super) mark: FileMark,
}

/// What there is to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// New files and those that changed, oldest name first.
    pub(super) changed: Vec<SessionFile>,
    /// Names of files that are gone.
    pub(super) gone: Vec<String>,
    /// Directories that could not be read; what is known of them stays.
    pub(super) unreadable: Vec<PathBuf>,
}

/// Compares the files below `home` with what is known.
pub(super) fn plan(home: &Path, mut known: HashMap<String, FileMark>) -> Plan {
    let mut plan = Plan::default();
    for base in ["sessions", "archived_sessions"] {
        let mut found = Vec::new();
        list(&home.join(base), 0, &mut found, &mut plan.unreadable);
        for (path, mark) in found {
            let name = path.strip_prefix(home).unwrap_or(&path).to_string_lossy().into_owned();
            if known.remove(&name).as_ref() != Some(&mark) {
                plan.changed.push(SessionFile { path, name, mark });
            }
        }
    }
    let is_hidden =
        |name: &String| plan.unreadable.iter().any(|dir| home.join(name).starts_with(dir));
    plan.gone = known.into_keys().filter(|name| !is_hidden(name)).collect();
    plan.changed.sort_by(|a, b| a.name.cmp(&b.name));
    plan
}

fn list(
    dir: &Path,
    depth: usize,
    found: &mut Vec<(PathBuf, FileMark)>,
    unreadable: &mut Vec<PathBuf>,
) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                unreadable.push(dir.to_path_buf());
            }
            return;
        }
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let metadata = if kind.is_symlink() { fs::metadata(&path) } else { entry.metadata() };
        let Ok(metadata) = metadata else { continue };
        if metadata.is_dir() && depth < MAX_DEPTH {
            list(&path, depth + 1, found, unreadable);
        } else if metadata.is_file() && path.extension().is_some_and(|end| end == "jsonl") {
            let modified = metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec();
            let size = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
            let inode = metadata.ino().cast_signed();
            found.push((path, FileMark { size, modified, inode }));
        }
    }
}

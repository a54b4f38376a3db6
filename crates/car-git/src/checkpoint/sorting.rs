//! What is to be done with each file that git says is not as in the last checkpoint.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::command::path;

/// Largest file that is kept, in bytes. Models and disk images are no work of an agent's, and every version is kept whole.
const MAX_FILE: u64 = 512 << 20;
/// Names that a note lists.
const NAMES: usize = 10;

/// Files by what is to be done with them; lists of paths that each end with a zero byte.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// To be stored as they are now.
    pub store: Vec<u8>,
    /// No longer there.
    pub forget: Vec<u8>,
    nested: Vec<PathBuf>,
    unreadable: Vec<PathBuf>,
    too_big: Vec<PathBuf>,
}

impl Sorted {
    /// Looks at each of `names` below `top`. What cannot be read or is too big stays as it was last time, so that it never
    /// looks deleted.
    pub(super) fn sort(top: &Path, names: &[Vec<u8>], left_alone: &[PathBuf]) -> Self {
        let (mut sorted, mut dirs) = (Self::default(), HashMap::new());
        for name in names {
            let relative = path(name);
            if left_alone.iter().any(|place| relative.starts_with(place)) {
                continue;
            }
            if name.ends_with(b"/") {
                sorted.nested.push(relative);
            } else if is_reachable(top, &relative, &mut dirs) {
                sorted.look(top, name, relative);
            } else {
                push(&mut sorted.forget, name);
            }
        }
        sorted
    }

    fn look(&mut self, top: &Path, name: &[u8], relative: PathBuf) {
        let full = top.join(&relative);
        let Ok(metadata) = fs::symlink_metadata(&full) else {
            return push(&mut self.forget, name);
        };
        let kind = metadata.file_type();
        if kind.is_symlink() {
            push(&mut self.store, name);
        } else if !kind.is_file() {
            push(&mut self.forget, name);
        } else if metadata.len() > MAX_FILE {
            self.too_big.push(relative);
        } else if File::open(&full).is_err() {
            self.unreadable.push(relative);
        } else {
            push(&mut self.store, name);
        }
    }

    /// What is not in the checkpoint, as sentences.
    pub(super) fn notes(&self) -> Vec<String> {
        let big = format!("larger than {} MiB", MAX_FILE >> 20);
        [
            (&self.nested, "a repository of its own"),
            (&self.unreadable, "not readable"),
            (&self.too_big, big.as_str()),
        ]
        .into_iter()
        .filter(|(paths, _)| !paths.is_empty())
        .map(|(paths, why)| format!("not in the checkpoint ({why}): {}", list(paths)))
        .collect()
    }
}

/// Whether every directory above `relative` is one, and not a link to one.
fn is_reachable(top: &Path, relative: &Path, dirs: &mut HashMap<PathBuf, bool>) -> bool {
    let Some(parent) = relative.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return true;
    };
    if let Some(known) = dirs.get(parent) {
        return *known;
    }
    let is_dir = is_reachable(top, parent, dirs)
        && fs::symlink_metadata(top.join(parent)).is_ok_and(|metadata| metadata.is_dir());
    dirs.insert(parent.to_path_buf(), is_dir);
    is_dir
}

fn push(list: &mut Vec<u8>, name: &[u8]) {
    list.extend_from_slice(name);
    list.push(0);
}

fn list(paths: &[PathBuf]) -> String {
    let names = paths.iter().take(NAMES).map(|path| path.display().to_string());
    let mut text = names.collect::<Vec<_>>().join(", ");
    if paths.len() > NAMES {
        text.push_str(&format!(" and {} more", paths.len() - NAMES));
    }
    text
}

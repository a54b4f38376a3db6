//! Where a rule may work: below the `.codex-autorunner` of its root and nowhere else.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::config::{CAR_DIR, HousekeepingKind, HousekeepingRule};

/// The one file outside of roots, which the Python version's updater left.
const UPDATE_LOG: &str = "~/.codex-autorunner/update-standalone.log";
/// A rule of the original that deleted inside a git clone. Old configurations name it; it does nothing.
const UPDATE_CACHE: &str = "~/.codex-autorunner/update_cache";
/// Directories that bound themselves or whose files are needed.
const KEPT_DIRS: [&str; 2] = ["history", "outbox"];

/// A directory or file to work on: a root, and the way down from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the way begins; trusted.
    pub root: PathBuf,
    /// Names on the way, the first being `.codex-autorunner`. None of them is `..`.
    pub way: Vec<OsString>,
}

impl Place {
    /// The place a rule names. `None` when the rule means nothing here; an error when it must not be applied.
    pub(super) fn of(
        root: &Path,
        home: Option<&Path>,
        is_hub: bool,
        rule: &HousekeepingRule,
    ) -> Result<Option<Self>, String> {
        let path = rule.path.trim();
        if path.is_empty() || path.trim_end_matches('/') == UPDATE_CACHE {
            return Ok(None);
        }
        if path == UPDATE_LOG && rule.kind == HousekeepingKind::File {
            let (Some(home), true) = (home, is_hub) else { return Ok(None) };
            let way = vec![CAR_DIR.into(), "update-standalone.log".into()];
            return Ok(Some(Self { root: home.to_path_buf(), way }));
        }
        let way = way_of(path).ok_or("leads out of its root and is not applied")?;
        if way.first().is_none_or(|first| first != CAR_DIR) {
            return Err(format!("lies outside {CAR_DIR} and is not applied"));
        }
        if rule.kind == HousekeepingKind::Directory && way.len() == 1 {
            return Err(format!("is {CAR_DIR} itself, which holds documents and state"));
        }
        if way.len() > 2 && way[1] == "terminals" {
            return Err(
                "is a part of a terminal; a rule can only name `terminals` itself".to_owned()
            );
        }
        if way.get(1).is_some_and(|dir| KEPT_DIRS.iter().any(|kept| dir == kept)) {
            return Err("is kept in order by CAR itself".to_owned());
        }
        Ok(Some(Self { root: root.to_path_buf(), way }))
    }

    /// Whether it is the directory of runs, in which a log and its journal go together.
    pub(super) fn is_runs(&self) -> bool {
        self.way.len() == 2 && self.way[1] == "runs"
    }

    /// Whether it is the directory of terminals, of which each goes as a whole.
    pub(super) fn is_terminals(&self) -> bool {
        self.way.len() == 2 && self.way[1] == "terminals"
    }

    /// Path of a file at `below` for comparing with configured paths.
    pub(super) fn path(&self, below: &Path) -> PathBuf {
        self.way.iter().collect::<PathBuf>().join(below)
    }
}

fn way_of(path: &str) -> Option<Vec<OsString>> {
    if path.starts_with('~') {
        return None;
    }
    let mut way = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => way.push(name.to_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(way)
}

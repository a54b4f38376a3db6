//! `manifest.yml`: which repositories a hub holds.
//!
//! Reading never writes. A change is made on the file as it is at that moment, under a lock, and replaces it whole. What is
//! not understood stays as it is: keys of other versions, entries with mistakes, their order.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::entry::RepoEntry;
use crate::EngineError;
use crate::config::Config;
use crate::files::{lock_file, parse_yaml, to_yaml, write_atomic};

/// The only version there is.
const VERSION: u64 = 2;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    whole: Map<String, Value>,
}

/// Something in the manifest that is not understood, and so not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestProblem {
    /// Place in the list, from 1; 0 for the list itself.
    pub entry: usize,
    /// What is wrong, as a sentence.
    pub text: String,
}

/// Where the manifest of the hub at `root` is.
pub(super) fn path(root: &Path, config: &Config) -> PathBuf {
    root.join(&config.hub.manifest)
}

/// Reads the manifest; a missing one is empty.
///
/// # Errors
/// When it cannot be read, is no YAML, or is of another version.
pub(super) fn read(path: &Path) -> Result<Manifest, EngineError> {
    match fs::read(path) {
        Ok(bytes) => Manifest::parse(path, &String::from_utf8_lossy(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(EngineError::file("read", path, error)),
    }
}

/// Changes the manifest. Nothing is written when `change` fails or leaves it as it is.
///
/// # Errors
/// When it cannot be read or written, or `change` fails.
pub(super) fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Manifest) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|error| EngineError::file("create", dir, error))?;
    }
    let _lock = lock_file(&lock_path(path))?;
    let before = read(path)?;
    let mut manifest = before.clone();
    let result = change(&mut manifest)?;
    if manifest != before || !path.exists() {
        let text = manifest.to_text();
        write_atomic(path, text.as_bytes())
            .map_err(|error| EngineError::file("write", path, error))?;
    }
    Ok(result)
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Manifest {
    fn parse(path: &Path, text: &str) -> Result<Self, EngineError> {
        let whole = match parse_yaml(path, text)? {
            Value::Object(whole) => whole,
            Value::Null => Map::new(),
            _ => {
                return Err(EngineError::config(format!(
                    "{} does not hold a list of repositories",
                    path.display()
                ))
                .with_hint(
                    "it begins with `version: 2`; move the file away and run `car hub scan`",
                ));
            }
        };
        match whole.get("version") {
            Some(version) if version.as_u64() == Some(VERSION) => Ok(Self { whole }),
            None if whole.is_empty() => Ok(Self::default()),
            version => {
                let version = version.map_or_else(
                    || "None".to_owned(),
                    |version| match version {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    },
                );
                Err(EngineError::config(format!(
                    "Unsupported manifest version {version}; expected {VERSION}"
                ))
                .with_hint(format!("see {}", path.display())))
            }
        }
    }

    fn to_text(&self) -> String {
        let mut whole = self.whole.clone();
        if whole.is_empty() {
            whole = Map::from_iter([("version".to_owned(), json!(VERSION))]);
        }
        whole.entry("repos").or_insert_with(|| json!([]));
        to_yaml(&Value::Object(whole))
    }

    fn list(&self) -> &[Value] {
        self.whole.get("repos").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The list to change. One that is something else than a list is an error rather than lost.
    fn list_mut(&mut self) -> Result<&mut Vec<Value>, EngineError> {
        self.whole.entry("version").or_insert_with(|| json!(VERSION));
        let repos = self.whole.entry("repos").or_insert_with(|| json!([]));
        if repos.is_null() {
            *repos = json!([]);
        }
        repos.as_array_mut().ok_or_else(|| {
            EngineError::config("`repos` in the manifest is no list; nothing was changed")
                .with_hint("correct manifest.yml by hand")
        })
    }

    /// Entries that are understood, in order; of several with one id the first.
    pub fn entries(&self) -> Vec<RepoEntry> {
        self.examined().0
    }

    /// What is not understood.
    pub fn problems(&self) -> Vec<ManifestProblem> {
        self.examined().1
    }

    fn examined(&self) -> (Vec<RepoEntry>, Vec<ManifestProblem>) {
        let (mut entries, mut problems) = (Vec::<RepoEntry>::new(), Vec::new());
        if self.whole.get("repos").is_some_and(|repos| !repos.is_array() && !repos.is_null()) {
            problems.push(ManifestProblem { entry: 0, text: "`repos` is no list".to_owned() });
        }
        let mut ids = std::collections::HashSet::new();
        for (at, value) in self.list().iter().enumerate() {
            let mut problem = |text| {
                problems.push(ManifestProblem { entry: at + 1, text });
            };
            match RepoEntry::parse(value) {
                Ok(entry) if !ids.insert(entry.id.clone()) => {
                    problem(format!("repeats the id `{}`", entry.id));
                }
                Ok(entry) => entries.push(entry),
                Err(text) => problem(text),
            }
        }
        (entries, problems)
    }

    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<RepoEntry> {
        self.entries().into_iter().find(|entry| entry.id == id)
    }

    /// The entry with this id as it stands in the file.
    pub(super) fn value(&self, id: &str) -> Option<Value> {
        let is_it = |value: &&Value| RepoEntry::parse(value).is_ok_and(|known| known.id == id);
        self.list().iter().find(is_it).cloned()
    }

    /// Adds an entry, or changes what the entry of this id says; its unknown keys stay.
    pub(super) fn put(&mut self, entry: &RepoEntry) -> Result<(), EngineError> {
        let list = self.list_mut()?;
        let is_it = |value: &Value| RepoEntry::parse(value).is_ok_and(|known| known.id == entry.id);
        let new = entry.to_value();
        match list.iter_mut().find(|value| is_it(value)) {
            Some(Value::Object(old)) => {
                for key in ["worktree_of", "branch"] {
                    if new.get(key).is_none() {
                        old.shift_remove(key);
                    }
                }
                if let Value::Object(new) = new {
                    old.extend(new);
                }
            }
            _ => list.push(new),
        }
        Ok(())
    }

    /// Takes the entry with this id out.
    pub(super) fn remove(&mut self, id: &str) -> Result<Option<Value>, EngineError> {
        let list = self.list_mut()?;
        let at =
            list.iter().position(|value| RepoEntry::parse(value).is_ok_and(|known| known.id == id));
        Ok(at.map(|at| list.remove(at)))
    }

    /// Puts an entry back as it was, unknown keys included.
    pub(super) fn put_back(&mut self, value: Value) -> Result<(), EngineError> {
        self.list_mut()?.push(value);
        Ok(())
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;

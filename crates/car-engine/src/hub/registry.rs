//! Which repositories a root holds: the manifest, and what lies in the hub's directories. The one list everybody uses.
//!
//! Looking writes nothing. Ids are what the manifest says, made safe for addresses; each id is one directory and each
//! directory one id, in the same order every time.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::entry::{Kind, RepoEntry, resolved, slug, unique};
use super::manifest::{self, ManifestProblem};
use crate::EngineError;
use crate::config::{CAR_DIR, CONFIG_FILE, Config, Mode};

/// A repository of a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubRepo {
    /// Its id, safe in addresses and unique.
    pub id: String,
    /// Its directory.
    pub root: PathBuf,
    /// What the manifest says, or would say.
    pub entry: RepoEntry,
    /// Whether it stands in the manifest.
    pub is_registered: bool,
    /// Where a directory of its name was found when its own is gone.
    pub moved_to: Option<PathBuf>,
}

impl HubRepo {
    /// Whether its directory is there.
    pub fn exists(&self) -> bool {
        self.root.is_dir()
    }

    /// Whether it is prepared for CAR.
    pub fn is_initialised(&self) -> bool {
        self.root.join(CAR_DIR).join(CONFIG_FILE).is_file()
    }
}

/// The repositories of a root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// In the manifest's order, then those that were only found, by name.
    pub repos: Vec<HubRepo>,
    /// What in the manifest is not understood.
    pub problems: Vec<ManifestProblem>,
}

impl Registry {
    /// Looks at the root `root`. In repo mode that is the only repository.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn look(root: &Path, config: &Config) -> Result<Self, EngineError> {
        if config.mode == Mode::Repo {
            let entry = RepoEntry::new(&slug(&dir_name(root)), PathBuf::from("."), Kind::Base);
            let mut looking = Looking::default();
            looking.add(root.to_path_buf(), entry, false);
            return Ok(looking.registry);
        }
        let mut looking = Looking::at_manifest(root, config)?;
        looking.known.insert(canonical(root));
        for (base, kind) in
            [(&config.hub.repos_root, Kind::Base), (&config.hub.worktrees_root, Kind::Worktree)]
        {
            for dir in repositories_in(&resolved(root, Path::new(base))) {
                looking.found(root, dir, kind);
            }
        }
        Ok(looking.registry)
    }

    /// Only those that stand in the manifest of the hub at `root`; what has moved is not looked for.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub(super) fn registered(root: &Path, config: &Config) -> Result<Self, EngineError> {
        Ok(Looking::at_manifest(root, config)?.registry)
    }

    /// The repository with this id, or with this id as the manifest writes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: &str) -> Result<&HubRepo, EngineError> {
        let exact = self.repos.iter().find(|repo| repo.id == id);
        exact.or_else(|| self.repos.iter().find(|repo| repo.entry.id == id)).ok_or_else(|| {
            EngineError::not_found(format!("Repo {id} not found in manifest"))
                .with_hint("`car hub list` shows the repositories, `car hub scan` finds new ones")
        })
    }

    /// Whether an id is in use.
    pub(super) fn is_taken(&self, id: &str) -> bool {
        self.repos.iter().any(|repo| repo.id == id || repo.entry.id == id)
    }

    /// Ids of the worktrees of `base`.
    pub fn worktrees_of(&self, base: &HubRepo) -> Vec<&HubRepo> {
        let is_of = |repo: &&HubRepo| {
            repo.entry.kind == Kind::Worktree
                && repo.entry.worktree_of.as_deref() == Some(base.entry.id.as_str())
        };
        self.repos.iter().filter(is_of).collect()
    }
}

#[derive(Default)]
struct Looking {
    registry: Registry,
    /// Real paths that are listed.
    known: HashSet<PathBuf>,
    ids: HashSet<String>,
    /// Place of an entry by its id as written.
    by_name: HashMap<String, usize>,
}

impl Looking {
    fn at_manifest(root: &Path, config: &Config) -> Result<Self, EngineError> {
        let manifest = manifest::read(&manifest::path(root, config))?;
        let mut looking = Self::default();
        looking.registry.problems = manifest.problems();
        for entry in manifest.entries() {
            let target = resolved(root, &entry.path);
            if !looking.add(target.clone(), entry, true) {
                looking.registry.problems.push(ManifestProblem {
                    entry: 0,
                    text: format!("names {} twice, or the hub itself", target.display()),
                });
            }
        }
        Ok(looking)
    }

    fn add(&mut self, root: PathBuf, entry: RepoEntry, is_registered: bool) -> bool {
        if !self.known.insert(canonical(&root)) {
            return false;
        }
        let id = unique(&slug(&entry.id), |id| self.ids.contains(id));
        self.ids.insert(id.clone());
        self.by_name.insert(entry.id.clone(), self.registry.repos.len());
        self.registry.repos.push(HubRepo { id, root, entry, is_registered, moved_to: None });
        true
    }

    fn found(&mut self, hub: &Path, dir: PathBuf, kind: Kind) {
        if self.known.contains(&canonical(&dir)) {
            return;
        }
        let name = dir_name(&dir);
        if let Some(at) = self.by_name.get(&name).copied()
            && let Some(known) = self.registry.repos.get_mut(at)
            && known.is_registered
            && known.entry.kind == kind
            && known.moved_to.is_none()
            && !known.exists()
        {
            self.known.insert(canonical(&dir));
            known.moved_to = Some(dir);
            return;
        }
        let ids = &self.ids;
        let by_name = &self.by_name;
        let id = unique(&slug(&name), |id| ids.contains(id) || by_name.contains_key(id));
        let mut entry = RepoEntry::new(&id, super::entry::relative(hub, &dir), kind);
        if kind == Kind::Worktree
            && let Some((base, rest)) = name.split_once("--")
        {
            entry.worktree_of = Some(base.to_owned());
            entry.branch = car_git::branch(&dir).or_else(|| Some(rest.to_owned()));
        }
        self.add(dir, entry, false);
    }
}

/// Direct children of `base` that are git repositories, by name.
fn repositories_in(base: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    let is_repository = |path: &PathBuf| path.is_dir() && path.join(".git").exists();
    let mut dirs: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(is_repository).collect();
    dirs.sort();
    dirs
}

pub(super) fn dir_name(dir: &Path) -> String {
    dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(manifest: &str, dirs: &[&str]) -> (tempfile::TempDir, PathBuf, Config) {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = fs::canonicalize(dir.path()).expect("path");
        fs::create_dir(root.join(CAR_DIR)).expect("dir");
        fs::write(root.join(CAR_DIR).join("manifest.yml"), manifest).expect("write");
        for name in dirs {
            fs::create_dir_all(root.join(name).join(".git")).expect("dir");
        }
        (dir, root, Config { mode: Mode::Hub, ..Config::default() })
    }

    fn ids(registry: &Registry) -> Vec<(&str, bool)> {
        registry.repos.iter().map(|repo| (repo.id.as_str(), repo.is_registered)).collect()
    }

    #[test]
    fn ids_are_those_of_the_manifest_and_what_is_found_comes_after() {
        let manifest = "version: 2\nrepos:\n- {id: zeta, path: elsewhere/z}\n- {id: a b, path: a b}\n\
                        - {id: bad}\n- {id: ., path: .}\n";
        let dirs = ["a b", "a-b", "new", "elsewhere/z", "worktrees/new", "worktrees/new--x"];
        let (_dir, root, config) = hub(manifest, &dirs);
        fs::create_dir(root.join("plain")).expect("dir");
        let registry = Registry::look(&root, &config).expect("readable");
        assert_eq!(
            ids(&registry)[..5],
            [("zeta", true), ("a-b", true), ("repository", true), ("a-b-2", false), ("new", false)]
        );
        assert_eq!(ids(&registry)[5..], [("new-2", false), ("new--x", false)]);
        assert_eq!(registry.get("a b").expect("by its own id").id, "a-b");
        assert_eq!(registry.problems.len(), 1);
        let worktree = registry.get("new--x").expect("found");
        assert_eq!(worktree.entry.worktree_of.as_deref(), Some("new"));
        registry.get("nobody").expect_err("unknown");
    }

    #[test]
    fn a_moved_repository_is_told_from_another_one_of_its_name() {
        let manifest = "version: 2\nrepos:\n- {id: a, path: gone/a}\n- {id: b, path: sub/b}\n";
        let (_dir, root, config) = hub(manifest, &["a", "b", "sub/b"]);
        let registry = Registry::look(&root, &config).expect("readable");
        assert_eq!(registry.get("a").expect("listed").moved_to, Some(root.join("a")));
        assert_eq!(registry.get("b").expect("listed").root, root.join("sub/b"));
        assert_eq!(registry.get("b-2").expect("another").root, root.join("b"));
    }
}

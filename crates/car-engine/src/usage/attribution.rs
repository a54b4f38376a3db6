//! Whose tokens a session used: the repository its working directory lies in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Who used tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A repository, by its position in the list.
    Repo(usize),
    /// A repository that is gone, by the id it had.
    Removed(String),
}

/// Finds the owners of working directories. Of several roots above a directory the longest owns it.
pub(super) struct Attribution {
    roots: Vec<(PathBuf, Owner)>,
    found: HashMap<String, Option<Owner>>,
}

impl Attribution {
    /// Knows `repos` as (id, root), and `known` as (root, id) from before.
    pub(super) fn new(repos: &[(String, PathBuf)], known: &[(String, String)]) -> Self {
        let mut roots: Vec<(PathBuf, Owner)> = Vec::new();
        for (position, (_, root)) in repos.iter().enumerate() {
            roots.push((resolved(root), Owner::Repo(position)));
        }
        for (root, id) in known {
            let root = PathBuf::from(root);
            if !roots.iter().any(|(present, _)| *present == root) {
                // A repository that moved keeps what it used before.
                let owner = repos
                    .iter()
                    .position(|(present, _)| present == id)
                    .map_or_else(|| Owner::Removed(id.clone()), Owner::Repo);
                roots.push((root, owner));
            }
        }
        // Stable: of two repositories at the same place the first owns it.
        roots.sort_by_key(|(root, _)| std::cmp::Reverse(root.components().count()));
        Self { roots, found: HashMap::new() }
    }

    /// The owner of what a session in `cwd` used.
    pub(super) fn owner(&mut self, cwd: &str) -> Option<Owner> {
        if let Some(owner) = self.found.get(cwd) {
            return owner.clone();
        }
        let owner = if cwd.is_empty() {
            None
        } else {
            let dir = resolved(Path::new(cwd));
            let above = self.roots.iter().find(|(root, _)| dir.starts_with(root));
            above.map(|(_, owner)| owner.clone())
        };
        self.found.insert(cwd.to_owned(), owner.clone());
        owner
    }
}

/// A path without links, as far as it exists; the rest as it is written, without `.` and `..`.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    for existing in path.ancestors() {
        if let Ok(mut found) = std::fs::canonicalize(existing) {
            for name in rest.iter().rev() {
                match name {
                    std::path::Component::ParentDir => drop(found.pop()),
                    std::path::Component::CurDir => {}
                    name => found.push(name),
                }
            }
            return found;
        }
        rest.extend(existing.components().next_back());
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_root_owns_a_directory_and_a_like_name_does_not() {
        let dir = tempfile::tempdir().expect("temp dir");
        let hub = dir.path().canonicalize().expect("a path");
        let repos = [("all".to_owned(), hub.clone()), ("api".to_owned(), hub.join("api"))];
        let known = [(hub.join("wt").display().to_string(), "api--old".to_owned())];
        let mut attribution = Attribution::new(&repos, &known);
        let mut owner = |below: &str| attribution.owner(&hub.join(below).display().to_string());
        assert_eq!(owner("api/src"), Some(Owner::Repo(1)));
        assert_eq!(owner("api"), Some(Owner::Repo(1)));
        assert_eq!(owner("api2"), Some(Owner::Repo(0)));
        assert_eq!(owner("wt/src"), Some(Owner::Removed("api--old".to_owned())));
        assert_eq!(attribution.owner("/elsewhere"), None);
        assert_eq!(attribution.owner(""), None);
    }

    #[test]
    fn links_are_followed_as_far_as_they_exist() {
        let dir = tempfile::tempdir().expect("temp dir");
        let real = dir.path().canonicalize().expect("a path").join("real");
        std::fs::create_dir(&real).expect("dir");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).expect("link");
        let mut attribution = Attribution::new(&[("r".to_owned(), link.clone())], &[]);
        let gone = real.join("gone/deep").display().to_string();
        assert_eq!(attribution.owner(&gone), Some(Owner::Repo(0)));
        assert_eq!(resolved(&link.join("gone/../x")), real.join("x"));
    }
}

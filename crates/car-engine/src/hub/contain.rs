//! Where a hub may put and take directories: strictly below one of its own, with no link on the way.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::Hub;
use super::entry::resolved;
use crate::EngineError;
use crate::config::CAR_DIR;

impl Hub {
    /// Where a new repository may be: `wanted` (absolute, or relative to the repositories' directory) strictly below that.
    ///
    /// # Errors
    /// When it lies elsewhere, is the directory itself, or a link leads out.
    pub(super) fn new_place(&self, base: &Path, wanted: &Path) -> Result<PathBuf, EngineError> {
        let refused = || {
            EngineError::invalid(format!(
                "Repo path must live under repos_root ({})",
                base.display()
            ))
            .with_hint("give the name of a new directory in it")
        };
        if wanted.components().any(|part| part == Component::ParentDir) {
            return Err(refused());
        }
        let target = resolved(base, wanted);
        if !target.starts_with(base) || target == base || !self.is_free_of_own(&target) {
            return Err(refused());
        }
        // The nearest directory that is there must really lie below, whatever links there are.
        let there = target.ancestors().skip(1).find(|dir| dir.exists());
        let real = there.and_then(|dir| fs::canonicalize(dir).ok()).unwrap_or_default();
        let real_base = fs::canonicalize(base).unwrap_or_else(|_| base.to_path_buf());
        if (base.exists() && !real.starts_with(&real_base)) || target.is_symlink() {
            return Err(refused());
        }
        Ok(target)
    }

    /// A directory that may be taken away: it really lies strictly below one of the hub's directories, no part of its path is
    /// a link, and neither the hub nor one of its directories lies in it.
    ///
    /// # Errors
    /// When it is not so.
    pub(super) fn removable(&self, target: &Path) -> Result<PathBuf, EngineError> {
        let refused = |why: &str| {
            EngineError::invalid(format!("{} is not taken away: {why}", target.display()))
                .with_hint("`--keep-dir` only takes it off the list")
        };
        let is_inside = [self.repos_root(), self.worktrees_root()].iter().any(|base| {
            let real = fs::canonicalize(base).unwrap_or_else(|_| base.clone());
            (target.starts_with(base) && target != base)
                || (target.starts_with(&real) && target != real)
        });
        if !is_inside {
            return Err(refused("it lies outside of the hub's directories"));
        }
        if !self.is_free_of_own(target) {
            return Err(refused("the hub itself lies in it"));
        }
        if target.is_symlink() {
            return Err(refused("it is a link to another place"));
        }
        let real = fs::canonicalize(target)
            .map_err(|error| EngineError::file("look at", target, error))?;
        let bases = [self.repos_root(), self.worktrees_root()];
        let mut real_bases = bases.iter().filter_map(|base| fs::canonicalize(base).ok());
        if !real_bases.any(|base| real.starts_with(&base) && real != base)
            || !self.is_free_of_own(&real)
        {
            return Err(refused("a link on its path leads out of the hub"));
        }
        Ok(real)
    }

    /// Whether neither the hub, one of its directories, nor its own files are at or in `target`.
    fn is_free_of_own(&self, target: &Path) -> bool {
        let own = [self.root.clone(), self.repos_root(), self.worktrees_root()];
        let holds_own = own.iter().any(|dir| {
            let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
            dir.starts_with(target) || real.starts_with(target)
        });
        !holds_own && !target.starts_with(self.root.join(CAR_DIR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn hub() -> (tempfile::TempDir, Hub) {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().join("hub");
        for name in ["hub/.codex-autorunner", "hub/a", "hub/worktrees/w", "outside/x"] {
            fs::create_dir_all(dir.path().join(name)).expect("dir");
        }
        fs::write(root.join(".codex-autorunner/config.yml"), "mode: hub\n").expect("write");
        (dir, Hub::open(&root, Vec::new()).expect("a hub"))
    }

    #[test]
    fn only_children_of_the_hubs_directories_can_be_taken_away() {
        let (dir, hub) = hub();
        let root = hub.root().to_path_buf();
        let outside = fs::canonicalize(dir.path()).expect("path").join("outside");
        symlink(&outside, root.join("link")).expect("link");
        for bad in [
            root.clone(),
            root.parent().expect("parent").to_path_buf(),
            PathBuf::from("/"),
            outside.join("x"),
            root.join(".codex-autorunner"),
            root.join(".codex-autorunner/trash"),
            root.join("worktrees"),
            root.join("link"),
            root.join("link/x"),
            root.join("a/../../outside/x"),
        ] {
            let bad = resolved(Path::new("/"), &bad);
            hub.removable(&bad).expect_err(&bad.display().to_string());
        }
        assert_eq!(hub.removable(&root.join("a")).expect("inside"), root.join("a"));
        hub.removable(&root.join("worktrees/w")).expect("inside");
    }

    #[test]
    fn new_repositories_have_their_place_below_the_root() {
        let (dir, hub) = hub();
        let base = hub.repos_root();
        symlink(dir.path().join("outside"), base.join("link")).expect("link");
        let outside = dir.path().join("outside").display().to_string();
        for bad in [
            ".",
            "",
            "..",
            "../x",
            "a/../../x",
            "/",
            "link",
            "link/new",
            ".codex-autorunner/x",
            "worktrees",
            &outside,
        ] {
            let error = hub.new_place(&base, Path::new(bad)).expect_err(bad);
            assert!(error.to_string().starts_with("Repo path must live under repos_root"));
        }
        assert_eq!(hub.new_place(&base, Path::new("new")).expect("fine"), base.join("new"));
        let absolute = base.join("deep/er");
        assert_eq!(hub.new_place(&base, &absolute).expect("fine"), absolute);
    }
}

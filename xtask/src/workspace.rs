//! Where things lie: the checkout and cargo's output.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Which of cargo's profiles a site is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Fast to build, large to load.
    Debug,
    /// Optimised, minified and pre-compressed.
    Release,
}

/// The checkout this command works on.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from what cargo tells a program it runs.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .context("start this tool with `cargo xtask`, it learns the checkout from cargo")?;
        let root = Path::new(&manifest)
            .parent()
            .context("the xtask crate lies outside of a workspace")?
            .to_owned();
        Ok(Self::at(root, env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)))
    }

    /// The checkout at `root`; a relative target directory counts from there.
    pub(crate) fn at(root: PathBuf, target: Option<PathBuf>) -> Self {
        let target = root.join(target.unwrap_or_else(|| "target".into()));
        Self { root, target }
    }

    /// The top directory of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's output directory for host builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Cargo's output directory for the browser build, the one cargo-leptos uses too.
    pub(crate) fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    /// The site. The server embeds it by this literal path, wherever cargo's output goes.
    pub(crate) fn site(&self) -> PathBuf {
        self.root.join("target/site")
    }

    /// `path` as a person at the top of the checkout would write it.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_stays_in_the_checkout_when_the_target_directory_moves() {
        let workspace = Workspace::at("/checkout".into(), Some("/cache".into()));
        assert_eq!(workspace.front_target(), Path::new("/cache/front"));
        assert_eq!(workspace.site(), Path::new("/checkout/target/site"));
    }

    #[test]
    fn a_relative_target_directory_counts_from_the_checkout() {
        let workspace = Workspace::at("/checkout".into(), Some("out".into()));
        assert_eq!(workspace.target(), Path::new("/checkout/out"));
    }
}

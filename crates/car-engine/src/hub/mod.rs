//! A hub: a directory of repositories, listed in its manifest.
//!
//! [`Registry`] is the one list of them. Everything a hub does to a repository on disk stays below the hub's own two
//! directories, and what is removed goes to the hub's trash.

mod clone;
mod contain;
mod create;
mod entry;
mod jobs;
mod manifest;
mod mount;
mod progress;
mod registry;
mod remove;
mod scan;
mod seen;
mod state;
mod supervise;
mod trash;
mod worktree;
mod worktree_files;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use clone::CloneRequest;
pub use create::CreateRequest;
pub use entry::{Kind, RepoEntry};
pub use jobs::{Job, JobRequest, JobRunner};
pub use manifest::{Manifest, ManifestProblem};
pub use mount::Mounted;
pub use progress::{Progress, Reporter};
pub use registry::{HubRepo, Registry};
pub use remove::{Removal, RemoveCheck, RemoveRequest, UpstreamView};
pub use state::{HubState, LockStatus, RepoSnapshot, RepoStatus};
pub use supervise::{Bulk, RunKind};
pub use trash::Trashed;
pub use worktree::{NewWorktree, WorktreeCheck, WorktreeRequest};

use crate::EngineError;
use crate::config::{self, Config, Mode};
use crate::files::FileStamp;
use crate::served::blocking;

/// The hub at a root.
#[derive(Clone, Debug)]
pub struct Hub {
    root: PathBuf,
    config: Config,
    /// Command line of this program, to start runners with.
    program: Vec<OsString>,
    seen: Arc<seen::Seen>,
}

impl Hub {
    /// Opens the hub at `root`. Reads its configuration, writes nothing.
    ///
    /// # Errors
    /// When the configuration is missing or wrong, or `root` is no hub.
    pub fn open(root: &Path, program: Vec<OsString>) -> Result<Self, EngineError> {
        let root = std::fs::canonicalize(root)
            .map_err(|error| EngineError::file("look at", root, error))?;
        let config = config::load(&root)?;
        if config.mode != Mode::Hub {
            let text = "This command requires hub mode (config.mode=hub).";
            return Err(EngineError::config(text).with_hint(format!(
                "{} is a repository; name the hub with --path, or make one with `car init --mode hub`",
                root.display()
            )));
        }
        Ok(Self { root, config, program, seen: Arc::default() })
    }

    /// The hub's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its repositories are.
    pub fn repos_root(&self) -> PathBuf {
        entry::resolved(&self.root, Path::new(&self.config.hub.repos_root))
    }

    /// Where its worktrees are.
    pub fn worktrees_root(&self) -> PathBuf {
        entry::resolved(&self.root, Path::new(&self.config.hub.worktrees_root))
    }

    /// The repositories as they are now.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn registry(&self) -> Result<Registry, EngineError> {
        Registry::look(&self.root, &self.config)
    }

    /// What every repository is doing. `hub_state.json` follows when something changed.
    ///
    /// # Errors
    /// When the manifest cannot be read or the state cannot be written.
    pub async fn list(&self) -> Result<HubState, EngineError> {
        let hub = self.clone();
        blocking(move || hub.look()).await
    }

    fn look(&self) -> Result<HubState, EngineError> {
        let registry = self.registered()?;
        let shown = |repo: &HubRepo| self.seen.look(&self.root, repo);
        let repos = registry.repos.iter().map(shown).collect();
        self.seen.keep(&registry);
        let found = HubState { last_scan_at: state::last_scan(&self.root, &self.seen), repos };
        state::save(&self.root, &self.seen, &found)?;
        Ok(found)
    }

    /// What the manifest lists. The original shows no more than that; what is only found gets its place by a scan.
    fn registered(&self) -> Result<Arc<Registry>, EngineError> {
        // Taken before it is read, so that a change in between is seen the next time.
        let stamp = self.manifest_stamp();
        if let Some(known) = self.seen.registered(stamp) {
            return Ok(known);
        }
        let registry = Arc::new(Registry::registered(&self.root, &self.config)?);
        self.seen.remember_registered(stamp, registry.clone());
        Ok(registry)
    }

    /// What one repository is doing.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn show(&self, id: &str) -> Result<RepoSnapshot, EngineError> {
        let (hub, id) = (self.clone(), id.to_owned());
        blocking(move || Ok(RepoSnapshot::of(&hub.root, hub.registry()?.get(&id)?, None))).await
    }

    /// Tells one state of the manifest from another.
    pub(crate) fn manifest_stamp(&self) -> Option<FileStamp> {
        FileStamp::of(&self.manifest_path())
    }

    fn manifest_path(&self) -> PathBuf {
        manifest::path(&self.root, &self.config)
    }

    /// The repository `id` as it is now, off the async workers.
    async fn find(&self, id: &str) -> Result<HubRepo, EngineError> {
        let (hub, id) = (self.clone(), id.to_owned());
        blocking(move || hub.registry()?.get(&id).cloned()).await
    }
}

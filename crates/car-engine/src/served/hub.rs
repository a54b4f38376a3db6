//! Which repositories are served, and the hub they belong to.
//!
//! Nothing is mounted: whoever asks for a repository gets it as it lies there at that moment. One that was removed is gone at
//! once, one that came or was repaired works at once, however that happened.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};

use super::work::Work;
use super::{Found, Served, blocking};
use crate::config::{Config, Mode};
use crate::files::FileStamp;
use crate::hub::{Hub, HubRepo, JobRunner, Kind, Registry, Reporter};
use crate::runner;
use crate::{EngineError, Repo};

/// The hub at the served root.
pub(super) struct ServedHub {
    hub: Hub,
    jobs: JobRunner,
    /// Its manifest when the repositories were last looked for.
    manifest: Mutex<Option<FileStamp>>,
}

/// The hub at `root`, when it is one.
pub(super) fn open(
    root: &Path,
    config: &Config,
    program: &[OsString],
) -> Result<Option<Hub>, EngineError> {
    match config.mode {
        Mode::Repo => Ok(None),
        Mode::Hub => Hub::open(root, program.to_vec()).map(Some),
    }
}

impl ServedHub {
    /// `hub`, whose jobs are told by `served`.
    pub(super) fn new(hub: Hub, work: &Work, served: Weak<Served>) -> Self {
        let (tasks, cancel) = (work.tasks.clone(), work.cancel.child_token());
        let jobs = JobRunner::telling(hub.clone(), tasks, cancel, move |job| {
            if let Some(served) = served.upgrade() {
                served.tell_job(job);
            }
        });
        let manifest = Mutex::new(hub.manifest_stamp());
        Self { hub, jobs, manifest }
    }

    fn is_manifest_the_same(&self) -> bool {
        *self.manifest.lock().unwrap_or_else(PoisonError::into_inner) == self.hub.manifest_stamp()
    }
}

impl Served {
    /// The hub.
    ///
    /// # Errors
    /// When a single repository is served.
    pub fn hub(&self) -> Result<&Hub, EngineError> {
        self.served_hub().map(|served| &served.hub)
    }

    /// The hub's work in the background.
    ///
    /// # Errors
    /// When a single repository is served.
    pub fn jobs(&self) -> Result<&JobRunner, EngineError> {
        self.served_hub().map(|served| &served.jobs)
    }

    fn served_hub(&self) -> Result<&ServedHub, EngineError> {
        self.hub.as_ref().ok_or_else(|| {
            EngineError::not_found("This server shows one repository, no hub.")
                .with_hint("`car hub serve` serves a directory of repositories")
        })
    }

    /// What the start of a server finds: loops that live are left to their work, runs whose runner is gone get their end and a
    /// reason, jobs of an earlier server as well. In a hub new repositories are looked for. Trouble is no reason not to serve;
    /// it is written to the log.
    pub async fn adopt(&self) {
        let Some(served) = &self.hub else {
            let root = self.root.clone();
            let adopted =
                async { runner::adopt(&blocking(move || Repo::open(&root)).await?).await }.await;
            return warn(adopted, "a loop that was at work was not looked at");
        };
        warn(served.hub.scan(&Reporter::default()).await, "the hub was not searched");
        warn(served.jobs.recover().await, "old jobs were not looked at");
        self.look_for_repos().await;
    }

    /// The repository `id`, with its configuration as it is now.
    ///
    /// # Errors
    /// When there is none of this id, or its configuration cannot be read.
    pub async fn repo(&self, id: &str) -> Result<Repo, EngineError> {
        if let Some(repo) = self.known(id).await? {
            return Ok(repo);
        }
        self.look_for_repos().await;
        let root = match self.repo_root(id) {
            Ok(root) => root,
            Err(error) => return Err(self.why_not(id).await.unwrap_or(error)),
        };
        blocking(move || Repo::open(&root)).await
    }

    /// The repository where it was found; nothing when it has to be looked for.
    async fn known(&self, id: &str) -> Result<Option<Repo>, EngineError> {
        let Ok(root) = self.repo_root(id) else { return Ok(None) };
        if let Some(served) = &self.hub
            && !(served.is_manifest_the_same() && is_prepared(&root))
        {
            return Ok(None);
        }
        blocking(move || Repo::open(&root).map(Some)).await
    }

    /// Why a repository the hub lists is not served.
    async fn why_not(&self, id: &str) -> Option<EngineError> {
        let hub = self.hub.as_ref()?.hub.clone();
        let wanted = id.to_owned();
        let listed = blocking(move || hub.registry()?.get(&wanted).cloned()).await.ok()?;
        let id = &listed.id;
        let (sentence, hint) = if listed.exists() {
            (
                format!("The repository `{id}` is not prepared for CAR."),
                format!("`car hub init {id}` or POST /hub/repos/{id}/init prepares it"),
            )
        } else {
            (
                format!("The directory of the repository `{id}` is not there."),
                "put it back, or remove it from the hub".to_owned(),
            )
        };
        Some(EngineError::not_found(sentence).with_hint(hint))
    }

    /// Looks which repositories there are.
    pub(super) async fn look_for_repos(&self) {
        let Some(served) = &self.hub else { return };
        let (root, config) = (self.root.clone(), self.config.clone());
        let hub = served.hub.clone();
        let found = blocking(move || {
            // Taken first: what changes while we look is looked at again.
            let manifest = hub.manifest_stamp();
            Ok((manifest, repos(&root, &config)?))
        })
        .await;
        match found {
            Ok((manifest, found)) => {
                *served.manifest.lock().unwrap_or_else(PoisonError::into_inner) = manifest;
                let mut known = self.repos.write().unwrap_or_else(PoisonError::into_inner);
                if *known != found {
                    *known = found;
                    self.repos_changed.notify_one();
                }
            }
            Err(error) => tracing::warn!(%error, "the list of repositories stays as it was"),
        }
    }

    /// Root of the repository `id`, also when its configuration cannot be read.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn repo_root(&self, id: &str) -> Result<PathBuf, EngineError> {
        let found = self.repos.read().unwrap_or_else(PoisonError::into_inner);
        found.repos.get(id).cloned().ok_or_else(|| {
            EngineError::not_found(format!("There is no repository `{id}` here."))
                .with_hint("it may have been removed or renamed")
        })
    }
}

/// What is found at the root. The hub's own list tells of repositories that are not there.
pub(super) fn repos(root: &Path, config: &Config) -> Result<Found, EngineError> {
    let registry = Registry::look(root, config)?;
    let bases =
        registry.repos.iter().filter_map(|repo| Some((repo.id.clone(), base_of(&registry, repo)?)));
    let bases = bases.collect();
    let (prepared, others): (Vec<_>, Vec<_>) =
        registry.repos.into_iter().partition(HubRepo::is_initialised);
    Ok(Found {
        repos: prepared.into_iter().map(|repo| (repo.id, repo.root)).collect(),
        unprepared: others.into_iter().map(|repo| repo.root).collect(),
        bases,
    })
}

/// Id of the repository `repo` is a worktree of. The original names it only in the worktree's id.
fn base_of(registry: &Registry, repo: &HubRepo) -> Option<String> {
    if repo.entry.kind != Kind::Worktree {
        return None;
    }
    let named = repo.entry.worktree_of.as_deref();
    let base = named.or_else(|| Some(repo.entry.id.split_once("--")?.0))?;
    registry.get(base).ok().map(|base| base.id.clone())
}

fn is_prepared(root: &Path) -> bool {
    root.join(crate::config::CAR_DIR).join(crate::config::CONFIG_FILE).is_file()
}

fn warn<T>(result: Result<T, EngineError>, what: &'static str) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what}");
    }
}

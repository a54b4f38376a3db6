//! Cloning a repository into a hub.
//!
//! The clone grows in a directory of its own and moves to its place when it is whole and prepared. One that fails or is
//! cancelled leaves nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::create::Made;
use super::entry::{Kind, checked_id, slug};
use super::{Hub, RepoSnapshot, Reporter};
use crate::{EngineError, ErrorKind};

/// Longest time of a clone; one that makes no headway for a minute ends earlier.
const TIMEOUT: Duration = Duration::from_secs(3600);
/// Directories in which clones grow. The number is the process that clones.
const PREFIX: &str = ".car-clone-";

/// What to clone.
#[derive(Clone, Debug, Default)]
pub struct CloneRequest {
    /// Address or path, as git takes it.
    pub url: String,
    /// Id; made from the address when absent.
    pub id: Option<String>,
    /// Directory, absolute or below the repositories' directory; the id when absent.
    pub path: Option<PathBuf>,
}

impl Hub {
    /// Clones a repository, prepares it and adds it to the manifest. A dropped call leaves nothing behind.
    ///
    /// # Errors
    /// When the id or the directory is taken, or git fails; also when a name or password would be needed.
    pub async fn clone_repo(
        &self,
        request: &CloneRequest,
        reporter: &Reporter,
    ) -> Result<RepoSnapshot, EngineError> {
        let url = request.url.trim();
        if url.is_empty() {
            return Err(EngineError::invalid("git_url is required"));
        }
        let id = match request.id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
            Some(id) => checked_id(id)?.to_owned(),
            None => id_of_url(url).ok_or_else(|| {
                EngineError::invalid("Unable to infer repo id from git_url")
                    .with_hint("give one with --id")
            })?,
        };
        let base = self.repos_root();
        let wanted = request.path.clone().unwrap_or_else(|| PathBuf::from(&id));
        let target = self.new_place(&base, &wanted)?;
        self.must_be_free(&id, &target)?;
        let taken =
            || EngineError::conflict(format!("Repo path already exists: {}", target.display()));
        if target.exists() {
            return Err(taken());
        }
        let nursery = nursery(&base)?;
        let growing = nursery.0.as_ref().map(|dir| dir.join("repo")).unwrap_or_default();
        reporter.step("connecting");
        let told = reporter.clone();
        let mut tell =
            move |step: car_git::CloneProgress| told.count(step.done, step.total, step.phase);
        car_git::clone(url, &growing, TIMEOUT, &mut tell)
            .await
            .map_err(|error| clone_failed(&error))?;
        reporter.step("preparing");
        crate::init::seed_repository(&growing, false)?;
        let failed = |error| EngineError::file("write", &target, error);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        if target.exists() {
            return Err(taken());
        }
        fs::rename(&growing, &target).map_err(failed)?;
        let mut made = Made(Some(target.clone()));
        let shown = self.register(&id, &target, Kind::Base, false, |_| {}).await?;
        made.0 = None;
        Ok(shown)
    }
}

fn nursery(base: &Path) -> Result<Made, EngineError> {
    sweep(base);
    let failed = |error| EngineError::file("create", base, error);
    fs::create_dir_all(base).map_err(failed)?;
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(base).map_err(failed)?;
    Ok(Made(Some(dir.keep())))
}

/// Takes away what clones of processes that are gone left behind.
pub(super) fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && owner.is_some_and(|pid| car_agent::process_id(pid).is_none()) {
            drop(Made(Some(entry.path())));
        }
    }
}

/// The last part of an address without `.git`.
fn id_of_url(url: &str) -> Option<String> {
    let name = url.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.trim().is_empty()).then(|| slug(name))
}

fn clone_failed(error: &car_git::GitError) -> EngineError {
    let (kind, text) = match error {
        car_git::GitError::Failed { message, .. } => (ErrorKind::Other, message.clone()),
        car_git::GitError::Timeout { .. } => (ErrorKind::Timeout, error.to_string()),
        car_git::GitError::Refused { .. } => (ErrorKind::Invalid, error.to_string()),
        _ => (ErrorKind::Other, error.to_string()),
    };
    let asks = [
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied (",
        "terminal prompts disabled",
        "unable to get password",
        "Host key verification failed",
    ];
    let failed = EngineError::new(kind, format!("git clone failed: {text}"));
    if asks.iter().any(|said| text.contains(said)) {
        return failed.with_hint(
            "it needs a login: store one with git's credential helper or load a key into your SSH agent, and try \
             `git ls-remote` with the address",
        );
    }
    failed.with_hint("check the address with `git ls-remote`")
}

#[cfg(test)]
mod tests {
    use super::id_of_url;

    #[test]
    fn the_id_comes_from_the_end_of_the_address() {
        for (url, id) in [
            ("https://github.com/me/my repo.git", Some("my-repo")),
            ("git@host:me/x.git", Some("x")),
            ("host:x.git/", Some("x")),
            ("/srv/git/y", Some("y")),
            ("/", None),
        ] {
            assert_eq!(id_of_url(url).as_deref(), id, "{url}");
        }
    }
}

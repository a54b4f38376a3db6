//! Changes of files, the owner's review of them, and undoing a run.

use car_domain::changes::{Compared, FilePatch, Review};
use car_domain::run::ChangeCount;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Most files a page lists.
#[cfg(feature = "ssr")]
const MAX_FILES: usize = 300;

/// What a page of changes starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangesView {
    /// Id of the repository.
    pub repo: String,
    /// What is compared.
    pub compared: Compared,
    /// The beginning of the id of the commit it is compared with.
    pub before: String,
    /// The branch that was left, when that is what it is compared with.
    pub left: Option<String>,
    /// Whether the checked-out branch left another one.
    pub has_branch: bool,
    /// The only file that is shown, if it is only one.
    pub file: Option<String>,
    /// The files.
    pub patches: Vec<FilePatch>,
    /// All files together, those that are not shown among them.
    pub count: ChangeCount,
    /// What the owner says.
    pub review: Review,
    /// For a run: what undoing it would do.
    pub undo: Option<UndoView>,
}

/// What undoing a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UndoView {
    /// It can be undone.
    Possible {
        /// Files that would get their earlier bytes.
        written: u64,
        /// Files that would go.
        deleted: u64,
        /// Files of these that were changed since.
        changed_since: Vec<String>,
    },
    /// It cannot, and why.
    Impossible(String),
}

/// What becomes of the comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReviewTarget {
    /// The next run gets all of them.
    NextRun,
    /// Each becomes an item of TODO.
    Todo,
}

#[cfg(feature = "ssr")]
fn compared(run: Option<u64>, branch: Option<bool>) -> Compared {
    match (run, branch) {
        (Some(run), _) => Compared::Run(run),
        (None, Some(true)) => Compared::Branch,
        (None, _) => Compared::Uncommitted,
    }
}

/// Reads what changed: of run `run`, since the branch began, or since the last commit. With `file` only that one, in full.
#[server(endpoint = "changes", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_changes(
    repo: String,
    run: Option<u64>,
    branch: Option<bool>,
    file: Option<String>,
) -> Result<ChangesView, AppError> {
    let compared = compared(run, branch);
    let repo = super::read::meant(&super::read::served(), repo)?;
    on_server::read(repo, compared, file).await.map_err(super::read::failed_read)
}

/// Adds a comment. `line` is a number, or empty for the whole file; `compared` and the rest say where the reader is.
#[server(name = AddComment, endpoint = "add_comment", prefix = "/rpc")]
pub(crate) async fn add_comment(
    repo: String,
    run: Option<u64>,
    branch: Option<bool>,
    path: String,
    line: String,
    text: String,
    back: String,
) -> Result<Review, AppError> {
    let compared = compared(run, branch);
    let review = on_server::comment(&repo, compared, path, line.trim(), text).await?;
    on_server::lead_back(&back);
    Ok(review)
}

/// Deletes a comment.
#[server(name = RemoveComment, endpoint = "remove_comment", prefix = "/rpc")]
pub(crate) async fn remove_comment(
    repo: String,
    id: String,
    back: String,
) -> Result<Review, AppError> {
    let review = on_server::change(&repo, move |repo| repo.review().remove(&id)).await?;
    on_server::lead_back(&back);
    Ok(review)
}

/// Gives the comments to the agent, or makes items of them.
#[server(name = SendReview, endpoint = "send_review", prefix = "/rpc")]
pub(crate) async fn send_review(
    repo: String,
    target: ReviewTarget,
    back: String,
) -> Result<Review, AppError> {
    let review = on_server::change(&repo, move |repo| match target {
        ReviewTarget::NextRun => repo.review().send(),
        ReviewTarget::Todo => repo.review().add_to_todo("web"),
    });
    let review = review.await?;
    on_server::lead_back(&back);
    Ok(review)
}

/// Gives the files a run changed their state before it. `overwrite` also overwrites what was changed since.
#[server(name = UndoRun, endpoint = "undo_run", prefix = "/rpc")]
pub(crate) async fn undo_run(
    repo: String,
    run: u64,
    overwrite: Option<String>,
    back: String,
) -> Result<(), AppError> {
    on_server::undo(&repo, run, overwrite.is_some()).await?;
    on_server::lead_back(&back);
    Ok(())
}

#[cfg(feature = "ssr")]
mod on_server {
    use std::path::PathBuf;

    use car_domain::changes::{Compared, FilePatch, Review};
    use car_domain::proposal::HunkLine;
    use car_domain::run::ChangeCount;
    use car_engine::checkpoints::{self, Changes, Later, PatchLimits};
    use car_engine::{EngineError, NewComment, Repo, blocking};

    use super::super::document_write::lead_to;
    use super::super::read::served;
    use super::{ChangesView, MAX_FILES, UndoView};

    /// A page of many files; a row takes about five elements.
    const MANY: PatchLimits = PatchLimits { lines_of_file: 400, lines: 1500 };
    /// A page of one file.
    const ONE: PatchLimits = PatchLimits { lines_of_file: 5000, lines: 5000 };

    pub(super) async fn read(
        id: String,
        compared: Compared,
        file: Option<String>,
    ) -> Result<ChangesView, EngineError> {
        let repo = served().repo(&id).await?;
        let changes = Changes::of(&repo, compared).await?;
        let file = file.filter(|file| !file.is_empty() && !file.contains('\0'));
        let (paths, limits) = match &file {
            Some(file) => (vec![PathBuf::from(file)], ONE),
            None => (Vec::new(), MANY),
        };
        let mut patches = changes.patches(changes.top(), &paths, limits).await?;
        let files: Vec<_> = patches.iter().map(|patch| patch.file.clone()).collect();
        patches.truncate(MAX_FILES);
        let undo = match compared {
            Compared::Run(run) => Some(undo_view(&repo, run).await),
            Compared::Uncommitted | Compared::Branch => None,
        };
        let has_branch = Changes::has_branch(&repo).await;
        let review = blocking(move || repo.review().read()).await?;
        Ok(ChangesView {
            repo: id,
            compared,
            before: changes.before.chars().take(8).collect(),
            left: changes.left,
            has_branch,
            file,
            count: ChangeCount::of(&files),
            patches,
            review,
            undo,
        })
    }

    async fn undo_view(repo: &Repo, run: u64) -> UndoView {
        match checkpoints::undo_preview(repo, run).await {
            Ok(report) => UndoView::Possible {
                written: report.written.len() as u64,
                deleted: report.deleted.len() as u64,
                changed_since: report
                    .changed_since
                    .iter()
                    .map(|path| path.to_string_lossy().into_owned())
                    .collect(),
            },
            Err(error) => UndoView::Impossible(error.to_string()),
        }
    }

    pub(super) async fn comment(
        repo: &str,
        compared: Compared,
        path: String,
        line: &str,
        text: String,
    ) -> Result<Review, EngineError> {
        let line =
            match line {
                "" => None,
                line => Some(line.parse::<u64>().map_err(|_| {
                    EngineError::invalid(format!("`{line}` is no number of a line."))
                })?),
            };
        let repo = served().repo(repo).await?;
        let quote = match line {
            Some(line) => quote(&repo, compared, &path, line).await?,
            None => String::new(),
        };
        blocking(move || repo.review().comment(NewComment { path, line, quote, text })).await
    }

    /// The text of a line of the new file, when it is among the changes.
    async fn quote(
        repo: &Repo,
        compared: Compared,
        path: &str,
        line: u64,
    ) -> Result<String, EngineError> {
        let changes = Changes::of(repo, compared).await?;
        let patches = changes.patches(changes.top(), &[PathBuf::from(path)], ONE).await?;
        Ok(patches.iter().find_map(|patch| line_of(patch, line)).unwrap_or_default())
    }

    fn line_of(patch: &FilePatch, wanted: u64) -> Option<String> {
        patch.hunks.iter().find_map(|hunk| {
            let mut number = hunk.new_start;
            hunk.lines.iter().find_map(|line| match line {
                HunkLine::Removed(_) => None,
                HunkLine::Context(text) | HunkLine::Added(text) => {
                    let is_it = number == wanted;
                    number += 1;
                    is_it.then(|| text.clone())
                }
            })
        })
    }

    pub(super) async fn change(
        repo: &str,
        change: impl FnOnce(&Repo) -> Result<Review, EngineError> + Send + 'static,
    ) -> Result<Review, EngineError> {
        let repo = served().repo(repo).await?;
        blocking(move || change(&repo)).await
    }

    pub(super) async fn undo(repo: &str, run: u64, overwrite: bool) -> Result<(), EngineError> {
        let served = served();
        let repo = served.repo(repo).await?;
        let later = if overwrite { Later::Overwrite } else { Later::Refuse };
        served.work(move |_| async move { checkpoints::undo(&repo, run, later).await }).await?;
        Ok(())
    }

    /// Leads a browser without its own code back to where it was, which can only be a page of ours.
    pub(super) fn lead_back(back: &str) {
        if back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']) {
            lead_to(back);
        }
    }
}

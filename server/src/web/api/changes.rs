//! What runs changed in the working tree: showing it, undoing it, bringing whole trees back.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use car_domain::Timestamp;
use car_domain::run::{ChangeCount, CheckpointStage, FileDiff};
use car_engine::checkpoints::{
    self, Changes, Later, PatchForm, StoredCheckpoint, UndoReport, restore_beside,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiPath, ApiQuery, ApiRepo, JsonBody, invalid};

/// Most of a patch in one answer, in bytes.
const MAX_PATCH: usize = 2 << 20;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(diff))
        .routes(routes!(undo))
        .routes(routes!(redo))
        .routes(routes!(list))
        .routes(routes!(restore))
}

/// Which part of a diff.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// Only this file, or what is below this directory; relative to the repository.
    path: Option<String>,
}

/// What a run changed.
#[derive(Serialize, ToSchema)]
struct Diff {
    run: u64,
    /// Commit that holds the files before it.
    before: String,
    /// Commit, or for a run without end the tree, that holds them after it.
    after: String,
    /// Whether the run has no end, so that the present files stand in for it.
    is_up_to_now: bool,
    changes: ChangeCount,
    files: Vec<FileDiff>,
    /// Unified diff; binary files are only named.
    patch: String,
    /// Whether the patch is longer than an answer may be; `path` asks for a part.
    patch_truncated: bool,
}

/// Which run to undo, or to take back the undoing of.
#[derive(Deserialize, ToSchema)]
struct UndoRequest {
    run: u64,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
    /// Also overwrite what was changed since; a checkpoint keeps it.
    #[serde(default)]
    overwrite_later: bool,
}

/// What was done, or would be.
#[derive(Serialize, ToSchema)]
struct Undone {
    run: u64,
    dry_run: bool,
    /// Files that got their other bytes.
    written: Vec<String>,
    /// Files that are gone.
    deleted: Vec<String>,
    /// Files of these that were changed since.
    changed_since: Vec<String>,
}

/// The working trees that are kept.
#[derive(Serialize, ToSchema)]
struct CheckpointList {
    /// Oldest run first.
    checkpoints: Vec<Checkpoint>,
}

/// A working tree that is kept.
#[derive(Serialize, ToSchema)]
struct Checkpoint {
    /// As in `refs/car/`.
    name: String,
    run: u64,
    commit: String,
    taken_at: Timestamp,
}

/// Which one to bring back.
#[derive(Deserialize, ToSchema)]
struct RestoreRequest {
    run: u64,
    /// As the files were before it, or after it.
    stage: CheckpointStage,
}

/// A working tree that was brought back.
#[derive(Serialize, ToSchema)]
struct Restored {
    run: u64,
    stage: CheckpointStage,
    /// The directory it is in, relative to the repository.
    path: String,
    /// How many files.
    files: u64,
}

/// What a run changed
#[utoipa::path(
    get,
    path = "/api/runs/{n}/diff",
    tag = "runs",
    params(("n" = u64, Path, description = "Number of the run"), DiffQuery),
    responses(
        (status = 200, body = Diff),
        (status = 404, description = "No such run, or its checkpoints are gone"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn diff(
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(run): ApiPath<u64>,
    ApiQuery(query): ApiQuery<DiffQuery>,
) -> Result<Json<Diff>, Problem> {
    let path = query.path.filter(|path| !path.is_empty());
    if path.as_ref().is_some_and(|path| path.contains('\0')) {
        return Err(invalid("`path` is no path."));
    }
    let paths: Vec<PathBuf> = path.into_iter().map(PathBuf::from).collect();
    let changes = Changes::of_run(&repo, run).await?;
    let files = changes.files(repo.root(), &paths).await?;
    let mut patch = Patch::default();
    changes.write(PatchForm::Unified, repo.root(), &paths, |piece| patch.add(piece)).await?;
    Ok(Json(Diff {
        run,
        changes: ChangeCount::of(&files),
        files,
        patch_truncated: patch.is_cut,
        patch: patch.text(),
        is_up_to_now: changes.is_up_to_now,
        before: changes.before,
        after: changes.after,
    }))
}

/// The beginning of a patch.
#[derive(Default)]
struct Patch {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Patch {
    fn add(&mut self, piece: &[u8]) {
        let room = MAX_PATCH - self.bytes.len();
        self.is_cut |= piece.len() > room;
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// Whole lines.
    fn text(mut self) -> String {
        if self.is_cut {
            let end = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            self.bytes.truncate(end);
        }
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Give the files a run changed their state before it
///
/// Only these files are touched, and a checkpoint keeps what is overwritten; `/api/redo` takes it back.
#[utoipa::path(
    post,
    path = "/api/undo",
    tag = "runs",
    request_body = UndoRequest,
    responses(
        (status = 200, body = Undone),
        (status = 404, description = "No such run, or its checkpoints are gone"),
        (status = 409, description = "The loop is at work, or files were changed since"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn undo(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(body): JsonBody<UndoRequest>,
) -> Result<Json<Undone>, Problem> {
    let (run, later, dry_run) = (body.run, body.later(), body.dry_run);
    let report = state.served.work(move |_| async move {
        match dry_run {
            true => checkpoints::undo_preview(&repo, run).await,
            false => checkpoints::undo(&repo, run, later).await,
        }
    });
    Ok(Json(body.done(&report.await?)))
}

/// Take the undoing of a run back
#[utoipa::path(
    post,
    path = "/api/redo",
    tag = "runs",
    request_body = UndoRequest,
    responses(
        (status = 200, body = Undone),
        (status = 404, description = "The run was not undone"),
        (status = 409, description = "The loop is at work, or files were changed since"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn redo(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(body): JsonBody<UndoRequest>,
) -> Result<Json<Undone>, Problem> {
    let (run, later, dry_run) = (body.run, body.later(), body.dry_run);
    let report = state.served.work(move |_| async move {
        match dry_run {
            true => checkpoints::redo_preview(&repo, run).await,
            false => checkpoints::redo(&repo, run, later).await,
        }
    });
    Ok(Json(body.done(&report.await?)))
}

impl UndoRequest {
    fn later(&self) -> Later {
        if self.overwrite_later { Later::Overwrite } else { Later::Refuse }
    }

    fn done(&self, report: &UndoReport) -> Undone {
        let names = |files: &[PathBuf]| files.iter().map(|file| shown(file)).collect();
        Undone {
            run: self.run,
            dry_run: self.dry_run,
            written: names(&report.written),
            deleted: names(&report.deleted),
            changed_since: names(&report.changed_since),
        }
    }
}

/// The working trees kept of runs
#[utoipa::path(
    get,
    path = "/api/checkpoints",
    tag = "runs",
    responses((status = 200, body = CheckpointList)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<CheckpointList>, Problem> {
    let of = |one: StoredCheckpoint| Checkpoint {
        name: one.name.to_string(),
        run: one.name.run(),
        commit: one.commit,
        taken_at: one.at,
    };
    let kept = checkpoints::checkpoints(&repo).await?;
    Ok(Json(CheckpointList { checkpoints: kept.into_iter().map(of).collect() }))
}

/// Write all files as they were before or after a run into a new directory
///
/// The directory is below `.codex-autorunner/restored`; the working tree stays as it is.
#[utoipa::path(
    post,
    path = "/api/checkpoints/restore",
    tag = "runs",
    request_body = RestoreRequest,
    responses(
        (status = 200, body = Restored),
        (status = 404, description = "No such run, or its checkpoints are gone"),
        (status = 409, description = "It is there already"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn restore(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(RestoreRequest { run, stage }): JsonBody<RestoreRequest>,
) -> Result<Json<Restored>, Problem> {
    let root = repo.root().to_path_buf();
    let restored =
        state.served.work(move |_| async move { restore_beside(&repo, run, stage).await });
    let (files, dir) = restored.await?;
    let path = shown(dir.strip_prefix(&root).unwrap_or(&dir));
    Ok(Json(Restored { run, stage, path, files }))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

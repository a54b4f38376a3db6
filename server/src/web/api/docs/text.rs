//! The texts of the documents.

use axum::Json;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use car_domain::Timestamp;
use car_domain::docs::{DocKind, Document};
use car_engine::{DocWrite, EngineError, Expected, Repo, blocking};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::precondition::{Precondition, etag};
use super::{AUTHOR, Kind, MAX_BODY_BYTES, invalid_kind};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(clear))
        .routes(routes!(show, write))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// The five work documents. A missing one is empty.
#[derive(Serialize, ToSchema)]
pub(super) struct AllDocs {
    todo: String,
    progress: String,
    opinions: String,
    spec: String,
    summary: String,
    versions: DocVersions,
}

/// Which version each of the texts is, for `If-Match`.
#[derive(Serialize, ToSchema)]
struct DocVersions {
    todo: String,
    progress: String,
    opinions: String,
    spec: String,
    summary: String,
}

impl AllDocs {
    /// The tag of all of them together.
    fn version(&self) -> String {
        let DocVersions { todo, progress, opinions, spec, summary } = &self.versions;
        let all = [todo, progress, opinions, spec, summary];
        // Enough of each that no two texts share it by chance.
        all.map(|version| version.get(..16).unwrap_or(version)).join(".")
    }
}

/// One document.
#[derive(Serialize, ToSchema)]
pub(super) struct DocView {
    /// Which.
    kind: DocKind,
    /// Its text; empty when there is no file.
    content: String,
    /// SHA-256 of the file, or `missing`; the same as in `ETag`.
    pub(super) version: String,
    /// Whether there is a file.
    exists: bool,
    /// When the file was last written.
    modified_at: Option<Timestamp>,
}

impl From<Document> for DocView {
    fn from(document: Document) -> Self {
        let exists = document.exists();
        let Document { kind, text: content, version, modified_at, .. } = document;
        Self { kind, content, version, exists, modified_at }
    }
}

impl IntoResponse for DocView {
    fn into_response(self) -> Response {
        (etag(&self.version), Json(self)).into_response()
    }
}

/// A new text.
#[derive(Deserialize, ToSchema)]
struct NewText {
    /// The whole text.
    content: String,
}

/// The five work documents
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "documents",
    responses(
        (status = 200, body = AllDocs, headers(("ETag" = String, description = "Changes with any of the five"))),
        (status = 304, description = "`If-None-Match` names what they are"),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(ApiRepo { repo, .. }: ApiRepo, seen: Precondition) -> Result<Response, Problem> {
    let all = blocking(move || all_docs(&repo)).await?;
    Ok(unless_known(&seen, &all.version(), &all))
}

/// One document
#[utoipa::path(
    get,
    path = "/api/docs/{kind}",
    tag = "documents",
    params(("kind" = String, Path, description = "`todo`, `progress`, `opinions`, `spec`, `summary` or `snapshot`")),
    responses(
        (status = 200, body = DocView, headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "`If-None-Match` names its version"),
        (status = 400, description = "There is no such document"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(
    ApiRepo { repo, .. }: ApiRepo,
    Kind(kind): Kind,
    seen: Precondition,
) -> Result<Response, Problem> {
    let document = DocView::from(blocking(move || repo.docs().read(kind)).await?);
    Ok(unless_known(&seen, &document.version, &document))
}

/// Write a document
///
/// Without `If-Match` whatever is there is replaced; it stays in the history.
#[utoipa::path(
    put,
    path = "/api/docs/{kind}",
    tag = "documents",
    params(
        ("kind" = String, Path, description = "`todo`, `progress`, `opinions`, `spec` or `summary`"),
        ("If-Match" = Option<String>, Header, description = "The version that is replaced, as in `ETag`"),
    ),
    request_body = NewText,
    responses(
        (status = 200, body = DocView, headers(("ETag" = String, description = "Its new version"))),
        (status = 400, description = "There is no such document, or only CAR writes it"),
        (status = 412, description = "It is not the version of `If-Match`; `version` and `content` say what it is"),
        (status = 413, description = "The text is too large"),
        (status = 422, description = "There is no `content`"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn write(
    ApiRepo { repo, .. }: ApiRepo,
    Kind(kind): Kind,
    seen: Precondition,
    JsonBody(new): JsonBody<NewText>,
) -> Result<Response, Problem> {
    if kind == DocKind::Snapshot {
        return Err(invalid_kind().with_hint("the snapshot is written by POST /api/snapshot"));
    }
    match blocking(move || written(&repo, kind, &seen, &new.content)).await? {
        Ok(document) => Ok(DocView::from(document).into_response()),
        Err(current) => Ok(stale(&current)),
    }
}

/// Empty TODO, PROGRESS and OPINIONS
///
/// What was there stays in the history; `POST /api/docs/{kind}/restore` brings it back.
#[utoipa::path(
    post,
    path = "/api/docs/clear",
    tag = "documents",
    responses(
        (status = 200, body = AllDocs),
        (status = 409, description = "Somebody wrote one of them in this very moment"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn clear(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<AllDocs>, Problem> {
    let cleared = move || repo.docs().clear().and_then(|_| all_docs(&repo));
    Ok(Json(blocking(cleared).await?))
}

/// The five texts as they are now.
pub(super) fn all_docs(repo: &Repo) -> Result<AllDocs, EngineError> {
    let read = |kind| repo.docs().read(kind).map(|document| (document.text, document.version));
    let (todo, progress, opinions) =
        (read(DocKind::Todo)?, read(DocKind::Progress)?, read(DocKind::Opinions)?);
    let (spec, summary) = (read(DocKind::Spec)?, read(DocKind::Summary)?);
    Ok(AllDocs {
        todo: todo.0,
        progress: progress.0,
        opinions: opinions.0,
        spec: spec.0,
        summary: summary.0,
        versions: DocVersions {
            todo: todo.1,
            progress: progress.1,
            opinions: opinions.1,
            spec: spec.1,
            summary: summary.1,
        },
    })
}

/// The document as it was written, or as it is when that is not what the writer has seen.
fn written(
    repo: &Repo,
    kind: DocKind,
    seen: &Precondition,
    text: &str,
) -> Result<Result<Document, Box<Document>>, EngineError> {
    let current = repo.docs().read(kind)?;
    if !seen.holds(&current.version) {
        return Ok(Err(Box::new(current)));
    }
    let expected = match seen.is_given() {
        true => Expected::Version(&current.version),
        false => Expected::Anything,
    };
    match repo.docs().write(kind, text, expected, AUTHOR)? {
        DocWrite::Stale(current) => Ok(Err(current)),
        written @ DocWrite::Written(_) => written.into_result().map(Ok),
    }
}

fn unless_known(seen: &Precondition, version: &str, view: &impl Serialize) -> Response {
    match seen.is_known(version) {
        true => (StatusCode::NOT_MODIFIED, etag(version)).into_response(),
        false => (etag(version), Json(view)).into_response(),
    }
}

fn stale(current: &Document) -> Response {
    let title = current.kind.title();
    let text = format!("{title} is not the version you have seen; somebody else wrote it.");
    let problem = Problem::new(StatusCode::PRECONDITION_FAILED, text)
        .with_hint("bring both texts together, then write with If-Match and this version")
        .with_member("version", json!(current.version))
        .with_member("content", json!(current.text));
    (etag(&current.version), problem).into_response()
}

//! The versions of the documents.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use car_domain::docs::{DocKind, DocVersion};
use car_engine::blocking;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::Kind;
use super::text::DocView;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(versions)).routes(routes!(version)).routes(routes!(restore))
}

/// The versions of a document.
#[derive(Serialize, ToSchema)]
struct Versions {
    /// Which document.
    kind: DocKind,
    /// Newest first.
    versions: Vec<DocVersion>,
}

/// A version with its text.
#[derive(Serialize, ToSchema)]
struct VersionText {
    /// Which document.
    kind: DocKind,
    #[serde(flatten)]
    about: DocVersion,
    /// Its text, with replacement characters where it is no UTF-8.
    content: String,
}

/// Which version comes back.
#[derive(Deserialize, ToSchema)]
struct Restore {
    /// The version, or at least its first four characters.
    version: String,
}

/// The versions of a document, newest first
#[utoipa::path(
    get,
    path = "/api/docs/{kind}/history",
    tag = "documents",
    params(("kind" = String, Path, description = "Which document")),
    responses(
        (status = 200, body = Versions),
        (status = 400, description = "There is no such document"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn versions(
    ApiRepo { repo, .. }: ApiRepo,
    Kind(kind): Kind,
) -> Result<Json<Versions>, Problem> {
    let mut versions = blocking(move || repo.docs().history(kind)).await?;
    versions.reverse();
    Ok(Json(Versions { kind, versions }))
}

/// One version of a document
#[utoipa::path(
    get,
    path = "/api/docs/{kind}/history/{version}",
    tag = "documents",
    params(
        ("kind" = String, Path, description = "Which document"),
        ("version" = String, Path, description = "The version, or at least its first four characters"),
    ),
    responses(
        (status = 200, body = VersionText),
        (status = 400, description = "There is no such document"),
        (status = 404, description = "There is no such version, or several begin like this, or its text is not kept any more"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn version(
    ApiRepo { repo, .. }: ApiRepo,
    Kind(kind): Kind,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<VersionText>, Problem> {
    let Ok(Path((_, name))) = path else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "There is no version of this name."));
    };
    let read = move || {
        let about = repo.docs().find_version(kind, &name)?;
        let bytes = repo.docs().version_bytes(kind, &about.version)?;
        let content = String::from_utf8_lossy(&bytes).into_owned();
        Ok(VersionText { kind, about, content })
    };
    Ok(Json(blocking(read).await?))
}

/// Make an older version the present one
///
/// The present one stays in the history.
#[utoipa::path(
    post,
    path = "/api/docs/{kind}/restore",
    tag = "documents",
    params(("kind" = String, Path, description = "Which document")),
    request_body = Restore,
    responses(
        (status = 200, body = DocView, headers(("ETag" = String, description = "The version"))),
        (status = 404, description = "There is no such version, or its text is not kept any more"),
        (status = 409, description = "The version is no text"),
        (status = 422, description = "There is no `version`"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn restore(
    ApiRepo { repo, .. }: ApiRepo,
    Kind(kind): Kind,
    JsonBody(which): JsonBody<Restore>,
) -> Result<DocView, Problem> {
    let restored = move || repo.docs().restore(kind, &which.version);
    Ok(DocView::from(blocking(restored).await?))
}

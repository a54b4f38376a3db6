//! Images for the agent in a terminal.

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Query};
use axum::http::StatusCode;
use car_engine::EngineError;
use car_engine::uploads::{MAX_IMAGE_BYTES, StoredImage, image_too_large, store_terminal_image};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::ApiRepo;

/// Room for what is around the image in a form; how large an image may be the engine says.
const MAX_BODY_BYTES: usize = MAX_IMAGE_BYTES + (1 << 20);

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

#[derive(Deserialize, IntoParams)]
struct UploadQuery {
    /// Tell the absolute path, too: `true` or `1`.
    #[param(value_type = Option<bool>)]
    include_abs_paths: Option<String>,
}

/// An image that was stored.
#[derive(Serialize, ToSchema)]
struct Uploaded {
    /// Always `ok`.
    status: &'static str,
    /// The file, relative to the root.
    path: String,
    /// Its name.
    filename: String,
    /// Its absolute path, for those who ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    abs_path: Option<String>,
}

/// Store an image for the agent in a terminal
///
/// PNG, JPEG, GIF, WebP, HEIC or HEIF by its content, as the field `file` of a form; 10 MiB at most.
#[utoipa::path(
    post,
    path = "/api/terminal/image",
    tag = "terminal",
    params(UploadQuery),
    request_body(content = String, content_type = "multipart/form-data", description = "A form with the image as `file`"),
    responses(
        (status = 200, body = Uploaded),
        (status = 400, description = "It is empty, no image, or cannot be read"),
        (status = 413, description = "It is too large, which is noticed while it comes"),
        (status = 422, description = "There is no `file`"),
        (status = 429, description = "There are too many images already"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn upload(
    ApiRepo { repo, .. }: ApiRepo,
    query: Result<Query<UploadQuery>, QueryRejection>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Uploaded>, Problem> {
    let Query(query) =
        query.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.body_text()))?;
    let missing = || {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "missing image")
            .with_hint("send it as the field `file` of a form (multipart/form-data)")
    };
    let mut form = form.map_err(|_| missing())?;
    while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
        if field.name() != Some("file") {
            continue;
        }
        let StoredImage { path, rel_path, name } =
            store_terminal_image(&repo, field.map_err(|error| unreadable(&error))).await?;
        let asked = query.include_abs_paths.as_deref().unwrap_or_default().to_ascii_lowercase();
        let is_asked = ["1", "true", "yes", "on"].contains(&asked.as_str());
        let abs_path = is_asked.then(|| path.display().to_string());
        return Ok(Json(Uploaded { status: "ok", path: rel_path, filename: name, abs_path }));
    }
    Err(missing())
}

fn unreadable(error: &MultipartError) -> EngineError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => image_too_large(),
        _ => EngineError::invalid(format!("unable to read upload: {}", error.body_text())),
    }
}

//! The description of the repository for other chats.

use axum::Json;
use axum::extract::State;
use car_engine::snapshot::{Snapshot, SnapshotState, make, read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(show, create))
}

/// How to make a snapshot.
#[derive(Deserialize, ToSchema)]
struct NewSnapshot {
    /// Forget the one that is there instead of bringing it up to date.
    #[serde(default)]
    from_scratch: bool,
}

/// A snapshot that was made.
#[derive(Serialize, ToSchema)]
struct Made {
    /// Its text.
    content: String,
    /// Always false; the original's.
    truncated: bool,
    /// What it was made from.
    state: SnapshotState,
}

/// The snapshot, and whether it is out of date
#[utoipa::path(
    get,
    path = "/api/snapshot",
    tag = "documents",
    responses((status = 200, body = Snapshot)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<Snapshot>, Problem> {
    Ok(Json(read(&repo).await?))
}

/// Make a snapshot, or bring it up to date
///
/// Takes minutes. A client that goes away does not end it.
#[utoipa::path(
    post,
    path = "/api/snapshot",
    tag = "documents",
    request_body = Option<NewSnapshot>,
    responses(
        (status = 200, body = Made),
        (status = 409, description = "One is being made already"),
        (status = 502, description = "The agent failed; the old one stays"),
        (status = 504, description = "The agent took too long"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn create(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(new): JsonBody<NewSnapshot>,
) -> Result<Json<Made>, Problem> {
    let guard = state.served.guard();
    let work = state.served.work(|cancel| async move {
        make(&repo, &guard, new.from_scratch, &cancel, &mut |_| {}).await
    });
    let Snapshot { content, state, .. } = work.await?;
    Ok(Json(Made { content, truncated: state.truncated, state }))
}

//! The description of the API.

use axum::Json;
use axum::extract::State;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// This description
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn openapi(State(state): State<WebState>) -> Json<Document> {
    Json(state.document.as_ref().clone())
}

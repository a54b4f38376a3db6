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

/// `document` with an id for every operation, made from method and path: handlers of different nouns have the same name.
pub(super) fn with_ids(mut document: Document) -> Document {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(id(method, path));
            }
        }
    }
    document
}

/// `get_api_runs_n_events` of `GET /api/runs/{n}/events`.
fn id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

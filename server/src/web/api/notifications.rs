//! Notifications.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use car_engine::notifications::{Event, TestResult, test};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiRepo, JsonBody};

/// How long services may take that do not answer or ask for patience.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(send_test))
}

/// What to send.
#[derive(Deserialize, ToSchema)]
struct NewTest {
    /// The event it speaks of; `run_finished` unless said.
    event: Option<String>,
}

/// What became of a test.
#[derive(Serialize, ToSchema)]
struct Tested {
    /// The event it spoke of.
    event: &'static str,
    /// Each receiver.
    results: Vec<TestResult>,
}

/// Send a message to every receiver that is set up, and tell what became of it
#[utoipa::path(
    post,
    path = "/api/notifications/test",
    tag = "notifications",
    request_body = Option<NewTest>,
    responses(
        (status = 200, body = Tested),
        (status = 409, description = "No receiver is set up"),
        (status = 422, description = "There is no such event"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn send_test(
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(new): JsonBody<NewTest>,
) -> Result<Json<Tested>, Problem> {
    let name = new.event.as_deref().unwrap_or(Event::RunFinished.name());
    let event = Event::from_name(name).ok_or_else(|| {
        let names = Event::ALL.map(Event::name).join(", ");
        let text = format!("There is no event `{name}`.");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with_hint(format!("there are {names}"))
    })?;
    let results = test(&repo, event, PATIENCE).await?;
    Ok(Json(Tested { event: event.name(), results }))
}

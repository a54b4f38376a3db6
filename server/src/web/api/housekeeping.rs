//! Deleting what is old, by the rules of the configuration.

use axum::Json;
use car_engine::housekeeping::{Cleaning, RuleReport, clean};
use car_engine::{Repo, blocking};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(look, tidy))
}

/// How to clean.
#[derive(Deserialize, ToSchema)]
struct NewCleaning {
    /// Only count.
    #[serde(default)]
    dry_run: bool,
}

/// What the rules did, or would do.
#[derive(Serialize, ToSchema)]
struct CleaningView {
    /// Whether anything is done here at all.
    enabled: bool,
    /// Whether it was only counted.
    dry_run: bool,
    /// Each rule.
    rules: Vec<RuleReport>,
}

/// What housekeeping would do now
#[utoipa::path(
    get,
    path = "/api/housekeeping",
    tag = "repository",
    responses((status = 200, body = CleaningView)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn look(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<CleaningView>, Problem> {
    cleaned(repo, true).await
}

/// Delete what is old, by the rules of the configuration
///
/// The server does the same in its intervals.
#[utoipa::path(
    post,
    path = "/api/housekeeping",
    tag = "repository",
    request_body = Option<NewCleaning>,
    responses((status = 200, description = "What could not be done is told with its rule", body = CleaningView)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn tidy(
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(new): JsonBody<NewCleaning>,
) -> Result<Json<CleaningView>, Problem> {
    cleaned(repo, new.dry_run).await
}

async fn cleaned(repo: Repo, dry_run: bool) -> Result<Json<CleaningView>, Problem> {
    let cleaning = Cleaning { dry_run, without_home: true, ..Cleaning::default() };
    let report = blocking(move || clean(repo.root(), &cleaning)).await?;
    let (enabled, dry_run, rules) = (report.enabled, report.dry_run, report.rules);
    Ok(Json(CleaningView { enabled, dry_run, rules }))
}

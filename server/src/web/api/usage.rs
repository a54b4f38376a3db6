//! Tokens that the repository used.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use car_domain::usage::{UsageBucket, UsageSegment, UsageSeries, UsageSummary};
use car_engine::usage::{UsageRange, home_for_people};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiQuery, ApiRepo};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(usage)).routes(routes!(series))
}

/// From when to when.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UsageQuery {
    /// Not before this time, such as 2025-12-01 or 2025-12-01T12:00Z.
    since: Option<String>,
    /// Not after this time.
    until: Option<String>,
}

/// Which series.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SeriesQuery {
    /// Not before this time.
    since: Option<String>,
    /// Not after this time.
    until: Option<String>,
    /// `hour`, `day` or `week`; `day` without it.
    bucket: Option<String>,
    /// `none`, `model`, `token_type`, `model_token`, `part` or `model_part`; `none` without it.
    segment: Option<String>,
}

/// What is asked about, as every answer begins.
#[derive(Serialize, ToSchema)]
struct Head {
    /// `repo`.
    mode: &'static str,
    /// Id of the repository.
    repo: String,
    /// Where Codex keeps its sessions; `~` is the owner's home.
    codex_home: String,
    since: Option<String>,
    until: Option<String>,
    /// `ready`, or `loading` while sessions are still being read: then the numbers are those so far.
    status: &'static str,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
struct Usage {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    usage: UsageSummary,
}

/// Tokens over time.
#[derive(Serialize, ToSchema)]
struct Series {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    series: UsageSeries,
}

/// Tokens used here
///
/// Of all Codex sessions in the repository, also of those somebody held by hand.
#[utoipa::path(
    get,
    path = "/api/usage",
    tag = "usage",
    params(UsageQuery),
    responses((status = 200, body = Usage), (status = 400, description = "No time")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn usage(
    State(state): State<WebState>,
    ApiRepo { id, repo }: ApiRepo,
    ApiQuery(query): ApiQuery<UsageQuery>,
) -> Result<Json<Usage>, Problem> {
    let range = UsageRange::parse(query.since.as_deref(), query.until.as_deref())?;
    let reading = state.served.usage(repo.env()).await?;
    let usage = reading.usage.of_repo(repo.root(), range).await?;
    let head = Head {
        mode: "repo",
        repo: id,
        codex_home: home_for_people(reading.usage.home(), repo.env()),
        since: query.since,
        until: query.until,
        status: if reading.is_ready { "ready" } else { "loading" },
    };
    Ok(Json(Usage { head, usage }))
}

/// Tokens used here over time
#[utoipa::path(
    get,
    path = "/api/usage/series",
    tag = "usage",
    params(SeriesQuery),
    responses(
        (status = 200, body = Series),
        (status = 400, description = "No time, no such bucket or segment, or too many steps"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn series(
    State(state): State<WebState>,
    ApiRepo { id, repo }: ApiRepo,
    ApiQuery(query): ApiQuery<SeriesQuery>,
) -> Result<Json<Series>, Problem> {
    let range = UsageRange::parse(query.since.as_deref(), query.until.as_deref())?;
    let refused = |text: String| Problem::new(StatusCode::BAD_REQUEST, text);
    let bucket = UsageBucket::parse(query.bucket.as_deref().unwrap_or("day")).map_err(refused)?;
    let segment = query.segment.as_deref().unwrap_or("none");
    let segment = UsageSegment::parse(segment, &UsageSegment::OF_REPO).map_err(refused)?;
    let reading = state.served.usage(repo.env()).await?;
    let series = reading.usage.repo_series(repo.root(), range, bucket, segment).await?;
    let head = Head {
        mode: "repo",
        repo: id,
        codex_home: home_for_people(reading.usage.home(), repo.env()),
        since: query.since,
        until: query.until,
        status: if reading.is_ready { "ready" } else { "loading" },
    };
    Ok(Json(Series { head, series }))
}

//! Tokens the hub's repositories used.

use axum::Json;
use axum::http::StatusCode;
use car_domain::usage::{UsageBucket, UsageSegment, UsageSeries, UsageSummary};
use car_engine::config::{RootEnv, load_with_env};
use car_engine::usage::{UsageRange, home_for_people};
use car_engine::{UsageReading, blocking};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::ApiQuery;
use super::ApiHub;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(usage)).routes(routes!(series))
}

/// What part of the usage.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HubUsageQuery {
    /// Not before this time, such as 2025-12-01 or 2025-12-01T12:00Z.
    since: Option<String>,
    /// Not after this time.
    until: Option<String>,
    /// Of a series: `hour`, `day` or `week`; `day` without it.
    bucket: Option<String>,
    /// Of a series: `none` or `repo`; `none` without it.
    segment: Option<String>,
}

/// What is asked about, as every answer begins.
#[derive(Serialize, ToSchema)]
struct HubUsageHead {
    /// `hub`.
    mode: &'static str,
    /// Where the hub is; `~` is the owner's home.
    hub_root: String,
    /// Where Codex keeps its sessions.
    codex_home: String,
    since: Option<String>,
    until: Option<String>,
    /// `ready`, or `loading` while sessions are still being read: then the numbers are those so far.
    status: &'static str,
}

/// Tokens of one repository.
#[derive(Serialize, ToSchema)]
struct RepoUsage {
    /// Its id.
    id: String,
    #[serde(flatten)]
    usage: UsageSummary,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
struct HubUsageAnswer {
    #[serde(flatten)]
    head: HubUsageHead,
    repos: Vec<RepoUsage>,
    /// Repositories that were removed, or are not there.
    removed: Vec<RepoUsage>,
    /// What belongs to none of them.
    unmatched: UsageSummary,
}

/// Tokens over time.
#[derive(Serialize, ToSchema)]
struct HubUsageSeries {
    #[serde(flatten)]
    head: HubUsageHead,
    #[serde(flatten)]
    series: UsageSeries,
}

/// Everything a question needs.
struct Asked {
    api: ApiHub,
    env: RootEnv,
    range: UsageRange,
    reading: UsageReading,
    query: HubUsageQuery,
}

impl Asked {
    async fn new(api: ApiHub, query: HubUsageQuery) -> Result<Self, Problem> {
        let range = UsageRange::parse(query.since.as_deref(), query.until.as_deref())
            .map_err(super::refused)?;
        let root = api.hub.root().to_path_buf();
        let (_, env) = blocking(move || load_with_env(&root)).await?;
        let reading = api.served.usage(&env).await?;
        Ok(Self { api, env, range, reading, query })
    }

    fn head(self) -> HubUsageHead {
        HubUsageHead {
            mode: "hub",
            hub_root: home_for_people(self.api.hub.root(), &self.env),
            codex_home: home_for_people(self.reading.usage.home(), &self.env),
            since: self.query.since,
            until: self.query.until,
            status: if self.reading.is_ready { "ready" } else { "loading" },
        }
    }
}

fn by_id(list: Vec<(String, UsageSummary)>) -> Vec<RepoUsage> {
    list.into_iter().map(|(id, usage)| RepoUsage { id, usage }).collect()
}

/// Tokens used by each repository of the hub
#[utoipa::path(
    get,
    path = "/hub/usage",
    tag = "hub",
    params(HubUsageQuery),
    responses((status = 200, body = HubUsageAnswer), (status = 400, description = "No time")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn usage(
    api: ApiHub,
    ApiQuery(query): ApiQuery<HubUsageQuery>,
) -> Result<Json<HubUsageAnswer>, Problem> {
    let asked = Asked::new(api, query).await?;
    let (root, repos) = (asked.api.hub.root(), asked.api.served.roots());
    let usage = asked.reading.usage.of_hub(root, &repos, asked.range).await?;
    Ok(Json(HubUsageAnswer {
        head: asked.head(),
        repos: by_id(usage.repos),
        removed: by_id(usage.removed),
        unmatched: usage.unmatched,
    }))
}

/// Tokens used in the hub over time
#[utoipa::path(
    get,
    path = "/hub/usage/series",
    tag = "hub",
    params(HubUsageQuery),
    responses(
        (status = 200, body = HubUsageSeries),
        (status = 400, description = "No time, no such bucket or segment, or too many steps"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn series(
    api: ApiHub,
    ApiQuery(query): ApiQuery<HubUsageQuery>,
) -> Result<Json<HubUsageSeries>, Problem> {
    let refused = |text: String| Problem::new(StatusCode::BAD_REQUEST, text);
    let bucket = UsageBucket::parse(query.bucket.as_deref().unwrap_or("day")).map_err(refused)?;
    let segment = query.segment.as_deref().unwrap_or("none");
    let segment = UsageSegment::parse(segment, &UsageSegment::OF_HUB).map_err(refused)?;
    let asked = Asked::new(api, query).await?;
    let (root, repos) = (asked.api.hub.root(), asked.api.served.roots());
    let usage = &asked.reading.usage;
    let series = usage.hub_series(root, &repos, asked.range, bucket, segment).await;
    let series = series.map_err(super::refused)?;
    Ok(Json(HubUsageSeries { head: asked.head(), series }))
}

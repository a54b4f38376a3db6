//! The runs of a repository and what happened in them.

use axum::Json;
use axum::extract::State;
use car_domain::run::JournalEntry;
use car_domain::search::SearchHit;
use car_engine::runs::RunRecord;
use car_engine::search::SearchQuery;
use car_engine::usage::UsageRange;
use car_engine::{History, JournalQuery, blocking};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiPath, ApiQuery, ApiRepo, ApiScope, limited};

/// Runs in one answer, and how many at most.
const RUNS: (u32, u32) = (50, 200);
/// Entries of a journal in one answer, and how many at most.
const ENTRIES: (u32, u32) = (200, 1000);
/// Hits in one answer, and how many at most.
const HITS: (u32, u32) = (20, 200);

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(events))
        .routes(routes!(search))
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only runs with a smaller number.
    before: Option<u64>,
    /// At most this many, 1 to 200; 50 without it.
    limit: Option<i64>,
}

/// Runs, newest first.
#[derive(Serialize, ToSchema)]
struct RunList {
    runs: Vec<RunRecord>,
    /// `before` of the next page; null when this was the last.
    next_before: Option<u64>,
}

/// Which part of a journal.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// From this number on; 1 without it.
    from: Option<u64>,
    /// At most this many, 1 to 1000; 200 without it.
    limit: Option<i64>,
    /// Only entries of this type, such as `message` or `command.finished`.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// A part of a run's journal.
#[derive(Serialize, ToSchema)]
struct Events {
    run: u64,
    /// In their order: `seq`, `at`, `type`, and what belongs to the type.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<JournalEntry>,
    /// `from` of the next page, or of what is still to come.
    next_from: u64,
    /// Whether there is more by now.
    has_more: bool,
}

/// What to search for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchParams {
    /// Words, `"a phrase"`, `begin*`; all of them must occur.
    q: String,
    /// Only this run.
    run: Option<u64>,
    /// Only events of this type; `document` for documents.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Not before this time, such as 2025-12-01 or 2025-12-01T12:00Z.
    since: Option<String>,
    /// At most this many of runs and of documents, 1 to 200; 20 without it.
    limit: Option<i64>,
}

/// What was found.
#[derive(Serialize, ToSchema)]
struct Found {
    /// Documents first, then events, best first.
    hits: Vec<SearchHit>,
}

/// The runs, newest first
#[utoipa::path(
    get,
    path = "/api/runs",
    tag = "runs",
    params(ListQuery),
    responses((status = 200, body = RunList)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(
    State(state): State<WebState>,
    ApiRepo { id, repo }: ApiRepo,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<RunList>, Problem> {
    let limit = limited(query.limit, RUNS)?;
    let mut runs = state.served.runs(&id, &repo, query.before, limit + 1).await?;
    let is_last = runs.len() <= limit as usize;
    runs.truncate(limit as usize);
    let next_before = runs.last().map(|run| run.run).filter(|_| !is_last);
    Ok(Json(RunList { runs, next_before }))
}

/// One run
#[utoipa::path(
    get,
    path = "/api/runs/{n}",
    tag = "runs",
    params(("n" = u64, Path, description = "Number of the run")),
    responses((status = 200, body = RunRecord), (status = 404, description = "No such run")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(
    State(state): State<WebState>,
    ApiRepo { id, repo }: ApiRepo,
    ApiPath(run): ApiPath<u64>,
) -> Result<Json<RunRecord>, Problem> {
    Ok(Json(state.served.run(&id, &repo, run).await?))
}

/// A part of what happened in a run
///
/// As quick at the end of a long journal as at its beginning. At most some megabytes in one answer.
#[utoipa::path(
    get,
    path = "/api/runs/{n}/events",
    tag = "runs",
    params(("n" = u64, Path, description = "Number of the run"), EventsQuery),
    responses((status = 200, body = Events), (status = 404, description = "No such run")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn events(
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(run): ApiPath<u64>,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = limited(query.limit, ENTRIES)? as usize;
    let query = JournalQuery { from: query.from.unwrap_or(1), limit, kind: query.kind };
    let page = blocking(move || History::new(&repo).entries(run, &query)).await?;
    let (entries, next_from, has_more) = (page.entries, page.next, page.has_more);
    Ok(Json(Events { run, entries, next_from, has_more }))
}

/// Search runs and documents
///
/// In a hub without `/repos/{id}` in front: of all its repositories.
#[utoipa::path(
    get,
    path = "/api/search",
    tag = "runs",
    params(SearchParams),
    responses((status = 200, body = Found), (status = 400, description = "Nothing to search for")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn search(
    State(state): State<WebState>,
    ApiScope(only): ApiScope,
    ApiQuery(query): ApiQuery<SearchParams>,
) -> Result<Json<Found>, Problem> {
    let query = SearchQuery {
        text: query.q,
        run: query.run,
        kind: query.kind,
        since: UsageRange::parse(query.since.as_deref(), None)?.since,
        limit: limited(query.limit, HITS)?,
    };
    let hits = state.served.search(only.as_deref(), &query).await?;
    Ok(Json(Found { hits }))
}

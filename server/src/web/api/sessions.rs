//! Terminal sessions as the original's clients list and end them.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use car_domain::Timestamp;
use car_domain::terminal::Terminal;
use car_engine::sessions::{SessionPlace, TerminalSession, forget_session, recorded_sessions};
use car_engine::{EngineError, ErrorKind, Repo, blocking, terminals};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::auth::Gate;
use super::super::problem::Problem;
use super::{ApiQuery, ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(stop))
}

/// How much is told.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `1` or `true`: also places on the machine; only where one has to log in.
    include_abs_paths: Option<String>,
}

/// All terminals.
#[derive(Serialize, ToSchema)]
struct SessionList {
    sessions: Vec<Session>,
    /// Id of the terminal of each place, relative to the repository.
    repo_to_session: BTreeMap<String, String>,
    /// The same with places on the machine.
    abs_repo_to_session: Option<BTreeMap<String, String>>,
}

/// A terminal.
#[derive(Serialize, ToSchema)]
struct Session {
    session_id: String,
    /// Where it was started, relative to the repository.
    repo_path: Option<String>,
    abs_repo_path: Option<String>,
    created_at: Option<String>,
    last_seen_at: Option<String>,
    /// `active` or `closed`.
    status: Option<String>,
    /// Whether its process lives here.
    alive: bool,
}

/// Which terminal.
#[derive(Deserialize, ToSchema)]
struct SessionStop {
    #[serde(default)]
    session_id: Option<String>,
    /// Where it was started; goes before the id.
    #[serde(default)]
    repo_path: Option<String>,
}

/// A terminal that is gone.
#[derive(Serialize, ToSchema)]
struct Stopped {
    /// `stopped`.
    status: &'static str,
    session_id: String,
}

/// The terminals
#[utoipa::path(
    get,
    path = "/api/sessions",
    tag = "terminal",
    params(ListQuery),
    responses((status = 200, body = SessionList)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<SessionList>, Problem> {
    let asked = query.include_abs_paths.as_deref().map(str::to_ascii_lowercase);
    let asked = asked.is_some_and(|asked| ["1", "true", "yes", "on"].contains(&asked.as_str()));
    let with_places = asked && matches!(state.gate, Gate::Closed(_));
    let alive = state.served.terminals(&repo).await?.into_iter().filter(Terminal::is_alive);
    let alive: Vec<Terminal> = alive.collect();
    let listed = blocking(move || {
        let known = recorded_sessions(&repo)?;
        let root = repo.root().to_string_lossy().into_owned();
        let places = known.repo_to_session.into_iter();
        let places = places.filter_map(|(path, id)| Some((path, id.as_str()?.to_owned())));
        let current = alive.last().map(|terminal| (root.clone(), terminal.session_id.clone()));
        let places: BTreeMap<String, String> = places.chain(current).collect();
        let recorded = known.sessions.into_iter().map(|one| shown(&repo, one, with_places));
        let alive = alive.iter().map(|one| alive_one(one, with_places.then_some(&root)));
        Ok(SessionList {
            sessions: alive.chain(recorded).collect(),
            repo_to_session: places
                .iter()
                .map(|(path, id)| (relative(&repo, path), id.clone()))
                .collect(),
            abs_repo_to_session: with_places.then_some(places),
        })
    });
    Ok(Json(listed.await?))
}

fn alive_one(one: &Terminal, root: Option<&String>) -> Session {
    let last = one.activity.last_output.max(one.activity.last_input);
    let last = i64::try_from(last).ok().filter(|last| *last > 0);
    Session {
        session_id: one.session_id.clone(),
        repo_path: Some(".".to_owned()),
        abs_repo_path: root.cloned(),
        created_at: Some(one.created_at.to_string()),
        last_seen_at: last.map(|last| Timestamp::from_millis(last).to_string()),
        status: Some("active".to_owned()),
        alive: true,
    }
}

fn shown(repo: &Repo, one: TerminalSession, with_places: bool) -> Session {
    Session {
        session_id: one.session_id,
        repo_path: one.repo_path.as_deref().map(|path| relative(repo, path)),
        abs_repo_path: one.repo_path.filter(|_| with_places),
        created_at: one.created_at,
        last_seen_at: one.last_seen_at,
        status: one.status,
        alive: false,
    }
}

/// A place without what lies above the repository.
fn relative(repo: &Repo, place: &str) -> String {
    let path = Path::new(place);
    if path == repo.root() {
        return ".".to_owned();
    }
    let below = path.strip_prefix(repo.root()).ok().map(Path::as_os_str);
    let short = if path.is_absolute() { below.or(path.file_name()) } else { None };
    short.map_or_else(|| place.to_owned(), |short| short.to_string_lossy().into_owned())
}

/// End a terminal
#[utoipa::path(
    post,
    path = "/api/sessions/stop",
    tag = "terminal",
    request_body = SessionStop,
    responses(
        (status = 200, body = Stopped),
        (status = 400, description = "Neither an id nor a place"),
        (status = 404, description = "No such terminal"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn stop(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(body): JsonBody<SessionStop>,
) -> Result<Json<Stopped>, Problem> {
    let given = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (id, place) = (given(body.session_id), given(body.repo_path));
    if id.is_none() && place.is_none() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "Provide session_id or repo_path"));
    }
    if let Some(session_id) = live(&repo, id.as_deref(), place.as_deref()).await? {
        let (served, session) = (repo, session_id.clone());
        let work =
            state.served.work(move |_| async move { terminals::end(&served, &session).await });
        work.await?;
        return Ok(Json(Stopped { status: "stopped", session_id }));
    }
    let session_id = blocking(move || {
        let place = match (&place, &id) {
            (Some(path), _) => SessionPlace::Path(Path::new(path)),
            (None, id) => SessionPlace::Id(id.as_deref().unwrap_or_default()),
        };
        forget_session(&repo, place)
    });
    Ok(Json(Stopped { status: "stopped", session_id: session_id.await? }))
}

/// The terminal that is meant, if it runs.
async fn live(
    repo: &Repo,
    id: Option<&str>,
    place: Option<&str>,
) -> Result<Option<String>, EngineError> {
    if let Some(place) = place {
        let place = repo.root().join(place);
        let is_ours =
            place == repo.root() || place.canonicalize().is_ok_and(|place| place == repo.root());
        let current = if is_ours { terminals::current(repo).await? } else { None };
        return Ok(current.map(|session| session.record.id));
    }
    match terminals::get(repo, id.unwrap_or_default()).await {
        Ok(session) => Ok(terminals::is_alive(&session).then_some(session.record.id)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

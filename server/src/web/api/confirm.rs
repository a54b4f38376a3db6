//! Confirming who one is, before something dangerous.
//!
//! A session can be months old and its browser in other hands. So whoever wants to run programs of their choice, spend money or
//! lose work shows the token or a fresh pairing code again; that holds for five minutes. A login is one, too. Scripts send the
//! token with every request and need nothing more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use car_domain::access::Device;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::auth::{Caller, Gate, peer_of};
use super::super::problem::Problem;
use super::JsonBody;
use super::class::Class;

/// How long a confirmation holds.
const CONFIRMED_FOR: Duration = Duration::from_secs(5 * 60);

/// Who has confirmed lately, by device.
#[derive(Default)]
pub(in crate::web) struct Confirmations(Mutex<HashMap<String, Instant>>);

impl Confirmations {
    fn add(&self, device: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| at.elapsed() < CONFIRMED_FOR);
        known.insert(device.to_owned(), Instant::now());
    }

    fn holds(&self, device: &Device) -> bool {
        let age = car_engine::now().since(device.created_at);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        age < CONFIRMED_FOR || known.get(&device.id).is_some_and(|at| at.elapsed() < CONFIRMED_FOR)
    }
}

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(confirm))
}

/// Lets a request through when its route is not dangerous, or its caller has just shown who they are.
pub(super) async fn check(
    State(state): State<WebState>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let key = (request.method().clone(), path.as_str().to_owned());
    let is_dangerous = state.classes.get(&key) == Some(&Class::Dangerous);
    if let Some(Caller::Device(device)) = request.extensions().get::<Caller>()
        && is_dangerous
        && !state.confirmations.holds(device)
    {
        let problem = Problem::forbidden("This needs a fresh confirmation of who you are.")
            .with_code("confirmation_required")
            .with_hint("send the token or a new pairing code to POST /api/confirm, then try again");
        return problem.into_response();
    }
    next.run(request).await
}

/// Something only the owner knows.
#[derive(Deserialize, ToSchema)]
struct Proof {
    /// The access token.
    #[serde(default)]
    token: Option<String>,
    /// A pairing code, as `car pair` makes it.
    #[serde(default)]
    code: Option<String>,
}

/// That it was right.
#[derive(Serialize, ToSchema)]
struct Confirmed {
    /// How long it holds, in seconds.
    valid_for_seconds: u64,
}

/// Confirm who you are
///
/// For browsers: dangerous requests of this session are answered for the next five minutes.
#[utoipa::path(
    post,
    path = "/api/confirm",
    tag = "server",
    request_body = Proof,
    responses(
        (status = 200, body = Confirmed),
        (status = 401, description = "Neither the token nor a valid pairing code"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn confirm(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
    parts: Parts,
    JsonBody(proof): JsonBody<Proof>,
) -> Result<Json<Confirmed>, Response> {
    if let (Gate::Closed(access), Caller::Device(device)) = (&state.gate, &caller) {
        let peer = peer_of(&parts);
        let (token, code) = (proof.token.as_deref(), proof.code.as_deref());
        let proven = access.confirms(&device.name, token, code, &peer).await;
        let proven = proven.map_err(|error| Problem::from(error).into_response())?;
        if !proven {
            return Err(super::super::auth::refused(access.refuse(&peer)));
        }
        state.confirmations.add(&device.id);
    }
    Ok(Json(Confirmed { valid_for_seconds: CONFIRMED_FOR.as_secs() }))
}

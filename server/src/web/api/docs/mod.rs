//! The documents: reading and writing them, their versions, and talking about them.
//!
//! Every answer about one document carries its version as `ETag`. A write that names what it replaces (`If-Match`) is refused
//! when that is no longer true; one that does not, as the original's clients, replaces what is there, which stays in the history.

mod chat;
mod chat_stream;
mod decision;
mod history;
mod ingest;
mod precondition;
mod proposed;
mod snapshot;
mod text;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use car_domain::docs::DocKind;
use utoipa_axum::router::OpenApiRouter;

use super::super::WebState;
use super::super::problem::Problem;
pub(super) use proposed::ChatResult;

/// Most bytes of a request that brings a text; a document itself may have half of that once it is JSON.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Who wrote what comes over HTTP, as the history names it.
const AUTHOR: &str = "web";

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .merge(text::routes())
        .merge(history::routes())
        .merge(chat::routes())
        .merge(decision::routes())
        .merge(ingest::routes())
        .merge(snapshot::routes())
}

/// The documents that `{kind}` of the path names: one, or for a chat several with `+` between.
struct Kinds(Vec<DocKind>);

/// The document that `{kind}` of the path names, in any case.
struct Kind(DocKind);

impl<S: Send + Sync> FromRequestParts<S> for Kinds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| invalid_kind())?;
        let named = params.iter().find(|(name, _)| *name == "kind").map(|(_, value)| value);
        let kinds = named.unwrap_or_default().split('+').map(DocKind::parse);
        kinds.collect::<Option<_>>().map(Self).ok_or_else(invalid_kind)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Kind {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Kinds::from_request_parts(parts, state).await?.0[..] {
            [kind] => Ok(Self(kind)),
            _ => Err(invalid_kind()),
        }
    }
}

fn invalid_kind() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid doc kind")
        .with_hint("choose among todo, progress, opinions, spec and summary")
}

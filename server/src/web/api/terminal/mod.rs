//! Terminals over HTTP: lists and single ones, and the conversation about one on a WebSocket. `docs/terminal.md` describes it.
//!
//! A socket is a client of the terminal's host and little more: bytes, acknowledgements and flow control pass through, so a client
//! that is slow or stuck costs a few buffers here and slows down nobody. What is of this server only is who is attached.

mod ended;
mod find;
mod hear;
mod sessions;
mod socket;
mod talk;
mod tell;

use utoipa_axum::router::OpenApiRouter;

use super::super::WebState;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().merge(sessions::routes()).merge(socket::routes())
}

//! Writes: what people ask of the loop.

use car_domain::view::{RunAction, StateView};
use leptos::prelude::*;

use super::AppError;

/// Starts, stops or ends a repository's loop. A form post, so that buttons work before the browser side has loaded.
#[server(name = RunActionRequest, endpoint = "run_action", prefix = "/rpc")]
pub(crate) async fn run_action(repo: String, verb: RunAction) -> Result<StateView, AppError> {
    Ok(super::read::served().act(&repo, verb).await?)
}

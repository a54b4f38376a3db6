//! Saying something to the agent while its run goes on.

use super::standing;
use crate::conversation::{CodexSetup, Conversations};
use crate::served::blocking;
use crate::{EngineError, Repo};

/// Adds `text` to the turn of the run that is at work in `repo`.
///
/// # Errors
/// When there is nothing to say; a conflict when no run is at work that can be steered; when Codex cannot be reached.
pub async fn steer(repo: &Repo, text: &str) -> Result<(), EngineError> {
    if text.trim().is_empty() {
        return Err(EngineError::invalid("there is nothing to say to the agent"));
    }
    let looked_at = repo.clone();
    let standing = blocking(move || standing(&looked_at)).await?;
    let turn = standing.state.turn.filter(|_| standing.view.runner_pid.is_some());
    let turn = turn.ok_or_else(|| {
        EngineError::conflict("no run is at work that can be steered")
            .with_hint("a loop can be steered while it runs with `runner.driver: app_server`")
    })?;
    let codex = Conversations::new(CodexSetup::of(repo));
    let steered = codex.steer(&turn.thread_id, &turn.turn_id, text, None).await;
    codex.close().await;
    steered
}

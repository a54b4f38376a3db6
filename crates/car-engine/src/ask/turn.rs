//! A job as a turn of a conversation with Codex.

use car_domain::conversation::TurnStatus;
use tokio_util::sync::CancellationToken;

use super::{Job, JobAnswer, JobEvent, cancelled, failed};
use crate::conversation::{
    ApprovalPolicy, CodexSetup, Conversations, Turn, TurnEvent, TurnRequest,
};
use crate::{EngineError, ErrorKind, Repo};

/// A turn that has begun.
pub(super) struct JobTurn {
    name: &'static str,
    turn: Turn,
}

/// Starts the turn; `None` when conversations are not possible here and a process has to do.
pub(super) async fn begin(repo: &Repo, job: &Job) -> Result<Option<JobTurn>, EngineError> {
    let conversations = Conversations::new(CodexSetup::of(repo));
    let request = |thread_id: Option<String>| TurnRequest {
        thread_id,
        approvals: ApprovalPolicy::Never,
        sandbox: job.sandbox.clone(),
        model: job.model.clone(),
        effort: repo.config().codex.reasoning.clone(),
        output_schema: job.output_schema.clone(),
        ..TurnRequest::new(&job.cwd, job.prompt.clone())
    };
    let mut begun = conversations.turn(request(job.thread_id.clone())).await;
    if job.thread_id.is_some()
        && matches!(&begun, Err(error) if error.kind() == ErrorKind::NotFound)
    {
        // The thread is gone; the prompt says everything it needs.
        begun = conversations.turn(request(None)).await;
    }
    match begun {
        Ok(turn) => Ok(Some(JobTurn { name: job.name, turn })),
        Err(error) if error.kind() == ErrorKind::Conflict => Err(error),
        Err(error) => {
            tracing::info!(%error, "no conversation with Codex is possible; it runs once instead");
            Ok(None)
        }
    }
}

/// Listens until the turn is over. A turn that nobody waits for any more is interrupted.
pub(super) async fn attend(
    job: JobTurn,
    cancel: &CancellationToken,
    events: &mut (dyn FnMut(JobEvent) + Send),
) -> Result<JobAnswer, EngineError> {
    let JobTurn { name, mut turn } = job;
    let guard = Interrupt(Some(turn.control()));
    let outcome = loop {
        let event = tokio::select! {
            event = turn.next() => event,
            () = cancel.cancelled() => {
                guard.interrupt().await;
                return Err(cancelled(name));
            }
        };
        match event {
            Some(TurnEvent::MessageDelta { text, .. }) => events(JobEvent::Delta(text)),
            Some(TurnEvent::Step(step)) => events(JobEvent::Step(step)),
            Some(TurnEvent::Finished(outcome)) => break outcome,
            Some(_) => {}
            None => {
                return Err(EngineError::new(
                    ErrorKind::Agent,
                    format!("the connection to Codex was lost during the {name}"),
                )
                .with_hint("nothing was changed; try again"));
            }
        }
    };
    guard.disarm();
    match outcome.status {
        TurnStatus::Completed => Ok(JobAnswer {
            text: outcome.final_message.unwrap_or_default(),
            is_plain: false,
            thread_id: Some(turn.thread_id().to_owned()),
            usage: outcome.usage,
        }),
        TurnStatus::Interrupted => Err(cancelled(name)),
        TurnStatus::Failed => Err(failed(name, Some(1), &outcome.error.unwrap_or_default())),
    }
}

/// Interrupts the turn also when its future is dropped, as by a timeout.
struct Interrupt(Option<crate::conversation::TurnControl>);

impl Interrupt {
    async fn interrupt(mut self) {
        if let Some(control) = self.0.take()
            && let Err(error) = control.interrupt().await
        {
            tracing::warn!(%error, "the turn may still be running");
        }
    }

    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let Some(control) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // Short: one message to a server on this machine.
        runtime.spawn(async move {
            if let Err(error) = control.interrupt().await {
                tracing::warn!(%error, "the turn may still be running");
            }
        });
    }
}

//! Runs as lists and tables show them, on the command line and over HTTP.

use car_domain::Timestamp;
use car_domain::run::{ChangeCount, Outcome, RunKind, RunSummary};
use serde::Serialize;
use utoipa::ToSchema;

use crate::runner::standing;
use crate::{EngineError, Repo};

/// A run, in the shape of `car runs --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunRecord {
    /// Its number.
    pub run: u64,
    /// Work, or the final report.
    pub kind: RunKind,
    /// `running`, `succeeded`, `failed`, `timed_out`, `stopped` or `interrupted`.
    pub outcome: &'static str,
    /// Exit code of the agent.
    pub exit_code: Option<i32>,
    /// Signal that ended the agent.
    pub signal: Option<i32>,
    /// Why it ended so, as a sentence.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Milliseconds from beginning to end.
    pub duration_ms: Option<u64>,
    /// Tokens.
    pub usage: RunTokens,
    /// The agent's program.
    pub agent: String,
    /// The TODO item that was next.
    pub item: Option<String>,
    /// First line of the agent's last message.
    pub headline: Option<String>,
    /// The agent's id of the conversation.
    pub thread_id: Option<String>,
    /// Commands the agent ran.
    pub commands: u64,
    /// Files the agent said it edited.
    pub edits: u64,
    /// What differs between its checkpoints.
    pub changes: Option<ChangeCount>,
    /// What was committed.
    pub commit: Option<String>,
    /// Its checkpoints.
    pub checkpoints: RunCheckpoints,
    /// Number of the last entry of its journal.
    pub last_seq: u64,
}

/// Tokens of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunTokens {
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Prompt tokens from the cache.
    pub cached_input_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub output_tokens: u64,
    /// Tokens of reasoning.
    pub reasoning_output_tokens: u64,
    /// Input and output.
    pub total_tokens: u64,
}

/// The commits that hold the working tree around a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunCheckpoints {
    /// Before it.
    pub before: Option<String>,
    /// After it.
    pub after: Option<String>,
}

/// What runs without an end are. The last one is at work, or ended as the state tells where its journal could not (a full
/// disk); all others were left behind by a runner that died.
#[derive(Clone, Copy, Debug)]
pub struct OpenRuns {
    last: Option<(u64, &'static str)>,
}

impl OpenRuns {
    /// Looks at `repo`.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn of(repo: &Repo) -> Result<Self, EngineError> {
        let standing = standing(repo)?;
        let word = match standing.state.last_outcome {
            _ if standing.view.activity.is_active() => "running",
            Some(outcome) => outcome.name(),
            None => Outcome::Interrupted.name(),
        };
        Ok(Self { last: standing.state.last_run_id.map(|run| (run, word)) })
    }

    /// How `run` ended, in one word; `running` when it has not.
    pub fn outcome(&self, run: &RunSummary) -> &'static str {
        match (&run.end, self.last) {
            (Some(end), _) => end.outcome.name(),
            (None, Some((last, word))) if last == run.run => word,
            (None, _) => Outcome::Interrupted.name(),
        }
    }

    /// `run` as lists show it.
    pub fn record(&self, run: &RunSummary) -> RunRecord {
        let end = run.end.as_ref();
        RunRecord {
            run: run.run,
            kind: run.kind,
            outcome: self.outcome(run),
            exit_code: end.and_then(|end| end.exit_code),
            signal: end.and_then(|end| end.signal),
            reason: end.and_then(|end| end.reason.clone()),
            started_at: run.started_at,
            finished_at: run.finished_at,
            duration_ms: run.duration_ms,
            usage: RunTokens {
                input_tokens: run.usage.input_tokens,
                cached_input_tokens: run.usage.cached_input_tokens,
                output_tokens: run.usage.output_tokens,
                reasoning_output_tokens: run.usage.reasoning_output_tokens,
                total_tokens: run.usage.total(),
            },
            agent: run.agent.clone(),
            item: run.item.clone(),
            headline: run.headline.clone(),
            thread_id: run.thread_id.clone(),
            commands: run.n_commands,
            edits: run.n_edits,
            changes: run.changes,
            commit: run.commit.clone(),
            checkpoints: RunCheckpoints {
                before: run.checkpoint_before.clone(),
                after: run.checkpoint_after.clone(),
            },
            last_seq: run.last_seq,
        }
    }
}

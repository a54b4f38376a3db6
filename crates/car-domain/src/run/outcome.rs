//! How a run ended.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Works on the TODO list.
    Work,
    /// Writes the final report into SUMMARY when every item is done.
    Report,
}

/// How a run ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent ended with exit code 0.
    Succeeded,
    /// The agent ended with another exit code, by a signal nobody here sent, or could not be started.
    Failed,
    /// The agent was ended because a time limit was over.
    TimedOut,
    /// The agent was ended because a person asked for it.
    Stopped,
    /// The runner itself was gone before the agent ended.
    Interrupted,
}

impl Outcome {
    /// The word screens and tables show.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "Finished",
            Self::Failed => "Failed",
            Self::TimedOut => "Timed out",
            Self::Stopped => "Stopped",
            Self::Interrupted => "Interrupted",
        }
    }

    /// The name used in JSON and in the index.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The end of a run: outcome, how the process went, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// Exit code of the agent; absent when a signal ended it or it never started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Signal that ended the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why, as a sentence; absent for a plain success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RunEnd {
    /// The one number the original's files know: the exit code, or 128 + signal, or 1 when there was no process.
    pub fn legacy_exit_code(&self) -> i32 {
        match (self.exit_code, self.signal) {
            (Some(code), _) => code,
            (None, Some(signal)) => 128 + signal,
            (None, None) => 1,
        }
    }

    /// Whether the loop may go on.
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }
}
/// Whether the agent's words for its failure say that the account's tokens are used up for now.
pub fn is_usage_limit(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["hit your usage limit", "usage limit reached", "usage_limit_reached", "usagelimitexceeded"]
        .iter()
        .any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_limit_is_told_from_other_failures() {
        assert!(is_usage_limit("You've hit your usage limit. Try again at 3:45 PM."));
        assert!(!is_usage_limit("The limit of 30 minutes without output was reached."));
        assert!(!is_usage_limit("exceeded retry limit, last status: 429 Too Many Requests"));
    }
}

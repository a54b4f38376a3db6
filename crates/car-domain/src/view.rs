//! What screens, `--json` and the API show of a repository: plain data, the same on server and client.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::run::{JournalEntry, RunSummary};
use crate::todo::TodoItem;

/// What a repository is doing, in the words every screen uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing runs and nothing needs attention.
    Idle,
    /// The loop pauses before its next run.
    Waiting,
    /// An agent is at work.
    Running,
    /// The agent has not said anything for a while.
    Stalled,
    /// The last run did not end well.
    Failed,
    /// The runner died in the middle of a run.
    Interrupted,
    /// Every item is done and the report is written.
    Finished,
}

impl Activity {
    /// The word shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Waiting => "Waiting",
            Self::Running => "Running",
            Self::Stalled => "Stalled",
            Self::Failed => "Failed",
            Self::Interrupted => "Interrupted",
            Self::Finished => "Finished",
        }
    }

    /// Name of the shape and colour, as in the style sheet's `state--…`.
    pub const fn shape(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Stalled => "stalled",
            Self::Failed | Self::Interrupted => "failed",
            Self::Finished => "finished",
        }
    }

    /// Place in lists: what needs a person first, then what is going on.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Failed | Self::Interrupted => 0,
            Self::Stalled => 1,
            Self::Running => 2,
            Self::Waiting => 3,
            Self::Finished => 4,
            Self::Idle => 5,
        }
    }

    /// Whether a runner process is alive.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Stalled)
    }
}

/// State of a repository with since when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateView {
    /// What it is doing.
    pub activity: Activity,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, as a sentence; absent when the word says it all.
    pub detail: Option<String>,
    /// For [`Activity::Waiting`]: when the next run starts.
    pub until: Option<Timestamp>,
    /// Whether a stop after the current run was asked for.
    pub stop_requested: bool,
    /// The runner's process, when alive.
    pub runner_pid: Option<i32>,
}

/// One row of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoRow {
    /// Id in URLs.
    pub id: String,
    /// Name people read.
    pub name: String,
    /// Checked-out branch.
    pub branch: Option<String>,
    /// What it is doing.
    pub state: StateView,
    /// Ticked TODO items.
    pub todo_done: usize,
    /// Open TODO items.
    pub todo_open: usize,
    /// The item that is next.
    pub next_item: Option<String>,
    /// Last run.
    pub last_run: Option<RunSummary>,
}

/// A repository's dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// What the hub shows of it, too.
    pub repo: RepoRow,
    /// All TODO items.
    pub todo: Vec<TodoItem>,
    /// The newest runs, newest first.
    pub runs: Vec<RunSummary>,
    /// How it is configured to run.
    pub settings: RunSettings,
}

/// The part of the configuration a dashboard shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// The agent's program and arguments, prompt not included.
    pub agent: String,
    /// Model, when one is configured.
    pub model: Option<String>,
    /// Seconds between runs.
    pub sleep_seconds: u64,
    /// Runs per start; absent for no limit.
    pub stop_after_runs: Option<u64>,
    /// Seconds without output until a run is ended; absent for no limit.
    pub idle_timeout_seconds: Option<u64>,
}

/// The end of a run's journal, for a live view that goes on from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveTail {
    /// The run, when there is one.
    pub run: Option<u64>,
    /// Its newest entries, oldest first.
    pub entries: Vec<JournalEntry>,
}

/// What a person can ask of a repository's loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunAction {
    /// Run until the TODO list is done.
    Start,
    /// Run once.
    Once,
    /// Stop after the current run.
    Stop,
    /// End the agent now.
    Kill,
}

//! What screens, `--json` and the API show of a repository: plain data, the same on server and client.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::conversation::AgentRequest;
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
    /// The agent waits for somebody to allow something.
    Approval,
    /// The agent waits for an answer.
    Question,
    /// The last run did not end well.
    Failed,
    /// The last run ended because the account's tokens are used up for now.
    Limited,
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
            Self::Approval => "Needs approval",
            Self::Question => "Question",
            Self::Failed => "Failed",
            Self::Limited => "Usage limit",
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
            Self::Approval => "approval",
            Self::Question => "question",
            Self::Limited => "limit",
            Self::Failed | Self::Interrupted => "failed",
            Self::Finished => "finished",
        }
    }

    /// Place in lists: what needs a person first, then what is going on.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Approval => 0,
            Self::Question => 1,
            Self::Failed | Self::Interrupted => 2,
            Self::Stalled => 3,
            Self::Running => 4,
            Self::Waiting => 5,
            Self::Limited => 6,
            Self::Finished => 7,
            Self::Idle => 8,
        }
    }

    /// Whether nothing goes on until a person looks at it.
    pub const fn needs_person(self) -> bool {
        match self {
            Self::Approval
            | Self::Question
            | Self::Failed
            | Self::Interrupted
            | Self::Limited
            | Self::Stalled => true,
            Self::Running | Self::Waiting | Self::Finished | Self::Idle => false,
        }
    }

    /// Whether a runner process is alive.
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Running | Self::Stalled | Self::Approval | Self::Question
        )
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
    /// Of a worktree: id of the repository it belongs to.
    #[serde(default)]
    pub worktree_of: Option<String>,
    /// Tokens of the runs that began on one day.
    #[serde(default)]
    pub tokens: DayTokens,
    /// The pull request it is linked with.
    #[serde(default)]
    pub pull_request: Option<PullRequestMark>,
}

impl RepoRow {
    /// What its agent asks, the oldest first; nothing when nobody waits for an answer any more.
    pub fn asks(&self) -> &[AgentRequest] {
        match (self.state.activity, &self.last_run) {
            (Activity::Approval | Activity::Question, Some(run)) => &run.asks,
            _ => &[],
        }
    }

    /// Tokens used today, when `now` is today.
    pub fn tokens_today(&self, now: Timestamp) -> u64 {
        if self.tokens.day == day_of(now) { self.tokens.total } else { 0 }
    }
}

/// Tokens of the runs that began on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTokens {
    /// The day, counted from the epoch in UTC.
    pub day: i64,
    /// Tokens.
    pub total: u64,
}

/// The day `at` lies in, counted from the epoch in UTC.
pub const fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(86_400_000)
}

/// A pull request, as far as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestMark {
    /// Its number.
    pub number: u64,
    /// Where it is; only ever an `https` address.
    pub url: String,
    /// `open`, `draft`, `merged` or `closed`.
    pub state: String,
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

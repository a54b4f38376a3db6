//! One message of the event stream.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::docs::DocKind;
use crate::job::Job;
use crate::run::JournalEntry;
use crate::view::{Dashboard, RepoRow};

/// Something that changed. All but [`LiveEvent::Journal`], [`LiveEvent::Gone`] and [`LiveEvent::Notify`] say everything that
/// earlier ones about the same thing said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "topic", rename_all = "snake_case")]
pub enum LiveEvent {
    /// What a hub shows of a repository.
    Row {
        /// What it shows now.
        row: Box<RepoRow>,
    },
    /// A repository is no longer served.
    Gone {
        /// Its id.
        repo: String,
    },
    /// What a repository's dashboard shows.
    Dashboard {
        /// Id of the repository.
        repo: String,
        /// Everything its dashboard shows.
        dashboard: Box<Dashboard>,
    },
    /// Entries were added to a run's journal.
    Journal {
        /// Id of the repository.
        repo: String,
        /// The run.
        run: u64,
        /// What was added, in order.
        entries: Vec<JournalEntry>,
    },
    /// A document has another text.
    Doc {
        /// Id of the repository.
        repo: String,
        /// Which document.
        kind: DocKind,
        /// SHA-256 of its text, or `missing`.
        version: String,
        /// When its file was last written.
        modified_at: Option<Timestamp>,
    },
    /// Where a job stands.
    Job {
        /// The job.
        job: Box<Job>,
    },
    /// What is known about a terminal.
    Terminal {
        /// Id of its repository.
        repo: String,
        /// Id of the terminal.
        id: String,
        /// As `GET /api/sessions` lists it; absent when it is no longer there.
        session: Option<Value>,
    },
    /// A notification was sent, or will never be.
    Notify {
        /// Id of the repository.
        repo: String,
        /// What became of it, as a line of `notifications.jsonl`.
        receipt: Value,
    },
}

impl LiveEvent {
    /// Its `topic` in JSON, and the name of its server-sent event.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Row { .. } => "row",
            Self::Gone { .. } => "gone",
            Self::Dashboard { .. } => "dashboard",
            Self::Journal { .. } => "journal",
            Self::Doc { .. } => "doc",
            Self::Job { .. } => "job",
            Self::Terminal { .. } => "terminal",
            Self::Notify { .. } => "notify",
        }
    }
}

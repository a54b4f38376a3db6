//! What an event is about: who wants to hear it, and which earlier one it replaces.

use car_domain::docs::DocKind;
use car_domain::live::{LiveEvent, Topic, Topics};

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Row(String),
    Gone(String),
    Dashboard(String),
    Journal(String, u64),
    Doc(String, DocKind),
    Job(String),
    Terminal(String),
    Notify,
}

/// Events that are forgotten when there are too many; each kind apart, so that one busy repository costs nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Journals of a repository.
    Journal(String),
    /// Repositories and terminals that are gone.
    Ends,
    /// Notifications.
    Notices,
    /// Old jobs.
    Jobs,
}

impl Subject {
    pub(super) fn of(event: &LiveEvent) -> Self {
        match event {
            LiveEvent::Row { row } => Self::Row(row.id.clone()),
            LiveEvent::Gone { repo } => Self::Gone(repo.clone()),
            LiveEvent::Dashboard { repo, .. } => Self::Dashboard(repo.clone()),
            LiveEvent::Journal { repo, run, .. } => Self::Journal(repo.clone(), *run),
            LiveEvent::Doc { repo, kind, .. } => Self::Doc(repo.clone(), *kind),
            LiveEvent::Job { job } => Self::Job(job.job_id.clone()),
            LiveEvent::Terminal { id, .. } => Self::Terminal(id.clone()),
            LiveEvent::Notify { .. } => Self::Notify,
        }
    }

    /// Where it can be forgotten; `None` for what stays until it is replaced.
    pub(super) fn lane(&self) -> Option<Lane> {
        match self {
            Self::Journal(repo, _) => Some(Lane::Journal(repo.clone())),
            Self::Gone(_) => Some(Lane::Ends),
            Self::Notify => Some(Lane::Notices),
            Self::Row(_)
            | Self::Dashboard(_)
            | Self::Doc(..)
            | Self::Job(_)
            | Self::Terminal(_) => None,
        }
    }

    pub(super) fn is_for(&self, topics: &Topics) -> bool {
        topics.iter().any(|topic| match (self, topic) {
            (Self::Row(_), Topic::Hub) | (Self::Notify, Topic::Notify) => true,
            (Self::Gone(repo), topic) => *topic == Topic::Hub || topic.repo() == Some(repo),
            (Self::Dashboard(repo), Topic::Repo(id)) => repo == id,
            (Self::Journal(repo, _), Topic::Repo(id)) => repo == id,
            (Self::Journal(repo, run), Topic::Run(id, n)) => repo == id && run == n,
            (Self::Doc(repo, kind), Topic::Doc(id, wanted)) => repo == id && kind == wanted,
            (Self::Job(job), Topic::Job(id)) => job == id,
            (Self::Terminal(terminal), Topic::Terminal(id)) => terminal == id,
            _ => false,
        })
    }

    /// Whether it says something about the repository `id` that is no longer true once that is gone.
    pub(super) fn ends_with(&self, id: &str) -> bool {
        match self {
            Self::Row(repo) | Self::Dashboard(repo) | Self::Doc(repo, _) => repo == id,
            Self::Gone(_) | Self::Journal(..) | Self::Job(_) | Self::Terminal(_) | Self::Notify => {
                false
            }
        }
    }
}

impl Lane {
    /// Whether somebody with these topics misses what is forgotten here.
    pub(super) fn matters_to(&self, topics: &Topics) -> bool {
        topics.iter().any(|topic| match (self, topic) {
            (Self::Journal(repo), Topic::Repo(id) | Topic::Run(id, _)) => repo == id,
            (Self::Ends, Topic::Job(_) | Topic::Notify) => false,
            (Self::Ends, _) | (Self::Notices, Topic::Notify) | (Self::Jobs, Topic::Job(_)) => true,
            _ => false,
        })
    }
}

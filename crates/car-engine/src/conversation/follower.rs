//! Somebody who follows one turn: which one, how far it is, and what was not read yet.

use std::sync::Arc;

use car_agent::app_server::protocol::Notification;
use car_domain::conversation::{AgentRequest, TurnStatus};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::progress::Progress;
use super::queue::Queue;

/// Notifications kept while it is not known yet which turn a follower is after.
const MAX_EARLY: usize = 1024;

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) key: u64,
    pub(super) thread_id: String,
    pub(super) aim: Aim,
    pub(super) progress: Progress,
    pub(super) queue: Arc<Queue>,
    pub(super) heard_at: Instant,
}

/// Which turn a follower is after.
#[derive(Debug)]
pub(super) enum Aim {
    /// Not known yet, or lost with its connection.
    Unknown {
        /// The turn, if it was known before.
        lost: Option<String>,
        /// What was heard of the thread meanwhile.
        early: Vec<Notification>,
    },
    /// The next one that starts.
    Next(Option<oneshot::Sender<String>>),
    /// This one.
    Turn(String),
}

impl Default for Aim {
    fn default() -> Self {
        Self::Unknown { lost: None, early: Vec::new() }
    }
}

impl Follower {
    /// Takes in a notification about the thread.
    pub(super) fn hear(&mut self, told: &Notification) {
        match &mut self.aim {
            Aim::Unknown { early, .. } => {
                if early.len() < MAX_EARLY {
                    early.push(told.clone());
                }
            }
            Aim::Next(waiting) => {
                if let Notification::TurnStarted { turn, .. } = told {
                    if let Some(waiting) = waiting.take() {
                        let _ = waiting.send(turn.id.clone());
                    }
                    self.aim = Aim::Turn(turn.id.clone());
                    self.begin();
                }
            }
            Aim::Turn(_) => self.take(told),
        }
    }

    /// Takes in a notification if it is about the turn.
    pub(super) fn take(&mut self, told: &Notification) {
        let Aim::Turn(turn_id) = &self.aim else { return };
        let about = turn_of(told);
        if about.is_some_and(|about| about != turn_id) {
            return;
        }
        // An endless row of failed connections is no sign of life.
        if !matches!(told, Notification::Error { will_retry: true, .. }) && about.is_some() {
            self.heard_at = Instant::now();
        }
        for event in self.progress.events(told) {
            self.queue.push(event);
        }
    }

    /// Says once that the turn has begun.
    pub(super) fn begin(&mut self) {
        self.heard_at = Instant::now();
        for event in self.progress.begin() {
            self.queue.push(event);
        }
    }

    /// Says that the turn is over.
    pub(super) fn end(&mut self, status: TurnStatus, error: Option<String>) {
        for event in self.progress.close(status, error) {
            self.queue.push(event);
        }
    }

    /// Whether a request is one of its turn.
    pub(super) fn is_after(&self, request: &AgentRequest) -> bool {
        matches!(&self.aim, Aim::Turn(turn_id) if *turn_id == request.turn_id)
    }
}

/// The turn a notification is about.
fn turn_of(told: &Notification) -> Option<&str> {
    match told {
        Notification::TurnStarted { turn, .. } | Notification::TurnCompleted { turn, .. } => {
            Some(&turn.id)
        }
        Notification::TokenUsageUpdated { turn_id, .. }
        | Notification::TurnDiffUpdated { turn_id, .. }
        | Notification::ItemStarted { turn_id, .. }
        | Notification::ItemCompleted { turn_id, .. }
        | Notification::AgentMessageDelta { turn_id, .. }
        | Notification::ReasoningDelta { turn_id, .. }
        | Notification::CommandOutputDelta { turn_id, .. }
        | Notification::Error { turn_id, .. } => Some(turn_id),
        _ => None,
    }
}

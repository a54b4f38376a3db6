//! Who follows what, and what waits for a person: the part of a connection that everybody in this process shares.
//!
//! Everything here is done at once, without waiting; what needs Codex comes back as an [`Errand`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use car_agent::app_server::protocol::{Item, KnownItem, Notification, RequestId};
use car_domain::conversation::{AgentRequest, Answer, ProposedChange, TurnStatus};
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use super::asking::OpenRequest;
use super::follower::{Aim, Follower};
use super::manner::Manner;
use super::progress::Progress;
use super::queue::Queue;
use super::{RequestNews, TurnEvent};

/// News about requests a watcher may lag behind before it has to ask anew.
const LAG: usize = 256;
/// Proposed edits remembered until they are approved or done.
const MAX_EDITS: usize = 256;

/// Something to do with Codex after a message was taken in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Subscribe to a thread in which somebody is asked.
    Join(String),
    /// Nobody follows this thread any more.
    Leave(String),
}

#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    news: broadcast::Sender<RequestNews>,
}

#[derive(Debug, Default)]
struct State {
    /// The threads this connection hears, and how they work.
    joined: HashMap<String, Manner>,
    followers: Vec<Follower>,
    next_key: u64,
    requests: HashMap<String, OpenRequest>,
    /// Proposed edits by item.
    edits: HashMap<String, Vec<ProposedChange>>,
    watches_all: bool,
}

impl Default for Board {
    fn default() -> Self {
        Self { state: Mutex::default(), news: broadcast::Sender::new(LAG) }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A follower of a turn of `thread_id` whose id will be said by [`Board::aim`].
    pub(super) fn follow(&self, thread_id: &str) -> (u64, Arc<Queue>) {
        self.lock().add(thread_id, Aim::default())
    }

    /// A follower of the next turn that starts in `thread_id`, and its id as soon as it has.
    pub(super) fn follow_next(
        &self,
        thread_id: &str,
    ) -> (u64, Arc<Queue>, oneshot::Receiver<String>) {
        let (sender, receiver) = oneshot::channel();
        let (key, queue) = self.lock().add(thread_id, Aim::Next(Some(sender)));
        (key, queue, receiver)
    }

    /// Says which turn a follower is after; what was heard of it meanwhile is delivered.
    pub(super) fn aim(&self, key: u64, turn_id: &str) {
        let mut state = self.lock();
        let State { followers, requests, .. } = &mut *state;
        let Some(follower) = followers.iter_mut().find(|follower| follower.key == key) else {
            return;
        };
        let early = std::mem::replace(&mut follower.aim, Aim::Turn(turn_id.to_owned()));
        follower.begin();
        if let Aim::Unknown { early, .. } = early {
            for told in early {
                follower.take(&told);
            }
        }
        for open in requests.values().filter(|open| open.request.turn_id == turn_id) {
            follower.queue.push(TurnEvent::Requested(open.request.clone()));
        }
    }

    /// Gives a follower finished items of its turn that it has not had.
    pub(super) fn catch_up(&self, key: u64, items: &[Item]) {
        let mut state = self.lock();
        if let Some(follower) = state.followers.iter_mut().find(|follower| follower.key == key) {
            follower.begin();
            for event in items.iter().flat_map(|item| follower.progress.completed(item)) {
                follower.queue.push(event);
            }
        }
    }

    /// Ends a follower whose turn is known to be over.
    pub(super) fn finish(&self, key: u64, status: TurnStatus, error: Option<String>) {
        let mut state = self.lock();
        if let Some(follower) = state.followers.iter_mut().find(|follower| follower.key == key) {
            follower.end(status, error);
        }
        state.followers.retain(|follower| follower.key != key);
    }

    /// Forgets a follower.
    pub(super) fn unfollow(&self, key: u64) {
        self.lock().followers.retain(|follower| follower.key != key);
    }

    /// The connection is lost: followers only collect until they are aimed again. Those that were after a turn: key, thread
    /// and turn.
    pub(super) fn suspend(&self) -> Vec<(u64, String, String)> {
        let mut state = self.lock();
        state.joined.clear();
        state.followers.retain(|follower| !follower.queue.is_ended());
        let mut suspended = Vec::new();
        for follower in &mut state.followers {
            let lost = match &follower.aim {
                Aim::Turn(turn_id) | Aim::Unknown { lost: Some(turn_id), .. } => turn_id.clone(),
                Aim::Unknown { lost: None, .. } | Aim::Next(_) => continue,
            };
            suspended.push((follower.key, follower.thread_id.clone(), lost.clone()));
            follower.aim = Aim::Unknown { lost: Some(lost), early: Vec::new() };
        }
        suspended
    }

    /// Whether a new connection would be of use to anybody.
    pub(super) fn is_needed(&self) -> bool {
        let state = self.lock();
        let is_watched = state.watches_all && self.news.receiver_count() > 0;
        is_watched || state.followers.iter().any(|follower| !follower.queue.is_ended())
    }

    /// The server is gone: every turn it ran is cut, and nothing waits any more.
    pub(super) fn cut(&self, why: &str) {
        let mut state = self.lock();
        state.joined.clear();
        state.edits.clear();
        let closed: Vec<String> = state.requests.drain().map(|(id, _)| id).collect();
        for mut follower in state.followers.drain(..) {
            follower.end(TurnStatus::Interrupted, Some(why.to_owned()));
        }
        drop(state);
        for request_id in closed {
            self.tell(RequestNews::Closed { request_id, answer: None });
        }
        self.tell(RequestNews::Lost);
    }

    /// Takes in a notification.
    pub(super) fn told(&self, told: &Notification) -> Vec<Errand> {
        let mut state = self.lock();
        state.remember_edits(told);
        let thread_id = told.thread_id().unwrap_or_default().to_owned();
        for follower in
            state.followers.iter_mut().filter(|follower| follower.thread_id == thread_id)
        {
            follower.hear(told);
        }
        let mut errands = Vec::new();
        match told {
            Notification::ThreadStatusChanged { status, .. }
                if status.is_waiting()
                    && state.watches_all
                    && !state.joined.contains_key(&thread_id) =>
            {
                errands.push(Errand::Join(thread_id));
            }
            Notification::TurnCompleted { .. } => {
                state.followers.retain(|follower| !follower.queue.is_ended());
                if !state.is_followed(&thread_id) && state.joined.contains_key(&thread_id) {
                    errands.push(Errand::Leave(thread_id));
                }
            }
            _ => {}
        }
        errands
    }

    /// Takes in a request, or its second coming.
    pub(super) fn asked(&self, open: OpenRequest) {
        let mut state = self.lock();
        let request = open.request.clone();
        let is_new = state.requests.insert(request.id.clone(), open).is_none();
        if !is_new {
            return;
        }
        for follower in state.followers.iter().filter(|follower| follower.is_after(&request)) {
            follower.queue.push(TurnEvent::Requested(request.clone()));
        }
        drop(state);
        self.tell(RequestNews::Opened(request));
    }

    /// A request is closed.
    pub(super) fn closed(&self, request_id: &str, answer: Option<Answer>) {
        let mut state = self.lock();
        let Some(open) = state.requests.remove(request_id) else { return };
        let waiting = state.is_waiting(&open.request.turn_id);
        for follower in
            state.followers.iter_mut().filter(|follower| follower.is_after(&open.request))
        {
            let (request_id, answer) = (request_id.to_owned(), answer.clone());
            follower.queue.push(TurnEvent::Resolved { request_id, answer });
            if !waiting {
                follower.heard_at = Instant::now();
            }
        }
        drop(state);
        self.tell(RequestNews::Closed { request_id: request_id.to_owned(), answer });
    }

    /// Our id of a request of Codex.
    pub(super) fn id_of(&self, thread_id: &str, codex_id: &RequestId) -> Option<String> {
        let state = self.lock();
        let mut open = state.requests.values();
        let found =
            open.find(|open| open.request.thread_id == thread_id && open.codex_id == *codex_id)?;
        Some(found.request.id.clone())
    }

    /// Our ids of all that waits in a turn.
    pub(super) fn ids_of_turn(&self, turn_id: &str) -> Vec<String> {
        let state = self.lock();
        let of_turn = state.requests.values().filter(|open| open.request.turn_id == turn_id);
        of_turn.map(|open| open.request.id.clone()).collect()
    }

    /// The edits an item proposes, as far as they were heard.
    pub(super) fn edits(&self, item_id: &str) -> Vec<ProposedChange> {
        self.lock().edits.get(item_id).cloned().unwrap_or_default()
    }

    pub(super) fn request(&self, id: &str) -> Option<OpenRequest> {
        self.lock().requests.get(id).cloned()
    }

    /// All that waits, the oldest first.
    pub(super) fn requests(&self) -> Vec<AgentRequest> {
        let mut all: Vec<_> =
            self.lock().requests.values().map(|open| open.request.clone()).collect();
        all.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
        all
    }

    pub(super) fn news(&self) -> broadcast::Receiver<RequestNews> {
        self.news.subscribe()
    }

    pub(super) fn watch_all(&self) {
        self.lock().watches_all = true;
    }

    pub(super) fn is_joined(&self, thread_id: &str) -> bool {
        self.lock().joined.contains_key(thread_id)
    }

    pub(super) fn is_followed(&self, thread_id: &str) -> bool {
        self.lock().is_followed(thread_id)
    }

    pub(super) fn note_joined(&self, thread_id: &str, manner: Manner) {
        self.lock().joined.insert(thread_id.to_owned(), manner);
    }

    /// How a thread works, as far as it is known.
    pub(super) fn manner(&self, thread_id: &str) -> Manner {
        self.lock().joined.get(thread_id).cloned().unwrap_or_default()
    }

    pub(super) fn note_plans(&self, thread_id: &str, plans: bool) {
        if let Some(manner) = self.lock().joined.get_mut(thread_id) {
            manner.plans = plans;
        }
    }

    pub(super) fn note_left(&self, thread_id: &str) {
        self.lock().joined.remove(thread_id);
    }

    /// Since when nothing was heard of a follower's turn; `None` while a person is being asked, or when it is over.
    pub(super) fn quiet_since(&self, key: u64) -> Quiet {
        let state = self.lock();
        let Some(follower) = state.followers.iter().find(|follower| follower.key == key) else {
            return Quiet::Over;
        };
        match &follower.aim {
            Aim::Turn(turn_id) if state.is_waiting(turn_id) => Quiet::Waiting,
            _ if follower.queue.is_ended() => Quiet::Over,
            _ => Quiet::Since(follower.heard_at),
        }
    }

    /// Says why a follower's turn is about to end.
    pub(super) fn explain(&self, key: u64, why: String) {
        let mut state = self.lock();
        if let Some(follower) = state.followers.iter_mut().find(|follower| follower.key == key) {
            follower.progress.explain(why);
        }
    }

    /// Tells a follower something of our own.
    pub(super) fn say(&self, key: u64, event: TurnEvent) {
        let state = self.lock();
        if let Some(follower) = state.followers.iter().find(|follower| follower.key == key) {
            follower.queue.push(event);
        }
    }

    fn tell(&self, news: RequestNews) {
        // Nobody watching is fine.
        let _ = self.news.send(news);
    }
}

/// How long a turn has been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    /// It is over, or nobody reads.
    Over,
    /// A person is being asked.
    Waiting,
    /// Silent since then.
    Since(Instant),
}

impl State {
    fn add(&mut self, thread_id: &str, aim: Aim) -> (u64, Arc<Queue>) {
        self.next_key += 1;
        let queue = Arc::new(Queue::default());
        self.followers.push(Follower {
            key: self.next_key,
            thread_id: thread_id.to_owned(),
            aim,
            progress: Progress::default(),
            queue: Arc::clone(&queue),
            heard_at: Instant::now(),
        });
        (self.next_key, queue)
    }

    fn is_followed(&self, thread_id: &str) -> bool {
        let follows =
            |follower: &Follower| follower.thread_id == thread_id && !follower.queue.is_ended();
        self.followers.iter().any(follows)
    }

    fn is_waiting(&self, turn_id: &str) -> bool {
        self.requests.values().any(|open| open.request.turn_id == turn_id)
    }

    fn remember_edits(&mut self, told: &Notification) {
        match told {
            Notification::ItemStarted {
                item: Item::Known(KnownItem::FileChange { id, changes, .. }),
                ..
            } => {
                if self.edits.len() >= MAX_EDITS {
                    self.edits.clear();
                }
                let changes = changes.iter().map(|change| ProposedChange {
                    path: change.path.clone(),
                    kind: change.kind.word().to_owned(),
                    diff: change.diff.clone(),
                });
                self.edits.insert(id.clone(), changes.collect());
            }
            Notification::ItemCompleted { item, .. } => {
                self.edits.remove(item.id());
            }
            _ => {}
        }
    }
}

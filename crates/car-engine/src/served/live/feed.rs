//! One client of the stream.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use car_domain::job::Job;
use car_domain::live::{LiveEvent, Topic, Topics};
use tokio::sync::watch;

use super::backlog::Backlog;
use super::memory::Item;
use super::subject::Subject;
use crate::history::History;
use crate::served::{Served, blocking};
use crate::{EngineError, Repo};

/// Events that are taken for a client at once; they are shared with all others.
const AT_ONCE: usize = 64;

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What it was told before may be wrong: forget it; the present follows.
    Resync,
    /// A [`LiveEvent`]. Without an id it belongs to the present state, which has no place in the stream.
    Event {
        /// For coming back.
        id: Option<String>,
        /// Name of the event.
        name: &'static str,
        /// The event as JSON.
        json: Arc<str>,
    },
    /// The present state is complete.
    Ready {
        /// For coming back.
        id: String,
    },
}

/// What happens, for one client: the present state of its topics, then every change, each once and in order.
///
/// Holds a place in the stream and at most a handful of events, which it shares with all other clients.
pub struct LiveFeed {
    served: Arc<Served>,
    topics: Topics,
    /// The last entry of its run that the client has from elsewhere.
    after_seq: Option<u64>,
    /// What ids of this client end with. Somebody who comes back with other topics begins anew.
    mark: String,
    next: watch::Receiver<u64>,
    waiting: VecDeque<Told>,
    state: State,
}

enum State {
    /// Nothing was told yet.
    Beginning,
    /// Journals are read, then it goes on from the number.
    Reading(VecDeque<Backlog>, u64),
    /// Everything before the number was told.
    Following(u64),
}

impl LiveFeed {
    /// A client that follows `topics`. `after_seq` is the last journal entry it has of the one run among them; `last_id` the
    /// id of the last event it was told when it comes back.
    ///
    /// # Errors
    /// When something it wants to follow does not exist.
    pub(in crate::served) async fn open(
        served: Arc<Served>,
        topics: Topics,
        after_seq: Option<u64>,
        last_id: Option<&str>,
    ) -> Result<Self, EngineError> {
        let mut hasher = DefaultHasher::new();
        topics.iter().for_each(|topic| topic.to_string().hash(&mut hasher));
        after_seq.hash(&mut hasher);
        let mark = format!("{:08x}", hasher.finish() as u32);
        for topic in topics.iter() {
            check(&served, topic).await?;
        }
        let next = served.live.next.subscribe();
        let mut feed = Self {
            served,
            topics,
            after_seq,
            mark,
            next,
            waiting: VecDeque::new(),
            state: State::Beginning,
        };
        if let Some(id) = last_id {
            match feed.number_of(id) {
                Some(number) => feed.state = State::Following(number.saturating_add(1)),
                None => feed.waiting.push_back(Told::Resync),
            }
        }
        Ok(feed)
    }

    /// What the client is told next. Dropping the call loses nothing.
    ///
    /// # Errors
    /// When the present state cannot be read.
    pub async fn next(&mut self) -> Result<Told, EngineError> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(told);
            }
            match &mut self.state {
                State::Beginning => self.begin().await?,
                State::Reading(backlogs, from) => {
                    let from = *from;
                    let Some(backlog) = backlogs.front_mut() else {
                        self.state = State::Following(from);
                        let id = self.id(from - 1);
                        return Ok(Told::Ready { id });
                    };
                    let events = backlog.next().await?;
                    if events.is_empty() {
                        backlogs.pop_front();
                    }
                    self.waiting.extend(events.iter().filter_map(present));
                }
                State::Following(from) => {
                    self.next.borrow_and_update();
                    let from = *from;
                    let found = self.served.live.after(&self.topics, from, AT_ONCE);
                    let Some((items, next)) = found else {
                        self.state = State::Beginning;
                        return Ok(Told::Resync);
                    };
                    self.waiting = items.iter().filter_map(|item| self.told(item)).collect();
                    self.state = State::Following(next);
                    if self.waiting.is_empty() && self.next.changed().await.is_err() {
                        return Err(EngineError::conflict("The server ends."));
                    }
                }
            }
        }
    }

    /// The id of the place the client has reached, when it has been told everything before it.
    pub fn id_here(&self) -> Option<String> {
        match self.state {
            State::Following(from) if self.waiting.is_empty() => Some(self.id(from - 1)),
            _ => None,
        }
    }

    async fn begin(&mut self) -> Result<(), EngineError> {
        let all = self.topics.has(&Topic::Hub) || self.topics.iter().any(is_terminal);
        let ids = if all {
            self.served.ids()
        } else {
            self.topics.iter().filter_map(Topic::repo).map(str::to_owned).collect()
        };
        for id in ids {
            // One that cannot be looked at says so in its row, and one that is gone is no part of the present.
            let _ = self.served.look_once(&id).await;
        }
        let present = self.served.live.present(&self.topics);
        let mut waiting: VecDeque<_> =
            present.items.iter().map(|item| Told::event(None, item)).collect();
        waiting.extend(self.jobs().await?.iter().filter_map(present_job));
        let backlogs = self.backlogs(&present.marks.into_iter().collect()).await?;
        self.waiting = waiting;
        self.state = State::Reading(backlogs, present.from);
        Ok(())
    }

    /// Jobs nobody has told about since the server started.
    async fn jobs(&self) -> Result<Vec<Job>, EngineError> {
        let mut jobs = Vec::new();
        for topic in self.topics.iter() {
            if let Topic::Job(id) = topic
                && !self.served.live.knows_job(id)
            {
                jobs.extend(self.served.job(id).await?);
            }
        }
        Ok(jobs)
    }

    async fn backlogs(
        &self,
        marks: &BTreeMap<String, super::JournalMark>,
    ) -> Result<VecDeque<Backlog>, EngineError> {
        let mut wanted: BTreeMap<(String, u64), Option<u64>> = BTreeMap::new();
        for topic in self.topics.iter() {
            match topic {
                Topic::Repo(id) => {
                    let run = marks.get(id).map(|mark| mark.run).filter(|run| *run > 0);
                    if let Some(run) = run {
                        wanted.entry((id.clone(), run)).or_default();
                    }
                }
                Topic::Run(id, run) => {
                    wanted.insert((id.clone(), *run), self.after_seq);
                }
                _ => {}
            }
        }
        let mut backlogs = VecDeque::new();
        for ((id, run), after) in wanted {
            let Ok(repo) = self.served.repo(&id).await else { continue };
            let mark = marks.get(&id).cloned();
            let backlog =
                blocking(move || Ok(Backlog::new(&id, &repo, run, mark.as_ref(), after))).await?;
            backlogs.push_back(backlog);
        }
        Ok(backlogs)
    }

    /// An event as this client gets it; nothing when it has all of it.
    fn told(&self, item: &Item) -> Option<Told> {
        let id = Some(self.id(item.number));
        let (Some(after), Some((first, last))) = (self.after_seq, item.seqs) else {
            return Some(Told::event(id, item));
        };
        let is_its_run = match &item.subject {
            Subject::Journal(repo, run) => self.topics.has(&Topic::Run(repo.clone(), *run)),
            _ => false,
        };
        if first > after || !is_its_run {
            return Some(Told::event(id, item));
        }
        if last <= after {
            return None;
        }
        let Ok(LiveEvent::Journal { repo, run, mut entries }) = serde_json::from_str(&item.json)
        else {
            return Some(Told::event(id, item));
        };
        entries.retain(|entry| entry.seq > after);
        let json = serde_json::to_string(&LiveEvent::Journal { repo, run, entries }).ok()?;
        Some(Told::Event { id, name: item.name, json: json.into() })
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}-{}", self.served.live.stream, self.mark)
    }

    /// The number in an id of this start of the server and these topics.
    fn number_of(&self, id: &str) -> Option<u64> {
        let (stream, rest) = id.split_once('-')?;
        let (number, mark) = rest.split_once('-')?;
        number.parse().ok().filter(|_| stream == self.served.live.stream && mark == self.mark)
    }
}

impl Told {
    fn event(id: Option<String>, item: &Item) -> Self {
        Self::Event { id, name: item.name, json: item.json.clone() }
    }
}

/// Whether there is such a thing to follow.
async fn check(served: &Served, topic: &Topic) -> Result<(), EngineError> {
    let missing = |what: &str, id: &str| {
        EngineError::not_found(format!("There is no {what} `{id}` here."))
            .with_hint("it may have ended or been removed")
    };
    match topic {
        Topic::Hub | Topic::Notify => Ok(()),
        Topic::Repo(id) | Topic::Doc(id, _) => served.repo_root(id).map(drop),
        Topic::Run(id, run) => {
            let (root, run) = (served.repo_root(id)?, *run);
            let known = blocking(move || {
                Ok(History::new(&Repo::open(&root)?).runs().binary_search(&run).is_ok())
            });
            if known.await? { Ok(()) } else { Err(missing("run", &run.to_string())) }
        }
        Topic::Job(id) => match served.live.knows_job(id) || served.job(id).await?.is_some() {
            true => Ok(()),
            false => Err(missing("job", id)),
        },
        Topic::Terminal(id) => {
            for repo in served.ids() {
                // What cannot be looked at has no terminals we know of.
                let _ = served.look_once(&repo).await;
            }
            if served.live.knows_terminal(id) { Ok(()) } else { Err(missing("terminal", id)) }
        }
    }
}

fn is_terminal(topic: &Topic) -> bool {
    matches!(topic, Topic::Terminal(_))
}

fn present(event: &LiveEvent) -> Option<Told> {
    let json = serde_json::to_string(event).ok()?;
    Some(Told::Event { id: None, name: event.name(), json: json.into() })
}

fn present_job(job: &Job) -> Option<Told> {
    present(&LiveEvent::Job { job: Box::new(job.clone()) })
}

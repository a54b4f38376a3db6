//! A client that folds what it is told, and notices what it is told twice or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use car_domain::docs::DocKind;
use car_domain::live::{LiveEvent, Topic, Topics};
use car_engine::{LiveFeed, Served, Told};
use serde_json::Value;

use super::hub::Truth;

/// What one client knows.
#[derive(Default)]
struct Known {
    dashboards: BTreeMap<String, Value>,
    docs: BTreeMap<(String, DocKind), String>,
    /// The newest run that was told of each repository, and the number of its last entry.
    journals: BTreeMap<String, (u64, u64)>,
}

pub(super) struct Client {
    feed: LiveFeed,
    topics: Topics,
    pub rows: BTreeMap<String, Value>,
    known: Known,
    last_id: Option<String>,
    last_number: u64,
    is_ready: bool,
}

impl Client {
    /// A new client, or one that comes back.
    pub(super) async fn connect(served: &Arc<Served>, old: Option<Self>) -> Result<Self, String> {
        let last_id = old.as_ref().and_then(|old| old.last_id.clone());
        loop {
            let mut topics = vec![Topic::Hub, Topic::Notify];
            for id in served.ids() {
                topics.push(Topic::Repo(id.clone()));
                topics.extend(DocKind::ALL.map(|kind| Topic::Doc(id.clone(), kind)));
            }
            let topics = Topics::new(topics);
            // A repository that went in this moment cannot be followed.
            let Ok(feed) = served.follow(topics.clone(), None, last_id.as_deref()).await else {
                continue;
            };
            return Ok(match old {
                Some(old) if last_id.is_some() => Self { feed, topics, ..old },
                _ => Self {
                    feed,
                    topics,
                    rows: BTreeMap::new(),
                    known: Known::default(),
                    last_id: None,
                    last_number: 0,
                    is_ready: false,
                },
            });
        }
    }

    pub(super) async fn hear(&mut self) -> Result<(), String> {
        let told = self.feed.next().await.map_err(|error| error.to_string())?;
        self.take(told)
    }

    /// Hears what is there.
    pub(super) async fn hear_at_most(&mut self, events: usize) -> Result<(), String> {
        for _ in 0..events {
            let told = tokio::select! {
                biased;
                told = self.feed.next() => told,
                // Asking and giving up loses nothing.
                () = a_moment() => return Ok(()),
            };
            self.take(told.map_err(|error| error.to_string())?)?;
        }
        Ok(())
    }

    fn take(&mut self, told: Told) -> Result<(), String> {
        let (id, json) = match told {
            Told::Resync => {
                self.rows.clear();
                self.known = Known::default();
                self.is_ready = false;
                self.last_id = None;
                return Ok(());
            }
            Told::Ready { id } => {
                self.is_ready = true;
                return self.number(&id);
            }
            Told::Event { id, json, .. } => (id, json),
        };
        let is_change = id.is_some();
        if let Some(id) = id {
            self.number(&id)?;
        }
        match serde_json::from_str(&json).map_err(|error| error.to_string())? {
            LiveEvent::Row { row } => {
                self.rows.insert(row.id.clone(), json_of(&row));
            }
            LiveEvent::Gone { repo } => {
                self.rows.remove(&repo);
                self.known.dashboards.remove(&repo);
                self.known.docs.retain(|(of, _), _| *of != repo);
                self.known.journals.remove(&repo);
            }
            LiveEvent::Dashboard { repo, dashboard } => {
                self.known.dashboards.insert(repo, json_of(&dashboard));
            }
            LiveEvent::Doc { repo, kind, version, .. } => {
                let old = self.known.docs.insert((repo, kind), version.clone());
                if is_change && old.as_ref() == Some(&version) {
                    return Err(format!("the version of {kind} is told twice"));
                }
            }
            LiveEvent::Journal { repo, run, entries } => {
                for entry in entries {
                    self.entry(&repo, run, entry.seq)?;
                }
            }
            LiveEvent::Job { .. } | LiveEvent::Terminal { .. } | LiveEvent::Notify { .. } => {
                return Err(format!("nobody asked for {json}"));
            }
        }
        Ok(())
    }

    /// Each entry comes once and in order; a run begins with its first.
    fn entry(&mut self, repo: &str, run: u64, seq: u64) -> Result<(), String> {
        let known = self.known.journals.get(repo).copied();
        let expected = match known {
            Some((known, last)) if known == run => last + 1,
            Some((known, _)) if known > run => return Err(format!("run {run} after {known}")),
            _ => 1,
        };
        // The present state of a long run is its end.
        let is_tail = known.is_none() && seq > 1;
        if seq != expected && !is_tail {
            return Err(format!("{repo}, run {run}: entry {seq} instead of {expected}"));
        }
        self.known.journals.insert(repo.to_owned(), (run, seq));
        Ok(())
    }

    /// Numbers only grow.
    fn number(&mut self, id: &str) -> Result<(), String> {
        let number = id.split('-').nth(1).and_then(|number| number.parse::<u64>().ok());
        let number = number.ok_or_else(|| format!("{id} has no number"))?;
        // The end of the present state is the place of the last event before it.
        if number < self.last_number {
            return Err(format!("{number} after {}", self.last_number));
        }
        self.last_number = number;
        self.last_id = Some(id.to_owned());
        Ok(())
    }

    pub(super) fn follows(&self, id: &str) -> bool {
        self.topics.has(&Topic::Repo(id.to_owned()))
    }

    /// What it follows and does not know as it is.
    pub(super) fn difference(&self, truth: &Truth) -> Option<String> {
        if !self.is_ready {
            return Some("it never heard all of the present state".to_owned());
        }
        if self.rows != truth.rows {
            return Some(format!("rows: {:?} instead of {:?}", self.rows, truth.rows));
        }
        truth.rows.keys().filter(|id| self.follows(id)).find_map(|id| self.difference_of(id, truth))
    }

    fn difference_of(&self, id: &str, truth: &Truth) -> Option<String> {
        let (is, known) = (truth, &self.known);
        let differ = |what: &str, known: String, is: String| {
            (known != is).then(|| format!("{what} of {id}: {known} instead of {is}"))
        };
        let dashboards = (known.dashboards.get(id), is.dashboards.get(id));
        let journals = (known.journals.get(id), is.journals.get(id));
        differ("dashboard", format!("{:?}", dashboards.0), format!("{:?}", dashboards.1))
            .or_else(|| differ("journal", format!("{:?}", journals.0), format!("{:?}", journals.1)))
            .or_else(|| {
                let mut docs = is.docs.iter().filter(|((of, _), _)| of == id);
                docs.find_map(|(doc, version)| {
                    let known = known.docs.get(doc);
                    differ(&doc.1.to_string(), format!("{known:?}"), format!("{:?}", Some(version)))
                })
            })
    }
}

async fn a_moment() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}

//! Looking at a repository: what differs from what was last told about it becomes events.
//!
//! Whoever looks first, the watcher or a client that asks for the present state, tells it; one at a time for each repository.
//! A look that is dropped half-way loses nothing: what it did not tell is told by the next one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use car_domain::docs::{DocKind, Document};
use car_domain::live::LiveEvent;
use car_domain::view::{Activity, Dashboard, RepoRow};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::journals::Journals;
use super::{Served, blocking, broken_row};
use crate::files::FileStamp;
use crate::notifications::Receipts;
use crate::runner::{read_state, state_report};
use crate::{EngineError, Repo, sessions};

/// Counts what happened to a repository, for those who wait for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Looks at the repository.
    pub looked: u64,
    /// Its [`crate::runner::StateReport`] as JSON, written out once for all who wait, after a look that somebody waited for.
    pub state: Option<Arc<str>>,
    /// Changes of its log.
    pub log: u64,
}

/// What was told about every repository.
#[derive(Default)]
pub(super) struct Looks {
    repos: Mutex<HashMap<String, Arc<Looked>>>,
    /// Repositories that were gone and may have come back.
    gone: Mutex<HashSet<String>>,
}

/// One repository.
#[derive(Default)]
struct Looked {
    told: AsyncMutex<TellIt>,
    pulse: watch::Sender<Pulse>,
}

/// What was last told.
#[derive(Default)]
struct TellIt {
    is_looked_at: bool,
    is_gone: bool,
    row: Option<RepoRow>,
    dashboard: Option<Dashboard>,
    journals: Option<Journals>,
    docs: Option<DocsSeen>,
    terminals: BTreeMap<String, Value>,
    receipts: Option<Receipts>,
}

#[derive(Clone, Default)]
struct DocsSeen {
    stamps: Vec<Option<FileStamp>>,
    docs: Vec<DocStamp>,
}

type DocStamp = (DocKind, String, Option<car_domain::Timestamp>);

/// What the watcher has to know of a repository to hear what no file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub activity: Activity,
    pub runner_pid: Option<i32>,
}

impl Looks {
    fn of(&self, id: &str) -> Arc<Looked> {
        self.repos().entry(id.to_owned()).or_default().clone()
    }

    fn was_gone(&self, id: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn repos(&self) -> MutexGuard<'_, HashMap<String, Arc<Looked>>> {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Served {
    /// Looks at repository `id` and tells what changed. `docs_changed` says that a document's file was written, even if it
    /// looks the same.
    ///
    /// # Errors
    /// When there is none, or it cannot be read; the row says so then.
    pub(super) async fn look(&self, id: &str, docs_changed: bool) -> Result<Seen, EngineError> {
        self.repo_root(id)?;
        let looked = self.looks.of(id);
        let mut told = looked.told.lock().await;
        let result = self.look_and_tell(id, &mut told, docs_changed).await;
        if let Err(error) = &result
            && !told.is_gone
            && self.repo_root(id).is_ok()
        {
            self.tell_row(&mut told, broken_row(id, error));
        }
        // One that cannot be read was looked at, too.
        told.is_looked_at = true;
        let state = match looked.pulse.receiver_count() {
            0 => None,
            _ => self.state_json(id).await.ok(),
        };
        looked.pulse.send_modify(|pulse| {
            pulse.looked += 1;
            pulse.state = state;
        });
        result
    }

    /// As [`Served::look`], unless somebody has looked before.
    pub(super) async fn look_once(&self, id: &str) -> Result<(), EngineError> {
        self.repo_root(id)?;
        let is_looked_at = self.looks.of(id).told.lock().await.is_looked_at;
        if is_looked_at { Ok(()) } else { self.look(id, false).await.map(drop) }
    }

    /// Ids of all repositories that something was told of.
    pub(super) fn told_of(&self) -> Vec<String> {
        self.looks.repos().keys().cloned().collect()
    }

    /// Tells that repository `id` is no longer served.
    pub(super) async fn tell_gone(&self, id: &str) {
        let looked = self.looks.of(id);
        let mut told = looked.told.lock().await;
        self.tell_end(id, &mut told);
        told.is_gone = true;
        self.looks.repos().remove(id);
    }

    fn tell_end(&self, id: &str, told: &mut TellIt) {
        let was = std::mem::take(told);
        for terminal in was.terminals.into_keys() {
            let (repo, id) = (id.to_owned(), terminal);
            self.live.publish(&LiveEvent::Terminal { repo, id, session: None });
        }
        self.live.publish(&LiveEvent::Gone { repo: id.to_owned() });
        self.looks.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        told.receipts = was.receipts;
    }

    /// Tells what is new about the terminals of repository `id`.
    pub(super) async fn tell_terminals_of(&self, id: &str) {
        let Ok(root) = self.repo_root(id) else { return };
        let looked = self.looks.of(id);
        let mut told = looked.told.lock().await;
        if told.is_gone {
            return;
        }
        if let Err(error) = self.tell_terminals(id, &root, &mut told).await {
            tracing::warn!(repo = id, %error, "nothing is told of its terminals");
        }
    }

    /// Tells those who follow the log of repository `id`.
    pub(super) fn tell_log(&self, id: &str) {
        let looked = self.looks.repos().get(id).cloned();
        if let Some(looked) = looked {
            looked.pulse.send_modify(|pulse| pulse.log += 1);
        }
    }

    /// What wakes those who follow the state or the log of repository `id`; closed when it is gone.
    ///
    /// # Errors
    /// When there is none.
    pub fn pulse(&self, id: &str) -> Result<watch::Receiver<Pulse>, EngineError> {
        self.repo_root(id)?;
        Ok(self.looks.of(id).pulse.subscribe())
    }

    /// What the loop of repository `id` is doing, as JSON.
    ///
    /// # Errors
    /// When there is none, or its files cannot be read.
    pub async fn state_json(&self, id: &str) -> Result<Arc<str>, EngineError> {
        let root = self.repo_root(id)?;
        let report = blocking(move || state_report(&Repo::open(&root)?)).await?;
        // Plain data: it can always be written.
        Ok(serde_json::to_string(&report).unwrap_or_default().into())
    }

    async fn look_and_tell(
        &self,
        id: &str,
        told: &mut TellIt,
        docs_changed: bool,
    ) -> Result<Seen, EngineError> {
        if told.is_gone {
            return Err(EngineError::not_found(format!("`{id}` is no longer served")));
        }
        let root = self.repo_root(id)?;
        self.tell_journal(id, &root, told).await?;
        let dashboard = self.dashboard(id).await?;
        let run = dashboard.runs.first().filter(|run| run.end.is_none()).map(|run| run.run);
        let seen = Seen {
            activity: dashboard.repo.state.activity,
            runner_pid: dashboard.repo.state.runner_pid,
        };
        self.tell_row(told, dashboard.repo.clone());
        if told.dashboard.as_ref() != Some(&dashboard) {
            told.dashboard = Some(dashboard.clone());
            let dashboard = Box::new(dashboard);
            self.live.publish(&LiveEvent::Dashboard { repo: id.to_owned(), dashboard });
        }
        self.tell_documents(id, &root, told, run, docs_changed).await?;
        self.tell_terminals(id, &root, told).await?;
        self.tell_receipts(id, &root, told).await?;
        Ok(seen)
    }

    fn tell_row(&self, told: &mut TellIt, row: RepoRow) {
        if told.row.as_ref() != Some(&row) {
            told.row = Some(row.clone());
            self.live.publish(&LiveEvent::Row { row: Box::new(row) });
        }
    }

    /// Tells what was added to the newest run's journal, and to those of newer ones.
    async fn tell_journal(
        &self,
        id: &str,
        root: &Path,
        told: &mut TellIt,
    ) -> Result<(), EngineError> {
        loop {
            let (root, known) = (root.to_path_buf(), told.journals.clone());
            // Who follows a repository that went and came back has not got its journal.
            let is_back = self.looks.was_gone(id);
            let read = blocking(move || {
                let repo = Repo::open(&root)?;
                match known {
                    Some(journals) => journals.read_on(&repo),
                    None if is_back => Journals::newest(&repo)?.read_on(&repo),
                    None => Journals::at_end(&repo).map(Some),
                }
            });
            let Some(read) = read.await? else {
                // Another one in the same place: nothing that was told is true any more.
                self.tell_end(id, told);
                continue;
            };
            if read.added.is_empty() && told.journals.is_none() {
                self.live.mark_journal(id, read.journals.mark());
            }
            for added in read.added {
                let (run, entries) = (added.mark.run, added.entries);
                let event = LiveEvent::Journal { repo: id.to_owned(), run, entries };
                self.live.publish_journal(&event, added.mark);
            }
            told.journals = Some(read.journals);
            if !read.is_more {
                return Ok(());
            }
        }
    }

    /// Adds documents that were written to their history, and tells their versions.
    async fn tell_documents(
        &self,
        id: &str,
        root: &Path,
        told: &mut TellIt,
        run: Option<u64>,
        changed: bool,
    ) -> Result<(), EngineError> {
        let (root, known) = (root.to_path_buf(), told.docs.clone());
        let seen = blocking(move || {
            let repo = Repo::open(&root)?;
            let docs = repo.docs();
            let stamps: Vec<_> =
                DocKind::ALL.iter().map(|kind| FileStamp::of(&docs.path(*kind))).collect();
            if !changed && known.is_some_and(|known| known.stamps == stamps) {
                return Ok(None);
            }
            let author = run.map_or_else(|| "outside".to_owned(), |run| format!("run {run}"));
            docs.observe(&author)?;
            let stamp =
                |document: Document| (document.kind, document.version, document.modified_at);
            let docs = DocKind::ALL.into_iter().map(|kind| docs.read(kind).map(stamp));
            Ok(Some(DocsSeen { docs: docs.collect::<Result<_, _>>()?, stamps }))
        })
        .await?;
        let Some(seen) = seen else { return Ok(()) };
        let known = told.docs.take().unwrap_or_default().docs;
        for (kind, version, modified_at) in &seen.docs {
            // The same text written again is no news.
            if known.iter().any(|(known, is, _)| known == kind && is == version) {
                continue;
            }
            let (repo, kind, version) = (id.to_owned(), *kind, version.clone());
            self.live.publish(&LiveEvent::Doc { repo, kind, version, modified_at: *modified_at });
        }
        told.docs = Some(seen);
        Ok(())
    }

    /// Tells of terminals: those of hosts, and those that `state.json` still has from the original.
    async fn tell_terminals(
        &self,
        id: &str,
        root: &Path,
        told: &mut TellIt,
    ) -> Result<(), EngineError> {
        let at = root.to_path_buf();
        let known = blocking(move || {
            let repo = Repo::open(&at)?;
            Ok(sessions::known(&read_state(&repo)?.unwrap_or_default()))
        });
        let mut terminals = known.await?;
        terminals.extend(self.shown_terminals(root).await?);
        for (terminal, session) in &terminals {
            if told.terminals.get(terminal) != Some(session) {
                let (repo, id, session) = (id.to_owned(), terminal.clone(), Some(session.clone()));
                self.live.publish(&LiveEvent::Terminal { repo, id, session });
            }
        }
        for terminal in told.terminals.keys().filter(|id| !terminals.contains_key(*id)) {
            let (repo, id) = (id.to_owned(), terminal.clone());
            self.live.publish(&LiveEvent::Terminal { repo, id, session: None });
        }
        told.terminals = terminals;
        Ok(())
    }

    /// Tells what became of notifications.
    async fn tell_receipts(
        &self,
        id: &str,
        root: &Path,
        told: &mut TellIt,
    ) -> Result<(), EngineError> {
        let (root, receipts) = (root.to_path_buf(), told.receipts.clone());
        let (receipts, new) = blocking(move || {
            let mut receipts = receipts;
            let new = Receipts::read_on(&mut receipts, &root)?;
            Ok((receipts, new))
        })
        .await?;
        for receipt in new {
            if let Ok(receipt) = serde_json::to_value(receipt) {
                self.live.publish(&LiveEvent::Notify { repo: id.to_owned(), receipt });
            }
        }
        told.receipts = receipts;
        Ok(())
    }
}

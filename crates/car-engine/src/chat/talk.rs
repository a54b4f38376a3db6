//! One turn of a chat: copies out, the agent's work, a proposal back.

use std::ffi::OsString;
use std::fs;
use std::time::{Duration, Instant};

use car_agent::process_id;
use car_domain::chat::{Chat, ChatOutcome, ChatTurn, RunningTurn};
use car_domain::docs::{DocKind, Document};
use car_domain::proposal::{DocProposal, Proposal};
use car_domain::state::ProcessId;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::store::{push, remove};
use super::working_copy::WorkingCopy;
use super::{DocChat, prompt};
use crate::ask::{Job, JobAnswer, JobEvent, ask};
use crate::conversation::SandboxPolicy;
use crate::history::History;
use crate::proposal::{Merged, merge};
use crate::{EngineError, ErrorKind, now};

/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Characters of the last run's final output that are told.
const RECENT_RUN_CHARS: usize = 6000;

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatAnswer {
    /// What the agent says.
    pub message: String,
    /// Whether it changed something in this turn.
    pub has_changes: bool,
    /// What is proposed now, from this turn and those before.
    pub proposal: Option<Proposal>,
}

impl DocChat<'_> {
    /// Says `message` and waits for the agent. What it changes is proposed, not written. `guard` is the command line of the
    /// agent's guard, e.g. `[car, agent-guard]`.
    ///
    /// # Errors
    /// When the message is blank, a turn is at work already, or the agent fails or is cancelled; the turn is kept as failed
    /// then, and the documents and an earlier proposal are as they were.
    pub async fn say(
        &self,
        message: &str,
        guard: &[OsString],
        cancel: &CancellationToken,
        events: &mut (dyn FnMut(JobEvent) + Send),
    ) -> Result<ChatAnswer, EngineError> {
        let message = message.trim();
        if message.is_empty() {
            return Err(EngineError::new(ErrorKind::Invalid, "message is required"));
        }
        let _lock = self.lock()?;
        remove(&self.cancel_path())?;
        let mut chat = self.load()?;
        let pid = nix::unistd::Pid::this().as_raw();
        let running = RunningTurn {
            id: uuid::Uuid::now_v7().simple().to_string(),
            at: now(),
            message: message.to_owned(),
            process: process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 }),
        };
        let started = Instant::now();
        chat.running = Some(running.clone());
        self.save(&chat)?;
        let worked = self.work(&chat, message, guard, cancel, events).await;
        chat.running = None;
        let (outcome, usage, result) = match worked {
            Ok(done) => {
                chat.thread_id = done.answer.thread_id.clone();
                chat.proposal.clone_from(&done.result.proposal);
                let outcome = ChatOutcome::Answered(done.result.message.clone());
                (outcome, done.answer.usage, Ok(done.result))
            }
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                let outcome = ChatOutcome::Failed(format!("{error}{hint}"));
                (outcome, car_domain::run::Usage::default(), Err(error))
            }
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let RunningTurn { id, at, message, .. } = running;
        push(&mut chat, ChatTurn { id, at, message, outcome, duration_ms, usage });
        self.save(&chat)?;
        result
    }

    /// Asks the turn that is at work, in whatever process, to end. Says whether there is one.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn cancel(&self) -> Result<bool, EngineError> {
        if self.load()?.running.is_none() {
            return Ok(false);
        }
        let path = self.cancel_path();
        fs::write(&path, "").map_err(|error| EngineError::file("write", &path, error))?;
        Ok(true)
    }

    /// Refuses while a turn is at work.
    ///
    /// # Errors
    /// A conflict then.
    pub fn must_be_free(&self) -> Result<(), EngineError> {
        match self.load()?.running {
            Some(_) => Err(self.is_at_work()),
            None => Ok(()),
        }
    }

    fn cancel_path(&self) -> std::path::PathBuf {
        self.dir().join("cancel")
    }

    async fn work(
        &self,
        chat: &Chat,
        message: &str,
        guard: &[OsString],
        cancel: &CancellationToken,
        events: &mut (dyn FnMut(JobEvent) + Send),
    ) -> Result<Done, EngineError> {
        let bases = self.bases(chat)?;
        let texts: Vec<(DocKind, &str)> =
            bases.iter().map(|base| (base.kind, base.proposed.as_str())).collect();
        let copy = WorkingCopy::create(&self.dir().join("work"), &texts)?;
        let docs = self.repo.docs().texts()?;
        let history = History::new(self.repo);
        let last = history.runs().last().copied();
        let recent = last.and_then(|run| history.final_output(run, RECENT_RUN_CHARS));
        let prompt = prompt::write(&prompt::Parts {
            root: self.repo.root(),
            targets: self.kinds.iter().map(|kind| (*kind, copy.path(*kind))).collect(),
            docs: &docs,
            recent_run: recent.as_deref(),
            turns: &chat.turns,
            message,
        });
        let job = Job {
            sandbox: SandboxPolicy::OnlyHere,
            thread_id: chat.thread_id.clone(),
            timeout: TIMEOUT,
            ..Job::new("doc chat", copy.dir(), prompt)
        };
        let cancel = cancel.child_token();
        let answer = tokio::select! {
            answer = ask(self.repo, guard, &job, &cancel, events) => answer?,
            () = self.cancelled_elsewhere() => {
                return Err(EngineError::conflict("the doc chat was cancelled")
                    .with_hint("nothing was changed"));
            }
        };
        let result = self.result(bases, &copy, &answer)?;
        Ok(Done { answer, result })
    }

    /// What the agent starts from: the live documents, with what is proposed already on top where that still fits.
    fn bases(&self, chat: &Chat) -> Result<Vec<DocProposal>, EngineError> {
        self.repo.docs().observe("outside")?;
        let pending = |kind| {
            chat.proposal.as_ref()?.documents.iter().find(|document| document.kind == kind).cloned()
        };
        let base = |kind| {
            let live: Document = self.repo.docs().read(kind)?;
            Ok(match pending(kind) {
                Some(old) => rebased(old, live),
                None => DocProposal {
                    kind,
                    base_version: live.version,
                    base: live.text.clone(),
                    proposed: live.text,
                },
            })
        };
        self.kinds.iter().copied().map(base).collect()
    }

    fn result(
        &self,
        mut bases: Vec<DocProposal>,
        copy: &WorkingCopy,
        answer: &JobAnswer,
    ) -> Result<ChatAnswer, EngineError> {
        let mut has_changes = false;
        for document in &mut bases {
            let proposed = copy.read(document.kind)?;
            has_changes |= proposed != document.proposed;
            document.proposed = proposed;
        }
        bases.retain(|document| document.proposed != document.base);
        let message = self.message(answer);
        let proposal = (!bases.is_empty()).then(|| Proposal {
            at: now(),
            message: message.clone(),
            documents: bases,
        });
        Ok(ChatAnswer { message, has_changes, proposal })
    }

    /// What the agent says to the owner. One that prints plain text marks it; else its first line has to do.
    fn message(&self, answer: &JobAnswer) -> String {
        let text = answer.text.trim();
        if !answer.is_plain {
            return text.to_owned();
        }
        let marked = text.lines().find_map(|line| {
            let (mark, rest) = line.trim().split_once(':')?;
            mark.eq_ignore_ascii_case("agent").then(|| rest.trim().to_owned())
        });
        let title = self.name().to_uppercase();
        match marked {
            Some(message) if !message.is_empty() => message,
            Some(_) => format!("Updated {title} via doc chat."),
            None => text.lines().next().unwrap_or_default().trim().to_owned(),
        }
    }

    /// Comes when another process asks this turn to end. Where files cannot be watched it never does.
    async fn cancelled_elsewhere(&self) {
        let (sender, mut receiver) = mpsc::channel(1); // One pending look is enough.
        let watcher = notify::recommended_watcher(move |_| {
            let _ = sender.try_send(());
        });
        let Ok(mut watcher) = watcher else { return std::future::pending().await };
        if watcher.watch(&self.dir(), RecursiveMode::NonRecursive).is_err() {
            return std::future::pending().await;
        }
        while !self.cancel_path().exists() {
            if receiver.recv().await.is_none() {
                return std::future::pending().await;
            }
        }
    }
}

struct Done {
    answer: JobAnswer,
    result: ChatAnswer,
}

/// An earlier proposal on top of the document as it is now. Where both changed the same place it stays on its old base, and
/// applying shows the conflict.
fn rebased(old: DocProposal, live: Document) -> DocProposal {
    if old.base_version == live.version {
        return old;
    }
    match merge(&old.base, &live.text, &old.proposed) {
        Merged::Clean(proposed) => {
            DocProposal { kind: old.kind, base_version: live.version, base: live.text, proposed }
        }
        Merged::Conflict(_) => old,
    }
}

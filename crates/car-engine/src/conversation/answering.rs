//! What waits for a person, in all threads, and how it is decided.

use std::collections::BTreeMap;
use std::time::Duration;

use car_agent::app_server::protocol::{ThreadLoadedList, ThreadRead};
use car_domain::conversation::{AgentRequest, Answer, Decision, RequestSubject};
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::Conversations;
use super::asking::OpenRequest;
use super::link::Link;
use super::records::{Claim, Records};
use crate::served::blocking;
use crate::{EngineError, now};

/// How long a request that Codex says is waiting may take to arrive, or an answered one to be closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens to requests.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestNews {
    /// Somebody is asked.
    Opened(AgentRequest),
    /// Nobody is asked any more.
    Closed {
        /// CAR's id.
        request_id: String,
        /// Who decided what, as far as it is known.
        answer: Option<Answer>,
    },
    /// The server is gone, or too much happened at once: ask [`Conversations::requests`] anew.
    Lost,
}

/// News about the requests of all threads.
#[derive(Debug)]
pub struct RequestWatch {
    news: broadcast::Receiver<RequestNews>,
    /// Keeps the connection.
    _conversations: Conversations,
}

impl RequestWatch {
    /// The next news.
    pub async fn next(&mut self) -> RequestNews {
        self.news.recv().await.unwrap_or(RequestNews::Lost)
    }
}

/// What a person says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A decision by its word, such as `accept`; for questions the answers in their order.
    Words(Vec<String>),
    /// The answers to questions, by the question's id.
    Answers(BTreeMap<String, Vec<String>>),
}

impl Conversations {
    /// What waits for a person, when a server runs; none is started for the question.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn open_requests(&self) -> Result<Vec<AgentRequest>, EngineError> {
        if self.has_server().await { self.requests().await } else { Ok(Vec::new()) }
    }

    /// Decides about the request whose id is `id` or begins so, as [`Conversations::answer`] does.
    ///
    /// # Errors
    /// As there; also when several requests begin with `id`, or the decision is not offered.
    pub async fn reply(
        &self,
        id: &str,
        reply: &Reply,
        by: &str,
        note: Option<&str>,
    ) -> Result<Answer, EngineError> {
        if !self.has_server().await {
            return Err(nothing_waits());
        }
        let requests = self.requests().await?;
        let mut found = requests.iter().filter(|request| request.id.starts_with(id));
        let (id, decision) = match (found.next(), found.next()) {
            (Some(_), Some(_)) => {
                return Err(EngineError::conflict(format!("several requests begin with {id}")));
            }
            (Some(request), None) => (request.id.as_str(), decision(request, reply)?),
            // Perhaps it is decided already.
            (None, _) => (id, plain_decision(reply)),
        };
        self.answer(id, decision, by, note).await
    }

    /// Everything that waits for a person, in all threads of the server, the oldest first.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn requests(&self) -> Result<Vec<AgentRequest>, EngineError> {
        let link = self.inner.link().await?;
        let mut cursor = None;
        loop {
            let page = link.call(ThreadLoadedList { cursor }).await?;
            for thread_id in page.data {
                self.look_into(&link, thread_id).await;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(self.inner.board.requests());
            }
        }
    }

    /// Watches the requests of all threads, also of those other programs started. What waits already is told first.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn watch_requests(&self) -> Result<(Vec<AgentRequest>, RequestWatch), EngineError> {
        self.inner.board.watch_all();
        let watch = RequestWatch { news: self.inner.board.news(), _conversations: self.clone() };
        Ok((self.requests().await?, watch))
    }

    /// Decides about a request. The same decision twice is one. Returns the answer as it is recorded.
    ///
    /// # Errors
    /// A conflict that names who decided otherwise before, or says what may be decided; not found when nothing with this id
    /// waits.
    pub async fn answer(
        &self,
        request_id: &str,
        decision: Decision,
        by: &str,
        note: Option<&str>,
    ) -> Result<Answer, EngineError> {
        let link = self.inner.link().await?;
        let Some(open) = self.find(request_id).await? else {
            return decided_before(&link.records, request_id, &decision).await;
        };
        if !open.request.allows(&decision) {
            let words: Vec<_> = open.request.offered.iter().map(Decision::word).collect();
            return Err(EngineError::conflict("Codex does not offer this decision")
                .with_hint(format!("it offers: {}", words.join(", "))));
        }
        let wire = open
            .wire(&decision)
            .ok_or_else(|| EngineError::conflict("this decision does not fit what is asked"))?;
        let answer = Answer {
            request_id: request_id.to_owned(),
            decision: open.recordable(&decision),
            by: by.to_owned(),
            at: now(),
            note: note.map(str::to_owned),
        };
        match claim(&link.records, answer.clone()).await? {
            Claim::Ours => {}
            // Claimed by a process that died before it was sent: ours now.
            Claim::Taken { is_settled: false, .. } => {
                unclaim(&link.records, request_id).await;
                claim(&link.records, answer.clone()).await?;
            }
            Claim::Taken { answer: before, .. } => return same(before, &answer.decision),
        }
        let mut news = self.inner.board.news();
        if let Err(error) = link.connection.answer(&open.codex_id, wire).await {
            unclaim(&link.records, request_id).await;
            return Err(super::trouble::call_failed(error));
        }
        self.until_closed(&mut news, request_id).await;
        Ok(answer)
    }

    /// An open request, looked for in all threads if this process has not heard of it.
    async fn find(&self, request_id: &str) -> Result<Option<OpenRequest>, EngineError> {
        if let Some(open) = self.inner.board.request(request_id) {
            return Ok(Some(open));
        }
        self.requests().await?;
        Ok(self.inner.board.request(request_id))
    }

    /// Joins a thread in which somebody is asked, and waits until it is known what.
    async fn look_into(&self, link: &Link, thread_id: String) {
        let board = &self.inner.board;
        let mut news = board.news();
        let read = ThreadRead { thread_id: thread_id.clone(), include_turns: false };
        let Ok(read) = link.call(read).await else { return };
        let is_known = || board.requests().iter().any(|request| request.thread_id == thread_id);
        if !read.thread.status.is_waiting() || is_known() {
            return;
        }
        if let Err(error) = self.inner.join(link, &thread_id).await {
            tracing::debug!(%error, "a thread that waits cannot be joined");
            return;
        }
        let heard = async {
            while !is_known() {
                if matches!(news.recv().await, Err(broadcast::error::RecvError::Closed)) {
                    return;
                }
            }
        };
        // It may have been answered in this very moment.
        let _ = timeout(PATIENCE, heard).await;
    }

    async fn until_closed(&self, news: &mut broadcast::Receiver<RequestNews>, request_id: &str) {
        let closed = async {
            while self.inner.board.request(request_id).is_some() {
                if matches!(news.recv().await, Err(broadcast::error::RecvError::Closed)) {
                    return;
                }
            }
        };
        if timeout(PATIENCE, closed).await.is_err() {
            tracing::warn!(request_id, "Codex has not confirmed the answer yet");
        }
    }
}

async fn claim(records: &Records, answer: Answer) -> Result<Claim, EngineError> {
    let records = records.clone();
    blocking(move || records.claim(&answer)).await
}

async fn unclaim(records: &Records, request_id: &str) {
    let (records, id) = (records.clone(), request_id.to_owned());
    let _ = tokio::task::spawn_blocking(move || records.unclaim(&id)).await;
}

/// What is said about a request that does not wait any more.
async fn decided_before(
    records: &Records,
    request_id: &str,
    decision: &Decision,
) -> Result<Answer, EngineError> {
    let (records, id) = (records.clone(), request_id.to_owned());
    let before = blocking(move || Ok(records.answer(&id))).await?;
    same(before.ok_or_else(nothing_waits)?, decision)
}

fn nothing_waits() -> EngineError {
    EngineError::not_found("nothing with this id waits for a decision")
        .with_hint("`car requests` shows what does")
}

fn decision(request: &AgentRequest, reply: &Reply) -> Result<Decision, EngineError> {
    let words = match reply {
        Reply::Answers(answers) => return Ok(Decision::Answers(answers.clone())),
        Reply::Words(words) => words,
    };
    if let RequestSubject::Questions { questions } = &request.subject {
        let pairs = questions.iter().zip(words);
        let answers = pairs.map(|(question, word)| (question.id.clone(), vec![word.clone()]));
        return Ok(Decision::Answers(answers.collect()));
    }
    let offered = || request.offered.iter().map(Decision::word).collect::<Vec<_>>().join(", ");
    let refused = match &words[..] {
        [word] => match request.offer(word) {
            Some(decision) => return Ok(decision.clone()),
            None => format!("`{word}` is not offered"),
        },
        _ => "one decision is enough".to_owned(),
    };
    Err(EngineError::invalid(format!("{refused}; Codex offers: {}", offered())))
}

/// The decision as far as its word alone tells it.
fn plain_decision(reply: &Reply) -> Decision {
    match reply {
        Reply::Answers(answers) => Decision::Answers(answers.clone()),
        Reply::Words(words) => match words.first().map(String::as_str) {
            Some("accept") => Decision::Accept,
            Some("session") => Decision::AcceptForSession,
            Some("cancel") => Decision::Cancel,
            _ => Decision::Decline,
        },
    }
}

/// The answer given before, if it is the same.
fn same(before: Answer, decision: &Decision) -> Result<Answer, EngineError> {
    if before.decision == *decision {
        return Ok(before);
    }
    Err(EngineError::conflict(format!(
        "{} has decided already at {}: {}",
        before.by,
        before.at,
        before.decision.word()
    )))
}

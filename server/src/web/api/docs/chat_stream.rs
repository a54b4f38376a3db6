//! A turn of a chat as it happens.

use std::sync::Arc;

use axum::response::Response;
use axum::response::sse::Event;
use car_domain::docs::DocKind;
use car_domain::run::RunEvent;
use car_engine::ask::JobEvent;
use car_engine::chat::DocChat;
use car_engine::{EngineError, Repo, Served};
use futures::future::{BoxFuture, FutureExt};
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::super::events::{self, Over, Sign};
use super::proposed::ChatResult;

/// News that wait for a client; more words are put together, more steps are left out.
const MAX_WAITING: usize = 256;
/// Bytes of words that wait for a client that does not read. The answer at the end has them all.
const MAX_WORDS: usize = 256 << 10;

/// A turn that is at work. It goes on when this is dropped.
pub(super) struct Talk {
    news: mpsc::Receiver<News>,
    result: BoxFuture<'static, Result<ChatResult, EngineError>>,
}

/// What happens in a turn.
enum News {
    Words(String),
    Step(Box<RunEvent>),
}

impl Talk {
    /// Says `message`.
    pub(super) fn begin(
        served: &Arc<Served>,
        repo: Repo,
        kinds: Vec<DocKind>,
        message: String,
    ) -> Self {
        let (sender, news) = mpsc::channel(MAX_WAITING);
        let guard = served.guard();
        let result = served.work(|cancel| async move {
            let mut outlet = Outlet { sender, words: String::new(), spoke: false };
            let chat = DocChat::new(&repo, &kinds)?;
            let mut hear = |event| outlet.pass(event);
            let answer = chat.say(&message, &guard, &cancel, &mut hear).await?;
            ChatResult::of(&repo, &chat, answer)
        });
        Self { news, result: result.boxed() }
    }

    /// Waits for its end.
    pub(super) async fn result(self) -> Result<ChatResult, EngineError> {
        self.result.await
    }
}

/// Passes on what happens as far as somebody listens.
struct Outlet {
    sender: mpsc::Sender<News>,
    /// Words that could not be passed on yet.
    words: String,
    /// Whether the message at work came in pieces already.
    spoke: bool,
}

impl Outlet {
    fn pass(&mut self, event: JobEvent) {
        match event {
            JobEvent::Delta(words) => {
                self.spoke = true;
                self.say(&words);
            }
            // Said already, word by word.
            JobEvent::Step(RunEvent::Message { .. }) if std::mem::take(&mut self.spoke) => {}
            JobEvent::Step(RunEvent::Message { text } | RunEvent::Output { text, .. }) => {
                self.say(&format!("{text}\n"));
            }
            JobEvent::Step(step) => drop(self.sender.try_send(News::Step(Box::new(step)))),
        }
    }

    fn say(&mut self, words: &str) {
        if self.words.len() + words.len() > MAX_WORDS {
            return;
        }
        self.words.push_str(words);
        if let Ok(place) = self.sender.try_reserve() {
            place.send(News::Words(std::mem::take(&mut self.words)));
        }
    }
}

/// One client.
struct Listener {
    talk: Option<Talk>,
    waiting: Vec<Event>,
    began: Instant,
    over: Over,
    /// Comes when the server ends, which ends the turn as well.
    cancel: CancellationToken,
    is_heard: bool,
}

/// The stream of a turn.
pub(super) fn answer(state: &WebState, caller: Caller, talk: Talk) -> Response {
    let queued = event("status", &json!({"status": "queued"}));
    let listener = Listener {
        talk: Some(talk),
        waiting: vec![queued],
        began: Instant::now(),
        over: Over::new(state, caller),
        cancel: state.cancel.clone(),
        is_heard: false,
    };
    events::answer(stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    }))
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.waiting.pop() {
            return Some(event);
        }
        let talk = self.talk.as_mut()?;
        tokio::select! {
            // What happened before the end is told before it.
            biased;
            Some(news) = talk.news.recv() => {
                let told = told(news);
                if std::mem::replace(&mut self.is_heard, true) {
                    return Some(told);
                }
                self.waiting.push(told);
                Some(event("status", &json!({"status": "running"})))
            }
            result = &mut talk.result => {
                self.talk = None;
                Some(self.end(result))
            }
            sign = self.over.sign() => match sign {
                Sign::Beat => {
                    let elapsed = self.began.elapsed().as_millis();
                    let elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
                    Some(event("status", &json!({"status": "running", "elapsed_ms": elapsed_ms})))
                }
                // The turn is being ended, and how is still told.
                Sign::End if self.cancel.is_cancelled() => {
                    let result = (&mut talk.result).await;
                    self.talk = None;
                    Some(self.end(result))
                }
                // The browser was logged out; its turn goes on.
                Sign::End => None,
            }
        }
    }

    fn end(&mut self, result: Result<ChatResult, EngineError>) -> Event {
        match result {
            Ok(result) => {
                self.waiting.push(event("done", &json!({"status": "ok"})));
                event("update", &json!(result))
            }
            Err(error) => event("error", &Problem::from(error).body()),
        }
    }
}

fn told(news: News) -> Event {
    match news {
        News::Words(words) => event("token", &json!({"token": words})),
        News::Step(step) => event("step", &json!(step)),
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

//! One turn, from where it is to its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use car_domain::conversation::{TurnOutcome, TurnStatus};
use car_domain::run::Usage;
use car_engine::conversation::{FoundTurn, Turn, TurnEvent, TurnRequest};
use car_engine::{EngineError, ErrorKind, blocking, now};
use car_store::TurnRow;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Ended};
use super::card::Card;
use super::prepare::prepare;
use super::{Review, Work};
use crate::bot::Bot;
use crate::codexes::Codex;
use crate::files::Folder;
use crate::lanes::{Running, Topic};
use crate::outbox::letter_to;
use crate::payload::{Payload, Priority};
use crate::topic::{Bound, Reach};
use crate::{requests, workspace};

/// Tries to start a turn when the connection to Codex is lost in that very moment.
const MAX_STARTS: u32 = 4;
/// Characters of a conversation's beginning that are remembered.
const MAX_PREVIEW: usize = 200;
/// How often the card is looked at.
const TICK: Duration = Duration::from_millis(500);

/// Works on a turn to its end, or until the bot ends; then it goes on after the next start.
///
/// # Errors
/// When the database fails; the turn is as it was.
pub(crate) async fn run(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    row: &TurnRow,
) -> Result<(), EngineError> {
    let stop = CancellationToken::new();
    let running =
        Running { turn: row.id, reply_to: row.reply_to, control: None, stop: stop.clone() };
    topic.set_running(Some(running));
    let mut at_work =
        AtWork { bot, topic, row, stop, card: Card::new(row.id, None), is_new: false };
    let ended = match at_work.work().await {
        Ok(Some(ended)) => ended,
        Ok(None) => return Ok(()),
        // What was being done is cut off by our own end, and not a failure of it.
        Err(_) if bot.cancel.is_cancelled() => return Ok(()),
        Err(error) => {
            tracing::warn!(%error, turn = row.id, "a turn failed");
            Ended {
                outcome: failed(&bot.settings.redactor(), &error),
                messages: Vec::new(),
                took: None,
            }
        }
    };
    at_work.end(ended).await
}

/// A turn at work.
struct AtWork<'a> {
    bot: &'a Arc<Bot>,
    topic: &'a Arc<Topic>,
    row: &'a TurnRow,
    /// Cancelled when somebody stops it before Codex has taken it up.
    stop: CancellationToken,
    card: Card,
    /// Whether the conversation was begun for this turn.
    is_new: bool,
}

impl AtWork<'_> {
    /// `None` when the bot ends meanwhile.
    async fn work(&mut self) -> Result<Option<Ended>, EngineError> {
        let (bot, row) = (self.bot, self.row);
        let work: Work = serde_json::from_str(&row.work)
            .map_err(|error| EngineError::invalid("this work cannot be read").with_source(error))?;
        let mut bound = Bound::read(&bot.store, row.place()).await?;
        let workspace = workspace::of(bot, &bound).await?;
        let warning = (bound.reach(bot.settings.bot()) == Reach::FullAccess)
            .then_some("Full access: Codex may do everything on this machine");
        self.card = Card::new(row.id, warning);
        let permit = match bot.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.card.set_state("Waiting: other topics are at work");
                self.send_card().await?;
                tokio::select! {
                    () = bot.cancel.cancelled() => return Ok(None),
                    () = self.stop.cancelled() => return Ok(Some(stopped())),
                    permit = bot.places.clone().acquire_owned() => {
                        permit.map_err(|_| EngineError::conflict("the bot ends"))?
                    }
                }
            }
        };
        let mut permit = Some(permit);
        self.card.set_state("Working");
        self.send_card().await?;
        let codex = bot.codexes.of(&workspace).await?;
        if row.state == "running"
            && let Some(begun) = self.begun(&codex, &work).await?
        {
            return match begun {
                Begun::Ended(ended) => Ok(Some(ended)),
                Begun::Running(turn) => self.follow(turn, &mut permit).await,
            };
        }
        if self.stop.is_cancelled() {
            return Ok(Some(stopped()));
        }
        let begun = match &work {
            Work::Prompt { text, media, quote } => {
                let (card, quote) = (&mut self.card, quote.as_deref());
                let tell = |state: &str| card.set_state(state);
                let ready = prepare(bot, row, &workspace, text, media, quote, tell).await?;
                self.card.set_state("Working");
                let mut request = TurnRequest {
                    images: ready.images,
                    client_id: Some(row.client_id.clone()),
                    approvals: bound.approval_policy(bot.settings.bot()),
                    sandbox: bound.reach(bot.settings.bot()).policy(),
                    model: bound.settings.model.clone(),
                    effort: bound.settings.effort.clone(),
                    may_ask_questions: bound.settings.plans,
                    stall_after: bot.settings.stall_after(),
                    ..TurnRequest::new(&workspace, ready.prompt)
                };
                if let Some(seed) = bound.settings.seed.take() {
                    request.prompt = format!("{seed}\n\n{}", request.prompt);
                }
                self.start(&codex, &mut bound, request, text).await?
            }
            Work::Review(review) => {
                let thread = self.thread(&codex, &mut bound, &workspace, "Review").await?;
                Begun::Running(self.review(&codex, &thread, review).await?)
            }
            Work::Compact => {
                let thread = bound.codex_thread.clone().ok_or_else(|| {
                    EngineError::conflict("there is no conversation to be shortened")
                })?;
                bot.store.turn_runs(row.id, Some(&thread), None, now()).await?;
                let turn = codex.compact(&thread).await?;
                bot.store.turn_runs(row.id, None, Some(turn.turn_id()), now()).await?;
                Begun::Running(turn)
            }
        };
        match begun {
            Begun::Ended(ended) => Ok(Some(ended)),
            Begun::Running(turn) => self.follow(turn, &mut permit).await,
        }
    }

    /// The turn as it was begun before a restart; `None` when Codex has never heard of it.
    async fn begun(&self, codex: &Codex, work: &Work) -> Result<Option<Begun>, EngineError> {
        let row = self.row;
        let Some(thread) = &row.codex_thread else { return Ok(None) };
        if let Work::Prompt { .. } = work {
            return self.find(codex, thread).await;
        }
        // Reviews and compactions have no name of ours.
        let Some(turn_id) = &row.codex_turn else { return Ok(Some(Begun::Ended(cut()))) };
        if let Ok(Some(turn)) = codex.follow(thread).await
            && turn.turn_id() == turn_id
        {
            return Ok(Some(Begun::Running(turn)));
        }
        let (_, turns) = codex.thread(thread, 20).await?;
        let found = turns.into_iter().find(|turn| turn.id == *turn_id);
        Ok(Some(Begun::Ended(found.map_or_else(cut, |info| {
            let messages = info.answer.clone().into_iter().collect();
            ended_of(FoundTurn { info, messages })
        }))))
    }

    async fn find(&self, codex: &Codex, thread: &str) -> Result<Option<Begun>, EngineError> {
        // It may end between the two questions.
        for _ in 0..3 {
            let Some(found) = codex.find_turn(thread, &self.row.client_id).await? else {
                return Ok(None);
            };
            if found.info.status.is_some() {
                // One that has just begun is listed as interrupted until Codex has written it down.
                if found.info.status == Some(TurnStatus::Interrupted)
                    && let Some(turn) = codex.follow(thread).await?
                    && turn.turn_id() == found.info.id
                {
                    return Ok(Some(Begun::Running(turn)));
                }
                return Ok(Some(Begun::Ended(ended_of(found))));
            }
            if let Some(turn) = codex.follow(thread).await? {
                return Ok(Some(Begun::Running(turn)));
            }
        }
        Ok(Some(Begun::Ended(cut())))
    }

    /// The conversation of the topic, or a new one.
    async fn thread(
        &mut self,
        codex: &Codex,
        bound: &mut Bound,
        workspace: &Path,
        preview: &str,
    ) -> Result<String, EngineError> {
        let (store, row) = (&self.bot.store, self.row);
        let place = row.place();
        let thread = match bound.codex_thread.clone() {
            Some(thread) => thread,
            None => {
                self.is_new = true;
                let thread = codex.start(workspace).await?;
                bound.codex_thread = Some(thread.clone());
                thread
            }
        };
        bound.keep(store).await?;
        let preview = car_domain::text::headline(preview, MAX_PREVIEW);
        let path = workspace.display().to_string();
        store.note_thread(place, &thread, &path, &preview, now()).await?;
        // Before Codex is asked: after a restart it is known where to look.
        store.turn_runs(row.id, Some(&thread), None, now()).await?;
        Ok(thread)
    }

    async fn start(
        &mut self,
        codex: &Codex,
        bound: &mut Bound,
        mut request: TurnRequest,
        preview: &str,
    ) -> Result<Begun, EngineError> {
        let store = &self.bot.store;
        let mut starts = 0;
        loop {
            starts += 1;
            let workspace = request.cwd.clone();
            let error = match self.thread(codex, bound, &workspace, preview).await {
                Ok(thread) => {
                    request.thread_id = Some(thread.clone());
                    match codex.turn(request.clone()).await {
                        Ok(turn) => {
                            store
                                .turn_runs(self.row.id, Some(&thread), Some(turn.turn_id()), now())
                                .await?;
                            return Ok(Begun::Running(turn));
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if starts >= MAX_STARTS {
                return Err(error);
            }
            match error.kind() {
                // Gone with the server that knew it, before its first turn; or deleted elsewhere.
                ErrorKind::NotFound => {
                    bound.codex_thread = None;
                    store.turn_restarts(self.row.id).await?;
                }
                // The connection was lost: perhaps before, perhaps after Codex heard of the turn.
                ErrorKind::Agent => {
                    tokio::select! {
                        () = self.bot.cancel.cancelled() => return Err(error),
                        () = tokio::time::sleep(Duration::from_millis(500) * starts) => {}
                    }
                    let thread = bound.codex_thread.clone().unwrap_or_default();
                    if !thread.is_empty()
                        && let Ok(Some(begun)) = self.find(codex, &thread).await
                    {
                        return Ok(begun);
                    }
                    if self.is_new {
                        bound.codex_thread = None;
                    }
                }
                _ => return Err(error),
            }
        }
    }

    async fn review(
        &self,
        codex: &Codex,
        thread: &str,
        review: &Review,
    ) -> Result<Turn, EngineError> {
        let turn = codex.review(thread, review.target()).await?;
        self.bot.store.turn_runs(self.row.id, Some(thread), Some(turn.turn_id()), now()).await?;
        Ok(turn)
    }

    /// Follows a turn to its end; `None` when the bot ends meanwhile.
    async fn follow(
        &mut self,
        mut turn: Turn,
        permit: &mut Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Result<Option<Ended>, EngineError> {
        let (bot, row) = (self.bot, self.row);
        self.topic.set_running(Some(Running {
            turn: row.id,
            reply_to: row.reply_to,
            control: Some(turn.control()),
            stop: self.stop.clone(),
        }));
        // Somebody may have stopped it while it was being started.
        if self.stop.is_cancelled() {
            turn.interrupt().await?;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut message = None;
        loop {
            let event = tokio::select! {
                () = bot.cancel.cancelled() => return Ok(None),
                event = turn.next() => event,
                _ = tick.tick() => {
                    if message.is_none() {
                        let sent = bot.store.message(&card_key(row.id)).await?;
                        message = sent.and_then(|sent| sent.message_id);
                    }
                    self.card.show(bot, row.place(), message);
                    continue;
                }
            };
            let Some(event) = event else {
                return Err(EngineError::new(
                    ErrorKind::Agent,
                    "Codex was lost in the middle of the turn",
                ));
            };
            self.card.hear(&event);
            match event {
                TurnEvent::Requested(request) => {
                    // Whoever waits for a person holds up nobody else.
                    permit.take();
                    requests::ask(bot, row, &request).await?;
                }
                TurnEvent::Resolved { request_id, answer } => {
                    requests::resolved(bot, row, &request_id, answer).await?;
                }
                TurnEvent::Finished(outcome) => {
                    let messages = std::mem::take(&mut self.card.messages);
                    let took = Some(self.card.elapsed());
                    return Ok(Some(Ended { outcome, messages, took }));
                }
                _ => {}
            }
        }
    }

    async fn send_card(&self) -> Result<(), EngineError> {
        let letter = self.card.letter().reply_to(self.row.reply_to);
        let card = letter_to(self.row.place(), card_key(self.row.id), letter, Priority::First);
        self.bot.outbox.send(&[card], &[]).await
    }

    /// Writes the end down together with the messages that say so.
    async fn end(mut self, ended: Ended) -> Result<(), EngineError> {
        let (bot, row) = (self.bot, self.row);
        let place = row.place();
        self.card.finish().await;
        let last = self.card.last(ended.outcome.status.word());
        let edit = Payload::Edit { of: card_key(row.id), letter: last };
        let mut messages = vec![edit.to(place, format!("card:{}:last", row.id), Priority::Usual)];
        messages.extend(answer::messages(row.id, place, row.reply_to, &ended));
        let outcome = serde_json::to_string(&ended.outcome).unwrap_or_default();
        bot.store.end_turn(row.id, &outcome, &messages, now()).await?;
        self.topic.set_running(None);
        bot.outbox.wake();
        requests::turn_ended(bot, row).await?;
        self.send_files().await;
        Ok(())
    }

    /// Sends what the agent has put out.
    async fn send_files(&self) {
        let (bot, place) = (self.bot, self.row.place());
        let config = &bot.settings.bot().media;
        if !config.enabled || !config.files {
            return;
        }
        let sent = async {
            let bound = Bound::read(&bot.store, place).await?;
            let folder = Folder::of(&workspace::of(bot, &bound).await?, place);
            let max = config.max_file_bytes;
            let messages = blocking(move || folder.outgoing(place, max, None)).await?;
            bot.outbox.send(&messages, &[]).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(%error, "files of the agent cannot be sent");
        }
    }
}

/// A turn that Codex knows.
enum Begun {
    Running(Turn),
    Ended(Ended),
}

fn card_key(turn: i64) -> String {
    format!("card:{turn}")
}

fn outcome(status: TurnStatus, error: Option<String>) -> TurnOutcome {
    TurnOutcome {
        status,
        final_message: None,
        usage: Usage::default(),
        thread_usage: Usage::default(),
        error,
    }
}

fn ended_of(found: FoundTurn) -> Ended {
    let status = found.info.status.unwrap_or(TurnStatus::Interrupted);
    Ended { outcome: outcome(status, found.info.error), messages: found.messages, took: None }
}

fn stopped() -> Ended {
    Ended { outcome: outcome(TurnStatus::Interrupted, None), messages: Vec::new(), took: None }
}

/// The bot was restarted at a bad moment and cannot tell what became of the work.
fn cut() -> Ended {
    let why = "The bot was restarted in the middle of this, and Codex cannot say what became of it. Please ask again.";
    let outcome = outcome(TurnStatus::Interrupted, Some(why.to_owned()));
    Ended { outcome, messages: Vec::new(), took: None }
}

fn failed(redactor: &car_engine::Redactor, error: &EngineError) -> TurnOutcome {
    let text = match error.hint() {
        Some(hint) => format!("{error}. {hint}"),
        None => error.to_string(),
    };
    outcome(TurnStatus::Failed, Some(redactor.redact(&text).into_owned()))
}

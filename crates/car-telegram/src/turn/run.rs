//! One turn, from where it is to its end.

use std::sync::Arc;
use std::time::Duration;

use car_domain::conversation::{TurnOutcome, TurnStatus};
use car_domain::run::Usage;
use car_engine::conversation::{Turn, TurnEvent, TurnRequest};
use car_engine::{EngineError, ErrorKind, blocking, now};
use car_store::TurnRow;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Work;
use super::answer::{self, Ended};
use super::begin::Begun;
use super::card::Card;
use super::prepare::{Prepared, prepare};
use crate::bot::Bot;
use crate::files::Folder;
use crate::lanes::{Running, Topic};
use crate::outbox::letter_to;
use crate::payload::{Payload, Priority};
use crate::topic::{Bound, Reach};
use crate::{messages, requests, workspace};

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
    let running = Running { turn: row.id, control: None, stop: stop.clone() };
    topic.set_running(Some(running));
    // Read now that others know that it is at work: it may have been changed or have joined another turn just before.
    let row = bot.store.turn(row.id).await?.filter(|row| row.state != "ended");
    let Some(row) = &row else { return Ok(()) };
    if topic.is_stopped(row.id) {
        stop.cancel();
    }
    if row.state == "held" && messages::held_begins(bot, row).await? {
        return Ok(());
    }
    let card = Card::new(row.id, None);
    let mut at_work = AtWork { bot, topic, row, stop, card, message: None, is_new: false };
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
pub(super) struct AtWork<'a> {
    pub(super) bot: &'a Arc<Bot>,
    topic: &'a Arc<Topic>,
    pub(super) row: &'a TurnRow,
    /// Cancelled when somebody stops it before Codex has taken it up.
    stop: CancellationToken,
    card: Card,
    /// Telegram's number of the card, once it is known.
    message: Option<i64>,
    /// Whether the conversation was begun for this turn.
    pub(super) is_new: bool,
}

impl AtWork<'_> {
    /// `None` when the bot ends meanwhile.
    async fn work(&mut self) -> Result<Option<Ended>, EngineError> {
        let (bot, row) = (self.bot, self.row);
        if row.state != "running" && self.stop.is_cancelled() {
            return Ok(Some(stopped()));
        }
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
                let (tell, told) = watch::channel("Working");
                let ready = prepare(bot, row, &workspace, text, media, quote.as_deref(), &tell);
                let ready = match self.until(ready, told).await {
                    Waited::Done(ready) => ready?,
                    Waited::Stopped => return Ok(Some(stopped())),
                    Waited::BotEnds => return Ok(None),
                };
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
                if let Some(seed) = &bound.settings.seed {
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

    /// Waits for what is done before Codex is asked, and shows what that is at.
    async fn until(
        &mut self,
        ready: impl Future<Output = Result<Prepared, EngineError>>,
        mut told: watch::Receiver<&'static str>,
    ) -> Waited {
        let (bot, stop) = (self.bot, self.stop.clone());
        let mut tick = ticks();
        tokio::pin!(ready);
        loop {
            tokio::select! {
                () = bot.cancel.cancelled() => return Waited::BotEnds,
                () = stop.cancelled() => return Waited::Stopped,
                ready = &mut ready => return Waited::Done(ready),
                _ = tick.tick() => {
                    self.card.set_state(*told.borrow_and_update());
                    if let Err(error) = self.show().await {
                        return Waited::Done(Err(error));
                    }
                }
            }
        }
    }

    async fn show(&mut self) -> Result<(), EngineError> {
        if self.message.is_none() {
            let sent = self.bot.store.message(&card_key(self.row.id)).await?;
            self.message = sent.and_then(|sent| sent.message_id);
        }
        self.card.show(self.bot, self.row.place(), self.message);
        Ok(())
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
            control: Some(turn.control()),
            stop: self.stop.clone(),
        }));
        // Somebody may have stopped it while it was being started.
        if self.stop.is_cancelled() {
            turn.interrupt().await?;
        }
        let mut tick = ticks();
        loop {
            let event = tokio::select! {
                () = bot.cancel.cancelled() => return Ok(None),
                event = turn.next() => event,
                _ = tick.tick() => {
                    self.show().await?;
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

/// What came of waiting.
enum Waited {
    Done(Result<Prepared, EngineError>),
    Stopped,
    BotEnds,
}

fn ticks() -> tokio::time::Interval {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick
}

fn card_key(turn: i64) -> String {
    format!("card:{turn}")
}

pub(super) fn outcome(status: TurnStatus, error: Option<String>) -> TurnOutcome {
    TurnOutcome {
        status,
        final_message: None,
        usage: Usage::default(),
        thread_usage: Usage::default(),
        error,
    }
}

fn stopped() -> Ended {
    Ended { outcome: outcome(TurnStatus::Interrupted, None), messages: Vec::new(), took: None }
}

fn failed(redactor: &car_engine::Redactor, error: &EngineError) -> TurnOutcome {
    let text = match error.hint() {
        Some(hint) => format!("{error}. {hint}"),
        None => error.to_string(),
    };
    outcome(TurnStatus::Failed, Some(redactor.redact(&text).into_owned()))
}

//! The two lanes of a topic. In one, what people say is taken in at once, one after the other; in the other, Codex works, one
//! turn after the other. Buttons and stopping wait for neither.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_engine::EngineError;
use car_engine::conversation::TurnControl;
use car_store::{Place, TurnRow};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bot::Bot;
use crate::intake::{Incoming, Said, What, command};
use crate::payload::Letter;
use crate::{buttons, commands, messages, turn};

/// Messages that wait in a topic before the sender does.
const CAPACITY: usize = 256;
/// Pause after the database failed.
const PAUSE: Duration = Duration::from_secs(5);

/// A topic at work.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) place: Place,
    pub(crate) control: mpsc::Sender<Incoming>,
    /// Told when there is a turn to be worked on.
    pub(crate) work: Notify,
    running: Mutex<Option<Running>>,
    /// Turns up to this number are ended when they begin.
    stopped_through: AtomicI64,
}

/// The turn a topic works on.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    /// Its number.
    pub(crate) turn: i64,
    /// Stops and steers it, once Codex has taken it up.
    pub(crate) control: Option<TurnControl>,
    /// Ends it before Codex has taken it up.
    pub(crate) stop: CancellationToken,
}

impl Topic {
    /// The turn at work.
    pub(crate) fn running(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_running(&self, running: Option<Running>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    /// Stops what waits to be worked on. Said before looking whether something is at work, so that what begins at this moment
    /// is met one way or the other.
    pub(crate) fn stop_through(&self, turn: i64) {
        self.stopped_through.fetch_max(turn, Ordering::SeqCst);
    }

    /// Whether somebody stopped a turn before it began.
    pub(crate) fn is_stopped(&self, turn: i64) -> bool {
        turn <= self.stopped_through.load(Ordering::SeqCst)
    }

    /// Stops the turn at work; `false` when there is none.
    pub(crate) async fn stop(&self) -> Result<bool, EngineError> {
        let Some(running) = self.running() else { return Ok(false) };
        running.stop.cancel();
        if let Some(control) = running.control {
            control.interrupt().await?;
        }
        Ok(true)
    }
}

/// Starts both lanes of a topic.
pub(crate) fn start(bot: &Arc<Bot>, place: Place) -> Arc<Topic> {
    let (control, incoming) = mpsc::channel(CAPACITY);
    let topic = Arc::new(Topic {
        place,
        control,
        work: Notify::new(),
        running: Mutex::default(),
        stopped_through: AtomicI64::new(0),
    });
    bot.tasks.spawn(listen(Arc::clone(bot), Arc::clone(&topic), incoming));
    bot.tasks.spawn(work(Arc::clone(bot), Arc::clone(&topic)));
    topic
}

/// Whether something waits for nothing. Stopping waits while nothing is at work: what is to be stopped may just have been said.
pub(crate) fn is_urgent(topic: &Topic, incoming: &Incoming) -> bool {
    let is_stop = |name: &str| ["stop", "interrupt"].contains(&name);
    match &incoming.what {
        What::Pressed { .. } => true,
        What::Said(Said { command: Some(command), .. }) if is_stop(&command.name) => {
            topic.running().is_some()
        }
        What::Said(Said { command: Some(command), .. }) => commands::is_urgent(&command.name),
        What::Said(said) => command::is_stop_word(&said.text) && topic.running().is_some(),
        What::Edited { .. } => false,
    }
}

/// Parts of a message that is not whole yet.
struct Gathering {
    user: i64,
    album: Option<String>,
    parts: Vec<Incoming>,
    due: Instant,
}

async fn listen(bot: Arc<Bot>, topic: Arc<Topic>, mut incoming: mpsc::Receiver<Incoming>) {
    let mut gathered: Vec<Gathering> = Vec::new();
    loop {
        let due = gathered.iter().map(|gathering| gathering.due).min();
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let got = tokio::select! {
            () = bot.cancel.cancelled() => return,
            got = incoming.recv() => got,
            () = wait => {
                let now = Instant::now();
                let ready = gathered.extract_if(.., |gathering| gathering.due <= now);
                for gathering in ready.collect::<Vec<_>>() {
                    handle(&bot, &topic, gathering.parts).await;
                }
                continue;
            }
        };
        let Some(got) = got else { return };
        let user = got.user.id;
        // The later parts of a message that is for us need not say so.
        let goes_on = gathered.iter().any(|gathering| gathering.user == user);
        if !goes_on && !is_for_us(&bot, &topic, &got).await {
            continue;
        }
        match joins(&bot, &got) {
            Some(album) => {
                let due = Instant::now() + bot.options.gather;
                let open = gathered
                    .iter_mut()
                    .find(|gathering| gathering.user == user && gathering.album == album);
                match open {
                    Some(gathering) => {
                        gathering.parts.push(got);
                        gathering.due = due;
                    }
                    None => gathered.push(Gathering { user, album, parts: vec![got], due }),
                }
            }
            None => {
                // What somebody said before comes before.
                let own = gathered.extract_if(.., |gathering| gathering.user == user);
                for gathering in own.collect::<Vec<_>>() {
                    handle(&bot, &topic, gathering.parts).await;
                }
                handle(&bot, &topic, vec![got]).await;
            }
        }
    }
}

/// Whether a message is for the bot; what is not is done.
async fn is_for_us(bot: &Bot, topic: &Topic, incoming: &Incoming) -> bool {
    match messages::is_for_us(bot, topic.place, incoming).await {
        Ok(true) => true,
        Ok(false) => {
            if let Err(error) = bot.store.updates_done(&[incoming.update_id]).await {
                tracing::error!(error = %EngineError::from(error), "an update stays open");
            }
            false
        }
        Err(error) => {
            tracing::error!(%error, "it cannot be told for whom a message is");
            true
        }
    }
}

/// The album of a part of an album, `None` within for a part of a text, `None` for what stands alone.
fn joins(bot: &Bot, incoming: &Incoming) -> Option<Option<String>> {
    let What::Said(said) = &incoming.what else { return None };
    if said.album.is_some() {
        return Some(said.album.clone());
    }
    let is_text = said.command.is_none()
        && !command::is_stop_word(&said.text)
        && said.media.is_none()
        && !said.is_unknown
        && said.answers.is_none()
        && !said.text.starts_with('!')
        && !bot.options.gather.is_zero();
    is_text.then_some(None)
}

/// Handles what belongs together. Whatever goes wrong is said where it happened.
pub(crate) async fn handle(bot: &Arc<Bot>, topic: &Arc<Topic>, parts: Vec<Incoming>) {
    let Some(first) = parts.first() else { return };
    let handled = match &first.what {
        What::Pressed { query, data } => buttons::pressed(bot, first, query, data).await,
        What::Edited { text } => messages::edited(bot, topic, first, text).await,
        What::Said(said) => match &said.command {
            Some(command) => commands::run(bot, topic, first, command).await,
            None => messages::said(bot, topic, &parts).await,
        },
    };
    let Err(error) = handled else { return };
    tracing::warn!(%error, chat = first.chat, "something a person asked for failed");
    let said = match &first.what {
        What::Pressed { query, .. } => {
            let _ = bot.telegram.toast(query, Some(&error.to_string())).await;
            bot.store.updates_done(&[first.update_id]).await.map_err(EngineError::from)
        }
        _ => {
            for part in &parts[1..] {
                let _ = bot.store.updates_done(&[part.update_id]).await;
            }
            bot.answer(first, trouble(&bot.settings.redactor(), &error)).await
        }
    };
    if let Err(error) = said {
        tracing::error!(%error, "it could not be said either");
    }
}

/// An error as people in a chat read it.
pub(crate) fn trouble(redactor: &car_engine::Redactor, error: &EngineError) -> Letter {
    let said = error.to_string();
    let dot = if said.ends_with(['.', '!', '?']) { "" } else { "." };
    let text = match error.hint() {
        Some(hint) => format!("⚠ {said}{dot}\n{hint}"),
        None => format!("⚠ {said}{dot}"),
    };
    Letter::plain(redactor.redact(&text).into_owned())
}

async fn work(bot: Arc<Bot>, topic: Arc<Topic>) {
    loop {
        let turns = match bot.store.open_turns_of(topic.place).await {
            Ok(turns) => turns,
            Err(error) => {
                tracing::error!(error = %EngineError::from(error), "the turns cannot be read");
                Vec::new()
            }
        };
        let worked = match next(&turns) {
            Some(turn) => {
                let worked = turn::run(&bot, &topic, turn).await;
                topic.set_running(None);
                worked
            }
            None => {
                tokio::select! {
                    () = bot.cancel.cancelled() => return,
                    () = topic.work.notified() => {}
                }
                Ok(())
            }
        };
        if bot.cancel.is_cancelled() {
            return;
        }
        if let Err(error) = worked {
            tracing::error!(%error, "a turn cannot be worked on now");
            tokio::select! {
                () = bot.cancel.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// What is worked on next: what was begun before a restart, then what waits. Nobody said what to do with a held turn while
/// there was still something to choose, so it is like any other.
fn next(turns: &[TurnRow]) -> Option<&TurnRow> {
    ["running", "queued", "held"]
        .iter()
        .find_map(|state| turns.iter().find(|turn| turn.state == *state))
}

//! The card that shows what Codex does while it works: one message, changed at Telegram's pace.

use std::time::Duration;

use car_domain::format::{count, elapsed};
use car_domain::run::RunEvent;
use car_domain::text::headline;
use car_engine::conversation::TurnEvent;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::api::{Text, Trouble};
use crate::bot::Bot;
use crate::payload::{Button, Letter};
use crate::render;

/// Steps that are shown.
const SHOWN: usize = 3;
/// Characters of one of them.
const MAX_STEP: usize = 120;
/// A card without news is still changed that often, so that its time goes on.
const IDLE_GAP: Duration = Duration::from_secs(30);
/// How often the bot shows that it is writing.
const TYPING_GAP: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Debug)]
pub(super) struct Card {
    started: Instant,
    /// What stands above everything, such as that nothing is asked.
    warning: Option<&'static str>,
    state: String,
    thought: Option<String>,
    steps: Vec<String>,
    n_commands: u64,
    n_files: u64,
    pub(super) messages: Vec<String>,
    stop: String,
    // What was shown last, and when.
    shown: String,
    shown_at: Instant,
    typed_at: Option<Instant>,
    editing: Option<JoinHandle<Result<(), Trouble>>>,
}

impl Card {
    pub(super) fn new(turn: i64, warning: Option<&'static str>) -> Self {
        Self {
            started: Instant::now(),
            warning,
            state: "Working".to_owned(),
            thought: None,
            steps: Vec::new(),
            n_commands: 0,
            n_files: 0,
            messages: Vec::new(),
            stop: format!("s:{turn}"),
            shown: String::new(),
            shown_at: Instant::now(),
            typed_at: None,
            editing: None,
        }
    }

    pub(super) fn set_state(&mut self, state: impl Into<String>) {
        self.state = state.into();
    }

    /// Takes in what happened.
    pub(super) fn hear(&mut self, event: &TurnEvent) {
        match event {
            TurnEvent::Requested(request) => {
                self.state =
                    format!("Waiting for you: {}", headline(&request.headline(), MAX_STEP));
            }
            TurnEvent::Resolved { .. } => "Working".clone_into(&mut self.state),
            TurnEvent::Step(step) => self.step(step),
            TurnEvent::Stalled(_) => {
                "Codex says nothing any more; it is being stopped".clone_into(&mut self.state);
            }
            _ => {}
        }
    }

    fn step(&mut self, step: &RunEvent) {
        let line = match step {
            RunEvent::Reasoning { text } => {
                // Codex begins a thought with its title in bold.
                let title = text.split("**").nth(1).unwrap_or(text);
                self.thought = Some(headline(title, MAX_STEP));
                return;
            }
            RunEvent::Message { text } => {
                self.messages.push(text.clone());
                return;
            }
            RunEvent::CommandStarted { command, .. } => {
                self.n_commands += 1;
                format!("$ {command}")
            }
            RunEvent::CommandFinished { command, exit_code: Some(code), .. } if *code != 0 => {
                format!("✗ {command} ({code})")
            }
            RunEvent::FilesChanged { changes, status, .. } if status == "completed" => {
                self.n_files += changes.len() as u64;
                let names: Vec<&str> = changes
                    .iter()
                    .map(|change| change.path.rsplit('/').next().unwrap_or(&change.path))
                    .collect();
                format!("✎ {}", names.join(", "))
            }
            RunEvent::Steered { text } => format!("+ {text}"),
            RunEvent::Notice { text, .. } => format!("! {text}"),
            _ => return,
        };
        self.steps.push(headline(&line, MAX_STEP));
        if self.steps.len() > SHOWN {
            self.steps.remove(0);
        }
    }

    fn body(&self, with_time: bool) -> (String, String) {
        let time = if with_time {
            format!(" · {}", elapsed(self.started.elapsed()))
        } else {
            String::new()
        };
        let mut html = String::new();
        let mut plain = String::new();
        if let Some(warning) = self.warning {
            html.push_str(&format!("⚠ {}\n", render::escape(warning)));
            plain.push_str(&format!("⚠ {warning}\n"));
        }
        html.push_str(&format!("<b>{}</b>{time}", render::escape(&self.state)));
        plain.push_str(&format!("{}{time}", self.state));
        if let Some(thought) = &self.thought {
            html.push_str(&format!("\n<i>{}</i>", render::escape(thought)));
            plain.push_str(&format!("\n{thought}"));
        }
        for step in &self.steps {
            html.push_str(&format!("\n<code>{}</code>", render::escape(step)));
            plain.push_str(&format!("\n{step}"));
        }
        (html, plain)
    }

    /// The card as it is sent first.
    pub(super) fn letter(&self) -> Letter {
        let (html, plain) = self.body(false);
        let stop = Button::new("Stop", self.stop.clone());
        Letter { html: Some(html), ..Letter::plain(plain) }.buttons(vec![vec![stop]]).silent()
    }

    /// The card as it stays.
    pub(super) fn last(&self, word: &str) -> Letter {
        let mut text = format!("{word} · {}", elapsed(self.started.elapsed()));
        if self.n_commands > 0 {
            text.push_str(&format!(" · {}", count(self.n_commands, "command", "commands")));
        }
        if self.n_files > 0 {
            text.push_str(&format!(" · {} changed", count(self.n_files, "file", "files")));
        }
        Letter::plain(text)
    }

    /// Changes the message when there is something new and it is time, and shows that the bot is writing. Never waits.
    pub(super) fn show(&mut self, bot: &Bot, place: car_store::Place, message: Option<i64>) {
        self.settle(bot, place.chat);
        let now = Instant::now();
        if self.typed_at.is_none_or(|at| now.duration_since(at) >= TYPING_GAP) {
            self.typed_at = Some(now);
            let telegram = bot.telegram.clone();
            // Nobody misses it when it fails.
            bot.tasks.spawn(async move { telegram.typing(place.chat, place.topic).await });
        }
        let Some(message) = message.filter(|_| self.editing.is_none()) else { return };
        let (_, news) = self.body(false);
        let gap =
            if news == self.shown { IDLE_GAP } else { bot.outbox.pace().edit_gap(place.chat) };
        if now.duration_since(self.shown_at) < gap || !bot.outbox.pace().try_take(place.chat) {
            return;
        }
        let (html, plain) = self.body(true);
        (self.shown, self.shown_at) = (news, now);
        let (telegram, stop) = (bot.telegram.clone(), Button::new("Stop", self.stop.clone()));
        self.editing = Some(bot.tasks.spawn(async move {
            let buttons = [vec![stop]];
            let text = Text { html: Some(&html), plain: &plain, buttons: &buttons };
            telegram.rewrite(place.chat, message, text).await
        }));
    }

    fn settle(&mut self, bot: &Bot, chat: i64) {
        let Some(done) = self.editing.take_if(|editing| editing.is_finished()) else { return };
        // It is finished, so this does not wait.
        if let Some(Ok(Err(Trouble::RetryAfter(after)))) = futures::FutureExt::now_or_never(done) {
            // The pause holds for everything in the chat.
            bot.outbox.pace().block(chat, after);
        }
    }

    /// Waits until no change is on its way: the last one must not be overtaken.
    pub(super) async fn finish(&mut self) {
        if let Some(editing) = self.editing.take() {
            let _ = editing.await;
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

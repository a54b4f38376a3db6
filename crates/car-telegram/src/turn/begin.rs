//! How a turn begins: once, however often the bot and Codex end meanwhile.

use std::path::Path;
use std::time::Duration;

use car_domain::conversation::TurnStatus;
use car_engine::conversation::{FoundTurn, Turn, TurnRequest};
use car_engine::{EngineError, ErrorKind, now};

use super::answer::Ended;
use super::run::{AtWork, outcome};
use super::{Review, Work};
use crate::codexes::Codex;
use crate::topic::Bound;

/// Tries to start a turn when the connection to Codex is lost in that very moment.
const MAX_STARTS: u32 = 4;
/// Characters of a conversation's beginning that are remembered.
const MAX_PREVIEW: usize = 200;

/// Why a turn was cut off while nobody followed it: Codex does not say who or what did it.
const UNSEEN: &str = "It ended early while the bot was away, because somebody stopped it or Codex itself ended. What was done so far is kept in the conversation.";

/// A turn that Codex knows.
pub(super) enum Begun {
    Running(Turn),
    Ended(Ended),
}

impl AtWork<'_> {
    /// The turn as it was begun before a restart; `None` when Codex has never heard of it.
    pub(super) async fn begun(
        &self,
        codex: &Codex,
        work: &Work,
    ) -> Result<Option<Begun>, EngineError> {
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
    pub(super) async fn thread(
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

    pub(super) async fn start(
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
                            if bound.settings.seed.take().is_some() {
                                bound.keep(store).await?;
                            }
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

    pub(super) async fn review(
        &self,
        codex: &Codex,
        thread: &str,
        review: &Review,
    ) -> Result<Turn, EngineError> {
        let turn = codex.review(thread, review.target()).await?;
        self.bot.store.turn_runs(self.row.id, Some(thread), Some(turn.turn_id()), now()).await?;
        Ok(turn)
    }
}

fn ended_of(found: FoundTurn) -> Ended {
    let status = found.info.status.unwrap_or(TurnStatus::Interrupted);
    let mut why = found.info.error;
    if status == TurnStatus::Interrupted && why.is_none() {
        why = Some(UNSEEN.to_owned());
    }
    Ended { outcome: outcome(status, why), messages: found.messages, took: None }
}

/// The bot was restarted at a bad moment and cannot tell what became of the work.
fn cut() -> Ended {
    let why = "The bot was restarted in the middle of this, and Codex cannot say what became of it. Please ask again.";
    let outcome = outcome(TurnStatus::Interrupted, Some(why.to_owned()));
    Ended { outcome, messages: Vec::new(), took: None }
}

//! A run over the Codex server (`runner.driver: app_server`): one turn in a thread of its own, with the events, logs and
//! outcome of a run by `codex exec`. On top of that the turn can ask, and be steered.
//!
//! The turn does not end with its runner. A server that watches the repository ends what a dead runner left at once, otherwise the
//! next one that holds the lock does.

use std::path::PathBuf;
use std::time::Duration;

use car_agent::Exit;
use car_domain::conversation::{RequestSubject, TurnOutcome, TurnStatus};
use car_domain::run::{NoticeLevel, Outcome, RunEnd, RunEvent};
use car_domain::state::RunningTurn;
use car_domain::view::Activity;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::codex_args::TurnSettings;
use super::execute::{NEVER, RunContext, deadline};
use super::journal::RunJournal;
use super::looping::RunnerNews;
use super::signals::asked;
use super::state_file::change_state;
use super::status::standing;
use super::verdict::{Cut, Heard, run_end_of};
use crate::conversation::{CodexSetup, Conversations, Turn, TurnEvent, TurnRequest};
use crate::notifications::{self, Notice};
use crate::served::blocking;
use crate::{EngineError, Repo};

/// Signal that stands for an interrupted turn in the outcome, as for an agent that was told to end.
const SIGTERM: i32 = 15;
/// How long an interrupted turn may take to end; measured: 20 ms.
const END_PATIENCE: Duration = Duration::from_secs(15);

impl RunContext<'_> {
    /// Runs one turn to its end.
    pub(super) async fn converse(
        &mut self,
        journal: &mut RunJournal,
        prompt: String,
        heard: &mut Heard,
    ) -> Result<RunEnd, EngineError> {
        let codex = &self.repo.config().codex;
        let settings = TurnSettings::read(&codex.args);
        let request = TurnRequest {
            approvals: settings.approvals,
            sandbox: settings.sandbox,
            model: codex.model.clone().filter(|model| !model.is_empty()).or(settings.model),
            effort: codex.reasoning.clone().filter(|effort| !effort.is_empty()).or(settings.effort),
            // The run has limits of its own.
            stall_after: None,
            ..TurnRequest::new(self.repo.root(), prompt)
        };
        for words in settings.ignored {
            let text = format!("`{words}` in codex.args has no meaning for the Codex server");
            self.note(journal, heard, RunEvent::Notice { level: NoticeLevel::Warning, text })?;
        }
        let setup = CodexSetup { config: settings.config, ..CodexSetup::of(self.repo) };
        let conversations = Conversations::new(setup);
        let started = conversations.turn(request).await;
        let result = match started {
            Ok(mut turn) => self.follow(journal, &conversations, &mut turn, heard).await,
            Err(error) => Err(error),
        };
        conversations.close().await;
        result
    }

    /// Writes down what the turn says until it is over; a turn that cannot be recorded is ended.
    async fn follow(
        &mut self,
        journal: &mut RunJournal,
        conversations: &Conversations,
        turn: &mut Turn,
        heard: &mut Heard,
    ) -> Result<RunEnd, EngineError> {
        let running = RunningTurn {
            thread_id: turn.thread_id().to_owned(),
            turn_id: turn.turn_id().to_owned(),
            asks: None,
            is_question: false,
        };
        let begun = change_state(self.repo, |state| state.turn = Some(running));
        let followed = match begun {
            Ok(_) => self.listen(journal, conversations, turn, heard).await,
            Err(error) => Err(error),
        };
        if followed.is_err() {
            // Nothing may work on unrecorded. The turn is over before anybody hears of the trouble.
            let _ = turn.interrupt().await;
            let _ = tokio::time::timeout(END_PATIENCE, until_end(turn)).await;
        }
        followed
    }

    async fn listen(
        &mut self,
        journal: &mut RunJournal,
        conversations: &Conversations,
        turn: &mut Turn,
        heard: &mut Heard,
    ) -> Result<RunEnd, EngineError> {
        let thread_id = turn.thread_id().to_owned();
        self.note(journal, heard, RunEvent::ThreadStarted { thread_id })?;
        if conversations.is_alone() {
            let text = "This version of Codex cannot serve several programs: the run can neither be steered nor answered \
                        from elsewhere."
                .to_owned();
            self.note(journal, heard, RunEvent::Notice { level: NoticeLevel::Warning, text })?;
        }
        let runner = self.repo.config().runner.clone();
        let run_end = deadline(runner.max_run());
        let wallclock_end = self.wallclock_end.unwrap_or_else(|| Instant::now() + NEVER);
        let mut idle_end = deadline(runner.idle_timeout());
        let mut patience_end = Instant::now() + NEVER;
        let (mut cut, mut asking) = (None, Asking::default());
        loop {
            let free = cut.is_none();
            let now_cut = tokio::select! {
                event = turn.next() => {
                    let Some(event) = event else { return Ok(ended(None, cut, heard)) };
                    // An endless row of failed connections is no sign of life.
                    if !is_retry(&event) {
                        idle_end = deadline(runner.idle_timeout());
                    }
                    if let TurnEvent::Finished(outcome) = event {
                        return Ok(ended(Some(outcome), cut, heard));
                    }
                    self.hear(journal, heard, &mut asking, &event)?;
                    continue;
                }
                source = asked(self.stop), if free => Cut::Asked(source),
                // While a person is being asked, silence is right.
                () = sleep_until(idle_end), if free && asking.open.is_empty() => Cut::Idle(runner.idle_timeout().unwrap_or_default()),
                () = sleep_until(run_end), if free => Cut::RunTime(runner.max_run().unwrap_or_default()),
                () = sleep_until(wallclock_end), if free => Cut::WallClock,
                () = sleep_until(patience_end) => return Ok(ended(None, cut, heard)),
            };
            cut = Some(now_cut);
            patience_end = Instant::now() + END_PATIENCE;
            if let Err(error) = turn.interrupt().await {
                tracing::warn!(%error, "the turn cannot be interrupted");
            }
        }
    }

    fn hear(
        &mut self,
        journal: &mut RunJournal,
        heard: &mut Heard,
        asking: &mut Asking,
        event: &TurnEvent,
    ) -> Result<(), EngineError> {
        match event {
            TurnEvent::Requested(request) => {
                let is_question = matches!(request.subject, RequestSubject::Questions { .. });
                asking.open.push((request.id.clone(), request.headline(), is_question));
                let notice = Notice::needs_approval(self.repo, &request.id, &request.headline());
                notifications::announce_or_warn(self.repo, &notice);
                let root = self.repo.root().to_path_buf();
                asking.telling.spawn(async move { notifications::deliver_briefly(&root).await });
            }
            TurnEvent::Resolved { request_id, .. } => {
                asking.open.retain(|(id, ..)| id != request_id);
            }
            _ => {}
        }
        if let Some(step) = event.step() {
            self.note(journal, heard, step)?;
        } else {
            (self.news)(RunnerNews::Live(event));
        }
        if matches!(event, TurnEvent::Requested(_) | TurnEvent::Resolved { .. }) {
            let asks = asking.open.first().cloned();
            change_state(self.repo, |state| {
                if let Some(turn) = &mut state.turn {
                    turn.is_question = asks.as_ref().is_some_and(|(.., is_question)| *is_question);
                    turn.asks = asks.map(|(_, headline, _)| headline);
                }
            })?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        journal: &mut RunJournal,
        heard: &mut Heard,
        event: RunEvent,
    ) -> Result<(), EngineError> {
        heard.note(&event);
        self.record(journal, event)
    }
}

/// What waits for a person.
#[derive(Default)]
struct Asking {
    /// Id and headline of each open request, and whether it is a question.
    open: Vec<(String, String, bool)>,
    /// Notifications on their way. What is not sent by the end of the turn is sent by whoever delivers next.
    telling: JoinSet<()>,
}

/// Ends the turn that a dead runner of the repository at `root` left running. Whoever holds the lock next settles everything else.
pub(crate) async fn end_turn_left_behind(root: PathBuf) {
    let left = blocking(move || {
        let repo = Repo::open(&root)?;
        let standing = standing(&repo)?;
        let is_dead = standing.view.activity == Activity::Interrupted;
        Ok(standing.state.turn.filter(|_| is_dead).map(|turn| (repo, turn)))
    });
    match left.await {
        Ok(Some((repo, turn))) => end_left_turn(&repo, &turn).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "whether a dead runner left a turn is not known"),
    }
}

/// Ends the turn a runner that died left running, where its server still does. Nothing is started for that.
pub(super) async fn end_left_turn(repo: &Repo, turn: &RunningTurn) {
    let conversations = Conversations::new(CodexSetup::of(repo));
    if !conversations.has_server().await {
        return;
    }
    if let Err(error) = conversations.interrupt(&turn.thread_id, &turn.turn_id).await {
        tracing::warn!(%error, "the turn of the dead runner cannot be ended");
    }
    conversations.close().await;
}

async fn until_end(turn: &mut Turn) {
    while turn.next().await.is_some() {}
}

fn is_retry(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Step(RunEvent::Notice { level: NoticeLevel::Warning, .. }))
}

/// The end of the run, in the words of a run by `codex exec`.
fn ended(outcome: Option<TurnOutcome>, cut: Option<Cut>, heard: &mut Heard) -> RunEnd {
    let status = outcome.as_ref().map(|outcome| outcome.status);
    let error = outcome.and_then(|outcome| outcome.error);
    match (status, cut) {
        (Some(TurnStatus::Completed), None) => {
            run_end_of(Exit { code: Some(0), signal: None }, None, heard)
        }
        (Some(TurnStatus::Failed), None) => {
            heard.failure = error.or(heard.failure.take());
            run_end_of(Exit { code: Some(1), signal: None }, None, heard)
        }
        (_, Some(cut)) => run_end_of(Exit { code: None, signal: Some(SIGTERM) }, Some(cut), heard),
        // Nobody here asked for it: another door, or the end of the server, which says so.
        (_, None) => RunEnd {
            outcome: if error.is_some() { Outcome::Failed } else { Outcome::Stopped },
            exit_code: None,
            signal: None,
            reason: error
                .or_else(|| Some("The turn was interrupted from outside the loop.".to_owned())),
        },
    }
}

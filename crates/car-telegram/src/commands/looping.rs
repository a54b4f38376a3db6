//! Commands about the loop: start, stop, look.

use car_domain::changes::Compared;
use car_domain::format::took;
use car_engine::checkpoints::{Changes, PatchForm};
use car_engine::runner::{self, StopReport, standing};
use car_engine::runs::OpenRuns;
use car_engine::{EngineError, History, blocking};

use super::Call;
use crate::workspace;

/// Runs that are listed.
const MAX_RUNS: usize = 10;
/// Lines of a log that are shown.
const TAIL_LINES: usize = 30;
/// Bytes of a diff that are sent.
const MAX_DIFF: usize = 2 << 20;

pub(super) async fn start(call: Call<'_>, once: bool) -> Result<(), EngineError> {
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let pid = runner::start_detached(&repo, &call.bot.options.program, once).await?;
    call.record(if once { "once" } else { "run" }, &repo.name()).await?;
    let what = if once { "One run" } else { "The loop" };
    call.say(&format!(
        "{what} of **{}** has started (pid {pid}). /stop ends it, /tail shows its log.",
        repo.name()
    ))
    .await
}

pub(super) async fn stop(call: Call<'_>) -> Result<(), EngineError> {
    if super::talk::stop_here(call.bot, call.topic).await? {
        return super::talk::stopping(call.bot, call.incoming).await;
    }
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let now = call.word() == "now";
    let report = if now {
        runner::stop_now(&repo).await?
    } else {
        let repo = repo.clone();
        blocking(move || runner::stop(&repo)).await?
    };
    call.record("stop", &repo.name()).await?;
    match report {
        StopReport::NotRunning => {
            call.say("Nothing is at work: neither Codex here nor the loop.").await
        }
        StopReport::Runner(_) if now => call.say("The loop was ended.").await,
        StopReport::Runner(_) => {
            call.say("The loop stops after the present run. `/stop now` ends it at once.").await
        }
    }
}

pub(super) async fn runs(call: Call<'_>) -> Result<(), EngineError> {
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let lines = blocking(move || {
        let (history, open) = (History::new(&repo), OpenRuns::of(&repo)?);
        let newest = history.runs().into_iter().rev().take(MAX_RUNS);
        let line = |run| {
            let summary = history.summary(run)?;
            let record = open.record(&summary);
            let time = record.duration_ms.map(|ms| took(std::time::Duration::from_millis(ms)));
            let words = record.headline.or(record.item).unwrap_or_default();
            let words = car_domain::text::headline(&words, 100);
            Some(format!(
                "- **{run}** {}{}: {words}",
                record.outcome,
                time.map(|t| format!(", {t}")).unwrap_or_default()
            ))
        };
        Ok(newest.filter_map(line).collect::<Vec<_>>())
    })
    .await?;
    if lines.is_empty() {
        return call.say("There were no runs yet. /run starts the loop.").await;
    }
    call.say(&lines.join("\n")).await
}

pub(super) async fn tail(call: Call<'_>) -> Result<(), EngineError> {
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let n = call.words.first().and_then(|word| word.parse().ok());
    let lines: usize = n.unwrap_or(TAIL_LINES).clamp(1, 500);
    let (title, text) = blocking(move || {
        let view = standing(&repo)?.view;
        let (text, _) = History::new(&repo).log_tail(lines)?;
        Ok((format!("{}: {}", repo.name(), view.activity.word()), text))
    })
    .await?;
    let text = call.bot.settings.redactor().redact(&text).into_owned();
    call.show(&title, "log.txt", &text).await
}

pub(super) async fn todo(call: Call<'_>) -> Result<(), EngineError> {
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let list = blocking(move || repo.docs().todo()).await?;
    if list.items.is_empty() {
        return call.say("The TODO list is empty.").await;
    }
    let open = list.items.iter().filter(|item| !item.done);
    let shown: Vec<String> = open
        .take(40)
        .map(|item| format!("{}- [ ] {}", "  ".repeat(item.depth), item.text))
        .collect();
    let total = list.n_done() + list.n_open();
    let more = list.n_open().saturating_sub(shown.len());
    let more = if more > 0 { format!("\n\nand {more} more") } else { String::new() };
    call.say(&format!("**{} of {total} done**\n\n{}{more}", list.n_done(), shown.join("\n"))).await
}

pub(super) async fn diff(call: Call<'_>) -> Result<(), EngineError> {
    let repo = workspace::repo_of(call.bot, &call.bound).await?;
    let (title, changes) = match call.words.first() {
        None => {
            ("What is not committed".to_owned(), Changes::of(&repo, Compared::Uncommitted).await?)
        }
        Some(word) => {
            let run = word.parse().map_err(|_| {
                EngineError::invalid(format!("{word} is no number of a run"))
                    .with_hint("/runs shows them; without a number it is what is not committed")
            })?;
            (format!("What run {run} changed"), Changes::of_run(&repo, run).await?)
        }
    };
    let mut patch = Vec::new();
    let keep = |piece: &[u8]| {
        let room = MAX_DIFF.saturating_sub(patch.len());
        patch.extend_from_slice(&piece[..piece.len().min(room)]);
    };
    changes.write(PatchForm::Unified, repo.root(), &[], keep).await?;
    if patch.is_empty() {
        return call.say(&format!("{title}: nothing.")).await;
    }
    let text = String::from_utf8_lossy(&patch).into_owned();
    call.show(&title, "changes.diff", &text).await
}

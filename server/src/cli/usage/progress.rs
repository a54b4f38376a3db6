//! Bringing the index of token usage up to date, with a bar on a terminal when it takes long.

use car_engine::usage::{Refreshed, TokenUsage, UsageProgress};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::super::error::CliError;
use super::super::ui;

/// From this many bytes on reading is long enough for a bar.
const WORTH_A_BAR: u64 = 50_000_000;
/// Most complaints about single files.
const MAX_COMPLAINTS: usize = 5;

/// Reads what is new. Interrupted, it goes on the next time.
pub(super) async fn refresh(usage: &TokenUsage) -> Result<(), CliError> {
    let (progress, mut seen) = watch::channel(UsageProgress::default());
    let cancel = CancellationToken::new();
    let mut work = std::pin::pin!(usage.refresh(true, &progress, &cancel));
    let mut bar = None;
    let refreshed = loop {
        tokio::select! {
            refreshed = &mut work => break refreshed?,
            changed = seen.changed() => {
                if changed.is_ok() {
                    draw(&mut bar, *seen.borrow_and_update());
                }
            }
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if let Refreshed::Ready { unreadable } = refreshed {
        for what in unreadable.iter().take(MAX_COMPLAINTS) {
            ui::say(&format!("not counted, cannot be read: {what}"));
        }
        if unreadable.len() > MAX_COMPLAINTS {
            ui::say(&format!("and {} more", unreadable.len() - MAX_COMPLAINTS));
        }
    }
    Ok(())
}

/// Draws on standard error, and only when that is a terminal.
fn draw(bar: &mut Option<ProgressBar>, progress: UsageProgress) {
    if progress.bytes < WORTH_A_BAR {
        return;
    }
    let bar = bar.get_or_insert_with(|| {
        let template = "Reading sessions of Codex {bar:30} {bytes}/{total_bytes}  {eta} left";
        let style = ProgressStyle::with_template(template);
        ProgressBar::new(progress.bytes)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    bar.set_length(progress.bytes);
    bar.set_position(progress.bytes_done);
}

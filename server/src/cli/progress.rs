//! Showing how far long work is: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use car_engine::EngineError;
use car_engine::hub::Reporter;
use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;

/// How often the wheel turns.
const TICK: Duration = Duration::from_millis(120);

/// Does `work` and shows its progress. An interrupt drops it, which leaves nothing half done.
pub(super) fn with_progress<T, F>(work: impl FnOnce(Reporter) -> F) -> Result<T, CliError>
where
    F: Future<Output = Result<T, EngineError>>,
{
    let bar = bar();
    let shown = bar.clone();
    let reporter = Reporter::new(move |step| {
        shown.set_length(step.total.unwrap_or(0));
        shown.set_position(step.done.unwrap_or(0));
        let numbers = match (step.done, step.total) {
            (Some(done), Some(total)) if total > 0 => format!(" {done}/{total}"),
            _ => String::new(),
        };
        shown.set_message(format!("{}{numbers}", step.text));
    });
    let result = super::block_on(async {
        tokio::select! {
            result = work(reporter) => Ok(result?),
            _ = tokio::signal::ctrl_c() => Err(CliError::interrupted()),
        }
    });
    bar.finish_and_clear();
    result
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

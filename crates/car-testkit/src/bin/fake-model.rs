//! Serves the TODO script by hand and for Playwright.
//!
//! Usage: `fake-model [TODO_PATH]`. The URL for a Codex model provider goes to standard output; the
//! server ends with its standard input, with exit code 1 and a list if it was asked wrongly.

use std::io::{self, Write};
use std::process::ExitCode;

use car_testkit::model::{FakeModel, TodoScript};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let todo = std::env::args().nth(1).unwrap_or_else(|| ".codex-autorunner/TODO.md".to_owned());
    let model = FakeModel::start(TodoScript::new(&todo)).await;
    writeln!(io::stdout(), "{}", model.base_url())?;

    io::copy(&mut io::stdin(), &mut io::sink())?;
    let violations = model.finish();
    for violation in &violations {
        writeln!(io::stderr(), "{violation}")?;
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! `car edit`

use std::process::{Command, ExitCode};

use car_domain::docs::DocKind;
use clap::Args;

use super::error::CliError;
use super::{CommandResult, RepoArg, ui};

/// Open a document in your editor ($VISUAL or $EDITOR)
#[derive(Args)]
#[command(after_help = "Example: EDITOR=\"code --wait\" car edit todo")]
pub(crate) struct EditArgs {
    /// todo, progress, opinions, spec or summary
    target: String,
    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &EditArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let kind = DocKind::parse(&args.target).filter(|kind| DocKind::WORK.contains(kind));
    let kind = kind.ok_or_else(|| {
        CliError::other("Invalid target; choose todo, progress, opinions, spec, or summary")
    })?;
    let docs = repo.docs();
    docs.observe("outside")?;
    let path = docs.path(kind);
    let editor = editor()?;
    ui::out(&format!("Opening {} with {}", path.display(), editor.join(" ")));
    let (program, words) = editor.split_first().ok_or_else(no_editor)?;
    let status = Command::new(program).args(words).arg(&path).status().map_err(|error| {
        CliError::other(format!("cannot start the editor `{program}`: {error}"))
            .with_hint("set VISUAL or EDITOR to a program that is installed")
    })?;
    docs.observe("command line")?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(CliError::other(format!("the editor `{program}` failed: {status}")))
}

/// The editor's command line, split as a shell does.
fn editor() -> Result<Vec<String>, CliError> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let (name, line) = match (set("VISUAL"), set("EDITOR")) {
        (Some(line), _) => ("VISUAL", line),
        (None, Some(line)) => ("EDITOR", line),
        (None, None) => return Ok(vec!["vi".to_owned()]),
    };
    let words = shell_words::split(&line);
    words.map_err(|error| CliError::other(format!("{name} cannot be read: {error}")))
}

fn no_editor() -> CliError {
    CliError::other("no editor is set").with_hint("set VISUAL or EDITOR")
}

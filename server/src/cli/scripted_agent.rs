//! `car scripted-agent`, hidden: the agent of the demonstration. Speaks the JSON events of `codex exec --json`.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use car_engine::demo::ScriptedAgent;
use clap::Args;
use serde_json::Value;

use super::{CliError, CommandResult, block_on, ui};

/// Work on the first open TODO item by script; the prompt comes from standard input
#[derive(Args)]
pub(crate) struct ScriptedAgentArgs {
    /// Milliseconds each step takes at least
    #[arg(long, default_value_t = 400)]
    pace_ms: u64,
    /// Print JSON events; always on
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ScriptedAgentArgs) -> CommandResult {
    let failed = |error| CliError::other(format!("the scripted agent cannot work: {error}"));
    let mut prompt = String::new();
    std::io::stdin().read_to_string(&mut prompt).map_err(failed)?;
    let mut agent = ScriptedAgent::new(Path::new("."), Duration::from_millis(args.pace_ms));
    let mut emit = |event: &Value| ui::out(&event.to_string());
    block_on(async { agent.work(&prompt, &mut emit).await.map_err(failed) })?;
    Ok(ExitCode::SUCCESS)
}

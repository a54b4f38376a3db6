//! `car doctor`

use std::process::ExitCode;

use car_engine::doctor::{Check, check};
use clap::Args;
use serde_json::{Value, json};

use super::{CommandResult, RepoArg, block_on, ui};

/// Check that everything a loop needs is there
#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DoctorArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let checks = block_on(async { Ok(check(&repo).await) })?;
    let n_problems = checks.iter().filter(|check| check.problem.is_some()).count();
    if args.json {
        let list: Vec<Value> = checks.iter().map(as_json).collect();
        ui::out(&format!("{:#}", json!({ "ok": n_problems == 0, "checks": list })));
    } else {
        for check in &checks {
            match &check.problem {
                None => ui::say(&format!("ok    {}: {}", check.name, check.found)),
                Some(problem) => ui::say(&format!("FAIL  {problem}")),
            }
            if let Some(hint) = check.problem.as_ref().and(check.hint.as_ref()) {
                ui::say(&format!("      {hint}"));
            }
        }
        if n_problems == 0 {
            ui::out("Doctor check passed");
        }
    }
    Ok(if n_problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(check: &Check) -> Value {
    json!({
        "name": check.name,
        "ok": check.problem.is_none(),
        "found": check.found,
        "problem": check.problem,
        "hint": check.hint,
    })
}

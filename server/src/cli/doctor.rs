//! `car doctor`

use std::process::ExitCode;

use car_engine::doctor::{Check, attack, check};
use clap::Args;
use serde_json::{Value, json};

use super::{CommandResult, RepoArg, block_on, ui};

/// Check that everything a loop needs is there
#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Attack the running server instead and say what it refuses
    #[arg(long)]
    security: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DoctorArgs) -> CommandResult {
    if args.security {
        return security(args);
    }
    let repo = args.repo.open()?;
    let checks = block_on(async { Ok(check(&repo).await) })?;
    let n_problems = checks.iter().filter(|check| check.problem.is_some()).count();
    if args.json {
        print_json(&checks);
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
    Ok(exit(&checks))
}

/// One line for each attack.
fn security(args: &DoctorArgs) -> CommandResult {
    let root = car_engine::find_root_config(args.repo.path())?;
    let checks = block_on(async { Ok(attack(&root).await?) })?;
    if args.json {
        print_json(&checks);
        return Ok(exit(&checks));
    }
    for check in &checks {
        match &check.problem {
            None => ui::out(&format!("PASS  {}: {}", check.name, check.found)),
            Some(problem) => ui::out(&format!("FAIL  {problem}")),
        }
        if let Some(hint) = check.problem.as_ref().and(check.hint.as_ref()) {
            ui::out(&format!("      {hint}"));
        }
    }
    Ok(exit(&checks))
}

fn exit(checks: &[Check]) -> ExitCode {
    if checks.iter().all(|check| check.problem.is_none()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_json(checks: &[Check]) {
    let is_well = checks.iter().all(|check| check.problem.is_none());
    let list: Vec<Value> = checks.iter().map(as_json).collect();
    ui::out(&format!("{:#}", json!({ "ok": is_well, "checks": list })));
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

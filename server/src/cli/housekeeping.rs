//! `car housekeeping`

use std::path::PathBuf;
use std::process::ExitCode;

use car_engine::Served;
use car_engine::housekeeping::{Cleaning, Report, clean};
use clap::Args;

use super::{CommandResult, RepoArg, logging, ui};

/// Delete what is old in the repository, or in every repository of the hub
#[derive(Args)]
#[command(after_help = "Example: car housekeeping --dry-run")]
pub(crate) struct HousekeepingArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &HousekeepingArgs) -> CommandResult {
    logging::start();
    let root = car_engine::find_root_config(args.repo.path())?;
    let served = Served::open(&root, Vec::new())?;
    let mut roots: Vec<PathBuf> = served.roots().into_iter().map(|(_, root)| root).collect();
    roots.retain(|other| *other != root);
    roots.insert(0, root.clone());
    let mut reports = Vec::new();
    for other in roots {
        let cleaning =
            Cleaning { dry_run: args.dry_run, without_home: other != root, ..Cleaning::default() };
        reports.push(clean(&other, &cleaning)?);
    }
    if args.json {
        let json = serde_json::to_string_pretty(&reports);
        ui::out(&json.map_err(|error| super::CliError::other(error.to_string()))?);
    } else {
        ui::out(&reports.iter().map(as_text).collect::<Vec<_>>().join("\n"));
    }
    let failed =
        reports.iter().any(|report| report.rules.iter().any(|rule| !rule.errors.is_empty()));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_text(report: &Report) -> String {
    let root = report.root.display();
    if !report.enabled {
        return format!("{root}: housekeeping is disabled");
    }
    let mut lines = Vec::new();
    for rule in &report.rules {
        let mut what = Vec::new();
        let verb = |done, would| if report.dry_run { would } else { done };
        if rule.deleted_count > 0 {
            let (files, bytes) = (rule.deleted_count, rule.deleted_bytes);
            what.push(format!("{} {files} ({bytes} bytes)", verb("deleted", "would delete")));
        }
        if rule.truncated_bytes > 0 {
            let bytes = rule.truncated_bytes;
            what.push(format!("{} {bytes} bytes", verb("cut off", "would cut off")));
        }
        what.extend(rule.errors.iter().cloned());
        if !what.is_empty() {
            lines.push(format!("  {}: {}", rule.name, what.join("; ")));
        }
    }
    if lines.is_empty() {
        return format!("{root}: nothing to do");
    }
    format!("{root}:\n{}", lines.join("\n"))
}

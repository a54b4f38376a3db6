//! Housekeeping: what is old or large in `.codex-autorunner` goes, by the rules of the configuration.
//!
//! A rule reaches only files below the `.codex-autorunner` of its own root (and, in a hub, one log in the home directory that
//! the Python version left). It follows no symbolic link, enters no git directory, and leaves alone what CAR itself needs.
//! Everything that bounds itself is no business of these rules: documents' histories, checkpoints, the outbox, rotated logs.

mod choice;
mod directory;
mod file;
mod place;
mod terminals;
mod tree;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::EngineError;
use crate::config::{self, Config, HousekeepingKind, HousekeepingRule, Mode};
use place::Place;

/// How to clean.
#[derive(Clone, Debug, Default)]
pub struct Cleaning {
    /// Only count.
    pub dry_run: bool,
    /// Leave out the log in the home directory; it is one for all roots.
    pub without_home: bool,
    /// Ends the work between two files.
    pub cancel: CancellationToken,
}

/// What one rule did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleReport {
    /// Name of the rule.
    pub name: String,
    /// `directory` or `file`.
    pub kind: HousekeepingKind,
    /// Files looked at. A run's log and journal count as one.
    pub scanned_count: u64,
    /// Of these, old enough to be touched.
    pub eligible_count: u64,
    /// Deleted.
    pub deleted_count: u64,
    /// Their bytes.
    pub deleted_bytes: u64,
    /// Bytes cut off the beginning of a file.
    pub truncated_bytes: u64,
    /// What could not be done.
    pub errors: Vec<String>,
    /// Time it took.
    pub duration_ms: u64,
}

/// What happened in one root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The root.
    pub root: PathBuf,
    /// Whether anything is done there at all.
    pub enabled: bool,
    /// Whether it was only counted.
    pub dry_run: bool,
    /// Each rule.
    pub rules: Vec<RuleReport>,
}

/// Applies the rules of the root `root`.
///
/// # Errors
/// When the configuration cannot be read. Trouble with files is told in the report.
pub fn clean(root: &Path, cleaning: &Cleaning) -> Result<Report, EngineError> {
    let (config, env) = config::load_with_env(root)?;
    let dry_run = cleaning.dry_run || config.housekeeping.dry_run;
    let mut report = Report {
        root: root.to_path_buf(),
        enabled: config.housekeeping.enabled,
        dry_run,
        rules: Vec::new(),
    };
    if !report.enabled {
        return Ok(report);
    }
    let home = env.var("HOME").filter(|_| !cleaning.without_home).map(PathBuf::from);
    for rule in config.housekeeping.effective_rules(config.mode) {
        if cleaning.cancel.is_cancelled() {
            break;
        }
        let Some(done) = apply(root, home.as_deref(), &config, &rule, dry_run, cleaning) else {
            continue;
        };
        tell(root, &done, dry_run);
        report.rules.push(done);
    }
    Ok(report)
}

/// What a rule works with besides its own limits.
struct Job<'a> {
    rule: &'a HousekeepingRule,
    place: &'a Place,
    config: &'a Config,
    min_age: Duration,
    now: SystemTime,
    dry_run: bool,
    cancel: &'a CancellationToken,
}

fn apply(
    root: &Path,
    home: Option<&Path>,
    config: &Config,
    rule: &HousekeepingRule,
    dry_run: bool,
    cleaning: &Cleaning,
) -> Option<RuleReport> {
    let began = std::time::Instant::now();
    let mut report =
        RuleReport { name: rule.name.clone(), kind: rule.kind, ..RuleReport::default() };
    match Place::of(root, home, config.mode == Mode::Hub, rule) {
        Ok(None) => return None,
        Ok(Some(place)) => {
            let job = Job {
                rule,
                place: &place,
                config,
                min_age: config.housekeeping.min_file_age(),
                now: SystemTime::now(),
                dry_run,
                cancel: &cleaning.cancel,
            };
            let done = match rule.kind {
                HousekeepingKind::Directory if place.is_terminals() => {
                    terminals::apply(&job, &mut report)
                }
                HousekeepingKind::Directory => directory::apply(&job, &mut report),
                HousekeepingKind::File => file::apply(&job, &mut report),
            };
            if let Err(error) = done {
                report.errors.push(format!("{}: {error}", rule.path));
            }
        }
        Err(why) => report.errors.push(format!("{}: {why}", rule.path)),
    }
    report.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(report)
}

fn tell(root: &Path, done: &RuleReport, dry_run: bool) {
    let RuleReport { name, deleted_count, deleted_bytes, truncated_bytes, .. } = done;
    let root = root.display();
    if (*deleted_count > 0 || *truncated_bytes > 0) && !dry_run {
        tracing::info!(%root, name, deleted_count, deleted_bytes, truncated_bytes, "housekeeping");
    } else {
        let (scanned, eligible) = (done.scanned_count, done.eligible_count);
        tracing::debug!(%root, name, scanned, eligible, deleted_count, dry_run, "housekeeping");
    }
    for error in &done.errors {
        tracing::warn!(%root, name, error, "housekeeping");
    }
}

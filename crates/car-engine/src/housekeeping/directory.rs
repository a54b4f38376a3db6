//! A rule about the files of a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::choice::{Candidate, choose};
use super::tree::{Dir, Entry, EntryKind};
use super::{Job, RuleReport};

/// Directories further down than this are left alone; nothing of CAR's is that deep.
const MAX_DEPTH: usize = 32;
/// More files than this are looked at in the next round.
const MAX_FILES: usize = 200_000;

/// What goes together: usually one file, for a run its log and its journal.
#[derive(Default)]
struct Unit {
    /// Directory below the rule's own.
    dir: PathBuf,
    files: Vec<Entry>,
    /// Whether the rule's pattern names it.
    is_named: bool,
}

pub(super) fn apply(job: &Job<'_>, report: &mut RuleReport) -> io::Result<()> {
    let root = Dir::root(&job.place.root)?;
    let Some(base) = root.below(&job.place.way)? else { return Ok(()) };
    let glob = job.rule.glob.as_deref().unwrap_or("*");
    let glob = GlobBuilder::new(glob).literal_separator(true).build();
    let glob = glob.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut units = BTreeMap::new();
    collect(job, &base, Path::new(""), &glob.compile_matcher(), &mut units)?;
    let units: Vec<Unit> = units.into_values().filter(|unit| unit.is_named).collect();
    let newest_run = newest_run(job, &units);
    let candidates: Vec<Candidate> = units
        .iter()
        .map(|unit| {
            let modified = unit.files.iter().map(|file| file.modified).max().unwrap_or(job.now);
            let age = job.now.duration_since(modified);
            let is_needed = newest_run.is_some() && run_of(unit) == newest_run;
            Candidate {
                modified,
                size: unit.files.iter().map(|file| file.size).sum(),
                eligible: age.is_ok_and(|age| age >= job.min_age) && !is_needed,
            }
        })
        .collect();
    report.scanned_count = units.len() as u64;
    report.eligible_count = candidates.iter().filter(|candidate| candidate.eligible).count() as u64;
    let mut emptied = BTreeSet::new();
    for at in choose(&candidates, job.rule, job.now) {
        if job.cancel.is_cancelled() {
            break;
        }
        let unit = &units[at];
        match remove(job, &base, unit) {
            Ok(true) => {
                report.deleted_count += 1;
                report.deleted_bytes += candidates[at].size;
                emptied.insert(unit.dir.clone());
            }
            Ok(false) => {}
            Err(error) => {
                let name = unit.files.first().map(|file| file.name.to_string_lossy().into_owned());
                report.errors.push(format!("{}: {error}", name.unwrap_or_default()));
            }
        }
    }
    if !job.dry_run {
        remove_emptied(&base, emptied)?;
    }
    Ok(())
}

fn collect(
    job: &Job<'_>,
    dir: &Dir,
    below: &Path,
    glob: &GlobMatcher,
    units: &mut BTreeMap<PathBuf, Unit>,
) -> io::Result<()> {
    for entry in dir.entries()? {
        if units.len() >= MAX_FILES || job.cancel.is_cancelled() {
            return Ok(());
        }
        let path = below.join(&entry.name);
        match entry.kind {
            EntryKind::File if !is_kept(job, &path) => {
                let unit = units.entry(key_of(job, below, &entry)).or_default();
                unit.dir = below.to_path_buf();
                unit.is_named |= glob.is_match(&entry.name) || glob.is_match(&path);
                unit.files.push(entry);
            }
            EntryKind::Dir if job.rule.recursive && below.components().count() < MAX_DEPTH => {
                if let Some(child) = dir.below([&entry.name])? {
                    collect(job, &child, &path, glob, units)?;
                }
            }
            EntryKind::File | EntryKind::Dir | EntryKind::Other => {}
        }
    }
    Ok(())
}

/// Documents may lie anywhere.
fn is_kept(job: &Job<'_>, path: &Path) -> bool {
    let path = job.place.path(path);
    let docs = &job.config.docs;
    [
        &docs.todo,
        &docs.progress,
        &docs.opinions,
        &docs.spec,
        &docs.summary,
        &docs.snapshot,
        &docs.snapshot_state,
        &job.config.log.path,
    ]
    .into_iter()
    .any(|kept| Path::new(kept).components().eq(path.components()))
}

/// Files with the same key go together.
fn key_of(job: &Job<'_>, below: &Path, entry: &Entry) -> PathBuf {
    let run = job.place.is_runs().then(|| run_number(&entry.name)).flatten();
    match run {
        Some(run) => below.join(format!("run-{run}")),
        None => below.join(&entry.name),
    }
}

/// `run-12.log`, `run-12.jsonl` and whatever else begins with `run-12.` belong to run 12.
fn run_number(name: &OsStr) -> Option<u64> {
    name.to_str()?.strip_prefix("run-")?.split('.').next()?.parse().ok()
}

fn run_of(unit: &Unit) -> Option<u64> {
    unit.files.iter().find_map(|file| run_number(&file.name))
}

/// The run that may be at work, and whose output the next one repeats.
fn newest_run(job: &Job<'_>, units: &[Unit]) -> Option<u64> {
    job.place.is_runs().then(|| units.iter().filter_map(run_of).max()).flatten()
}

/// The way is gone again from the rule's directory, because everything may have changed since it was listed.
fn remove(job: &Job<'_>, base: &Dir, unit: &Unit) -> io::Result<bool> {
    let Some(dir) = base.below(&unit.dir)? else { return Ok(false) };
    let mut is_gone = false;
    for file in &unit.files {
        is_gone |= if job.dry_run {
            dir.entry(&file.name)?.as_ref() == Some(file)
        } else {
            dir.remove(file)?
        };
    }
    Ok(is_gone)
}

/// Only directories this rule has emptied, and those above them that became empty by that.
fn remove_emptied(base: &Dir, emptied: BTreeSet<PathBuf>) -> io::Result<()> {
    for dir in emptied.into_iter().rev() {
        let mut dir = dir.as_path();
        while let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) {
            let Some(above) = base.below(parent)? else { break };
            if base.below(dir)?.is_none() || !above.remove_empty(name)? {
                break;
            }
            dir = parent;
        }
    }
    Ok(())
}

//! What changed since the last snapshot, in a few lines.

use super::{Seed, SnapshotState};
use crate::Repo;

/// Lines that are told.
const MAX_LINES: usize = 60;

/// The first thing that says something: commits since, uncommitted changes, other inputs.
pub(super) async fn since(repo: &Repo, old: &SnapshotState, seed: &Seed) -> String {
    if let (Some(then), Some(_)) = (&old.head_sha, &seed.head)
        && let Ok(changes) = car_git::name_status(repo.root(), then, "HEAD", MAX_LINES + 1).await
        && !changes.is_empty()
    {
        let lines = changes.iter().map(ToString::to_string);
        return block(&format!("git diff --name-status {then}..HEAD"), lines);
    }
    if seed.head.is_some()
        && let Ok(status) = car_git::porcelain(repo.root(), 64 * 1024).await
        && !status.trim().is_empty()
    {
        return block("git status --porcelain", status.lines().map(str::to_owned));
    }
    let changed = seed
        .file_hashes
        .iter()
        .filter(|(path, hash)| old.seed_file_hashes.get(*path) != Some(*hash))
        .map(|(path, _)| format!("- {path}"));
    let changed: Vec<String> = changed.collect();
    if !old.seed_file_hashes.is_empty() && !changed.is_empty() {
        return block("Changes since last snapshot (seed inputs only)", changed.into_iter());
    }
    "What changed since the last snapshot could not be found out.".to_owned()
}

fn block(title: &str, lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.take(MAX_LINES + 1).collect();
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
        lines.push("… (more left out)".to_owned());
    }
    format!("{title}\n{}", lines.join("\n"))
}

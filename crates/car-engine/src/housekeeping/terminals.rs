//! A rule about terminals: those that have ended go, each as a whole. One that runs, or may, is never touched.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use car_host::{Session, Sessions};

use super::choice::{Candidate, choose};
use super::{Job, RuleReport};
use crate::terminals::is_alive;

pub(super) fn apply(job: &Job<'_>, report: &mut RuleReport) -> io::Result<()> {
    let ended: Vec<Session> = Sessions::of(&job.place.root)
        .list()
        .map_err(io::Error::other)?
        .into_iter()
        .filter(|session| !is_alive(session))
        .collect();
    let candidates: Vec<Candidate> = ended
        .iter()
        .map(|session| {
            let modified = ended_at(session);
            let age = job.now.duration_since(modified).unwrap_or_default();
            Candidate { modified, size: size(session.dir()), eligible: age >= job.min_age }
        })
        .collect();
    report.scanned_count = ended.len() as u64;
    report.eligible_count = candidates.iter().filter(|candidate| candidate.eligible).count() as u64;
    for at in choose(&candidates, job.rule, job.now) {
        if job.cancel.is_cancelled() {
            break;
        }
        let session = ended[at].clone();
        let id = session.record.id.clone();
        if job.dry_run {
            report.deleted_count += 1;
            report.deleted_bytes += candidates[at].size;
            continue;
        }
        match session.remove() {
            Ok(()) => {
                report.deleted_count += 1;
                report.deleted_bytes += candidates[at].size;
            }
            Err(error) => report.errors.push(format!("{id}: {error}")),
        }
    }
    Ok(())
}

fn ended_at(session: &Session) -> SystemTime {
    let at = session.record.ended_at.unwrap_or(session.record.created_at);
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

/// Bytes of a session's files and of its journal's.
fn size(dir: &Path) -> u64 {
    let files = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| entry.metadata().ok());
        let sizes = files.filter(std::fs::Metadata::is_file);
        sizes.map(|meta| meta.len()).sum::<u64>()
    };
    files(dir) + files(&dir.join("output"))
}

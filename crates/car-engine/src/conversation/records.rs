//! What every process must know about the requests of one server: their files and who decided.
//!
//! A file change's paths are told only while it is proposed, so the first process that hears of it writes them down for those
//! that come later. A decision is claimed by creating its file, which only one process can do.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use car_agent::{is_alive, process_id};
use car_domain::conversation::{Answer, ProposedChange};
use car_domain::state::ProcessId;
use serde::{Deserialize, Serialize};

use crate::EngineError;

/// Decisions kept of one server; the oldest go when there are more.
const MAX_ANSWERS: usize = 2000;

/// The records of one server instance.
#[derive(Clone, Debug)]
pub(super) struct Records {
    dir: PathBuf,
}

/// Who may send the decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// We.
    Ours,
    /// Somebody has decided already.
    Taken {
        /// What.
        answer: Answer,
        /// Whether the process that claimed it still lives; otherwise it may never have been sent.
        is_settled: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    #[serde(flatten)]
    answer: Answer,
    claimant: ProcessId,
}

impl Records {
    /// The records below `server_dir`; those of other instances are removed.
    pub(super) fn open(server_dir: &Path, instance: &str) -> Result<Self, EngineError> {
        let all = server_dir.join("requests");
        let dir = all.join(instance);
        let failed = |error| EngineError::file("create", &dir, error);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
        // A server of our own has its records beside those of the shared one, which must stay.
        let is_stale = |name: &str| {
            !name.starts_with("own-") && !instance.starts_with("own-") && name != instance
        };
        for entry in fs::read_dir(&all).map_err(failed)?.flatten() {
            if entry.file_name().to_str().is_some_and(is_stale) {
                // Left over for the next start when it fails.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(Self { dir })
    }

    /// Writes down which files a request is about.
    pub(super) fn keep(&self, request_id: &str, changes: &[ProposedChange]) -> io::Result<()> {
        self.create(&self.changes_path(request_id), &serde_json::to_vec(changes)?).map(drop)
    }

    /// Which files a request is about, as far as anybody wrote it down.
    pub(super) fn changes(&self, request_id: &str) -> Vec<ProposedChange> {
        let text = fs::read(self.changes_path(request_id)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Tries to be the one who decides.
    pub(super) fn claim(&self, answer: &Answer) -> Result<Claim, EngineError> {
        let path = self.answer_path(&answer.request_id);
        let failed = |error| EngineError::file("write", &path, error);
        let pid = nix::unistd::Pid::this().as_raw();
        let claimant = process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
        let recorded = Recorded { answer: answer.clone(), claimant };
        let text = serde_json::to_vec(&recorded).map_err(|error| failed(error.into()))?;
        self.forget_old();
        if self.create(&path, &text).map_err(failed)? {
            return Ok(Claim::Ours);
        }
        match self.recorded(&answer.request_id) {
            Some(recorded) => Ok(Claim::Taken {
                is_settled: is_alive(recorded.claimant),
                answer: recorded.answer,
            }),
            None => Err(EngineError::conflict("somebody else is deciding about this right now")),
        }
    }

    /// Takes a claim back: the decision could not be sent, or its claimant died before it was.
    pub(super) fn unclaim(&self, request_id: &str) {
        // Gone already is what is wanted.
        let _ = fs::remove_file(self.answer_path(request_id));
    }

    /// Who decided what about a request.
    pub(super) fn answer(&self, request_id: &str) -> Option<Answer> {
        self.recorded(request_id).map(|recorded| recorded.answer)
    }

    /// A request is closed; its files need not be remembered.
    pub(super) fn close(&self, request_id: &str) {
        let _ = fs::remove_file(self.changes_path(request_id));
    }

    fn recorded(&self, request_id: &str) -> Option<Recorded> {
        serde_json::from_slice(&fs::read(self.answer_path(request_id)).ok()?).ok()
    }

    /// Creates a file with its content at once; `false` when it is there already.
    fn create(&self, path: &Path, text: &[u8]) -> io::Result<bool> {
        let mut temp = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?;
        temp.write_all(text)?;
        match temp.persist_noclobber(path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    }

    fn forget_old(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut dated: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        if dated.len() > MAX_ANSWERS {
            dated.sort();
            for (_, path) in &dated[..dated.len() - MAX_ANSWERS / 2] {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn answer_path(&self, request_id: &str) -> PathBuf {
        self.dir.join(format!("{}.answer.json", safe(request_id)))
    }

    fn changes_path(&self, request_id: &str) -> PathBuf {
        self.dir.join(format!("{}.files.json", safe(request_id)))
    }
}

/// Ids come from outside when somebody answers: nothing but letters, digits and dashes becomes part of a path.
fn safe(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use car_domain::conversation::Decision;

    fn records() -> (tempfile::TempDir, Records) {
        let dir = tempfile::tempdir().expect("temp dir");
        let records = Records::open(dir.path(), "1-1").expect("opened");
        (dir, records)
    }

    fn answer(by: &str, decision: Decision) -> Answer {
        let at = crate::now();
        Answer { request_id: "r-1".into(), decision, by: by.into(), at, note: None }
    }

    #[test]
    fn the_first_to_decide_decides_and_the_second_is_told_who() {
        let (_dir, records) = records();
        let first = answer("anna", Decision::Accept);
        assert_eq!(records.claim(&first).expect("claimed"), Claim::Ours);
        let taken = records.claim(&answer("ben", Decision::Decline)).expect("taken");
        assert_eq!(taken, Claim::Taken { answer: first.clone(), is_settled: true });
        assert_eq!(records.answer("r-1"), Some(first));
    }

    #[test]
    fn the_records_of_an_earlier_server_are_gone_and_those_of_our_own_stay() {
        let (dir, old) = records();
        old.claim(&answer("anna", Decision::Accept)).expect("claimed");
        Records::open(dir.path(), "own-1").expect("opened");
        assert!(old.answer("r-1").is_some());
        let new = Records::open(dir.path(), "2-2").expect("opened");
        assert!(old.answer("r-1").is_none() && new.answer("r-1").is_none());
        assert!(dir.path().join("requests/own-1").is_dir());
    }

    #[test]
    fn an_id_from_outside_cannot_leave_the_directory() {
        let (_dir, records) = records();
        assert!(records.answer_path("../../etc/passwd").starts_with(&records.dir));
    }
}

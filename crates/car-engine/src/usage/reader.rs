//! Reading one session file on from where it was left.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use car_store::{FileMark, Limits, Resume, SessionPiece, TokenEvent};
use serde::{Deserialize, Serialize};

use super::lines::{PIECE, SessionLines};
use super::scan::SessionFile;
use super::session::SessionState;

/// Bytes at the beginning of a file by which another file of the same name is noticed; a session's first line names its id.
const HEAD: usize = 256;

/// What is kept at an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    session: SessionState,
    n_events: u64,
}

/// A session file that is being read.
pub(super) struct SessionReader {
    file: SessionFile,
    lines: SessionLines<File>,
    head: Vec<u8>,
    kept: Kept,
    restart: bool,
}

impl SessionReader {
    /// Goes on where `resume` says, or begins anew when the file is not the one it was.
    pub(super) fn open(file: SessionFile, resume: Option<Resume>) -> io::Result<Self> {
        let mut source = File::open(&file.path)?;
        let mut start = Vec::new();
        (&mut source).take(HEAD as u64).read_to_end(&mut start)?;
        let kept = match &resume {
            Some(resume) if goes_on(&mut source, &start, resume)? => {
                serde_json::from_str(&resume.state).ok()
            }
            _ => None,
        };
        let offset = resume.filter(|_| kept.is_some()).map_or(0, |resume| resume.offset);
        source.seek(SeekFrom::Start(offset))?;
        let lines = SessionLines::new(source, offset, PIECE);
        let (restart, kept) = (kept.is_none(), kept.unwrap_or_default());
        Ok(Self { file, lines, head: start, kept, restart })
    }

    /// Bytes that are left to read, as far as is known.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.file.mark.size).unwrap_or(0).saturating_sub(self.lines.offset())
    }

    /// Reads some megabytes. True when there may be more.
    pub(super) fn read(&mut self) -> io::Result<(SessionPiece, bool)> {
        let (mut events, mut limits) = (Vec::new(), Vec::new());
        let kept = &mut self.kept;
        let some = self.lines.next(|line| {
            let Some(fact) = kept.session.read(line) else { return };
            if let Some(value) = fact.limits {
                limits.push(Limits { at: fact.at, cwd: fact.cwd.clone(), value });
            }
            if fact.is_event {
                kept.n_events += 1;
                events.push(TokenEvent {
                    seq: kept.n_events,
                    at: fact.at,
                    cwd: fact.cwd,
                    model: fact.model,
                    tokens: fact.tokens,
                });
            }
        })?;
        let offset = self.lines.offset();
        let more = some && self.left() > 0;
        // Only what is read is remembered: a first line may still be growing.
        let head_len = self.head.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
        // A file that has more to read must look changed should the reading end here.
        let size = if more { -1 } else { self.file.mark.size };
        let piece = SessionPiece {
            path: self.file.name.clone(),
            session: self.kept.session.thread.clone().unwrap_or_else(|| self.name()),
            mark: FileMark { size, ..self.file.mark },
            offset,
            head: self.head[..head_len].to_vec(),
            state: serde_json::to_string(&self.kept).map_err(io::Error::other)?,
            bad: self.kept.session.bad,
            restart: std::mem::take(&mut self.restart),
            events,
            limits,
        };
        Ok((piece, more))
    }

    /// The name of a session that does not tell its id: that of its file, which stays when the file is archived.
    fn name(&self) -> String {
        let stem = self.file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        match stem {
            Some(stem) if stem.starts_with("rollout-") && stem.len() > 36 => stem,
            _ => self.file.name.clone(),
        }
    }
}

/// Whether the file still begins as it did and a line ends where it was left.
fn goes_on(source: &mut File, start: &[u8], resume: &Resume) -> io::Result<bool> {
    if !start.starts_with(&resume.head) {
        return Ok(false);
    }
    let Some(last) = resume.offset.checked_sub(1) else { return Ok(true) };
    source.seek(SeekFrom::Start(last))?;
    let mut byte = [0];
    Ok(source.read(&mut byte)? == 1 && byte == *b"\n")
}

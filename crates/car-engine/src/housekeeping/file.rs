//! A rule about one file: its end is kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fstat, openat, renameat, unlinkat};

use super::tree::{Dir, EntryKind};
use super::{Job, RuleReport};

/// Name of the new file until it is complete.
const NEW_NAME: &str = ".car-housekeeping.tmp";
/// Bytes read at once when lines are counted.
const BLOCK: u64 = 64 << 10;

pub(super) fn apply(job: &Job<'_>, report: &mut RuleReport) -> io::Result<()> {
    let root = Dir::root(&job.place.root)?;
    let Some((name, way)) = job.place.way.split_last() else { return Ok(()) };
    let Some(dir) = root.below(way)? else { return Ok(()) };
    let Some(entry) = dir.entry(name)?.filter(|entry| entry.kind == EntryKind::File) else {
        return Ok(());
    };
    // Everything else directly in CAR's directory is state, configuration or a document.
    let is_log = name.to_string_lossy().contains(".log") && !job.place.is_runs();
    if !is_log {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no log and is left alone"));
    }
    report.scanned_count = 1;
    if !job.now.duration_since(entry.modified).is_ok_and(|age| age >= job.min_age) {
        return Ok(());
    }
    report.eligible_count = 1;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(dir.fd(), name, flags, Mode::empty())?);
    let start = start_of_tail(&mut file, entry.size, job)?;
    report.truncated_bytes = start;
    if start == 0 || job.dry_run {
        return Ok(());
    }
    let mode = Mode::from_raw_mode(fstat(&file)?.st_mode);
    let result = copy(&dir, &mut file, start, mode).and_then(|()| {
        // Somebody may have written to it meanwhile; then it is not old any more.
        if dir.entry(name)?.as_ref() == Some(&entry) {
            return renameat(dir.fd(), NEW_NAME, dir.fd(), name).map_err(io::Error::from);
        }
        report.truncated_bytes = 0;
        unlinkat(dir.fd(), NEW_NAME, AtFlags::empty()).map_err(io::Error::from)
    });
    if result.is_err() {
        report.truncated_bytes = 0;
        let _ = unlinkat(dir.fd(), NEW_NAME, AtFlags::empty());
    }
    result
}

fn copy(dir: &Dir, file: &mut File, start: u64, mode: Mode) -> io::Result<()> {
    // What a round that died has left.
    let _ = unlinkat(dir.fd(), NEW_NAME, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let new: OwnedFd = openat(dir.fd(), NEW_NAME, flags, Mode::RUSR | Mode::WUSR)?;
    let mut new = File::from(new);
    file.seek(SeekFrom::Start(start))?;
    io::copy(file, &mut new)?;
    fchmod(&new, mode)?;
    new.sync_all()
}

/// Where the part begins that is kept. A limit of 0 does not hold, as in the original.
fn start_of_tail(file: &mut File, size: u64, job: &Job<'_>) -> io::Result<u64> {
    let by_lines = match job.rule.max_lines.filter(|max| *max > 0) {
        Some(max) => start_of_lines(file, size, max)?,
        None => 0,
    };
    let by_bytes =
        job.rule.max_bytes.filter(|max| *max > 0).map_or(0, |max| size.saturating_sub(max));
    Ok(by_lines.max(by_bytes))
}

/// Where the last `max` lines begin, found from the end in bounded memory.
fn start_of_lines(file: &mut File, size: u64, max: u64) -> io::Result<u64> {
    let mut end = size;
    let mut lines = 0;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        for (at, byte) in block.iter().enumerate().rev() {
            let behind = start + at as u64 + 1;
            // The newline at the very end ends the last line and begins none.
            if *byte == b'\n' && behind < size {
                lines += 1;
                if lines == max {
                    return Ok(behind);
                }
            }
        }
        end = start;
    }
    Ok(0)
}

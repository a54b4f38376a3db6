//! Short locks between processes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{EngineError, ErrorKind};

/// Longest wait for a lock that others hold for milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the kernel's lock on the file at `path`, which is made when it is missing. Given back when the file is dropped.
///
/// # Errors
/// When it cannot be opened, or another process keeps the lock for seconds.
pub(crate) fn lock_file(path: &Path) -> Result<File, EngineError> {
    let failed = |error: io::Error| EngineError::file("lock", path, error);
    let file =
        File::options().write(true).create(true).truncate(false).open(path).map_err(failed)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                // The kernel has no lock with a time limit, and holders only write a small file.
                std::thread::yield_now();
            }
            Err(TryLockError::WouldBlock) => {
                let text =
                    format!("{} has been locked by another process for too long", path.display());
                return Err(EngineError::new(ErrorKind::Conflict, text)
                    .with_hint("an old version of the tool may hang; end it and try again"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

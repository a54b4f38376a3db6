//! Who may run the loop of a repository: whoever holds the kernel's lock on the file `lock`.
//!
//! The kernel gives the lock back when its owner is gone, in whatever way, so it can never be stale. The JSON inside is for
//! people and for the original, which goes by the file's presence. A refused second runner touches nothing.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use car_agent::{is_alive, process_id};
use car_domain::state::{LockOwner, ProcessId};

use crate::{EngineError, Repo, now};

/// How long the new owner of a lock may take to write its name into it.
const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// The right to run the loop. Given back on drop.
#[derive(Debug)]
pub struct RunnerLock {
    path: PathBuf,
    /// Holds the kernel's lock as long as it is open.
    _file: File,
}

impl RunnerLock {
    /// Takes the lock of `repo` for this process.
    ///
    /// # Errors
    /// A conflict that names the owner when another runner has it.
    pub fn acquire(repo: &Repo) -> Result<Self, EngineError> {
        let path = repo.lock_path();
        let failed = |error| EngineError::file("lock", &path, error);
        loop {
            let mut file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => match named_owner(&path, &file) {
                    Owner::Gone => continue,
                    Owner::Is(owner) => return Err(busy(owner)),
                },
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            if !is_same_file(&file, &path) {
                continue; // The last owner removed the file between our opening and locking it.
            }
            if let Some(other) = original_runner(&mut file) {
                return Err(busy(Some(other)));
            }
            write_owner(&mut file).map_err(failed)?;
            return Ok(Self { path, _file: file });
        }
    }
}

impl Drop for RunnerLock {
    fn drop(&mut self) {
        // Removed while still locked, so nobody can lock the dying file and believe to own the path.
        let _ = fs::remove_file(&self.path);
    }
}

/// The living owner the lock file names.
pub(crate) fn living_owner(repo: &Repo) -> Option<LockOwner> {
    owner(&repo.lock_path()).filter(|owner| is_alive(owner.process))
}

/// Removes a lock file that nobody holds; says whether there was one.
pub(super) fn clear_stale(repo: &Repo) -> bool {
    match RunnerLock::acquire(repo) {
        Ok(lock) => drop(lock),
        Err(_) => return false,
    }
    true
}

/// Who holds a lock that was refused.
enum Owner {
    /// Nobody any more.
    Gone,
    /// This process, when it has written its name by now.
    Is(Option<LockOwner>),
}

/// Waits for the name of an owner that took the lock a moment ago; a file of an owner before it may name a dead process.
fn named_owner(path: &Path, file: &File) -> Owner {
    let until = Instant::now() + NAME_PATIENCE;
    loop {
        let owner = owner(path);
        let is_named = owner.as_ref().is_some_and(|owner| is_alive(owner.process));
        if is_named || Instant::now() > until {
            return Owner::Is(owner);
        }
        if !is_same_file(file, path) {
            return Owner::Gone;
        }
        // The owner writes its name right after it has taken the lock.
        std::thread::yield_now();
    }
}

fn owner(path: &Path) -> Option<LockOwner> {
    LockOwner::parse(&fs::read_to_string(path).ok()?)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_same_file(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(theirs)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
}

/// A living runner of the Python original, which writes its pid but holds no kernel lock.
fn original_runner(file: &mut File) -> Option<LockOwner> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let owner = LockOwner::parse(&text)?;
    let is_foreign = owner.process.start_ticks == 0 && owner.process.pid != own_pid();
    let command = fs::read_to_string(format!("/proc/{}/cmdline", owner.process.pid)).ok()?;
    let is_runner =
        ["codex_autorunner", "codex-autorunner"].iter().any(|name| command.contains(name));
    (is_foreign && is_runner && is_alive(owner.process)).then_some(owner)
}

fn write_owner(file: &mut File) -> io::Result<()> {
    let pid = own_pid();
    let owner = LockOwner {
        process: process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 }),
        started_at: Some(now().whole_seconds()),
        host: nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()),
    };
    let text = serde_json::to_string(&owner).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{text}\n").as_bytes())
}

fn own_pid() -> i32 {
    nix::unistd::Pid::this().as_raw()
}

fn busy(owner: Option<LockOwner>) -> EngineError {
    let who = owner.map(|owner| format!(" (pid={})", owner.process.pid)).unwrap_or_default();
    EngineError::conflict(format!("Another autorunner is active{who}; use --force to override"))
        .with_hint("`car status` shows it; `--force` ends it and takes over")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn repo() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(".codex-autorunner")).expect("dir");
        fs::write(dir.path().join(".codex-autorunner/config.yml"), "").expect("write");
        let repo = Repo::open(dir.path()).expect("valid");
        (dir, repo)
    }

    #[test]
    fn a_refused_second_runner_leaves_the_first_ones_lock_alone() {
        let (_dir, repo) = repo();
        let first = RunnerLock::acquire(&repo).expect("free");
        let before = fs::read_to_string(repo.lock_path()).expect("written");
        let refused = RunnerLock::acquire(&repo).expect_err("taken");
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.to_string().contains(&format!("pid={}", own_pid())));
        assert_eq!(fs::read_to_string(repo.lock_path()).expect("still there"), before);
        drop(first);
        assert!(!repo.lock_path().exists());
        RunnerLock::acquire(&repo).expect("free again");
    }

    #[test]
    fn a_lock_file_left_by_a_dead_process_does_not_block() {
        let (_dir, repo) = repo();
        for text in ["999999999\n", "{\"pid\": 999999999}\n", "garbage"] {
            fs::write(repo.lock_path(), text).expect("write");
            drop(RunnerLock::acquire(&repo).expect("free"));
        }
    }

    /// Many threads at once stand for two starts within 100 ms: exactly one wins at any time.
    #[test]
    fn of_many_starts_exactly_one_gets_the_lock() {
        let (_dir, repo) = repo();
        let barrier = std::sync::Barrier::new(8);
        let winners: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let lock = RunnerLock::acquire(&repo);
                        barrier.wait();
                        lock.is_ok()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(winners.into_iter().filter(|won| *won).count(), 1);
    }
}

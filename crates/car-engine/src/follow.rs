//! Following a log that grows, is rotated, or does not exist yet.

use std::fs::File;
use std::io::{self, ErrorKind as IoErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::{EngineError, ErrorKind};

/// Bytes that are read at once.
const PIECE: u64 = 64 << 10;
/// Backups that are looked through for the file that was read last.
const MAX_BACKUPS: u32 = 100;
/// How often a rotation may come between looking for the next file and opening it.
const TRIES: u32 = 8;

/// A place in a log. Files that were put aside since (`.1`, `.2`, …) are read to their ends first, so that no line is lost.
#[derive(Debug)]
pub struct LogFollower {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
}

impl LogFollower {
    /// Byte `offset` of the log at `path`.
    pub fn at(path: &Path, offset: u64) -> Self {
        let file = File::open(path).ok();
        let offset = if file.is_some() { offset } else { 0 };
        Self { path: path.to_path_buf(), file, offset }
    }

    /// The end of the log; of a line that is being written, its beginning.
    ///
    /// # Errors
    /// When there is a log that cannot be read.
    pub fn at_end(path: &Path) -> Result<Self, EngineError> {
        let failed = |error| EngineError::file("follow", path, error);
        let mut follower = Self { path: path.to_path_buf(), file: None, offset: 0 };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(follower),
            Err(error) => return Err(failed(error)),
        };
        follower.offset = behind_last_newline(&mut file).map_err(failed)?;
        follower.file = Some(file);
        Ok(follower)
    }

    /// Whole lines that were added, at most some kilobytes of them; empty when there is nothing new. For a follower that is lent
    /// to another thread and comes back.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn read_on(mut self) -> Result<(Self, String), EngineError> {
        let text =
            self.read_new().map_err(|error| EngineError::file("follow", &self.path, error))?;
        Ok((self, text))
    }

    fn read_new(&mut self) -> io::Result<String> {
        loop {
            let Some(file) = &mut self.file else {
                match File::open(&self.path) {
                    Ok(file) => self.file = Some(file),
                    Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(String::new()),
                    Err(error) => return Err(error),
                }
                self.offset = 0;
                continue;
            };
            if file.metadata()?.len() < self.offset {
                self.offset = 0; // Emptied in place.
            }
            let text = read_lines(file, &mut self.offset)?;
            if !text.is_empty() {
                return Ok(text);
            }
            let Some(next) = next_file(file, &self.path)? else { return Ok(text) };
            // Nobody writes to the old file any more; this is the last look at it.
            let text = read_lines(file, &mut self.offset)?;
            if !text.is_empty() {
                return Ok(text);
            }
            let rest = read_rest(file, self.offset)?;
            self.file = Some(next);
            self.offset = 0;
            if !rest.is_empty() {
                return Ok(rest + "\n");
            }
        }
    }
}

/// Gives `show` everything in the file at `path` from byte `offset` on, now and when it is appended, whole lines at a time,
/// also after the file was replaced by a new one. Ends only with an error.
///
/// # Errors
/// When the file or its directory cannot be watched or read.
pub async fn follow(
    path: &Path,
    offset: u64,
    show: &mut dyn FnMut(&str),
) -> Result<(), EngineError> {
    let (sender, mut receiver) = mpsc::channel(1); // One pending look is enough.
    let mut watcher = notify::recommended_watcher(move |_| {
        let _ = sender.try_send(());
    })
    .map_err(|error| watch_failed(path, error))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    watcher.watch(dir, RecursiveMode::NonRecursive).map_err(|error| watch_failed(path, error))?;
    // The watch began before this first look, so nothing falls between the two.
    let mut follower = LogFollower::at(path, offset);
    loop {
        let (read_on, text) = follower.read_on()?;
        follower = read_on;
        if !text.is_empty() {
            show(&text);
        } else if receiver.recv().await.is_none() {
            return Ok(());
        }
    }
}

fn read_lines(file: &mut File, offset: &mut u64) -> io::Result<String> {
    let mut piece = PIECE;
    loop {
        file.seek(SeekFrom::Start(*offset))?;
        let mut bytes = Vec::new();
        Read::by_ref(file).take(piece).read_to_end(&mut bytes)?;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            *offset += end as u64 + 1;
            return Ok(String::from_utf8_lossy(&bytes[..=end]).into_owned());
        }
        if (bytes.len() as u64) < piece {
            return Ok(String::new());
        }
        piece *= 2; // A single line longer than the piece.
    }
}

fn read_rest(file: &mut File, offset: u64) -> io::Result<String> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn behind_last_newline(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The file that was begun after `file`; `None` when `file` is still the newest, or there is no newer one yet.
fn next_file(file: &File, path: &Path) -> io::Result<Option<File>> {
    let own = file.metadata()?.ino();
    let backup = |n: u32| match n {
        0 => path.to_path_buf(),
        n => PathBuf::from(format!("{}.{n}", path.display())),
    };
    let is_own = |n: u32| std::fs::metadata(backup(n)).is_ok_and(|meta| meta.ino() == own);
    for _ in 0..TRIES {
        if is_own(0) {
            return Ok(None);
        }
        // The file may have been put aside several times since; what came after it is one place further up.
        let place = (1..=MAX_BACKUPS).find(|n| is_own(*n));
        let newer = (0..place.unwrap_or(1)).rev().map(|n| File::open(backup(n)));
        let is_there = |opened: &io::Result<File>| {
            opened.as_ref().err().is_none_or(|error| error.kind() != IoErrorKind::NotFound)
        };
        let Some(next) = newer.into_iter().find(is_there) else { return Ok(None) };
        // Unless everything moved on in between.
        if place.is_none_or(&is_own) {
            return next.map(Some);
        }
    }
    Ok(None)
}

fn watch_failed(path: &Path, error: notify::Error) -> EngineError {
    EngineError::new(ErrorKind::Other, format!("cannot watch {}", path.display()))
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;

    #[tokio::test]
    async fn nothing_is_lost_between_reading_and_following() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("log");
        std::fs::write(&path, "read\nadded before following\n").expect("write");
        let (shown, mut lines) = mpsc::unbounded_channel();
        let mut show = |text: &str| drop(shown.send(text.to_owned()));
        tokio::select! {
            ended = follow(&path, 5, &mut show) => panic!("it goes on for ever: {ended:?}"),
            line = lines.recv() => {
                assert_eq!(line.as_deref(), Some("added before following\n"));
            }
        }
    }

    struct Log {
        dir: tempfile::TempDir,
    }

    impl Log {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().expect("temp dir") }
        }

        fn path(&self, n: u32) -> PathBuf {
            let name = if n == 0 { "log".to_owned() } else { format!("log.{n}") };
            self.dir.path().join(name)
        }

        fn append(&self, text: &str) {
            let file = OpenOptions::new().append(true).create(true).open(self.path(0));
            file.expect("open").write_all(text.as_bytes()).expect("write");
        }

        fn rotate(&self) {
            for n in (0..9).rev().filter(|n| self.path(*n).exists()) {
                std::fs::rename(self.path(n), self.path(n + 1)).expect("rename");
            }
        }
    }

    fn all_new(follower: &mut LogFollower) -> String {
        let mut all = String::new();
        loop {
            let text = follower.read_new().expect("readable");
            if text.is_empty() {
                return all;
            }
            all += &text;
        }
    }

    #[test]
    fn only_whole_lines_are_shown_also_of_a_log_that_comes_later() {
        let log = Log::new();
        let mut follower = LogFollower::at_end(&log.path(0)).expect("no log yet");
        assert_eq!(all_new(&mut follower), "");
        log.append("a\nhalf");
        assert_eq!(all_new(&mut follower), "a\n");
        let mut late = LogFollower::at_end(&log.path(0)).expect("a log");
        log.append(" done\n");
        assert_eq!(all_new(&mut follower), "half done\n");
        assert_eq!(all_new(&mut late), "half done\n");
        std::fs::write(log.path(0), "b\n").expect("emptied");
        assert_eq!(all_new(&mut follower), "b\n");
    }

    #[test]
    fn no_line_is_lost_by_rotations_nobody_looked_between() {
        let log = Log::new();
        log.append("1\n");
        let mut follower = LogFollower::at_end(&log.path(0)).expect("a log");
        log.append("2\n");
        log.rotate();
        log.append("3\n");
        log.rotate();
        log.append("4\ntorn");
        log.rotate();
        assert_eq!(all_new(&mut follower), "2\n3\n4\n", "the newest file is not there yet");
        log.append("5\n");
        assert_eq!(all_new(&mut follower), "torn\n5\n");
    }

    #[test]
    fn a_line_of_any_length_is_one_line() {
        let log = Log::new();
        let mut follower = LogFollower::at(&log.path(0), 0);
        let line = "x".repeat(300_000) + "\n";
        log.append(&line);
        assert_eq!(all_new(&mut follower), line);
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_read_once_and_in_order_whatever_happens_to_the_file(
            steps in proptest::collection::vec(0..6_u8, 1..80),
        ) {
            let log = Log::new();
            log.append("old\n");
            let mut follower = LogFollower::at_end(&log.path(0)).expect("a log");
            let (mut written, mut read) = (String::new(), String::new());
            let (mut is_torn, mut n_rotated) = (false, 0);
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    0 | 1 => {
                        let line = format!("line {n}\n");
                        log.append(&line);
                        written += &line;
                        is_torn = false;
                    }
                    2 => {
                        let half = format!("half {n} ");
                        log.append(&half);
                        written += &half;
                        is_torn = true;
                    }
                    // The writer ends its line before it rotates, and keeps enough files.
                    3 if !is_torn && n_rotated < 3 => {
                        log.rotate();
                        n_rotated += 1;
                    }
                    _ => {
                        read += &all_new(&mut follower);
                        n_rotated = 0;
                    }
                }
            }
            log.append("end\n");
            read += &all_new(&mut follower);
            proptest::prop_assert_eq!(read, written + "end\n");
        }
    }
}

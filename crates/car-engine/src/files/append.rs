//! Files that only grow, line by line.
//!
//! A line is written whole or not at all: when a write fails (a full disk), what was written of the line is taken back, so
//! that the file always ends with a newline and the next line is readable.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is appended to by one process.
pub(crate) struct AppendFile {
    file: File,
    len: u64,
}

impl AppendFile {
    /// Opens or creates `path`. A torn last line from a crash is ended, so that it stays apart from what follows.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create(true).open(path)?;
        let len = file.metadata()?.len();
        let mut this = Self { file, len };
        if len > 0 && !ends_with_newline(path)? {
            this.write_line("")?;
        }
        Ok(this)
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends a line and its newline.
    pub(crate) fn write_line(&mut self, line: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // If even this fails the torn line stays; readers skip it and the next opening ends it.
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Makes what was written survive a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn ends_with_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The log all runs share: renamed to `.1`, `.2` … when it grows over its size.
pub(crate) struct RotatingLog {
    path: PathBuf,
    file: AppendFile,
    /// 0: never rotate.
    max_bytes: u64,
    backups: u32,
}

impl RotatingLog {
    pub(crate) fn open(path: &Path, max_bytes: u64, backups: u32) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        Ok(Self { path: path.to_path_buf(), file: AppendFile::open(path)?, max_bytes, backups })
    }

    /// Appends a line, rotating first when it would not fit.
    pub(crate) fn write_line(&mut self, line: &str) -> io::Result<()> {
        let next = self.file.len() + line.len() as u64 + 1;
        if self.max_bytes > 0 && self.file.len() > 0 && next > self.max_bytes {
            self.rotate()?;
        }
        self.file.write_line(line)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let backup = |n: u32| PathBuf::from(format!("{}.{n}", self.path.display()));
        for n in (1..self.backups).rev() {
            if backup(n).exists() {
                fs::rename(backup(n), backup(n + 1))?;
            }
        }
        if self.backups > 0 {
            fs::rename(&self.path, backup(1))?;
        } else {
            fs::remove_file(&self.path)?;
        }
        self.file = AppendFile::open(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_ended_before_the_next_one() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("journal");
        fs::write(&path, "{\"seq\":1}\n{\"se").expect("write");
        AppendFile::open(&path)
            .and_then(|mut file| file.write_line("{\"seq\":2}"))
            .expect("append");
        assert_eq!(fs::read_to_string(&path).expect("read"), "{\"seq\":1}\n{\"se\n{\"seq\":2}\n");
    }

    #[test]
    fn a_log_keeps_its_size_and_its_newest_backups() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("car.log");
        let mut log = RotatingLog::open(&path, 10, 2).expect("open");
        for n in 0..6 {
            log.write_line(&format!("line {n}")).expect("write");
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("read");
        assert_eq!(
            (read("car.log"), read("car.log.1"), read("car.log.2")),
            ("line 5\n".into(), "line 4\n".into(), "line 3\n".into())
        );
        assert!(!dir.path().join("car.log.3").exists());
    }

    /// `/dev/full` refuses every byte like a full disk.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_and_not_a_torn_line() {
        let file = File::options().append(true).open("/dev/full").expect("linux");
        let mut full = AppendFile { file, len: 0 };
        let error = full.write_line("x").expect_err("full");
        assert!(super::super::atomic::is_full(&error));
        assert_eq!(full.len(), 0);
    }
}

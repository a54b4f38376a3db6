//! A directory that is held open, reached without following a single link.
//!
//! The agent may change its repository at any moment, also between a look and what follows from it. So names are only ever
//! resolved within a directory that is held, and a link in the place of a directory or file is an error.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// On the way a directory need not be readable, where the system can do that.
#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const STEP: OFlags = OFlags::RDONLY;

/// A directory.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// The directory at an absolute path without links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::walk(path, false)
    }

    /// The same; what is missing of it is made, for nobody else.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        Self::walk(path, true)
    }

    fn walk(path: &Path, is_made: bool) -> io::Result<Self> {
        let usual = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let flags = STEP | usual;
        let mut fd = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
        for part in path.components() {
            let name = match part {
                Component::RootDir => continue,
                Component::Normal(name) => name,
                _ => return Err(io::Error::from(io::ErrorKind::InvalidInput)),
            };
            fd = match rustix::fs::openat(&fd, name, flags, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) if is_made => {
                    match rustix::fs::mkdirat(&fd, name, Mode::RWXU) {
                        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&fd, name, flags, Mode::empty())?
                }
                opened => opened?,
            };
        }
        let fd = rustix::fs::openat(&fd, ".", OFlags::RDONLY | usual, Mode::empty())?;
        Ok(Self { fd, path: path.to_path_buf() })
    }

    /// Where it was when it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The regular files in it, by name.
    pub(super) fn files(&self) -> io::Result<Vec<(String, Metadata)>> {
        let mut all = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let Ok(name) = entry?.file_name().to_str().map(str::to_owned) else { continue };
            // What is gone meanwhile, a link or a pipe is no file.
            if let Ok(file) = self.file(&name)
                && let Ok(about) = file.metadata()
                && about.is_file()
            {
                all.push((name, about));
            }
        }
        Ok(all)
    }

    /// What is in a file, at most `max` bytes; `None` when it has more.
    pub(super) fn read(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let file = self.file(name)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= max).then_some(bytes))
    }

    fn file(&self, name: &str) -> io::Result<File> {
        // Not blocking: a pipe in the place of a file would hold us up for ever.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::empty())?.into())
    }

    /// Writes a file that must not be there yet.
    pub(super) fn write_new(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?;
        let written = File::from(fd).write_all(bytes);
        if written.is_err() {
            // Half a file is none.
            let _ = self.remove(name);
        }
        written
    }

    /// Removes a file; a link is removed itself.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Moves a file to another directory.
    pub(super) fn move_to(&self, name: &str, other: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, name, &other.fd, new_name)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_is_followed_wherever_it_is() {
        let temp = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(temp.path()).expect("real");
        let dir = Dir::make(&root.join("a/b")).expect("made");
        dir.write_new("one", b"1").expect("written");
        dir.write_new("one", b"2").expect_err("it is there");
        fs::write(root.join("secret"), "s").expect("written");
        symlink(root.join("secret"), root.join("a/b/link")).expect("a link");
        symlink(root.join("a"), root.join("c")).expect("a link");

        let names: Vec<String> = dir.files().expect("a list").into_iter().map(|f| f.0).collect();
        assert_eq!(names, ["one"]);
        assert_eq!(dir.read("one", 1).expect("read"), Some(b"1".to_vec()));
        assert_eq!(dir.read("one", 0).expect("read"), None);
        dir.read("link", 9).expect_err("a link");
        dir.write_new("link", b"x").expect_err("a link");
        Dir::open(&root.join("c/b")).expect_err("a link on the way");
        Dir::make(&root.join("c/b")).expect_err("a link on the way");
        Dir::open(Path::new("a/../b")).expect_err("a way back");
    }

    #[test]
    fn a_directory_that_becomes_a_link_changes_nothing_for_whoever_holds_it() {
        let temp = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(temp.path()).expect("real");
        let (from, to) = (Dir::make(&root.join("from")), Dir::make(&root.join("to")));
        let (from, to) = (from.expect("made"), to.expect("made"));
        from.write_new("one", b"1").expect("written");
        fs::create_dir(root.join("outside")).expect("made");
        fs::rename(root.join("to"), root.join("moved")).expect("moved");
        symlink(root.join("outside"), root.join("to")).expect("a link");
        from.move_to("one", &to, "two").expect("moved");
        assert!(root.join("moved/two").is_file() && !root.join("outside/two").exists());
    }
}

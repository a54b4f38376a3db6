//! Directories by handle: every step down is taken from an open directory and never through a symbolic link, so that
//! nothing that is moved or replaced meanwhile can lead anywhere else.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;

/// An open directory.
pub(super) struct Dir {
    fd: OwnedFd,
}

/// Something in a directory, as it was when it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: OsString,
    pub kind: EntryKind,
    pub size: u64,
    pub modified: SystemTime,
    id: (u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Dir,
    /// Links, sockets and the like: never touched.
    Other,
}

impl Dir {
    /// Opens a root, which may be reached through links; whoever named it meant it.
    pub(super) fn root(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: openat(CWD, path, flags, Mode::empty())? })
    }

    /// Goes down by `names`. `None` when one of them is missing, a link, no directory, or belongs to git.
    pub(super) fn below<N: AsRef<OsStr>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> io::Result<Option<Self>> {
        let mut dir = Self { fd: self.fd.try_clone()? };
        for name in names {
            let Some(next) = dir.child(name.as_ref())? else { return Ok(None) };
            dir = next;
        }
        Ok(Some(dir))
    }

    fn child(&self, name: &OsStr) -> io::Result<Option<Self>> {
        if name == ".git" {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => {
                let dir = Self { fd };
                Ok((!dir.belongs_to_git()?).then_some(dir))
            }
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is a working tree or a bare repository. Such a directory is one unit.
    fn belongs_to_git(&self) -> io::Result<bool> {
        let has = |name: &str| self.entry(OsStr::new(name)).map(|entry| entry.is_some());
        Ok(has(".git")? || (has("HEAD")? && has("objects")? && has("refs")?))
    }

    /// What is in it, in no order.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                entries.extend(self.entry(name)?);
            }
        }
        Ok(entries)
    }

    /// One thing in it.
    pub(super) fn entry(&self, name: &OsStr) -> io::Result<Option<Entry>> {
        let stat = match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Dir,
            _ => EntryKind::Other,
        };
        let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
        Ok(Some(Entry {
            name: name.to_owned(),
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            id: (stat.st_dev, stat.st_ino),
        }))
    }

    /// Deletes a file if it is still the one that was listed; says whether it did.
    pub(super) fn remove(&self, entry: &Entry) -> io::Result<bool> {
        if self.entry(&entry.name)?.as_ref() != Some(entry) || entry.kind != EntryKind::File {
            return Ok(false);
        }
        unlinkat(&self.fd, &entry.name, AtFlags::empty())?;
        Ok(true)
    }

    /// Removes the directory `name` if it is empty; says whether it did.
    pub(super) fn remove_empty(&self, name: &OsStr) -> io::Result<bool> {
        match unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Its handle.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }
}

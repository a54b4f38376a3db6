//! Directories only their owner can use, short enough for sockets.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why there is no private directory.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// It is somebody else's.
    #[error("{} belongs to somebody else", .0.display())]
    NotOurs(PathBuf),
    /// It cannot be made or seen.
    #[error("cannot use {}", path.display())]
    File {
        /// Which directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes `dir` if need be, and sees to it that nobody else can use it.
///
/// # Errors
/// When it cannot be made, or belongs to somebody else.
pub fn private_dir(dir: &Path) -> Result<PathBuf, DirError> {
    let failed = |source| DirError::File { path: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let metadata = fs::symlink_metadata(dir).map_err(failed)?;
    if !metadata.is_dir() || metadata.uid() != nix::unistd::getuid().as_raw() {
        return Err(DirError::NotOurs(dir.to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(dir.to_owned())
}

/// Whether `socket` is short enough for the system's 108 bytes, its final zero included.
pub fn fits_socket(socket: &Path) -> bool {
    socket.as_os_str().as_bytes().len() < 104 // macOS has four bytes less than Linux.
}

/// Where processes that outlive us have their directories: `$XDG_RUNTIME_DIR/car`, else `~/.codex-autorunner/run`, else,
/// where a socket named `longest` in it would be too long, a directory of the user's in the system's temporary directory.
pub fn default_runtime_dir(longest: &str) -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("car"));
    let home = || std::env::home_dir().map(|home| home.join(".codex-autorunner/run"));
    let fits = |dir: &PathBuf| fits_socket(&dir.join(longest));
    let usual = runtime.filter(|dir| dir.parent().is_some_and(Path::is_dir)).or_else(home);
    usual
        .filter(fits)
        .unwrap_or_else(|| std::env::temp_dir().join(format!("car-{}", nix::unistd::getuid())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_directory_is_closed_to_others() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a/b");
        fs::create_dir_all(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opened");
        private_dir(&path).expect("private");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_is_no_directory() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("file");
        fs::write(&path, "").expect("written");
        assert!(private_dir(&path).is_err());
    }
}

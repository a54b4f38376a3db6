//! Replacing a whole file.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::Path;

/// Replaces the content of `path`: readers see the old text or the new one, also after a power cut. Keeps the file's mode
/// and follows a symbolic link to the file behind it.
///
/// On a full disk, where no second copy fits, a text that is not longer than the old file is written in place instead, so
/// that a final state can still be recorded.
///
/// # Errors
/// When neither works; the old file is untouched then.
pub(crate) fn write_atomic(path: &Path, text: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match replace(&target, dir, text) {
        Err(error) if is_full(&error) => overwrite(&target, text).map_err(|_| error),
        result => result,
    }
}

fn replace(target: &Path, dir: &Path, text: &[u8]) -> io::Result<()> {
    let mut temp = tempfile::Builder::new().prefix(".car-").suffix(".tmp").tempfile_in(dir)?;
    temp.write_all(text)?;
    match fs::metadata(target) {
        Ok(old) => temp.as_file().set_permissions(old.permissions())?,
        Err(_) => temp.as_file().set_permissions(new_file_mode())?,
    }
    temp.as_file().sync_all()?;
    temp.persist(target).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

/// Temporary files are private; what they become is as readable as any file a user makes.
fn new_file_mode() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

fn overwrite(target: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(target)?;
    if file.metadata()?.len().next_multiple_of(4096) < text.len() as u64 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all(text)?;
    let end = file.stream_position()?;
    file.set_len(end)?;
    file.sync_all()
}

/// Whether an error says that nothing more fits.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn mode_and_links_survive_and_no_temporary_file_stays() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").expect("write");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).expect("chmod");
        std::os::unix::fs::symlink(&real, &link).expect("link");
        write_atomic(&link, b"new").expect("replaced");
        assert_eq!(fs::read_to_string(&real).expect("read"), "new");
        assert_eq!(fs::metadata(&real).expect("stat").permissions().mode() & 0o777, 0o600);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 2);
    }

    #[test]
    fn in_place_writing_leaves_exactly_the_new_text() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("state");
        fs::write(&path, "a longer old text").expect("write");
        overwrite(&path, b"short").expect("fits");
        assert_eq!(fs::read_to_string(&path).expect("read"), "short");
        assert!(overwrite(&path, &[b'x'; 5000]).is_err(), "would need another block");
    }
}

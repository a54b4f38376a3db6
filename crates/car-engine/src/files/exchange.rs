//! Replacing a whole file and getting back exactly what was replaced.
//!
//! Between looking at a file and replacing it somebody else may write it, an agent or an editor. Swapping the two files in
//! one step of the kernel hands back what was really there, so that nobody's text is lost unseen.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::{NamedTempFile, TempPath};

/// Replaces the content of `path` by `text` and returns what was there, `None` when there was no file. Readers see the old
/// text or the new one, also after a power cut. Mode and symbolic links are kept.
///
/// # Errors
/// When it cannot be written; the file is as it was then.
pub(crate) fn exchange(path: &Path, text: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut temp = tempfile::Builder::new().prefix(".car-").suffix(".tmp").tempfile_in(dir)?;
    temp.write_all(text)?;
    let mode = match fs::metadata(&target) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    temp.as_file().set_permissions(mode)?;
    temp.as_file().sync_all()?;
    let old = swap(temp, &target)?;
    File::open(dir)?.sync_all()?;
    Ok(old)
}

fn swap(mut temp: NamedTempFile, target: &Path) -> io::Result<Option<Vec<u8>>> {
    loop {
        match renameat_with(CWD, temp.path(), CWD, target, RenameFlags::EXCHANGE) {
            Ok(()) => return read_and_remove(temp.into_temp_path()).map(Some),
            Err(Errno::NOENT) => match temp.persist_noclobber(target) {
                Ok(_) => return Ok(None),
                // Somebody made the file in between.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    temp = error.file;
                }
                Err(error) => return Err(error.error),
            },
            // A file system that cannot swap. What is written in this moment may be missed.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                let old = fs::read(target)?;
                temp.persist(target).map_err(|error| error.error)?;
                return Ok(Some(old));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// After the swap the temporary name holds the old file; it goes only once it is read.
fn read_and_remove(old: TempPath) -> io::Result<Vec<u8>> {
    match fs::read(&old) {
        Ok(text) => Ok(text),
        Err(error) => {
            let _ = old.keep();
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_replaced_comes_back() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("sub/doc");
        assert_eq!(exchange(&path, b"one").expect("written"), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
        assert_eq!(exchange(&path, b"two").expect("written"), Some(b"one".to_vec()));
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("sub")).expect("list").count(), 1);
    }

    #[test]
    fn of_many_writers_at_once_every_text_is_given_back_or_there() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("doc");
        let replaced: Vec<Option<Vec<u8>>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8_u8)
                .map(|n| {
                    let path = &path;
                    scope.spawn(move || {
                        let texts = (0..20_u8).map(|i| [n, i]);
                        texts
                            .map(|text| exchange(path, &text).expect("written"))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().expect("no panic")).collect()
        });
        let mut seen: Vec<Vec<u8>> = replaced.into_iter().flatten().collect();
        seen.push(fs::read(&path).expect("the last one"));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8 * 20);
    }
}

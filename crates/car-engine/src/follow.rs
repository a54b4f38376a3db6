//! Following a log that grows and is rotated.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::{EngineError, ErrorKind};

/// Gives `show` everything in the file at `path` from byte `offset` on, now and when it is appended, whole lines at a time,
/// also after the file was replaced by a new one. Ends only with an error.
///
/// # Errors
/// When the file or its directory cannot be watched or read.
pub async fn follow(
    path: &Path,
    mut offset: u64,
    show: &mut dyn FnMut(&str),
) -> Result<(), EngineError> {
    let failed = |error| EngineError::file("follow", path, error);
    let (sender, mut receiver) = mpsc::channel(1); // One pending look is enough.
    let mut watcher = notify::recommended_watcher(move |_| {
        let _ = sender.try_send(());
    })
    .map_err(|error| watch_failed(path, error))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    watcher.watch(dir, RecursiveMode::NonRecursive).map_err(|error| watch_failed(path, error))?;
    let mut file = File::open(path).map_err(failed)?;
    // The watch began before this first look, so nothing falls between the two.
    loop {
        show_new(&mut file, &mut offset, show).map_err(failed)?;
        if let Some(newer) = replaced(&file, path) {
            file = newer;
            offset = 0;
            show_new(&mut file, &mut offset, show).map_err(failed)?;
        }
        if receiver.recv().await.is_none() {
            return Ok(());
        }
    }
}

fn show_new(file: &mut File, offset: &mut u64, show: &mut dyn FnMut(&str)) -> io::Result<()> {
    loop {
        file.seek(SeekFrom::Start(*offset))?;
        let mut bytes = Vec::new();
        Read::by_ref(file).take(1 << 20).read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        show(&String::from_utf8_lossy(&bytes[..=end]));
        *offset += end as u64 + 1;
    }
}

/// The new file when `path` is no longer the one that is open.
fn replaced(file: &File, path: &Path) -> Option<File> {
    let newer = File::open(path).ok()?;
    (newer.metadata().ok()?.ino() != file.metadata().ok()?.ino()).then_some(newer)
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

    #[tokio::test]
    async fn what_is_added_is_shown_also_after_a_rotation() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("log");
        std::fs::write(&path, "old\n").expect("write");
        let mut file = File::open(&path).expect("open");
        let mut offset = file.seek(SeekFrom::End(0)).expect("seek");
        let mut shown = String::new();
        let append = |text: &str| {
            let mut file = OpenOptions::new().append(true).create(true).open(&path).expect("open");
            file.write_all(text.as_bytes()).expect("write");
        };
        append("a\nhalf");
        show_new(&mut file, &mut offset, &mut |text| shown.push_str(text)).expect("read");
        assert_eq!(shown, "a\n");
        std::fs::rename(&path, dir.path().join("log.1")).expect("rename");
        append("new\n");
        let mut file = replaced(&file, &path).expect("another file");
        show_new(&mut file, &mut 0, &mut |text| shown.push_str(text)).expect("read");
        assert_eq!(shown, "a\nnew\n");
    }
}

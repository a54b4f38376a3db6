//! Files that people send, and files that the agent sends.
//!
//! They lie in the repository, below `.codex-autorunner/uploads`, where the agent can read and write. No link on the way is
//! followed out of the repository, and no name of a sender becomes more than a name.

mod dir;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use car_engine::config::CAR_DIR;
use car_engine::{EngineError, ErrorKind, blocking, now};
use car_store::{NewMessage, Place};

use crate::payload::{Content, Payload, Priority};
use dir::Dir;

/// Characters kept of a file's name.
const MAX_NAME: usize = 60;
/// Files sent after one turn.
const MAX_SENT: usize = 20;

/// Where the files of a topic lie.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    workspace: PathBuf,
    topic: String,
}

/// A file in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

impl Folder {
    pub(crate) fn of(workspace: &Path, place: Place) -> Self {
        let topic = match place.topic {
            0 => format!("{}_root", place.chat),
            topic => format!("{}_{topic}", place.chat),
        };
        Self { workspace: workspace.to_path_buf(), topic }
    }

    /// Its path, relative to the repository.
    fn relative(&self, part: &str) -> String {
        format!("{CAR_DIR}/uploads/telegram-files/{}/{part}", self.topic)
    }

    /// Where the agent finds what people sent.
    pub(crate) fn inbox(&self) -> String {
        self.relative("inbox")
    }

    /// Where the agent puts what people are to get.
    pub(crate) fn pending(&self) -> String {
        self.relative("outbox/pending")
    }

    /// Makes the folders the agent is told about.
    pub(crate) fn make(&self) -> Result<(), EngineError> {
        made(&self.workspace, &self.inbox())?;
        made(&self.workspace, &self.pending()).map(drop)
    }

    /// Stores a file somebody sent.
    pub(crate) fn store(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, EngineError> {
        let dir = made(&self.workspace, &self.inbox())?;
        let name = plain_name(name);
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
        let dot = if extension.is_empty() { "" } else { "." };
        write_new(&dir, &format!("{stem}-{}{dot}{extension}", token()?), bytes)
    }

    /// The files of one folder, the newest first. `part` is `inbox`, `outbox/pending` or `outbox/sent`.
    pub(crate) fn list(&self, part: &str) -> Result<Vec<Listed>, EngineError> {
        let Some(dir) = self.open(part)? else { return Ok(Vec::new()) };
        let files = dir.files().map_err(|error| EngineError::file("read", dir.path(), error))?;
        let listed = files.into_iter().map(|(name, about)| Listed {
            path: dir.path().join(&name),
            size: about.len(),
            modified: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            name,
        });
        let mut all: Vec<Listed> = listed.collect();
        all.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        Ok(all)
    }

    /// Removes the files of one folder. Returns how many.
    pub(crate) fn clear(&self, part: &str) -> Result<usize, EngineError> {
        let Some(dir) = self.open(part)? else { return Ok(0) };
        let failed = |error| EngineError::file("clear", dir.path(), error);
        let files = dir.files().map_err(failed)?;
        for (name, _) in &files {
            dir.remove(name).map_err(failed)?;
        }
        Ok(files.len())
    }

    /// One folder; `None` when nobody made it yet.
    fn open(&self, part: &str) -> Result<Option<Dir>, EngineError> {
        let path = real(&self.workspace)?.join(self.relative(part));
        match Dir::open(&path) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(no_way(&path, error)),
        }
    }

    /// The messages that send what the agent has put out. One that is too large is named instead.
    pub(crate) fn outgoing(
        &self,
        place: Place,
        max: u64,
        only: Option<&str>,
    ) -> Result<Vec<NewMessage>, EngineError> {
        let files = self.list("outbox/pending")?;
        let wanted = files.iter().rev().filter(|file| only.is_none_or(|only| file.name == only));
        let sent = real(&self.workspace)?.join(self.relative("outbox/sent"));
        let mut all = Vec::new();
        for file in wanted.take(MAX_SENT) {
            let at = file.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let key =
                format!("file:{}:{}:{}:{}", place.chat, place.topic, file.name, at.as_nanos());
            if file.size > max || file.size == 0 {
                let size = car_domain::format::bytes(file.size);
                let text = format!("{} is not sent: it has {size}.", file.name);
                let letter = crate::payload::Letter::plain(text);
                all.push(Payload::Text(letter).to(place, key, Priority::Usual));
                continue;
            }
            let payload = Payload::File {
                name: file.name.clone(),
                caption: file.name.clone(),
                content: Content::Path {
                    path: file.path.display().to_string(),
                    sent: sent
                        .join(format!("{}-{}", at.as_secs(), file.name))
                        .display()
                        .to_string(),
                },
                reply_to: None,
            };
            all.push(payload.to(place, key, Priority::Usual));
        }
        Ok(all)
    }
}

/// Stores a picture somebody sent.
pub(crate) async fn store_image(
    workspace: &Path,
    name: Option<&str>,
    bytes: Vec<u8>,
) -> Result<PathBuf, EngineError> {
    let workspace = workspace.to_path_buf();
    let extension = match &bytes[..bytes.len().min(16)] {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "heic",
        _ => {
            let name = name.unwrap_or("the file").to_owned();
            return Err(EngineError::invalid(format!("{name} is no picture I know"))
                .with_hint("send a PNG, JPEG, GIF, WebP or HEIC"));
        }
    };
    blocking(move || {
        let dir = made(&workspace, &format!("{CAR_DIR}/uploads/telegram-images"))?;
        let seconds = now().as_millis() / 1000;
        write_new(&dir, &format!("telegram-{seconds}-{}.{extension}", token()?), &bytes)
    })
    .await
}

/// What is in a file, at most `max` bytes. No link on its path is followed: the agent may change its files at any moment.
pub(crate) fn read_without_links(path: &Path, max: u64) -> Result<Vec<u8>, EngineError> {
    let failed = |error| EngineError::file("read", path, error);
    let (dir, name) = split(path).map_err(failed)?;
    Dir::open(dir).and_then(|dir| dir.read(name, max)).map_err(failed)?.ok_or_else(|| {
        EngineError::new(ErrorKind::TooLarge, format!("{} is too large", path.display()))
    })
}

/// Moves a file that was sent to where it is not sent again.
pub(crate) fn put_aside(path: &Path, sent: &Path) -> Result<(), EngineError> {
    let failed = |error| EngineError::file("put aside", path, error);
    let ((from, name), (to, new_name)) =
        (split(path).map_err(failed)?, split(sent).map_err(failed)?);
    let (from, to) = (Dir::open(from).map_err(failed)?, Dir::make(to).map_err(failed)?);
    from.move_to(name, &to, new_name).map_err(failed)
}

fn split(path: &Path) -> std::io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    path.parent().zip(name).ok_or_else(|| std::io::ErrorKind::InvalidInput.into())
}

fn real(workspace: &Path) -> Result<PathBuf, EngineError> {
    std::fs::canonicalize(workspace).map_err(|error| EngineError::file("find", workspace, error))
}

/// A directory below the repository, made if it is missing.
fn made(workspace: &Path, relative: &str) -> Result<Dir, EngineError> {
    let path = real(workspace)?.join(relative);
    Dir::make(&path).map_err(|error| no_way(&path, error))
}

fn no_way(path: &Path, error: std::io::Error) -> EngineError {
    EngineError::file("use", path, error).with_hint(
        "nothing is read or written through a link; if there is one on this path, remove it",
    )
}

fn write_new(dir: &Dir, name: &str, bytes: &[u8]) -> Result<PathBuf, EngineError> {
    let path = dir.path().join(name);
    dir.write_new(name, bytes).map_err(|error| EngineError::file("write", &path, error))?;
    Ok(path)
}

/// Letters, digits, dots, dashes and underscores of a name.
fn plain_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    let kept = kept.trim_start_matches('.');
    let cut = kept.len().saturating_sub(MAX_NAME);
    let kept = &kept[cut..];
    if kept.is_empty() { "file".to_owned() } else { kept.to_owned() }
}

/// Twelve random hex digits.
fn token() -> Result<String, EngineError> {
    Ok(crate::random_hex()?[..12].to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PLACE: Place = Place { chat: -5, topic: 7 };

    #[test]
    fn a_senders_name_becomes_only_a_name() {
        for (name, plain) in [
            ("../../etc/passwd", "passwd"),
            ("a b;c.txt", "a_b_c.txt"),
            (".env", "env"),
            ("", "file"),
            ("C:\\x\\y.png", "y.png"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }

    #[test]
    fn a_file_is_stored_and_listed_and_no_link_is_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let folder = Folder::of(dir.path(), PLACE);
        folder.make().expect("made");
        let path = folder.store("notes.txt", b"hello").expect("stored");
        assert!(path.to_str().expect("UTF-8").ends_with(".txt"));
        assert_eq!(folder.list("inbox").expect("a list").len(), 1);

        let pending = dir.path().join(folder.pending());
        fs::write(pending.join("report.md"), "done").expect("written");
        std::os::unix::fs::symlink("/etc/passwd", pending.join("secret")).expect("a link");
        let out = folder.outgoing(PLACE, 100, None).expect("a list");
        assert_eq!(out.len(), 1);
        assert!(out[0].payload.contains("report.md"));

        let report = fs::canonicalize(pending.join("report.md")).expect("there");
        assert_eq!(read_without_links(&report, 4).expect("read"), b"done");
        read_without_links(&report, 3).expect_err("too large");
        read_without_links(&report.with_file_name("secret"), 9999).expect_err("a link");

        let payload: Payload = serde_json::from_str(&out[0].payload).expect("readable");
        let Payload::File { content: Content::Path { path, sent }, .. } = payload else { panic!() };
        let outside = tempfile::tempdir().expect("a directory");
        let sent_dir = dir.path().join(folder.relative("outbox/sent"));
        std::os::unix::fs::symlink(outside.path(), &sent_dir).expect("a link");
        put_aside(path.as_ref(), sent.as_ref()).expect_err("a link for a folder");
        fs::remove_file(&sent_dir).expect("removed");
        put_aside(path.as_ref(), sent.as_ref()).expect("put aside");
        assert_eq!(folder.list("outbox/sent").expect("a list").len(), 1);

        fs::remove_dir_all(&pending).expect("removed");
        std::os::unix::fs::symlink("/etc", &pending).expect("a link");
        folder.outgoing(PLACE, 100, None).expect_err("a link for a folder");
    }
}

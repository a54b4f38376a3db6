//! Images people give to an agent in a terminal.
//!
//! What is stored is an image by its first bytes, whatever its sender calls it, of a bounded size, readable by its owner only. All
//! of them together stay within the limits of the housekeeping rule `terminal_image_uploads`.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use futures::{Stream, StreamExt};

use crate::config::CAR_DIR;
use crate::housekeeping::{Cleaning, clean};
use crate::served::blocking;
use crate::{EngineError, ErrorKind, Repo, now};

/// Most bytes of an image.
pub const MAX_IMAGE_BYTES: usize = 10 << 20;
/// Where the images of terminals lie, below `.codex-autorunner`.
const TERMINAL_IMAGES: &str = "uploads/terminal-images";
/// The housekeeping rule about them.
const RULE: &str = "terminal_image_uploads";
/// Images and bytes that are kept when that rule names no limit.
const QUOTA: (u64, u64) = (500, 200_000_000);

/// An image that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// Its file.
    pub path: PathBuf,
    /// The same, relative to the root.
    pub rel_path: String,
    /// Name of the file.
    pub name: String,
}

/// Reads `image` to its end or to the limit, and stores it for a terminal of `repo`.
///
/// # Errors
/// When it is empty, too large or no image, cannot be read, or there are too many images already.
pub async fn store_terminal_image<B: AsRef<[u8]>>(
    repo: &Repo,
    image: impl Stream<Item = Result<B, EngineError>>,
) -> Result<StoredImage, EngineError> {
    let bytes = bounded(image).await?;
    if bytes.is_empty() {
        return Err(EngineError::invalid("empty upload"));
    }
    let Some(extension) = extension_of(&bytes) else {
        return Err(EngineError::invalid("unsupported content type")
            .with_hint("send a PNG, JPEG, GIF, WebP, HEIC or HEIF image"));
    };
    let repo = repo.clone();
    blocking(move || store(&repo, &bytes, extension)).await
}

/// Stops reading as soon as it is too much.
async fn bounded<B: AsRef<[u8]>>(
    image: impl Stream<Item = Result<B, EngineError>>,
) -> Result<Vec<u8>, EngineError> {
    let mut image = std::pin::pin!(image);
    let mut bytes = Vec::new();
    while let Some(chunk) = image.next().await {
        let chunk = chunk?;
        if bytes.len() + chunk.as_ref().len() > MAX_IMAGE_BYTES {
            return Err(image_too_large());
        }
        bytes.extend_from_slice(chunk.as_ref());
    }
    Ok(bytes)
}

/// The error about an image that is too large, for doors that notice it first.
pub fn image_too_large() -> EngineError {
    EngineError::new(ErrorKind::TooLarge, "image too large")
        .with_hint(format!("at most {} MiB are taken", MAX_IMAGE_BYTES >> 20))
}

fn store(repo: &Repo, bytes: &[u8], extension: &str) -> Result<StoredImage, EngineError> {
    let dir = repo.car_dir().join(TERMINAL_IMAGES);
    let failed = |error| EngineError::file("write", &dir, error);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
    // A link would lead out of the repository.
    let real = fs::canonicalize(&dir).map_err(failed)?;
    let root = fs::canonicalize(repo.root()).map_err(failed)?;
    if !real.starts_with(&root) {
        let text = format!("{} leads out of the repository", dir.display());
        return Err(EngineError::conflict(text).with_hint("remove the link"));
    }
    make_room(repo, &dir, bytes.len() as u64)?;
    let seconds = now().as_millis() / 1000;
    // Its end is random, its beginning the time.
    let token = uuid::Uuid::now_v7().simple().to_string();
    let name = format!("terminal-{seconds}-{}.{extension}", &token[20..]);
    let path = dir.join(&name);
    let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    if let Err(error) = written {
        // Half an image is none.
        let _ = fs::remove_file(&path);
        return Err(EngineError::file("write", &path, error));
    }
    Ok(StoredImage { path, rel_path: format!("{CAR_DIR}/{TERMINAL_IMAGES}/{name}"), name })
}

/// Refuses one more image when even housekeeping leaves too many.
fn make_room(repo: &Repo, dir: &Path, more: u64) -> Result<(), EngineError> {
    let config = repo.config();
    let rules = config.housekeeping.effective_rules(config.mode);
    let rule = rules.into_iter().find(|rule| rule.name == RULE).unwrap_or_default();
    let max_files = rule.max_files.unwrap_or(QUOTA.0);
    let max_bytes = rule.max_total_bytes.unwrap_or(QUOTA.1);
    let fits = || {
        let (files, bytes) = held(dir)?;
        Ok::<_, EngineError>(files < max_files && bytes + more <= max_bytes)
    };
    if fits()? {
        return Ok(());
    }
    clean(repo.root(), &Cleaning { without_home: true, ..Cleaning::default() })?;
    if fits()? {
        return Ok(());
    }
    Err(EngineError::new(ErrorKind::RateLimited, "there are too many images already").with_hint(
        format!("delete some in {CAR_DIR}/{TERMINAL_IMAGES}, or wait until housekeeping does"),
    ))
}

/// How many files are in `dir`, and their bytes.
fn held(dir: &Path) -> Result<(u64, u64), EngineError> {
    let entries = fs::read_dir(dir).map_err(|error| EngineError::file("list", dir, error))?;
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok().map(|meta| meta.len()));
    Ok(sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size)))
}

/// The usual extension of what these bytes are, when they are an image that is taken.
fn extension_of(bytes: &[u8]) -> Option<&'static str> {
    let is_at = |at: usize, what: &[u8]| bytes.get(at..at + what.len()) == Some(what);
    if is_at(0, b"\x89PNG\r\n\x1a\n") {
        return Some("png");
    }
    if is_at(0, b"\xff\xd8\xff") {
        return Some("jpg");
    }
    if is_at(0, b"GIF87a") || is_at(0, b"GIF89a") {
        return Some("gif");
    }
    if is_at(0, b"RIFF") && is_at(8, b"WEBP") {
        return Some("webp");
    }
    if !is_at(4, b"ftyp") {
        return None;
    }
    match bytes.get(8..12)? {
        b"heic" | b"heix" | b"hevc" | b"hevx" => Some("heic"),
        b"mif1" | b"msf1" | b"heif" => Some("heif"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn repo(config: &str) -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        fs::write(dir.path().join(CAR_DIR).join("config.yml"), config).expect("write");
        let repo = Repo::open(dir.path()).expect("valid");
        (dir, repo)
    }

    async fn store(repo: &Repo, bytes: &[u8]) -> Result<StoredImage, EngineError> {
        let chunks = bytes.chunks(1 << 20).map(|chunk| Ok::<_, EngineError>(chunk.to_vec()));
        store_terminal_image(repo, futures::stream::iter(chunks.collect::<Vec<_>>())).await
    }

    #[tokio::test]
    async fn an_image_is_stored_under_the_originals_name_for_its_owner_only() {
        let (_dir, repo) = repo("");
        let stored = store(&repo, PNG).await.expect("stored");
        assert_eq!(fs::read(&stored.path).expect("there"), PNG);
        assert_eq!(repo.root().join(&stored.rel_path), stored.path);
        let parts: Vec<&str> = stored.name.split(['-', '.']).collect();
        assert_eq!((parts[0], parts[2].len(), parts[3]), ("terminal", 12, "png"));
        assert!(parts[1].parse::<u64>().is_ok());
        let mode = |path: &Path| fs::metadata(path).expect("stat").permissions().mode() & 0o777;
        assert_eq!((mode(&stored.path), mode(stored.path.parent().expect("dir"))), (0o600, 0o700));
    }

    #[tokio::test]
    async fn what_is_no_image_is_refused_whatever_it_is_called() {
        let (_dir, repo) = repo("");
        for bytes in [
            &b"hello"[..],
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%PDF-1.7",
            b"\x89PNG",
            b"",
        ] {
            let error = store(&repo, bytes).await.expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
        for (bytes, extension) in [
            (&b"\xff\xd8\xff\xe0"[..], "jpg"),
            (b"GIF89a", "gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
            (b"\0\0\0\x18ftypheic", "heic"),
            (b"\0\0\0\x18ftypmif1", "heif"),
        ] {
            let stored = store(&repo, bytes).await.expect("stored");
            assert!(stored.name.ends_with(extension), "{}", stored.name);
        }
    }

    #[tokio::test]
    async fn reading_stops_where_it_is_too_much() {
        let (_dir, repo) = repo("");
        let endless = futures::stream::repeat_with(|| Ok::<_, EngineError>(vec![0; 1 << 20]));
        let error = store_terminal_image(&repo, endless).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn there_are_never_more_than_housekeeping_allows() {
        let rule = r#"{"name": "terminal_image_uploads", "path": ".codex-autorunner/uploads/terminal-images", "max_files": 2}"#;
        let young = format!(r#"{{"housekeeping": {{"rules": [{rule}]}}}}"#);
        let (_dir, repo) = self::repo(&young);
        for _ in 0..2 {
            store(&repo, PNG).await.expect("stored");
        }
        let error = store(&repo, PNG).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::RateLimited, "none is old enough to go");
    }

    #[tokio::test]
    async fn a_directory_that_leads_elsewhere_gets_nothing() {
        let (_dir, repo) = repo("");
        let other = tempfile::tempdir().expect("temp dir");
        std::os::unix::fs::symlink(other.path(), repo.car_dir().join("uploads")).expect("link");
        let error = store(&repo, PNG).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            fs::read_dir(other.path().join("terminal-images")).map_or(0, Iterator::count),
            0
        );
    }
}

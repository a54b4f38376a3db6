//! What the agent is told about a repository for a snapshot: bounded, and without secrets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use car_domain::docs::DocKind;

use super::{hash, outline::outline};
use crate::{EngineError, Redactor, Repo};

/// Files of a tree that are looked at; the outline shows fewer.
const MAX_FILES: usize = 5000;
/// Larger files are not read.
const MAX_FILE_BYTES: u64 = 200_000;
/// Bytes of all files together.
const MAX_TOTAL_BYTES: u64 = 1_000_000;
/// Characters shown of a work document.
const DOC_CHARS: usize = 2000;
/// Characters shown of the README.
const README_CHARS: usize = 1200;
/// Directories that say nothing about a repository.
const SKIPPED_DIRS: [&str; 15] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    ".venv",
    "venv",
    "dist",
    "build",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".cache",
    "__pycache__",
    ".tox",
    "target",
];
/// Files that tell what kind of repository it is.
const KEY_FILES: [&str; 15] = [
    "README.md",
    "README.rst",
    "pyproject.toml",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "requirements.txt",
    "setup.py",
    "Cargo.toml",
    "go.mod",
    "Makefile",
    "Dockerfile",
    ".github/workflows",
    "AGENTS.md",
];
const SECRET_NAMES: [&str; 7] =
    [".env", ".env.local", "id_rsa", "id_ed25519", "known_hosts", ".npmrc", ".pypirc"];
const SECRET_ENDS: [&str; 5] = [".pem", ".key", ".p12", ".pfx", ".kdbx"];

/// The seed of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Seed {
    pub(super) text: String,
    pub(super) head: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) bytes_read: u64,
    pub(super) file_hashes: BTreeMap<String, String>,
}

impl Seed {
    /// Collects it.
    pub(super) async fn collect(repo: &Repo, redactor: &Redactor) -> Result<Self, EngineError> {
        let root = repo.root();
        let mut seed = Self::default();
        let is_git = car_git::is_available(root).await;
        let tracked =
            if is_git { car_git::tracked_files(root, MAX_FILES).await.ok() } else { None };
        let files = match tracked {
            Some((files, _)) => files,
            None => walked(root.to_path_buf()).await,
        };
        if is_git {
            seed.head = car_git::head_id(root).await;
            seed.branch = car_git::branch(root);
        }
        let mut text =
            format!("# Seed of a snapshot\n\n## Repository\n\n- Root: {}\n", root.display());
        text.push_str(&format!("- Version control: {}\n", if is_git { "git" } else { "none" }));
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        text.push_str(&format!(
            "- Branch: {}\n- HEAD: {}\n",
            or_none(&seed.branch),
            or_none(&seed.head)
        ));
        let shown = files.iter().map(PathBuf::as_path).filter(|path| !is_secret(path));
        text.push_str(&format!("\n## Tree outline\n\n{}\n", outline(shown)));
        let keys: Vec<String> = KEY_FILES
            .iter()
            .filter(|name| root.join(name).exists())
            .map(|name| format!("- {name}\n"))
            .collect();
        text.push_str(&format!("\n## Key files\n\n{}", keys.concat()));
        text.push_str("\n## Work documents\n");
        let this = repo.clone();
        let (mut seed, excerpts) =
            crate::served::blocking(move || Ok(read_excerpts(&this, seed))).await?;
        text.push_str(&excerpts);
        seed.text = redactor.redact(&text).into_owned();
        Ok(seed)
    }

    fn excerpt(&mut self, name: &str, path: &Path, max_chars: usize) -> String {
        let shown = |note: &str| format!("\n### {name}\n\n{note}\n");
        if is_secret(path) {
            return shown("Skipped excerpt: it looks like a file with secrets.");
        }
        let Some(bytes) = read_bounded(path) else {
            return match std::fs::metadata(path) {
                Ok(meta) if meta.len() > MAX_FILE_BYTES => {
                    shown(&format!("Skipped excerpt: larger than {MAX_FILE_BYTES} bytes."))
                }
                _ => String::new(),
            };
        };
        if self.bytes_read + bytes.len() as u64 > MAX_TOTAL_BYTES {
            return shown("Skipped excerpt: the seed is large enough.");
        }
        self.bytes_read += bytes.len() as u64;
        self.file_hashes.insert(name.to_owned(), hash(&bytes));
        if is_binary(&bytes) {
            return shown("Skipped excerpt: binary file.");
        }
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        let cut = text.char_indices().nth(max_chars).map_or(text.len(), |(at, _)| at);
        let more = if cut < text.len() { "\n…" } else { "" };
        let text = crate::github::fenced(&format!("{}{more}", text[..cut].trim_end()));
        shown(&text)
    }
}

fn read_excerpts(repo: &Repo, mut seed: Seed) -> (Seed, String) {
    let mut text = String::new();
    for (name, path) in documents(repo) {
        text.push_str(&seed.excerpt(&name, &path, DOC_CHARS));
    }
    if let Some(readme) = readme(repo) {
        let name = readme.file_name().map(|name| name.to_string_lossy().into_owned());
        text.push_str("\n## README\n");
        text.push_str(&seed.excerpt(&name.unwrap_or_default(), &readme, README_CHARS));
    }
    (seed, text)
}

/// Hashes of the files a snapshot would be made from, without making one.
pub(super) fn file_hashes(repo: &Repo) -> BTreeMap<String, String> {
    let readme = readme(repo).map(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        (name.unwrap_or_default(), path)
    });
    let hashed = |(name, path): (String, PathBuf)| Some((name, hash(&read_bounded(&path)?)));
    documents(repo)
        .into_iter()
        .chain(readme)
        .filter(|(_, path)| !is_secret(path))
        .filter_map(hashed)
        .collect()
}

fn documents(repo: &Repo) -> Vec<(String, PathBuf)> {
    let docs = repo.docs();
    DocKind::WORK.map(|kind| (docs.configured(kind).to_owned(), docs.path(kind))).to_vec()
}

fn readme(repo: &Repo) -> Option<PathBuf> {
    ["README.md", "README.rst"]
        .map(|name| repo.root().join(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// A file's bytes; `None` when it is no plain file or too large. Never reads more than the bound.
fn read_bounded(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_FILE_BYTES).then_some(bytes)
}

/// Whether a path must not even be named.
fn is_secret(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
        return false;
    };
    SECRET_NAMES.contains(&name.as_str())
        || name.starts_with(".env.")
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

/// A NUL, or a third of the beginning being control bytes.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(2048)];
    let is_control =
        |byte: &&u8| **byte < 32 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b);
    head.contains(&0) || head.iter().filter(is_control).count() * 10 > head.len() * 3
}

/// The files below `root`, at most [`MAX_FILES`], without directories that say nothing; links are not followed.
async fn walked(root: PathBuf) -> Vec<PathBuf> {
    let walk = move || {
        let mut files = Vec::new();
        let mut dirs = vec![root.clone()];
        while let Some(dir) = dirs.pop() {
            let Ok(entries) = std::fs::read_dir(&dir) else { continue };
            let mut entries: Vec<_> = entries.flatten().collect();
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                if files.len() == MAX_FILES {
                    return Ok(files);
                }
                let name = entry.file_name();
                let is_skipped = SKIPPED_DIRS.iter().any(|skipped| name == *skipped);
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && !is_skipped => dirs.push(entry.path()),
                    Ok(kind) if kind.is_file() => {
                        files.extend(entry.path().strip_prefix(&root).map(Path::to_path_buf));
                    }
                    _ => {}
                }
            }
        }
        Ok(files)
    };
    crate::served::blocking(walk).await.unwrap_or_default()
}

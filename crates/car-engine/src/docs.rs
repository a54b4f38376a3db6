//! The work documents: the memory agents share between runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use car_domain::todo::TodoList;

use crate::files::write_atomic;
use crate::{EngineError, Repo};

/// What a report marker in SUMMARY contains; its presence means that the final report is written.
const FINALIZED: &str = "CAR:SUMMARY_FINALIZED";

/// The five work documents of a repository.
#[derive(Clone, Copy, Debug)]
pub struct Docs<'a> {
    repo: &'a Repo,
}

/// Texts of the five documents; a missing one is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct DocTexts {
    pub todo: String,
    pub progress: String,
    pub opinions: String,
    pub spec: String,
    pub summary: String,
}

impl<'a> Docs<'a> {
    pub(crate) fn new(repo: &'a Repo) -> Self {
        Self { repo }
    }

    /// Where TODO is.
    pub fn todo_path(&self) -> PathBuf {
        self.absolute(&self.repo.config().docs.todo)
    }

    /// Where SUMMARY is.
    pub fn summary_path(&self) -> PathBuf {
        self.absolute(&self.repo.config().docs.summary)
    }

    /// The boxes of TODO.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn todo(&self) -> Result<TodoList, EngineError> {
        Ok(TodoList::parse(&read(&self.todo_path())?))
    }

    /// All five texts.
    pub(crate) fn texts(&self) -> Result<DocTexts, EngineError> {
        let docs = &self.repo.config().docs;
        Ok(DocTexts {
            todo: read(&self.absolute(&docs.todo))?,
            progress: read(&self.absolute(&docs.progress))?,
            opinions: read(&self.absolute(&docs.opinions))?,
            spec: read(&self.absolute(&docs.spec))?,
            summary: read(&self.absolute(&docs.summary))?,
        })
    }

    /// Whether the final report is written.
    pub(crate) fn report_written(&self) -> Result<bool, EngineError> {
        Ok(read(&self.summary_path())?.contains(FINALIZED))
    }

    /// Marks the final report as written by run `run`.
    pub(crate) fn mark_report(&self, run: u64) -> Result<(), EngineError> {
        let path = self.summary_path();
        let text = read(&path)?;
        if text.contains(FINALIZED) {
            return Ok(());
        }
        let text = format!("{}\n\n<!-- {FINALIZED} run_id={run} -->\n", text.trim_end());
        write_atomic(&path, text.as_bytes())
            .map_err(|error| EngineError::file("write", &path, error))
    }

    /// Takes the mark away, because there is work again.
    pub(crate) fn unmark_report(&self) -> Result<(), EngineError> {
        let path = self.summary_path();
        let text = read(&path)?;
        if !text.contains(FINALIZED) {
            return Ok(());
        }
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains(FINALIZED)).collect();
        let text = format!("{}\n", kept.join("\n").trim_end());
        write_atomic(&path, text.as_bytes())
            .map_err(|error| EngineError::file("write", &path, error))
    }

    fn absolute(&self, path: &str) -> PathBuf {
        self.repo.root().join(path)
    }
}

/// A document's text; bytes that are no UTF-8 become replacement characters, a missing file is empty.
fn read(path: &Path) -> Result<String, EngineError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(EngineError::file("read", path, error)),
    }
}

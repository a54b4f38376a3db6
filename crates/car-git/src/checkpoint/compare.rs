//! What lies between two checkpoints.

use std::ffi::OsStr;
use std::path::PathBuf;

use car_domain::run::ChangeCount;

use super::Checkpoints;
use crate::GitError;
use crate::command::{Git, path};

/// A file as a checkpoint holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `100644`, `100755` or `120000`.
    pub mode: String,
    /// Id of its bytes.
    pub id: String,
}

/// A file that differs between two checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Git's letter: `A`, `M`, `D`, `T` or `R`.
    pub letter: char,
    /// Where it is, relative to the top of the working tree.
    pub path: PathBuf,
    /// Where it was, when it was moved.
    pub from: Option<PathBuf>,
    /// What it was.
    pub before: Option<Entry>,
    /// What it is.
    pub after: Option<Entry>,
    /// Lines added; absent for a binary file.
    pub insertions: Option<u64>,
    /// Lines removed; absent for a binary file.
    pub deletions: Option<u64>,
}

/// Whether a file that moved is one difference or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renames {
    /// One: `R` with its old path.
    Found,
    /// Two: deleted here, added there.
    Split,
}

/// How differences are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchForm {
    /// As a unified diff for people; binary files are only named.
    Unified,
    /// As a unified diff that `git apply` takes, binary files included.
    Applicable,
    /// Only how many lines of which files.
    Stat {
        /// Columns it may use.
        width: u16,
    },
}

impl Checkpoints {
    /// The files that differ between two checkpoints, restricted to `paths` and what is below them; to all when empty.
    ///
    /// # Errors
    /// When one of them is gone, or git gives no answer.
    pub async fn compare(
        &self,
        from: &str,
        to: &str,
        renames: Renames,
        paths: &[PathBuf],
    ) -> Result<Vec<Difference>, GitError> {
        let mut reader = Reader::default();
        self.diff_tree(from, to, renames, paths)
            .await?
            .args(["-z", "--raw", "--numstat"])
            .records(|record| reader.take(record))
            .await?;
        Ok(reader.list)
    }

    /// How much differs between two checkpoints.
    ///
    /// # Errors
    /// As for [`Checkpoints::compare`].
    pub async fn count(&self, from: &str, to: &str) -> Result<ChangeCount, GitError> {
        let list = self.compare(from, to, Renames::Split, &[]).await?;
        Ok(list.iter().fold(ChangeCount::default(), |sum, file| ChangeCount {
            files: sum.files + 1,
            insertions: sum.insertions + file.insertions.unwrap_or(0),
            deletions: sum.deletions + file.deletions.unwrap_or(0),
        }))
    }

    /// Writes the differences of two checkpoints as a unified diff, piece by piece.
    ///
    /// # Errors
    /// As for [`Checkpoints::compare`].
    pub async fn patch(
        &self,
        from: &str,
        to: &str,
        form: PatchForm,
        paths: &[PathBuf],
        sink: impl FnMut(&[u8]) + Send,
    ) -> Result<(), GitError> {
        let form = match form {
            PatchForm::Unified => "--patch".to_owned(),
            PatchForm::Applicable => "--binary".to_owned(), // It implies `--patch`.
            PatchForm::Stat { width } => format!("--stat={width}"),
        };
        let call = self.diff_tree(from, to, Renames::Found, paths).await?;
        call.args(["--color=never", form.as_str()]).pieces(sink).await
    }

    async fn diff_tree(
        &self,
        from: &str,
        to: &str,
        renames: Renames,
        paths: &[PathBuf],
    ) -> Result<Git, GitError> {
        self.make().await?;
        let renames = match renames {
            Renames::Found => "--find-renames",
            Renames::Split => "--no-renames",
        };
        let call = self
            .git("diff-tree")
            .args(["-r", "--no-ext-diff", "--no-textconv", renames])
            .value(from)
            .value(to);
        let paths: Vec<&OsStr> = paths.iter().map(|path| path.as_os_str()).collect();
        Ok(if paths.is_empty() { call } else { call.paths(paths) })
    }
}

/// Reads the raw records, then the numbers, which come in the same order.
#[derive(Default)]
struct Reader {
    list: Vec<Difference>,
    /// Names that are still to come for the last raw record.
    n_names: usize,
    /// Numbers read.
    n_counted: usize,
    /// Old and new name of a moved file that follow its numbers.
    n_skipped: usize,
}

impl Reader {
    fn take(&mut self, record: &[u8]) {
        if self.n_skipped > 0 {
            self.n_skipped -= 1;
        } else if self.n_names > 0 {
            self.name(record);
        } else if record.first() == Some(&b':') {
            self.raw(&String::from_utf8_lossy(record));
        } else {
            self.numbers(record);
        }
    }

    /// `:mode mode id id letter`.
    fn raw(&mut self, record: &str) {
        let words: Vec<&str> = record[1..].split(' ').collect();
        let [mode_before, mode_after, id_before, id_after, letter] = words[..] else { return };
        let entry = |mode: &str, id: &str| {
            let is_there = mode != "000000";
            is_there.then(|| Entry { mode: mode.to_owned(), id: id.to_owned() })
        };
        let letter = letter.chars().next().unwrap_or('?');
        self.n_names = if letter == 'R' { 2 } else { 1 };
        self.list.push(Difference {
            letter,
            path: PathBuf::new(),
            from: None,
            before: entry(mode_before, id_before),
            after: entry(mode_after, id_after),
            insertions: None,
            deletions: None,
        });
    }

    fn name(&mut self, record: &[u8]) {
        self.n_names -= 1;
        let Some(file) = self.list.last_mut() else { return };
        match (file.letter, self.n_names) {
            ('R', 1) => file.from = Some(path(record)),
            _ => file.path = path(record),
        }
    }

    /// `added TAB removed TAB name`, or for a moved file without name, which follows.
    fn numbers(&mut self, record: &[u8]) {
        let mut words = record.splitn(3, |byte| *byte == b'\t');
        let mut number = || std::str::from_utf8(words.next()?).ok()?.parse().ok();
        let (insertions, deletions) = (number(), number());
        if words.next().is_some_and(<[u8]>::is_empty) {
            self.n_skipped = 2;
        }
        if let Some(file) = self.list.get_mut(self.n_counted) {
            (file.insertions, file.deletions) = (insertions, deletions);
        }
        self.n_counted += 1;
    }
}

//! Changes as structured text, as much of them as somebody can read at once.
//!
//! Git writes the files of a patch in the order in which it lists them, so each part of the patch is matched with its entry of
//! the list by its place; names in a patch would have to be unquoted, and a file may be called anything.

use std::path::{Path, PathBuf};

use car_domain::changes::{FilePatch, PatchHunk};
use car_domain::proposal::HunkLine;
use car_domain::run::FileDiff;

use super::changes::Changes;
use crate::EngineError;
use car_git::PatchForm;

/// Most bytes of a line that are kept.
const MAX_LINE: usize = 2000;

/// How much of a patch is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchLimits {
    /// Lines of one file. A longer patch is left out as a whole: half of a change says nothing.
    pub lines_of_file: usize,
    /// Lines of all files together.
    pub lines: usize,
}

impl Changes {
    /// The changes file by file, restricted to `paths` and what is below them. What is over a limit is counted only.
    ///
    /// # Errors
    /// As for [`Changes::files`].
    pub async fn patches(
        &self,
        base: &Path,
        paths: &[PathBuf],
        limits: PatchLimits,
    ) -> Result<Vec<FilePatch>, EngineError> {
        let files = self.files(base, paths).await?;
        let mut reader = Reader::new(files, limits);
        self.write(PatchForm::Unified, base, paths, |piece| reader.take(piece)).await?;
        Ok(reader.finish())
    }
}

struct Reader {
    files: std::vec::IntoIter<FileDiff>,
    patches: Vec<FilePatch>,
    limits: PatchLimits,
    /// Lines that may still be kept.
    left: usize,
    line: Vec<u8>,
    /// Lines of the present hunk that are still to come: of the old file, of the new one.
    rest: (u64, u64),
}

impl Reader {
    fn new(files: Vec<FileDiff>, limits: PatchLimits) -> Self {
        let left = limits.lines;
        let files = files.into_iter();
        Self { files, patches: Vec::new(), limits, left, line: Vec::new(), rest: (0, 0) }
    }

    fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = (MAX_LINE + 4).saturating_sub(self.line.len());
            let (text, ends) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if self.rest == (0, 0) {
            if line.starts_with("diff --git ") {
                self.begin_file();
            } else if let Some((hunk, rest)) = hunk_head(&line) {
                self.rest = rest;
                if let Some(patch) = self.patches.last_mut() {
                    patch.hunks.push(hunk);
                }
            }
            return;
        }
        let (sign, text) = match line.chars().next() {
            Some(sign @ (' ' | '+' | '-')) => (sign, &line[1..]),
            // An empty line of context, as some write it.
            None => (' ', ""),
            // "No newline at end of file", which says nothing about a line.
            Some(_) => return,
        };
        let text = clipped(text);
        let (old, new) = self.rest;
        let line = match sign {
            '+' => {
                self.rest = (old, new.saturating_sub(1));
                HunkLine::Added(text)
            }
            '-' => {
                self.rest = (old.saturating_sub(1), new);
                HunkLine::Removed(text)
            }
            _ => {
                self.rest = (old.saturating_sub(1), new.saturating_sub(1));
                HunkLine::Context(text)
            }
        };
        self.keep(line);
    }

    fn keep(&mut self, line: HunkLine) {
        let limit = self.limits.lines_of_file.min(self.left);
        let Some(patch) = self.patches.last_mut() else { return };
        let kept = patch.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>();
        if patch.n_left_out > 0 || kept >= limit {
            patch.n_left_out += 1 + kept as u64;
            patch.hunks.clear();
            return;
        }
        if let Some(hunk) = patch.hunks.last_mut() {
            hunk.lines.push(line);
        }
    }

    fn begin_file(&mut self) {
        self.end_file();
        if let Some(file) = self.files.next() {
            self.patches.push(FilePatch { file, hunks: Vec::new(), n_left_out: 0 });
        }
    }

    fn end_file(&mut self) {
        self.rest = (0, 0);
        if let Some(patch) = self.patches.last_mut() {
            if patch.n_left_out > 0 {
                patch.hunks.clear();
            }
            self.left -= patch.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>();
        }
    }

    fn finish(mut self) -> Vec<FilePatch> {
        self.end_file();
        // Only the mode of a file may have changed: it is in the list and has no text.
        let rest = self.files.map(|file| FilePatch { file, hunks: Vec::new(), n_left_out: 0 });
        self.patches.extend(rest);
        self.patches
    }
}

/// `@@ -1,2 +3,4 @@ section`: the hunk, and how many lines of either file it has.
fn hunk_head(line: &str) -> Option<(PatchHunk, (u64, u64))> {
    let (ranges, section) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u64, u64)> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let ((old_start, n_old), (new_start, n_new)) = (range(old)?, range(new)?);
    let section = clipped(section.trim());
    Some((PatchHunk { old_start, new_start, section, lines: Vec::new() }, (n_old, n_new)))
}

fn clipped(text: &str) -> String {
    if text.len() <= MAX_LINE {
        return text.to_owned();
    }
    let end = (0..=MAX_LINE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use car_domain::run::FileChangeKind;

    use super::*;

    fn file(path: &str) -> FileDiff {
        FileDiff {
            path: path.to_owned(),
            from: None,
            change: FileChangeKind::Modified,
            insertions: Some(1),
            deletions: Some(1),
        }
    }

    fn read(files: &[&str], patch: &str, limits: PatchLimits) -> Vec<FilePatch> {
        let mut reader = Reader::new(files.iter().map(|path| file(path)).collect(), limits);
        // In the smallest pieces, so that no line comes at once.
        patch.as_bytes().chunks(1).for_each(|piece| reader.take(piece));
        reader.finish()
    }

    const ALL: PatchLimits = PatchLimits { lines_of_file: 100, lines: 100 };
    const PATCH: &str = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n\
        @@ -1,3 +1,3 @@ fn main\n a\n-diff --git b\n+@@ -1 +1 @@\n c\n\
        @@ -9 +9,2 @@\n-z\n\\ No newline at end of file\n+z\n+y\n\
        diff --git a/image b/image\nBinary files a/image and b/image differ\n\
        diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -0,0 +1 @@\n+one\n";

    #[test]
    fn each_file_gets_its_own_hunks_whatever_its_lines_look_like() {
        let patches = read(&["x", "image", "y", "mode"], PATCH, ALL);
        let shapes: Vec<_> = patches
            .iter()
            .map(|patch| {
                let lines = patch.hunks.iter().map(|hunk| hunk.lines.len()).collect::<Vec<_>>();
                (patch.file.path.as_str(), lines)
            })
            .collect();
        assert_eq!(
            shapes,
            [("x", vec![4, 3]), ("image", vec![]), ("y", vec![1]), ("mode", vec![])]
        );
        let first = &patches[0].hunks[0];
        assert_eq!((first.old_start, first.new_start, first.section.as_str()), (1, 1, "fn main"));
        assert_eq!(first.lines[1], HunkLine::Removed("diff --git b".to_owned()));
        assert_eq!(first.lines[2], HunkLine::Added("@@ -1 +1 @@".to_owned()));
    }

    #[test]
    fn a_file_with_too_many_lines_is_counted_and_the_next_one_is_shown() {
        let patches = read(&["x", "image", "y"], PATCH, PatchLimits { lines_of_file: 6, ..ALL });
        assert_eq!((patches[0].hunks.len(), patches[0].n_left_out), (0, 7));
        assert_eq!((patches[2].hunks.len(), patches[2].n_left_out), (1, 0));
        let patches = read(&["x", "image", "y"], PATCH, PatchLimits { lines: 7, ..ALL });
        assert_eq!((patches[0].hunks.len(), patches[2].n_left_out), (2, 1));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let patch = format!("diff --git a/x b/x\n@@ -0,0 +1 @@\n+{}\n", "é".repeat(1 << 20));
        let patches = read(&["x"], &patch, ALL);
        let HunkLine::Added(text) = &patches[0].hunks[0].lines[0] else { panic!("added") };
        assert!(text.len() < MAX_LINE + 8 && text.starts_with('é'), "{}", text.len());
    }
}

//! The files of a repository as an indented list of bounded depth and length.

use std::collections::BTreeSet;
use std::path::Path;

/// Parts of a path that are shown.
const MAX_DEPTH: usize = 4;
/// Lines of the list.
const MAX_ENTRIES: usize = 500;

/// Lists `paths`, which are relative. Common beginnings stand once.
pub(super) fn outline<'p>(paths: impl IntoIterator<Item = &'p Path>) -> String {
    let sorted: BTreeSet<Vec<String>> = paths.into_iter().map(parts).collect();
    let mut shown: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut lines = Vec::new();
    for parts in &sorted {
        for depth in 1..=parts.len() {
            let entry = parts[..depth].to_vec();
            if !shown.insert(entry) {
                continue;
            }
            if lines.len() == MAX_ENTRIES {
                lines.push(format!("… (more than {MAX_ENTRIES} entries; the rest is left out)"));
                return lines.join("\n");
            }
            lines.push(format!("{}- {}", "  ".repeat(depth - 1), parts[depth - 1]));
        }
    }
    lines.join("\n")
}

/// The parts of a path; of a deep one the first four, the last with a mark.
fn parts(path: &Path) -> Vec<String> {
    let all: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if all.len() <= MAX_DEPTH {
        return all;
    }
    let mut parts = all[..MAX_DEPTH].to_vec();
    if let Some(last) = parts.last_mut() {
        last.push_str("/…");
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_beginnings_stand_once_and_depth_is_bounded() {
        let paths = ["src/app.py", "src/a/b/c/d/e.py", "src/a/b/c/d/f.py", "README.md"];
        let text = outline(paths.map(Path::new));
        assert_eq!(text, "- README.md\n- src\n  - a\n    - b\n      - c/…\n  - app.py");
    }

    #[test]
    fn a_long_list_says_that_it_was_cut() {
        let names: Vec<String> = (0..1000).map(|n| format!("f{n:04}")).collect();
        let text = outline(names.iter().map(Path::new));
        assert_eq!(text.lines().count(), MAX_ENTRIES + 1);
        assert!(text.ends_with("the rest is left out)"), "{text}");
    }
}

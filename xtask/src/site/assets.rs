//! Files that go into the site as they are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::build::Files;

/// Adds every file below `folder`, named by its path there; files starting with a dot stay out.
pub(super) fn collect(folder: &Path, files: &mut Files) -> Result<()> {
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        let describe = || format!("cannot read {}", current.display());
        for entry in fs::read_dir(&current).with_context(describe)? {
            let entry = entry.with_context(describe)?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
            } else {
                let bytes =
                    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(path.strip_prefix(folder)?.to_owned(), bytes);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_path_and_hidden_ones_stay_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("icons")).unwrap();
        fs::write(folder.path().join("icons/car.svg"), "<svg/>").unwrap();
        fs::write(folder.path().join(".gitkeep"), "").unwrap();
        let mut files = Files::new();
        collect(folder.path(), &mut files).unwrap();
        assert_eq!(files, Files::from([("icons/car.svg".into(), b"<svg/>".to_vec())]));
    }
}

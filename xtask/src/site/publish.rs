//! Puts a finished set of files where the server reads them.
//!
//! The files are written beside the site first and swapped in by renaming, so that a running
//! server never sees half a site. An unchanged site is not touched at all, because the server is
//! compiled anew whenever these files are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::assets;
use super::build::Files;

/// Makes `site` hold exactly `files`; says whether that changed anything.
pub(super) fn publish(site: &Path, files: &Files) -> Result<bool> {
    if holds(site, files) {
        return Ok(false);
    }
    let (next, old) = (site.with_extension("next"), site.with_extension("old"));
    clear(&next)?;
    clear(&old)?;
    for (path, bytes) in files {
        write(&next.join(path), bytes)?;
    }
    if site.exists() {
        rename(site, &old)?;
    }
    rename(&next, site)?;
    clear(&old)?;
    Ok(true)
}

fn holds(site: &Path, files: &Files) -> bool {
    let mut found = Files::new();
    assets::collect(site, &mut found).is_ok() && found == *files
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)
        .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_replaced_whole_and_left_alone_when_nothing_changed() {
        let target = tempfile::tempdir().unwrap();
        let site = target.path().join("site");
        let files = |text: &str| Files::from([("pkg/car.js".into(), text.as_bytes().to_vec())]);
        assert!(publish(&site, &files("1")).unwrap());
        assert!(!publish(&site, &files("1")).unwrap());
        fs::write(site.join("stale.css"), "").unwrap();
        assert!(publish(&site, &files("2")).unwrap());
        assert_eq!(fs::read_to_string(site.join("pkg/car.js")).unwrap(), "2");
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&site).unwrap().count(), 1);
    }
}

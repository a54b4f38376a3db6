//! Brotli siblings (`car.js.br`) for what compresses well.
//!
//! Compressing at a high quality is slow, so results are kept by content; what a run does not use
//! leaves the cache at its end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use super::build::Files;

const EXTENSIONS: [&str; 5] = ["css", "js", "mjs", "svg", "wasm"];
const QUALITY: i32 = 11;

/// Adds a compressed sibling for each file that gets smaller by it.
pub(super) fn add(cache: &Path, files: &mut Files) -> Result<()> {
    fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let mut packed = Files::new();
    let mut used = BTreeSet::new();
    for (path, bytes) in files.iter().filter(|(path, _)| compresses(path)) {
        let key = key(bytes);
        let smaller = pack(&cache.join(&key), bytes)?;
        used.insert(OsString::from(key));
        if smaller.len() < bytes.len() {
            let mut name = path.clone().into_os_string();
            name.push(".br");
            packed.insert(name.into(), smaller);
        }
    }
    files.extend(packed);
    prune(cache, &used)
}

fn compresses(path: &Path) -> bool {
    path.extension().is_some_and(|found| EXTENSIONS.iter().any(|known| found == *known))
}

fn key(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}-{}-q{QUALITY}", hasher.finish(), bytes.len())
}

fn pack(cached: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    if let Ok(known) = fs::read(cached) {
        return Ok(known);
    }
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: QUALITY, lgwin: 22, ..Default::default() };
    let mut packed = Vec::new();
    let mut rest = bytes;
    brotli::BrotliCompress(&mut rest, &mut packed, &parameters).context("cannot compress")?;
    // Renamed into place, so that an interrupted run leaves no cut file behind.
    let partial = cached.with_extension("partial");
    fs::write(&partial, &packed)
        .and_then(|()| fs::rename(&partial, cached))
        .with_context(|| format!("cannot write {}", cached.display()))?;
    Ok(packed)
}

fn prune(cache: &Path, used: &BTreeSet<OsString>) -> Result<()> {
    for entry in fs::read_dir(cache).with_context(|| format!("cannot read {}", cache.display()))? {
        let entry = entry?;
        if !used.contains(&entry.file_name()) {
            fs::remove_file(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_sibling_holds_the_same_bytes_and_the_cache_only_what_is_used() {
        let cache = tempfile::tempdir().unwrap();
        let text = "car ".repeat(500).into_bytes();
        let mut files =
            Files::from([("a.js".into(), text.clone()), ("b.png".into(), text.clone())]);
        fs::write(cache.path().join("stale"), "").unwrap();
        for _ in 0..2 {
            files.remove(Path::new("a.js.br"));
            add(cache.path(), &mut files).unwrap();
        }
        assert_eq!(files.len(), 3);
        let mut plain = Vec::new();
        let packed = files[Path::new("a.js.br")].as_slice();
        brotli::Decompressor::new(packed, 4096).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, text);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_would_grow_gets_no_sibling() {
        let cache = tempfile::tempdir().unwrap();
        let mut files = Files::from([("a.css".into(), b"a".to_vec())]);
        add(cache.path(), &mut files).unwrap();
        assert_eq!(files.len(), 1);
    }
}

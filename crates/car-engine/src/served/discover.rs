//! Which repositories a root holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{CAR_DIR, CONFIG_FILE, Config, Mode};

/// Roots of the repositories under `root` by id. In repo mode that is the root itself.
pub(super) fn repos(root: &Path, config: &Config) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    match config.mode {
        Mode::Repo => add(&mut found, root.to_path_buf()),
        Mode::Hub => {
            for base in [&config.hub.repos_root, &config.hub.worktrees_root] {
                for dir in initialised_below(&root.join(base)) {
                    if dir != root {
                        add(&mut found, dir);
                    }
                }
            }
        }
    }
    found
}

fn initialised_below(base: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join(CAR_DIR).join(CONFIG_FILE).is_file())
        .collect();
    dirs.sort();
    dirs
}

fn add(found: &mut BTreeMap<String, PathBuf>, dir: PathBuf) {
    if found.values().any(|known| *known == dir) {
        return;
    }
    let slug = slug(&dir);
    let mut id = slug.clone();
    let mut n = 2;
    while found.contains_key(&id) {
        id = format!("{slug}-{n}");
        n += 1;
    }
    found.insert(id, dir);
}

/// A directory's name as it may stand in a URL.
fn slug(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let slug: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .collect();
    match slug.trim_matches('.') {
        "" => "repository".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_holds_the_initialised_directories_below_it() {
        let dir = tempfile::tempdir().expect("temp dir");
        for name in ["b a", "b-a", "plain"] {
            fs::create_dir_all(dir.path().join(name)).expect("dir");
        }
        for name in ["b a", "b-a", "."] {
            let car = dir.path().join(name).join(CAR_DIR);
            fs::create_dir_all(&car).expect("dir");
            fs::write(car.join(CONFIG_FILE), "").expect("write");
        }
        let config = Config { mode: Mode::Hub, ..Config::default() };
        let ids: Vec<String> = repos(dir.path(), &config).into_keys().collect();
        assert_eq!(ids, ["b-a", "b-a-2"]);
    }
}

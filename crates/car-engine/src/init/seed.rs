//! Writing the first files.

use std::fs;
use std::path::{Path, PathBuf};

use car_domain::state::RunnerState;

use crate::EngineError;
use crate::config::{self, CAR_DIR, CONFIG_FILE, DocsConfig};
use crate::files::write_atomic;

const REPO_CONFIG: &str = include_str!("repo_config.yml");
const HUB_CONFIG: &str = include_str!("hub_config.yml");
const ABOUT: &str = include_str!("about.md");

const TODO: &str = "# TODO\n\nOne box per task, most important first. Agents work from top to bottom and tick what is done.\n\n\
- [ ] Write down in SPEC.md what is to be built\n- [ ] Replace these items with your own\n- [x] Set up CAR\n";
const PROGRESS: &str = "# Progress\n\n";
const OPINIONS: &str = "# Opinions\n\n- Small changes, each tested before the next begins.\n\
- Documentation changes together with the code.\n- A new dependency needs a good reason.\n";
const SPEC: &str = "# Spec\n\n## Context\n\n## Requirements\n\n## Non-goals\n";
const SUMMARY: &str = "# Summary\n\nFor the owner: what agents did, and what only people can do.\n\n\
## For you to do\n\n## Open questions\n\n## Final report\n";

/// Writes files, never losing what was there.
pub(super) struct Seeding {
    force: bool,
    pub(super) backups: Vec<(PathBuf, PathBuf)>,
}

impl Seeding {
    pub(super) fn new(force: bool) -> Self {
        Self { force, backups: Vec::new() }
    }

    pub(super) fn repo(&mut self, root: &Path) -> Result<(), EngineError> {
        let car_dir = self.car_dir(root)?;
        self.write(&car_dir.join(CONFIG_FILE), REPO_CONFIG)?;
        let config = config::load(root)?;
        self.write(&car_dir.join("state.json"), &RunnerState::default().to_text())?;
        let docs = &config.docs;
        for (path, text) in [
            (&docs.todo, TODO),
            (&docs.progress, PROGRESS),
            (&docs.opinions, OPINIONS),
            (&docs.spec, SPEC),
            (&docs.summary, SUMMARY),
        ] {
            self.write(&root.join(path), text)?;
        }
        self.write(&car_dir.join("ABOUT_CAR.md"), &about(docs))?;
        let log = root.join(&config.log.path);
        if !log.exists() {
            self.write(&log, "")?;
        }
        Ok(())
    }

    pub(super) fn hub(&mut self, root: &Path) -> Result<(), EngineError> {
        let car_dir = self.car_dir(root)?;
        self.write(&car_dir.join(CONFIG_FILE), HUB_CONFIG)?;
        self.write(
            &car_dir.join("hub_state.json"),
            "{\n  \"last_scan_at\": null,\n  \"repos\": []\n}\n",
        )?;
        let manifest = car_dir.join("manifest.yml");
        if !manifest.exists() {
            self.write(&manifest, "version: 2\nrepos: []\n")?;
        }
        Ok(())
    }

    fn car_dir(&mut self, root: &Path) -> Result<PathBuf, EngineError> {
        let dir = root.join(CAR_DIR);
        fs::create_dir_all(&dir).map_err(|error| EngineError::file("create", &dir, error))?;
        self.write(&dir.join(".gitignore"), "*")?;
        Ok(dir)
    }

    /// Writes `text` unless the file exists; with force a different file is copied aside first.
    fn write(&mut self, path: &Path, text: &str) -> Result<(), EngineError> {
        let failed = |error| EngineError::file("write", path, error);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        if let Ok(old) = fs::read(path) {
            if !self.force || old == text.as_bytes() {
                return Ok(());
            }
            let backup = free_backup_path(path);
            fs::copy(path, &backup).map_err(failed)?;
            self.backups.push((path.to_path_buf(), backup));
        }
        write_atomic(path, text.as_bytes()).map_err(failed)
    }
}

fn free_backup_path(path: &Path) -> PathBuf {
    let candidate = |n: u32| PathBuf::from(format!("{}.before-force-{n}", path.display()));
    (1..).map(candidate).find(|path| !path.exists()).unwrap_or_else(|| candidate(0))
}

fn about(docs: &DocsConfig) -> String {
    ABOUT
        .replace("{todo}", &docs.todo)
        .replace("{progress}", &docs.progress)
        .replace("{opinions}", &docs.opinions)
        .replace("{spec}", &docs.spec)
        .replace("{summary}", &docs.summary)
}

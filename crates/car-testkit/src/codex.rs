//! The real Codex CLI, told to talk to a model server of ours and to nobody else.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Returns the Codex CLI that npm installed for the tests.
///
/// # Panics
///
/// When it is not installed.
#[must_use]
pub fn binary() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = workspace.join("end2end/node_modules/.bin/codex").is_file();
    assert!(found, "the Codex CLI is not in end2end/node_modules; `make test` installs it");
    let workspace = workspace.canonicalize().expect("the workspace has a path");
    workspace.join("end2end/node_modules/.bin/codex")
}

/// A temporary `CODEX_HOME`.
#[derive(Debug)]
pub struct CodexHome {
    dir: TempDir,
}

impl CodexHome {
    /// Makes a home whose only model provider is the server at `base_url`.
    ///
    /// # Panics
    ///
    /// When the directory cannot be made.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        let dir = TempDir::with_prefix("car-codex-home-").expect("a temporary directory");
        fs::write(dir.path().join("config.toml"), config(base_url)).expect("a Codex configuration");
        Self { dir }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The environment for Codex, or for a program that starts Codex.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("CODEX_HOME", self.path().into()),
            // A proxy in the environment must not come between Codex and the loopback.
            ("NO_PROXY", "127.0.0.1".into()),
        ]
    }
}

/// The features are those that would look up hosts on the internet.
fn config(base_url: &str) -> String {
    format!(
        r#"model = "fake-model"
model_provider = "fake"
check_for_update_on_startup = false

[model_providers.fake]
name = "Fake"
base_url = "{base_url}"
wire_api = "responses"

[analytics]
enabled = false

[features]
apps = false
plugins = false
remote_plugin = false
"#
    )
}

//! Configuration: built-in defaults, the repository's own files, and what they add up to.
//!
//! Precedence, lowest first: built-ins, `codex-autorunner.yml`, `codex-autorunner.override.yml`,
//! `.codex-autorunner/config.yml`. Maps merge key by key, everything else replaces.

mod layers;
mod model;

pub use model::{
    CodexConfig, Config, DocsConfig, HubConfig, LogConfig, Mode, PromptConfig, RunnerConfig,
    ServerConfig,
};

use std::path::Path;

use crate::EngineError;

/// Directory of everything CAR keeps in a repository.
pub const CAR_DIR: &str = ".codex-autorunner";
/// Name of the configuration inside it.
pub const CONFIG_FILE: &str = "config.yml";

/// Reads the effective configuration of the root `root`.
///
/// # Errors
/// When a file cannot be read, is no YAML mapping, or a value does not fit; the text names file and key.
pub fn load(root: &Path) -> Result<Config, EngineError> {
    let path = root.join(CAR_DIR).join(CONFIG_FILE);
    if !path.is_file() {
        return Err(EngineError::config(format!(
            "Missing config file; expected to find {CAR_DIR}/{CONFIG_FILE} in {} or parents",
            root.display()
        ))
        .with_hint("run `car init` in the repository first"));
    }
    let merged = layers::merged(root, &path)?;
    model::from_value(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn root_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("write");
        }
        dir
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let dir = root_with(&[(".codex-autorunner/config.yml", "")]);
        assert_eq!(load(dir.path()).expect("valid"), Config::default());
    }

    #[test]
    fn later_layers_win_and_maps_merge() {
        let dir = root_with(&[
            (
                "codex-autorunner.yml",
                "runner: {sleep_seconds: 9, stop_after_runs: 4}\ncodex: {args: [a, b]}",
            ),
            ("codex-autorunner.override.yml", "runner: {sleep_seconds: 8}"),
            (".codex-autorunner/config.yml", "mode: repo\ncodex: {args: [c]}"),
        ]);
        let config = load(dir.path()).expect("valid");
        assert_eq!(config.runner.sleep_seconds, 8);
        assert_eq!(config.runner.stop_after_runs, Some(4));
        assert_eq!(config.codex.args, ["c"]);
    }

    #[test]
    fn a_sectioned_root_file_gives_only_the_section_of_the_mode() {
        let dir = root_with(&[
            (
                "codex-autorunner.yml",
                "repo: {runner: {sleep_seconds: 7}}\nrunner: {sleep_seconds: 1}",
            ),
            (".codex-autorunner/config.yml", "mode: repo"),
        ]);
        assert_eq!(load(dir.path()).expect("valid").runner.sleep_seconds, 7);
    }

    #[test]
    fn errors_name_the_file_or_the_key() {
        let message = |text: &str| {
            let dir = root_with(&[(".codex-autorunner/config.yml", text)]);
            load(dir.path()).expect_err("invalid").to_string()
        };
        assert!(message("a: [").starts_with("Invalid YAML in "));
        assert!(message("- a").starts_with("Config file must be a mapping: "));
        assert_eq!(message("mode: both"), "Invalid mode 'both'; expected 'hub' or 'repo'");
        assert_eq!(message("version: 1"), "Unsupported config version; expected 2");
        let wrong = message("runner: {sleep_seconds: soon}");
        assert!(wrong.starts_with("runner.sleep_seconds: "), "{wrong}");
        assert!(
            message("docs: {todo: ''}").starts_with("docs.todo must be a non-empty string path")
        );
    }

    #[test]
    fn zero_and_null_switch_limits_off() {
        let dir = root_with(&[(
            ".codex-autorunner/config.yml",
            "runner: {idle_timeout_seconds: null, max_run_seconds: 0, no_progress_runs: 0}",
        )]);
        let runner = load(dir.path()).expect("valid").runner;
        assert_eq!(
            (runner.idle_timeout(), runner.max_run(), runner.max_idle_runs()),
            (None, None, None)
        );
    }
}

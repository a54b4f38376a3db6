//! What a person may rely on when writing a configuration.

use std::fs;

use serde_json::json;

use super::*;

fn root_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("write");
    }
    dir
}

fn own(text: &str) -> tempfile::TempDir {
    root_with(&[(".codex-autorunner/config.yml", text)])
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(load(own("").path()).expect("valid"), Config::default());
    assert_eq!(load(own("codex:\nrunner:\n").path()).expect("valid"), Config::default());
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
fn each_value_tells_where_it_comes_from() {
    let dir = root_with(&[
        ("codex-autorunner.yml", "runner: {sleep_seconds: 9}\ncodex: {model: a}"),
        (".codex-autorunner/config.yml", "codex: {model: b}"),
        (".env", "CODEX_AUTORUNNER_VOICE_CHUNK_MS=700\nCODEX_AUTORUNNER_VOICE_MAX_MS=many\n"),
    ]);
    let examined = examine(dir.path()).expect("readable");
    let origin = |key: &str| {
        let (value, origin) = &examined.values[key];
        (value.clone(), origin.to_string().replace(&format!("{}/", dir.path().display()), ""))
    };
    assert_eq!(origin("runner.sleep_seconds"), (json!(9), "codex-autorunner.yml".into()));
    assert_eq!(origin("codex.model"), (json!("b"), ".codex-autorunner/config.yml".into()));
    assert_eq!(origin("codex.binary"), (json!("codex"), "built-in".into()));
    assert_eq!(origin("voice.chunk_ms"), (json!(700), "$CODEX_AUTORUNNER_VOICE_CHUNK_MS".into()));
    assert_eq!(examined.warnings, ["CODEX_AUTORUNNER_VOICE_MAX_MS is no number and is not used"]);
    assert!(!examined.values.contains_key("hub.manifest"));
}

#[test]
fn a_divided_root_file_gives_only_the_section_of_the_mode() {
    let dir = root_with(&[
        ("codex-autorunner.yml", "repo: {runner: {sleep_seconds: 7}}\nrunner: {sleep_seconds: 1}"),
        (".codex-autorunner/config.yml", "mode: repo"),
    ]);
    assert_eq!(load(dir.path()).expect("valid").runner.sleep_seconds, 7);
    let dir = root_with(&[
        ("codex-autorunner.yml", "hub: {server: {port: 4000}, hub: {repos_root: r}}"),
        (".codex-autorunner/config.yml", "mode: hub"),
    ]);
    let config = load(dir.path()).expect("valid");
    assert_eq!((config.server.port, config.hub.repos_root.as_str()), (4000, "r"));
}

#[test]
fn a_flat_root_file_of_a_hub_is_not_taken_for_a_divided_one() {
    let dir = root_with(&[
        ("codex-autorunner.yml", "hub: {repos_root: r, log: {max_bytes: 5}}\nserver: {port: 4000}"),
        (".codex-autorunner/config.yml", "mode: hub"),
    ]);
    let config = load(dir.path()).expect("valid");
    assert_eq!((config.server.port, config.hub.repos_root.as_str()), (4000, "r"));
    assert_eq!(config.hub.log.max_bytes, 5);
}

#[test]
fn errors_name_the_file_or_the_key() {
    let message = |text: &str| load(own(text).path()).expect_err("invalid").to_string();
    assert!(message("a: [").starts_with("Invalid YAML in "));
    assert!(message("- a").starts_with("Config file must be a mapping: "));
    assert_eq!(message("version: 3"), "Unsupported config version; expected 2");
    assert_eq!(message("mode: fleet"), "Invalid mode 'fleet'; expected 'hub' or 'repo'");
    assert_eq!(message("docs: {todo: ''}"), "docs.todo must be a non-empty string path");
    assert_eq!(message("runner: {sleep_seconds: x}"), "runner.sleep_seconds must be an integer");
    assert_eq!(
        message("terminal: {idle_timeout_seconds: -1}"),
        "terminal.idle_timeout_seconds must be >= 0"
    );
    assert_eq!(
        message("server: {host: 0.0.0.0}"),
        "server.allowed_hosts must be set when binding to a non-loopback host"
    );
    assert_eq!(message("hub: {discover_depth: 2}"), "hub.discover_depth is fixed to 1 for now");
    let dir = root_with(&[
        (".codex-autorunner/config.yml", ""),
        ("codex-autorunner.override.yml", "a: ["),
    ]);
    let error = load(dir.path()).expect_err("invalid").to_string();
    assert!(error.starts_with("Invalid override config "), "{error}");
    let dir = root_with(&[
        (".codex-autorunner/config.yml", ""),
        ("codex-autorunner.yml", "git: {auto_commit: 3}"),
    ]);
    let hint = load(dir.path()).expect_err("invalid").hint().expect("a hint");
    assert!(hint.ends_with("/codex-autorunner.yml"), "{hint}");
}

#[test]
fn a_file_with_every_default_of_the_original_is_valid_and_says_nothing_new() {
    for mode in ["repo", "hub"] {
        let text = fs::read_to_string(format!(
            "{}/src/config/legacy/{mode}.yml",
            env!("CARGO_MANIFEST_DIR")
        ))
        .expect("a file of the original");
        let examined = examine(own(&text).path()).expect("readable");
        assert_eq!(examined.problems, [""; 0]);
        assert_eq!(examined.warnings, [""; 0]);
    }
}

#[test]
fn all_problems_and_suspicions_are_listed_at_once() {
    let dir =
        own("runner: {sleep_seconds: x, stop_after: 1}\ncodex: {args: y}\nhub: {repos_root: a}");
    let examined = examine(dir.path()).expect("readable");
    assert_eq!(
        examined.problems,
        ["runner.sleep_seconds must be an integer", "codex.args must be a list"]
    );
    assert_eq!(examined.warnings, ["runner.stop_after is not a known key"]);
    assert!(examined.config.is_none());
}

#[test]
fn python_style_switches_keep_their_meaning() {
    let config = load(own("git: {auto_commit: yes}\nnotifications: {enabled: off}").path());
    let config = config.expect("valid");
    assert!(config.git.auto_commit);
    assert_eq!(config.notifications.enabled, Switch::Off);
    assert_eq!(
        load(own("voice: {enabled: null}").path()).expect("valid").voice.enabled,
        Switch::Auto
    );
    assert_eq!(load(own("server: {auth: off}").path()).expect("valid").server.auth, AuthMode::Off);
    assert_eq!(load(own("server: {auth: 'on'}").path()).expect("valid").server.auth, AuthMode::On);
}

//! What is deleted or shortened when it gets old or large.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Mode;

/// Rules and when they are applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HousekeepingConfig {
    /// Whether anything is deleted at all.
    pub enabled: bool,
    /// Time between two rounds.
    #[schemars(range(min = 1))]
    pub interval_seconds: u64,
    /// Younger files are left alone.
    pub min_file_age_seconds: u64,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The rules; those built in unless set.
    pub rules: Option<Vec<HousekeepingRule>>,
}

impl Default for HousekeepingConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_seconds: 3600,
            min_file_age_seconds: 600,
            dry_run: false,
            rules: None,
        }
    }
}

impl HousekeepingConfig {
    /// Younger files are left alone.
    pub fn min_file_age(&self) -> Duration {
        Duration::from_secs(self.min_file_age_seconds)
    }

    /// The rules that hold for a root of `mode`.
    pub fn effective_rules(&self, mode: Mode) -> Vec<HousekeepingRule> {
        let built_in = built_in(mode);
        let Some(mut rules) = self.rules.clone() else { return built_in };
        // A list of one's own from before there were terminals must not keep them for ever.
        let path = |rule: &HousekeepingRule| rule.path.trim_end_matches('/').to_owned();
        let terminals = built_in.into_iter().filter(|rule| rule.name == TERMINALS);
        let missing: Vec<_> =
            terminals.filter(|own| rules.iter().all(|rule| path(rule) != path(own))).collect();
        rules.extend(missing);
        rules
    }
}

/// Whether a rule is about the files of a directory or about one file.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum HousekeepingKind {
    /// Old files of a directory are deleted.
    #[default]
    Directory,
    /// A file is shortened to its end.
    File,
}

/// One rule. A limit that is not set does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HousekeepingRule {
    /// Name in logs.
    pub name: String,
    /// What it is about.
    pub kind: HousekeepingKind,
    /// Directory or file, relative to the root.
    pub path: String,
    /// Names of the files; all unless set.
    pub glob: Option<String>,
    /// Whether files further down count.
    pub recursive: bool,
    /// Files kept, the newest.
    pub max_files: Option<u64>,
    /// Bytes kept, of the newest files.
    pub max_total_bytes: Option<u64>,
    /// Days a file is kept.
    pub max_age_days: Option<u64>,
    /// Bytes kept of a file's end.
    pub max_bytes: Option<u64>,
    /// Lines kept of a file's end.
    pub max_lines: Option<u64>,
}

/// The rule about terminals that have ended.
const TERMINALS: &str = "terminals";

fn built_in(mode: Mode) -> Vec<HousekeepingRule> {
    const MB: u64 = 1_000_000;
    let rule =
        |name: &str, path: &str, glob: &str, (files, mb, days): (u64, u64, u64)| HousekeepingRule {
            name: name.to_owned(),
            path: path.to_owned(),
            glob: Some(glob.to_owned()),
            recursive: name == "telegram_files",
            max_files: Some(files),
            max_total_bytes: Some(mb * MB),
            max_age_days: Some(days),
            ..HousekeepingRule::default()
        };
    let upload = |name: &str, mb: u64| {
        let path = format!(".codex-autorunner/uploads/{}", name.replace('_', "-"));
        rule(name, &path, "*", (500, mb, 14))
    };
    let mut rules = vec![
        rule("run_logs", ".codex-autorunner/runs", "run-*.log", (200, 500, 30)),
        HousekeepingRule {
            name: "terminal_image_uploads".to_owned(),
            ..upload("terminal_images", 200)
        },
        upload("telegram_images", 200),
        upload("telegram_voice", 500),
        upload("telegram_files", 500),
        rule(TERMINALS, ".codex-autorunner/terminals", "*", (50, 200, 14)),
        rule("github_context", ".codex-autorunner/github_context", "*", (200, 100, 30)),
    ];
    if mode == Mode::Hub {
        rules.push(HousekeepingRule {
            name: "update_log".to_owned(),
            kind: HousekeepingKind::File,
            path: "~/.codex-autorunner/update-standalone.log".to_owned(),
            max_bytes: Some(5 * MB),
            ..HousekeepingRule::default()
        });
    }
    rules
}

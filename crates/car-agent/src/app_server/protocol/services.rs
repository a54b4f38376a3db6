//! What Codex offers beside threads: models, skills, tool servers, features, the account, single commands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SandboxPolicy;

/// Lists models, those people choose from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ModelList {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    pub limit: u32,
}

/// A page of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ModelPage {
    pub data: Vec<Model>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Model {
    pub id: String,
    pub display_name: String,
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub is_default: bool,
    pub default_reasoning_effort: String,
    #[serde(default)]
    pub supported_reasoning_efforts: Vec<ModelEffort>,
}

/// How hard a model can think.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ModelEffort {
    pub reasoning_effort: String,
    #[serde(default)]
    pub description: String,
}

/// Lists the skills that hold in directories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct SkillsList {
    pub cwds: Vec<PathBuf>,
}

/// Skills by directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct SkillsPage {
    pub data: Vec<SkillsOf>,
}

/// Those of one directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct SkillsOf {
    pub skills: Vec<Skill>,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Skill {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub enabled: bool,
}

/// Lists tool servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct McpServerStatusList {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    pub limit: u32,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct McpServerPage {
    pub data: Vec<McpServer>,
}

/// A tool server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct McpServer {
    pub name: String,
    pub auth_status: Value,
    #[serde(default)]
    pub tools: BTreeMap<String, Value>,
}

/// Lists features that are not for everybody yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ExperimentalFeatureList {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    pub limit: u32,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct FeaturePage {
    pub data: Vec<Feature>,
}

/// A feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Feature {
    pub name: String,
    pub enabled: bool,
    pub stage: Value,
    #[serde(default)]
    pub description: Option<String>,
}

/// Changes one value of the user's configuration of Codex.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ConfigValueWrite {
    pub key_path: String,
    pub value: Value,
    /// `replace` or `upsert`.
    pub merge_strategy: String,
}

/// Tells Codex's makers something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct FeedbackUpload {
    pub classification: String,
    pub reason: Option<String>,
    pub thread_id: Option<String>,
    pub include_logs: bool,
}

/// Under which name they keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct FeedbackUploaded {
    pub thread_id: String,
}

/// Logs Codex out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLogout;

/// Asks how much of the plan is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimitsRead;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct RateLimits {
    pub rate_limits: RateLimitSnapshot,
}

/// The two windows of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct RateLimitSnapshot {
    #[serde(default)]
    pub primary: Option<RateLimitWindow>,
    #[serde(default)]
    pub secondary: Option<RateLimitWindow>,
}

/// One window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct RateLimitWindow {
    pub used_percent: i64,
    #[serde(default)]
    pub window_duration_mins: Option<i64>,
    /// Seconds since the epoch.
    #[serde(default)]
    pub resets_at: Option<i64>,
}

/// Runs one command in a sandbox, outside of any thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct CommandExec {
    pub command: Vec<String>,
    pub cwd: PathBuf,
    pub timeout_ms: u64,
    pub output_bytes_cap: u64,
    pub sandbox_policy: SandboxPolicy,
}

/// What came of it; 124 when it took too long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct CommandResult {
    pub exit_code: i32,
    pub stdout: String,
    pub stderr: String,
}

//! What doors ask of Codex beside turns: models, skills, tool servers, features, the plan, single commands; and where a turn
//! is that a door lost sight of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use car_agent::app_server::protocol::{
    AccountLogout, CommandExec, ConfigValueWrite, ExperimentalFeatureList, FeedbackUpload, Item,
    KnownItem, McpServerStatusList, ModelList, RateLimitsRead, SkillsList, ThreadRead,
    ThreadTurnsList, Turn,
};
use car_domain::Timestamp;
use car_domain::conversation::TurnInfo;
use serde_json::Value;

use super::history::turn_info;
use super::link::{Link, each_page};
use super::{Conversations, SandboxPolicy};
use crate::{EngineError, ErrorKind};

/// Entries asked for at once; more than people choose from.
const MAX_ENTRIES: u32 = 50;
/// Turns looked at for one that was lost sight of.
const MAX_TURNS: u32 = 20;
/// Turns that are searched for a message with everything in them.
const MAX_SEARCHED: u32 = 3;

/// A model people can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodexModel {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether it is the one used when none is chosen.
    pub is_default: bool,
    /// How hard it can think.
    pub efforts: Vec<String>,
    /// How hard it thinks by itself.
    pub default_effort: String,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillInfo {
    /// Its name.
    pub name: String,
    /// What it is for. Untrusted.
    pub description: String,
    /// Whether the agent may use it.
    pub is_enabled: bool,
}

/// A server of tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolServer {
    /// Its name.
    pub name: String,
    /// Whether it is logged in, in Codex's word.
    pub auth: String,
    /// Names of its tools.
    pub tools: Vec<String>,
}

/// A feature that is not for everybody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodexFeature {
    /// Its name.
    pub name: String,
    /// How far it is, in Codex's word.
    pub stage: String,
    /// Whether it is on.
    pub is_enabled: bool,
}

/// How much of a plan is used in one window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanWindow {
    /// Percent.
    pub used_percent: i64,
    /// Length of the window.
    pub window: Option<Duration>,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutput {
    /// 124 when it took too long.
    pub exit_code: i32,
    /// Bounded.
    pub stdout: String,
    /// Bounded.
    pub stderr: String,
}

/// A turn that was found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTurn {
    /// What is known of it; without a status while it runs.
    pub info: TurnInfo,
    /// All that the agent said in it, in order.
    pub messages: Vec<String>,
}

impl Conversations {
    /// The turn of `thread_id` that was started with this `client_id`, among the newest ones.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn find_turn(
        &self,
        thread_id: &str,
        client_id: &str,
    ) -> Result<Option<FoundTurn>, EngineError> {
        let link = self.inner.link().await?;
        let turns = newest_turns(&link, thread_id, MAX_TURNS).await?;
        // Here a turn holds only how it began and how it ended.
        let found =
            turns.into_iter().find(|turn| turn.items.iter().any(|i| is_named(i, client_id)));
        let Some(turn) = found else { return Ok(None) };
        let mut messages = Vec::new();
        let said = |item: &Item| match item {
            Item::Known(KnownItem::AgentMessage { text, .. }) => Some(text.clone()),
            _ => None,
        };
        let take = |items: &[Item]| messages.extend(items.iter().filter_map(said));
        each_page(&link, thread_id, &turn.id, take).await?;
        Ok(Some(FoundTurn { info: turn_info(turn), messages }))
    }

    /// Whether one of the newest turns of `thread_id` has got a message of this `client_id`, at its beginning or on its way.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn has_message(&self, thread_id: &str, client_id: &str) -> Result<bool, EngineError> {
        let link = self.inner.link().await?;
        for turn in newest_turns(&link, thread_id, MAX_SEARCHED).await? {
            let mut is_there = false;
            let take = |items: &[Item]| is_there |= items.iter().any(|i| is_named(i, client_id));
            each_page(&link, thread_id, &turn.id, take).await?;
            if is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The models people can choose.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn models(&self) -> Result<Vec<CodexModel>, EngineError> {
        let link = self.inner.link().await?;
        let page = link.call(ModelList { cursor: None, limit: MAX_ENTRIES }).await?;
        let shown = page.data.into_iter().filter(|model| !model.hidden);
        Ok(shown
            .map(|model| CodexModel {
                id: model.id,
                name: model.display_name,
                is_default: model.is_default,
                efforts: model
                    .supported_reasoning_efforts
                    .into_iter()
                    .map(|effort| effort.reasoning_effort)
                    .collect(),
                default_effort: model.default_reasoning_effort,
            })
            .collect())
    }

    /// The skills that hold in `cwd`.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn skills(&self, cwd: &Path) -> Result<Vec<SkillInfo>, EngineError> {
        let link = self.inner.link().await?;
        let page = link.call(SkillsList { cwds: vec![cwd.to_path_buf()] }).await?;
        let skills = page.data.into_iter().flat_map(|of| of.skills);
        Ok(skills
            .map(|skill| SkillInfo {
                name: skill.name,
                description: skill.description,
                is_enabled: skill.enabled,
            })
            .collect())
    }

    /// The tool servers Codex is configured with.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn tool_servers(&self) -> Result<Vec<ToolServer>, EngineError> {
        let link = self.inner.link().await?;
        let page = link.call(McpServerStatusList { cursor: None, limit: MAX_ENTRIES }).await?;
        let servers = page.data.into_iter();
        Ok(servers
            .map(|server| ToolServer {
                name: server.name,
                auth: word(&server.auth_status),
                tools: server.tools.into_keys().collect(),
            })
            .collect())
    }

    /// The features that are not for everybody yet.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn features(&self) -> Result<Vec<CodexFeature>, EngineError> {
        let link = self.inner.link().await?;
        let page = link.call(ExperimentalFeatureList { cursor: None, limit: 200 }).await?;
        let features = page.data.into_iter();
        Ok(features
            .map(|feature| CodexFeature {
                name: feature.name,
                stage: word(&feature.stage),
                is_enabled: feature.enabled,
            })
            .collect())
    }

    /// Turns a feature on or off in the user's configuration of Codex, for all that use it.
    ///
    /// # Errors
    /// When Codex cannot be reached or refuses.
    pub async fn set_feature(&self, name: &str, is_enabled: bool) -> Result<(), EngineError> {
        let link = self.inner.link().await?;
        let write = ConfigValueWrite {
            key_path: format!("features.{name}"),
            value: Value::Bool(is_enabled),
            merge_strategy: "replace".to_owned(),
        };
        link.call(write).await.map(drop)
    }

    /// Sends Codex's makers a report about a thread, with its logs. Returns under which name they keep it.
    ///
    /// # Errors
    /// When Codex or they cannot be reached.
    pub async fn feedback(
        &self,
        thread_id: Option<String>,
        reason: &str,
    ) -> Result<String, EngineError> {
        let link = self.inner.link().await?;
        let upload = FeedbackUpload {
            classification: "bug".to_owned(),
            reason: Some(reason.to_owned()),
            thread_id,
            include_logs: true,
        };
        Ok(link.call(upload).await?.thread_id)
    }

    /// Logs Codex out, for all that use this `CODEX_HOME`.
    ///
    /// # Errors
    /// When Codex cannot be reached or refuses.
    pub async fn log_out(&self) -> Result<(), EngineError> {
        self.inner.link().await?.call(AccountLogout).await.map(drop)
    }

    /// How much of the plan is used; empty where there is no plan.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn plan_windows(&self) -> Result<Vec<PlanWindow>, EngineError> {
        let link = self.inner.link().await?;
        // Codex refuses where it is used with a key instead of a plan.
        let Ok(limits) = link.try_call(RateLimitsRead).await else { return Ok(Vec::new()) };
        let windows = [limits.rate_limits.primary, limits.rate_limits.secondary];
        Ok(windows
            .into_iter()
            .flatten()
            .map(|window| PlanWindow {
                used_percent: window.used_percent,
                window: window
                    .window_duration_mins
                    .and_then(|minutes| u64::try_from(minutes).ok())
                    .map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
                resets_at: window
                    .resets_at
                    .map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))),
            })
            .collect())
    }

    /// Runs one shell command in `cwd`, outside of any thread.
    ///
    /// # Errors
    /// When Codex cannot be reached or refuses.
    pub async fn exec(
        &self,
        cwd: &Path,
        line: &str,
        sandbox: &SandboxPolicy,
        limit: Duration,
        max_bytes: u64,
    ) -> Result<CommandOutput, EngineError> {
        let link = self.inner.link().await?;
        let exec = CommandExec {
            command: ["bash", "-lc", line].map(str::to_owned).to_vec(),
            cwd: cwd.to_path_buf(),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            output_bytes_cap: max_bytes,
            sandbox_policy: sandbox.into(),
        };
        let patience = limit.saturating_add(super::conversations::CALL_PATIENCE);
        let done = link.connection.call(exec, patience).await;
        let done = done.map_err(super::trouble::call_failed)?;
        Ok(CommandOutput { exit_code: done.exit_code, stdout: done.stdout, stderr: done.stderr })
    }

    /// The file Codex keeps a thread in.
    ///
    /// # Errors
    /// When Codex cannot be reached or knows no such thread.
    pub async fn rollout(&self, thread_id: &str) -> Result<Option<PathBuf>, EngineError> {
        let link = self.inner.link().await?;
        let read = ThreadRead { thread_id: thread_id.to_owned(), include_turns: false };
        Ok(link.call(read).await?.thread.path.map(PathBuf::from))
    }
}

/// The newest turns of a thread, the newest first.
async fn newest_turns(link: &Link, thread_id: &str, n: u32) -> Result<Vec<Turn>, EngineError> {
    let list = ThreadTurnsList { thread_id: thread_id.to_owned(), cursor: None, limit: Some(n) };
    match link.call(list).await {
        Ok(page) => Ok(page.data),
        // A thread without a turn is known only to the connection that began it.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_named(item: &Item, client_id: &str) -> bool {
    matches!(item, Item::Known(KnownItem::UserMessage { client_id: Some(id), .. }) if id == client_id)
}

/// A value that is a word, or whatever it is.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

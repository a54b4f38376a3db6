//! The state of the original's bot, `telegram_state.json` of version 5: bindings, conversations and settings of topics, and what
//! was on its way when it ended.
//!
//! It is read once, when this bot has no database yet. The file stays as it is.

mod underway;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use car_engine::{EngineError, now};
use car_store::{BotStore, Place};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::Settings;
use crate::topic::{Asks, Bound, Reach, TopicSettings};

/// The version that is understood.
const VERSION: i64 = 5;
const DONE: &str = "imported";

#[derive(Deserialize)]
struct OldState {
    #[serde(default)]
    version: Value,
    #[serde(default, alias = "lastUpdateIdGlobal")]
    last_update_id_global: Option<i64>,
    #[serde(default)]
    topics: BTreeMap<String, OldTopic>,
    #[serde(default, alias = "topicScopes")]
    topic_scopes: BTreeMap<String, String>,
    #[serde(flatten)]
    underway: underway::Underway,
}

#[derive(Deserialize)]
struct OldTopic {
    #[serde(default, alias = "repoId")]
    repo_id: Option<String>,
    #[serde(default, alias = "workspacePath")]
    workspace_path: Option<String>,
    #[serde(default, alias = "activeThreadId")]
    active_thread_id: Option<String>,
    #[serde(default, alias = "threadIds")]
    thread_ids: Vec<String>,
    #[serde(default, alias = "threadSummaries")]
    thread_summaries: BTreeMap<String, OldSummary>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    effort: Option<String>,
    #[serde(default, alias = "approvalMode")]
    approval_mode: Option<String>,
    #[serde(default, alias = "approvalPolicy")]
    approval_policy: Option<String>,
    #[serde(default, alias = "sandboxPolicy")]
    sandbox_policy: Option<Value>,
    #[serde(default, alias = "pendingCompactSeed")]
    pending_compact_seed: Option<String>,
}

#[derive(Default, Deserialize)]
struct OldSummary {
    #[serde(default, alias = "userPreview")]
    user_preview: Option<String>,
}

/// Takes the original's state over, once.
///
/// # Errors
/// When the database fails. A file that cannot be read is left alone, and the log says so.
pub(crate) async fn old_state(settings: &Settings, store: &BotStore) -> Result<(), EngineError> {
    if store.value(DONE).await?.is_some() || store.value("offset").await?.is_some() {
        return Ok(());
    }
    let path = settings.root.join(&settings.bot().state_file);
    let Ok(bytes) = tokio::fs::read(&path).await else { return Ok(()) };
    let state: OldState = match serde_json::from_slice(&bytes) {
        Ok(state) => state,
        Err(error) => {
            tracing::warn!(%error, file = %path.display(), "the old bot's state cannot be read");
            return Ok(());
        }
    };
    if state.version.as_i64() != Some(VERSION) {
        let (version, file) = (&state.version, path.display());
        tracing::warn!(%version, %file, "the old bot's state has another version; it is not taken over");
        return Ok(());
    }
    let mut n = 0;
    for (key, topic) in &state.topics {
        let Some((place, scope)) = place_of(key) else { continue };
        let base = base_key(key);
        // Of several repositories a topic has had, the last one counts.
        let is_current = match (state.topic_scopes.get(base), scope) {
            (Some(current), Some(scope)) => current == &scope,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let Some(workspace) = &topic.workspace_path else { continue };
        for thread in topic.thread_ids.iter().rev() {
            let preview = topic.thread_summaries.get(thread).and_then(|s| s.user_preview.clone());
            let preview = preview.unwrap_or_default();
            store.note_thread(place, thread, workspace, &preview, now()).await?;
        }
        if is_current {
            bound_of(place, topic).keep(store).await?;
            n += 1;
        }
    }
    state.underway.take_over(store).await?;
    if let Some(last) = state.last_update_id_global {
        store.set_value("offset", &(last + 1).to_string()).await?;
        // As old as the file: after a week without updates Telegram may begin anew with lower numbers.
        let about = tokio::fs::metadata(&path).await;
        let at = about.and_then(|about| about.modified()).ok();
        let at = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        store.set_value("offset_at", &at.as_millis().to_string()).await?;
    }
    store.set_value(DONE, &now().whole_seconds().to_string()).await?;
    tracing::info!(topics = n, file = %path.display(), "the old bot's topics were taken over");
    Ok(())
}

fn bound_of(place: Place, topic: &OldTopic) -> Bound {
    let is_yolo = topic.approval_mode.as_deref() == Some("yolo");
    let sandbox = topic.sandbox_policy.as_ref().and_then(|policy| {
        policy.as_str().or_else(|| policy["type"].as_str()).and_then(Reach::from_name)
    });
    let settings = TopicSettings {
        model: topic.model.clone(),
        effort: topic.effort.clone(),
        // Full access was the original's default and nobody's choice; it has to be chosen anew.
        asks: topic.approval_policy.as_deref().and_then(Asks::from_name).filter(|_| !is_yolo),
        reach: sandbox.filter(|reach| !is_yolo && *reach != Reach::FullAccess),
        seed: topic.pending_compact_seed.clone(),
        ..TopicSettings::default()
    };
    Bound {
        place,
        workspace: topic.workspace_path.as_ref().map(PathBuf::from),
        repo_id: topic.repo_id.clone(),
        codex_thread: topic.active_thread_id.clone(),
        settings,
    }
}

/// `chat:topic` without a scope.
fn base_key(key: &str) -> &str {
    match key.match_indices(':').nth(1) {
        Some((at, _)) => &key[..at],
        None => key,
    }
}

/// Place and scope of a key: `<chat>:<topic or root>[:<scope>]`.
fn place_of(key: &str) -> Option<(Place, Option<String>)> {
    let mut parts = key.splitn(3, ':');
    let chat = parts.next()?.parse().ok()?;
    let topic = match parts.next()? {
        "root" => 0,
        topic => topic.parse().ok()?,
    };
    Some((Place { chat, topic }, parts.next().map(percent_decoded)))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_original_are_read() {
        assert_eq!(place_of("-5:root"), Some((Place { chat: -5, topic: 0 }, None)));
        let scoped = place_of("-5:7:web%40%2Fhome%2Fme%2Fweb");
        assert_eq!(scoped, Some((Place { chat: -5, topic: 7 }, Some("web@/home/me/web".into()))));
        assert_eq!(base_key("-5:7:web%40"), "-5:7");
        assert_eq!(place_of("nonsense"), None);
    }

    #[test]
    fn full_access_nobody_chose_is_not_taken_over() {
        let topic = |json: Value| serde_json::from_value::<OldTopic>(json).expect("readable");
        let place = Place { chat: 1, topic: 0 };
        let yolo = topic(serde_json::json!({ "approval_mode": "yolo", "approval_policy": "never",
            "sandbox_policy": { "type": "dangerFullAccess" }, "workspace_path": "/w" }));
        let settings = bound_of(place, &yolo).settings;
        assert_eq!((settings.asks, settings.reach), (None, None));
        let safe =
            topic(serde_json::json!({ "approvalMode": "safe", "approvalPolicy": "untrusted",
            "sandboxPolicy": "readOnly", "model": "m" }));
        let settings = bound_of(place, &safe).settings;
        assert_eq!((settings.asks, settings.reach), (Some(Asks::Untrusted), Some(Reach::ReadOnly)));
        assert_eq!(settings.model.as_deref(), Some("m"));
    }
}

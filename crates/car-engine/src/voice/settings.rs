//! What clients are told about voice.

use serde::Serialize;

use crate::config::{RootEnv, VoiceConfig};

/// The settings a client needs. No key is among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VoiceSettings {
    /// Whether speech can be sent.
    pub enabled: bool,
    /// Name of the service.
    pub provider: String,
    /// How eager the service is.
    pub latency_mode: String,
    /// Milliseconds of one piece of sound.
    pub chunk_ms: u64,
    /// Samples per second.
    pub sample_rate: u64,
    /// Whether to warn that speech leaves the machine.
    pub warn_on_remote_api: bool,
    /// Whether there is a key.
    pub has_api_key: bool,
    /// Name of the variable that holds it.
    pub api_key_env: String,
    /// Bounds of holding the button.
    pub push_to_talk: PushToTalk,
}

/// Bounds of holding the button, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PushToTalk {
    /// Longest recording.
    pub max_ms: u64,
    /// Silence that ends it.
    pub silence_auto_stop_ms: u64,
    /// Shortest press that counts.
    pub min_hold_ms: u64,
}

/// What clients of a root are told.
pub fn settings(config: &VoiceConfig, env: &RootEnv) -> VoiceSettings {
    let has_api_key = api_key(config, env).is_some();
    let by_variable = env.var("CODEX_AUTORUNNER_VOICE_WARN_REMOTE").is_some();
    VoiceSettings {
        enabled: config.enabled.is_on(has_api_key),
        provider: config.provider.clone(),
        latency_mode: config.latency_mode.clone(),
        chunk_ms: config.chunk_ms,
        sample_rate: config.sample_rate,
        // Whoever has set a key knows where the speech goes, unless the variable asks for the warning all the same.
        warn_on_remote_api: config.warn_on_remote_api && (by_variable || !has_api_key),
        has_api_key,
        api_key_env: config.chosen_provider().api_key_env,
        push_to_talk: PushToTalk {
            max_ms: config.push_to_talk.max_ms,
            silence_auto_stop_ms: config.push_to_talk.silence_auto_stop_ms,
            min_hold_ms: config.push_to_talk.min_hold_ms,
        },
    }
}

/// The key of the chosen service, without the quotes people copy along.
pub(super) fn api_key(config: &VoiceConfig, env: &RootEnv) -> Option<String> {
    let key = env.var(&config.chosen_provider().api_key_env)?;
    let key = key.trim_matches(|c: char| c.is_whitespace() || "\"'`".contains(c));
    (!key.is_empty()).then(|| key.to_owned())
}

//! The environment variables that set a key of the configuration: those of voice, as in the original.

use serde_json::{Map, Value, json};

use super::RootEnv;

/// How a variable's text is read.
#[derive(Clone, Copy)]
enum Kind {
    Flag,
    Number,
    Text,
}

/// Variable, key of `voice`, and how to read it.
const VOICE: [(&str, &str, Kind); 9] = [
    ("CODEX_AUTORUNNER_VOICE_ENABLED", "enabled", Kind::Flag),
    ("CODEX_AUTORUNNER_VOICE_PROVIDER", "provider", Kind::Text),
    ("CODEX_AUTORUNNER_VOICE_LATENCY", "latency_mode", Kind::Text),
    ("CODEX_AUTORUNNER_VOICE_CHUNK_MS", "chunk_ms", Kind::Number),
    ("CODEX_AUTORUNNER_VOICE_SAMPLE_RATE", "sample_rate", Kind::Number),
    ("CODEX_AUTORUNNER_VOICE_WARN_REMOTE", "warn_on_remote_api", Kind::Flag),
    ("CODEX_AUTORUNNER_VOICE_MAX_MS", "push_to_talk.max_ms", Kind::Number),
    ("CODEX_AUTORUNNER_VOICE_SILENCE_MS", "push_to_talk.silence_auto_stop_ms", Kind::Number),
    ("CODEX_AUTORUNNER_VOICE_MIN_HOLD_MS", "push_to_talk.min_hold_ms", Kind::Number),
];

/// What a variable sets.
pub(super) struct VariableLayer {
    pub name: &'static str,
    pub values: Map<String, Value>,
}

/// One layer for each variable that is set, and what is said about those that cannot be used.
pub(super) fn layers(env: &RootEnv) -> (Vec<VariableLayer>, Vec<String>) {
    let mut layers = Vec::new();
    let mut warnings = Vec::new();
    for (name, key, kind) in VOICE {
        let Some(text) = env.var(name) else { continue };
        match read(&text, kind) {
            Some(value) => layers.push(VariableLayer { name, values: nested(key, &value) }),
            None => warnings.push(format!("{name} is no number and is not used")),
        }
    }
    (layers, warnings)
}

fn read(text: &str, kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Flag => {
            Value::from(["1", "true", "yes", "on"].contains(&text.to_lowercase().as_str()))
        }
        Kind::Number => Value::from(text.parse::<u64>().ok()?),
        Kind::Text => Value::from(text),
    })
}

/// `a.b` and a value as maps in a map, below `voice`.
fn nested(key: &str, value: &Value) -> Map<String, Value> {
    let inner = match key.split_once('.') {
        Some((section, name)) => json!({ section: { name: value } }),
        None => json!({ key: value }),
    };
    Map::from_iter([("voice".to_owned(), inner)])
}

//! What is known about updates of the installed program. CAR does not update itself yet; the Python version did, and what it last
//! recorded in the owner's home is still told.

use std::fs;
use std::path::Path;

use car_agent::is_alive;
use car_domain::state::LockOwner;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::EngineError;
use crate::config::RootEnv;

/// How the last update went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpdateStatus {
    /// `running`, `ok`, `error` or `rollback`; `unknown` when there was none.
    pub status: String,
    /// A sentence.
    pub message: String,
    /// When that was recorded, as it was recorded.
    #[schema(value_type = Option<Object>)]
    pub at: Option<Value>,
}

/// The target of an update in its usual name: `both`, `web` or `telegram`.
///
/// # Errors
/// When there is no such target.
pub fn update_target(name: &str) -> Result<&'static str, EngineError> {
    match name.trim().to_lowercase().as_str() {
        "" | "both" | "all" => Ok("both"),
        "web" | "hub" | "server" | "ui" => Ok("web"),
        "telegram" | "tg" | "bot" => Ok("telegram"),
        _ => Err(EngineError::invalid("Unsupported update target (use both, web, or telegram).")),
    }
}

/// How the last update went, as its record says. An update that is recorded as running and has no living process is told as
/// failed; nothing is written.
pub fn update_status(env: &RootEnv) -> UpdateStatus {
    let home = env.var("HOME").map(|home| Path::new(&home).join(".codex-autorunner"));
    home.and_then(|dir| recorded(&dir)).unwrap_or_else(|| UpdateStatus {
        status: "unknown".to_owned(),
        message: "No update status recorded.".to_owned(),
        at: None,
    })
}

fn recorded(dir: &Path) -> Option<UpdateStatus> {
    let record: Value =
        serde_json::from_slice(&fs::read(dir.join("update_status.json")).ok()?).ok()?;
    let status = record.get("status")?.as_str()?.to_owned();
    let message = record.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    let at = record.get("at").cloned();
    if matches!(status.as_str(), "running" | "spawned") {
        let lock = fs::read_to_string(dir.join("update.lock")).unwrap_or_default();
        if !LockOwner::parse(&lock).is_some_and(|owner| is_alive(owner.process)) {
            let message =
                "The last update is not running any more; it may have crashed.".to_owned();
            return Some(UpdateStatus { status: "error".to_owned(), message, at });
        }
    }
    Some(UpdateStatus { status, message, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_only_called_running_while_it_is() {
        let dir = tempfile::tempdir().expect("temp dir");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("write");
        assert_eq!(recorded(dir.path()), None);
        write("update_status.json", r#"{"status": "running", "message": "Cloning", "at": 5}"#);
        assert_eq!(recorded(dir.path()).expect("told").status, "error");
        write("update.lock", &format!("{{\"pid\": {}}}", std::process::id()));
        let running = recorded(dir.path()).expect("told");
        assert_eq!((running.status.as_str(), running.at), ("running", Some(5.into())));
        write("update_status.json", "no json");
        assert_eq!(recorded(dir.path()), None);
    }

    #[test]
    fn a_target_has_several_names() {
        for (name, target) in [("", "both"), ("ALL", "both"), ("ui", "web"), (" tg ", "telegram")] {
            assert_eq!(update_target(name).expect("known"), target);
        }
        update_target("moon").expect_err("unknown");
    }
}

//! One bot with one token on one machine: two would take each other's updates.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use car_engine::{EngineError, now};
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Held while the bot runs; the kernel gives it back whatever happens.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    _file: File,
}

/// Takes the lock of the bot's token.
///
/// # Errors
/// A conflict when another process has it.
pub(crate) fn lock(settings: &Settings) -> Result<InstanceLock, EngineError> {
    let path = path(settings);
    let failed = |error| EngineError::file("lock", &path, error);
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(EngineError::conflict("a Telegram bot with this token runs already")
                .with_hint("it may run inside `car serve` or `car hub serve`; one is enough"));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // For people and for the original's bot, which goes by the file and the pid in it.
    let about = serde_json::json!({
        "pid": std::process::id(),
        "started_at": now().whole_seconds().to_string(),
        "config_root": settings.root,
    });
    file.set_len(0).and_then(|()| file.write_all(about.to_string().as_bytes())).map_err(failed)?;
    Ok(InstanceLock { _file: file })
}

/// Whether a bot with this token runs on this machine.
pub(crate) fn is_running(settings: &Settings) -> bool {
    let Ok(file) = File::open(path(settings)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn path(settings: &Settings) -> PathBuf {
    let digest = Sha256::digest(settings.token.reveal().as_bytes());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let home = settings.env.var("HOME").map(PathBuf::from);
    let home = home.or_else(std::env::home_dir).unwrap_or_else(|| settings.root.clone());
    home.join(".codex-autorunner/locks").join(format!("telegram_bot_{name}.lock"))
}

//! Starting an app-server that outlives us: a session of its own, a memory limit where the system offers one.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;

use car_process::{find_on_path, user_scope};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use super::server::ServerSpec;
use crate::program::Without;

/// How the memory of a server is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryLimit {
    /// By a systemd scope (`MemoryMax`).
    Systemd,
    /// Not at all: no limit was asked for, or the system offers none that fits. An address-space limit does not: the Node
    /// wrapper reserves far more than it uses.
    None,
}

/// Starts the server; its words go to `log`. Reaped by us while we live, by the system afterwards.
pub(super) fn start(
    spec: &ServerSpec,
    socket: &Path,
    log: &File,
    limit: MemoryLimit,
) -> io::Result<Child> {
    // A scope of its own also keeps the server alive when the service that started it is stopped.
    let property = spec.memory_max.map(|bytes| format!("MemoryMax={bytes}"));
    let scope = || user_scope(property.as_slice()).unwrap_or_default();
    let mut line = if limit == MemoryLimit::Systemd { scope() } else { Vec::new() };
    let setsid = find_on_path("setsid");
    if let Some(setsid) = &setsid {
        line.push(setsid.into());
    }
    let mut address = OsString::from("unix://");
    address.push(socket);
    line.extend([spec.binary.clone().into(), "app-server".into(), "--listen".into(), address]);
    let mut parts = line.into_iter();
    let mut command = Command::new(parts.next().unwrap_or_default());
    command
        .args(parts)
        .without(&spec.env_remove)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env("CODEX_HOME", &spec.codex_home)
        .current_dir(&spec.codex_home)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    if setsid.is_none() {
        // The next best thing where there is no `setsid` program: a group that no terminal signals.
        command.process_group(0);
    }
    command.spawn()
}

/// The limit to try first.
pub(super) fn best_limit() -> MemoryLimit {
    if user_scope(&[]).is_some() { MemoryLimit::Systemd } else { MemoryLimit::None }
}

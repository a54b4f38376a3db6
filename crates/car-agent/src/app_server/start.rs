//! Starting an app-server that outlives us: a session of its own, a memory limit where the system offers one.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
    let mut line: Vec<OsString> = Vec::new();
    if limit == MemoryLimit::Systemd {
        // A scope of its own also keeps the server alive when the service that started it is stopped.
        line.extend(["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(Into::into));
        if let Some(bytes) = spec.memory_max {
            line.extend(["-p".into(), format!("MemoryMax={bytes}").into()]);
        }
        line.push("--".into());
    }
    let setsid = find("setsid");
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
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let manager = runtime.is_some_and(|dir| dir.join("systemd/private").exists());
    if manager && find("systemd-run").is_some() { MemoryLimit::Systemd } else { MemoryLimit::None }
}

/// Whether `socket` is short enough for the system's 108 bytes, its final zero included.
pub(super) fn fits_socket(socket: &Path) -> bool {
    socket.as_os_str().as_bytes().len() < 104 // macOS has four bytes less than Linux.
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

//! A scope of its own in the user's systemd, for a process that must not end with the service that started it.

use std::ffi::OsString;
use std::path::PathBuf;

/// The command line to put before another one, so that it runs in a scope of its own; `None` where there is no systemd for
/// the user. `properties` are systemd's, e.g. `MemoryMax=1000`.
///
/// `systemd-run --scope` becomes the program it starts, so pid and environment are those of the caller's child.
pub fn user_scope(properties: &[String]) -> Option<Vec<OsString>> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?;
    if !runtime.join("systemd/private").exists() {
        return None;
    }
    find_on_path("systemd-run")?;
    let mut line: Vec<OsString> =
        ["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(Into::into).into();
    for property in properties {
        line.extend(["-p".into(), property.into()]);
    }
    line.push("--".into());
    Some(line)
}

/// Where `program` is on this process's search path.
pub fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

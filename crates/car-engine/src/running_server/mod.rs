//! Where the server of a root is found while it runs: `server.json` in CAR's directory.

mod client;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use car_agent::{is_alive, process_id};
use car_domain::state::ProcessId;
use serde::{Deserialize, Serialize};

use crate::EngineError;
use crate::config::CAR_DIR;
use crate::files::write_atomic;

pub use client::ServerClient;

/// A running server, as others find it. The file goes when the server ends; one of a dead server is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServer {
    /// Its process.
    #[serde(flatten)]
    pub process: ProcessId,
    /// Where it is.
    #[serde(flatten)]
    pub place: ServerPlace,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlace {
    /// Where it listens.
    pub address: SocketAddr,
    /// Prefix of every address, as `/car`; empty for none.
    #[serde(default)]
    pub base_path: String,
    /// Whether it speaks TLS.
    #[serde(default)]
    pub is_tls: bool,
    /// The Unix socket at which it listens, too.
    #[serde(default)]
    pub socket: Option<PathBuf>,
}

impl ServerPlace {
    /// Its address for a browser on this machine, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{}", reachable(self.address), self.base_path)
    }

    /// Whether a connection to it stays on this machine.
    pub fn is_local(&self) -> bool {
        reachable(self.address).ip().is_loopback()
    }
}

/// Takes the word back when the server ends.
#[derive(Debug)]
pub struct Announcement(PathBuf);

impl RunningServer {
    /// Says that this process serves `root` at `place`, until the result is dropped.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(root: &Path, place: &ServerPlace) -> Result<Announcement, EngineError> {
        let pid = nix::unistd::Pid::this().as_raw();
        let process = process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
        let text =
            serde_json::to_string(&Self { process, place: place.clone() }).unwrap_or_default();
        let path = path(root);
        write_atomic(&path, format!("{text}\n").as_bytes())
            .map_err(|error| EngineError::file("write", &path, error))?;
        Ok(Announcement(path))
    }

    /// The server of `root`, when one runs.
    pub fn of(root: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path(root)).ok()?;
        serde_json::from_str(&text).ok().filter(|server: &Self| is_alive(server.process))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // A file that stays names a dead process and is not believed.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An address one can connect to: a server that listens everywhere is found on this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let local: IpAddr =
            if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(local);
    }
    address
}

fn path(root: &Path) -> PathBuf {
    root.join(CAR_DIR).join("server.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_while_it_runs_and_not_believed_when_it_is_dead() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        let place = ServerPlace {
            address: "0.0.0.0:4173".parse().expect("an address"),
            base_path: "/car".to_owned(),
            is_tls: true,
            socket: None,
        };
        assert_eq!(place.url(), "https://127.0.0.1:4173/car");
        let announcement = RunningServer::announce(dir.path(), &place).expect("written");
        assert_eq!(RunningServer::of(dir.path()).map(|server| server.place), Some(place));
        drop(announcement);
        assert_eq!(RunningServer::of(dir.path()), None);
        let dead = r#"{"pid": 999999999, "start_ticks": 1, "address": "127.0.0.1:1"}"#;
        std::fs::write(path(dir.path()), dead).expect("write");
        assert_eq!(RunningServer::of(dir.path()), None);
    }
}

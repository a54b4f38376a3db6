//! Ending Codex servers nobody has used for long. They outlive their clients on purpose, so nobody else would.

use std::path::Path;
use std::time::Duration;

use car_agent::app_server::protocol::{ThreadList, ThreadLoadedList, ThreadRead};
use car_agent::app_server::{CodexServer, default_server_dir};
use car_domain::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{CodexSetup, Conversations};
use crate::{EngineError, now};

/// Between two looks; a server that idles an hour longer hurts nobody.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

impl Conversations {
    /// Ends the shared server when no turn runs and nothing happened in any conversation for `max_idle`; whether it did.
    ///
    /// # Errors
    /// When Codex is not installed, or the server cannot be asked.
    pub async fn end_server_if_idle(&self, max_idle: Duration) -> Result<bool, EngineError> {
        let Some(server) = self.running_server().await? else { return Ok(false) };
        if now().since(server.started_at().unwrap_or_else(now)) < max_idle {
            return Ok(false);
        }
        let link = self.inner.link().await?;
        for thread_id in link.call(ThreadLoadedList::default()).await?.data {
            let read = ThreadRead { thread_id, include_turns: false };
            if link.call(read).await.is_ok_and(|read| read.thread.status.is_active()) {
                return Ok(false);
            }
        }
        let newest = ThreadList {
            limit: Some(1),
            sort_key: Some("updated_at".to_owned()),
            source_kinds: Some(vec!["vscode".to_owned(), "appServer".to_owned(), "cli".to_owned()]),
            ..ThreadList::default()
        };
        let newest = link.call(newest).await?.data.into_iter().next();
        let used_at = newest.map(|thread| Timestamp::from_millis(thread.updated_at * 1000));
        if used_at.is_some_and(|used_at| now().since(used_at) < max_idle) {
            return Ok(false);
        }
        server.end().await;
        Ok(true)
    }
}

/// Ends idle servers, of every `CODEX_HOME` that has one in the usual place, until `cancel`.
pub(crate) async fn end_idle_servers(max_idle: Duration, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        end_idle_servers_in(&default_server_dir(), max_idle).await;
    }
}

async fn end_idle_servers_in(dir: &Path, max_idle: Duration) {
    let dir_buf = dir.to_path_buf();
    let servers = tokio::task::spawn_blocking(move || CodexServer::all_in(&dir_buf)).await;
    for server in servers.unwrap_or_default() {
        let setup = CodexSetup {
            env: vec![("CODEX_HOME".into(), server.codex_home.clone().into())],
            server_dir: Some(dir.to_path_buf()),
            ..CodexSetup::new(server.binary.display().to_string())
        };
        match Conversations::new(setup).end_server_if_idle(max_idle).await {
            Ok(true) => {
                tracing::info!(home = %server.codex_home.display(), "an idle Codex server was ended")
            }
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "a Codex server cannot be asked whether it idles")
            }
        }
    }
}

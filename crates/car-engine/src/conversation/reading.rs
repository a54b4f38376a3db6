//! Lists of threads and turns.

use std::path::Path;

use car_agent::app_server::protocol::{ThreadList, ThreadRead, ThreadSetName, ThreadTurnsList};
use car_domain::conversation::{ThreadInfo, TurnInfo};

use super::Conversations;
use super::history::{thread_info, turn_info};
use crate::EngineError;

/// Where threads come from: people at every door, and the loop, which may use `codex exec`.
const SOURCES: [&str; 4] = ["cli", "vscode", "exec", "appServer"];

impl Conversations {
    /// The newest threads, of one directory or of all.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn threads(
        &self,
        cwd: Option<&Path>,
        limit: u32,
    ) -> Result<Vec<ThreadInfo>, EngineError> {
        let link = self.inner.link().await?;
        let list = ThreadList {
            cursor: None,
            limit: Some(limit),
            cwd: cwd.map(Path::to_path_buf),
            source_kinds: Some(SOURCES.map(str::to_owned).to_vec()),
            sort_key: Some("updated_at".to_owned()),
        };
        Ok(link.call(list).await?.data.into_iter().map(thread_info).collect())
    }

    /// A thread, and its last turns in their order.
    ///
    /// # Errors
    /// When Codex cannot be reached or knows no such thread.
    pub async fn thread(
        &self,
        thread_id: &str,
        n_turns: u32,
    ) -> Result<(ThreadInfo, Vec<TurnInfo>), EngineError> {
        let link = self.inner.link().await?;
        let thread_id = thread_id.to_owned();
        let read = ThreadRead { thread_id: thread_id.clone(), include_turns: false };
        let info = thread_info(link.call(read).await?.thread);
        let turns = ThreadTurnsList { thread_id, cursor: None, limit: Some(n_turns) };
        let mut turns: Vec<_> = link.call(turns).await?.data.into_iter().map(turn_info).collect();
        turns.reverse();
        Ok((info, turns))
    }

    /// Names a thread.
    ///
    /// # Errors
    /// When Codex cannot be reached or knows no such thread.
    pub async fn rename(&self, thread_id: &str, name: &str) -> Result<(), EngineError> {
        let link = self.inner.link().await?;
        let (thread_id, name) = (thread_id.to_owned(), name.to_owned());
        link.call(ThreadSetName { thread_id, name }).await.map(drop)
    }
}

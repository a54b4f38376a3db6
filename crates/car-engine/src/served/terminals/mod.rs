//! Terminals of the repositories that are served.

pub(super) mod watching;

use std::collections::BTreeMap;
use std::path::Path;

use car_domain::terminal::Terminal;
use car_host::{Session, Sessions};
use futures::future::join_all;
use serde_json::Value;

use super::{Served, blocking};
use crate::terminals::{self, Members, Size, TerminalKind};
use crate::{EngineError, Repo};

impl Served {
    /// Who is attached to which terminal through this server.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Starts a terminal for `repo`, whose id is `id`.
    ///
    /// # Errors
    /// When there are too many, or its program cannot be started.
    pub async fn start_terminal(
        &self,
        id: &str,
        repo: &Repo,
        kind: &TerminalKind,
        size: Size,
    ) -> Result<Session, EngineError> {
        let session = terminals::start(repo, &self.program, kind, size).await?;
        // Who follows it at once finds it.
        self.tell_terminals_of(id).await;
        Ok(session)
    }

    /// All terminals of `repo`, the oldest first.
    ///
    /// # Errors
    /// When their files cannot be read.
    pub async fn terminals(&self, repo: &Repo) -> Result<Vec<Terminal>, EngineError> {
        let sessions = terminals::list(repo).await?;
        Ok(join_all(sessions.iter().map(|session| self.view(session))).await)
    }

    /// The terminal `id` of `repo`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn terminal(&self, repo: &Repo, id: &str) -> Result<Terminal, EngineError> {
        Ok(self.view(&terminals::get(repo, id).await?).await)
    }

    async fn view(&self, session: &Session) -> Terminal {
        let heard = match self.watching.heard(&session.record.id) {
            None if session.is_running() => terminals::hear(session).await,
            heard => heard.filter(|_| session.is_running()),
        };
        terminals::view(&session.record, heard.as_ref(), self.members.of(&session.record.id))
    }

    /// The terminals of the repository at `root` as the live stream tells them, by their ids.
    pub(super) async fn shown_terminals(
        &self,
        root: &Path,
    ) -> Result<BTreeMap<String, Value>, EngineError> {
        let sessions = Sessions::of(root);
        let sessions = blocking(move || Ok(sessions.list()?)).await?;
        let shown = sessions.iter().filter_map(|session| {
            let id = session.record.id.clone();
            let heard = self.watching.heard(&id).filter(|_| session.is_running());
            let shown = terminals::view(&session.record, heard.as_ref(), self.members.of(&id));
            Some((id, serde_json::to_value(shown).ok()?))
        });
        Ok(shown.collect())
    }
}

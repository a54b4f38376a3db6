//! What a chat proposes, as clients see it.

use car_domain::Timestamp;
use car_domain::docs::DocKind;
use car_domain::proposal::{Hunk, Proposal};
use car_engine::chat::{ChatAnswer, DocChat};
use car_engine::proposal::hunks;
use car_engine::{EngineError, Repo, unified_diff};
use serde::Serialize;
use utoipa::ToSchema;

/// What came of a message, or waits for a decision. Nothing of it is in a document yet.
#[derive(Serialize, ToSchema)]
pub(in crate::web::api) struct ChatResult {
    /// Always `ok`.
    status: &'static str,
    /// The document; several with `+` between.
    kind: String,
    /// What would change, as a unified diff; empty when nothing would.
    patch: String,
    /// The document with the change; of several, the first.
    content: String,
    /// What the agent says.
    agent_message: String,
    /// Whether the agent changed something in this turn.
    has_changes: bool,
    /// Which proposal this is, for `apply` and `discard`; absent when nothing is proposed.
    proposal: Option<Timestamp>,
    /// Each document that would change.
    documents: Vec<ProposedDoc>,
}

/// A document that would change.
#[derive(Serialize, ToSchema)]
pub(super) struct ProposedDoc {
    /// Which.
    kind: DocKind,
    /// The version the agent started from.
    base_version: String,
    /// The version it is now. When they differ, applying brings both together.
    version: String,
    /// What would change, as a unified diff.
    patch: String,
    /// The same in pieces that can be taken or left.
    hunks: Vec<Hunk>,
    /// The whole text that is proposed.
    content: String,
}

impl ChatResult {
    /// What came of a message.
    pub(in crate::web::api) fn of(
        repo: &Repo,
        chat: &DocChat<'_>,
        answer: ChatAnswer,
    ) -> Result<Self, EngineError> {
        let ChatAnswer { message, has_changes, proposal } = answer;
        let documents = match &proposal {
            Some(proposal) => proposed(repo, proposal)?,
            None => Vec::new(),
        };
        let content = match documents.first() {
            Some(document) => document.content.clone(),
            None => chat
                .kinds()
                .first()
                .map(|kind| repo.docs().text(*kind))
                .transpose()?
                .unwrap_or_default(),
        };
        Ok(Self {
            status: "ok",
            kind: chat.name(),
            patch: documents.iter().map(|document| document.patch.as_str()).collect(),
            content,
            agent_message: message,
            has_changes,
            proposal: proposal.map(|proposal| proposal.at),
            documents,
        })
    }

    /// What waits for a decision.
    pub(super) fn pending(
        repo: &Repo,
        chat: &DocChat<'_>,
        proposal: Proposal,
    ) -> Result<Self, EngineError> {
        let message = proposal.message.clone();
        Self::of(repo, chat, ChatAnswer { message, has_changes: true, proposal: Some(proposal) })
    }
}

/// Each document of a proposal.
pub(super) fn proposed(repo: &Repo, proposal: &Proposal) -> Result<Vec<ProposedDoc>, EngineError> {
    let view = |document: &car_domain::proposal::DocProposal| {
        let kind = document.kind;
        let name = repo.docs().configured(kind);
        // The original's names are relative to the repository; a document elsewhere keeps its place to itself.
        let name =
            if name.starts_with('/') { format!("{}.md", kind.title()) } else { name.to_owned() };
        Ok(ProposedDoc {
            kind,
            base_version: document.base_version.clone(),
            version: repo.docs().read(kind)?.version,
            patch: unified_diff(&document.base, &document.proposed, &name),
            hunks: hunks(&document.base, &document.proposed),
            content: document.proposed.clone(),
        })
    };
    proposal.documents.iter().map(view).collect()
}

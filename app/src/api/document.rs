//! Documents: what their pages show.

use car_domain::docs::{DocKind, DocVersion, Document};
use car_domain::proposal::Hunk;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Versions a history lists, the newest ones.
#[cfg(feature = "ssr")]
const MAX_LISTED: usize = 200;

/// A document and how it reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocView {
    /// Source and version.
    pub document: Document,
    /// As HTML that is safe to show, with boxes that tick by posting the form around it.
    pub html: String,
}

/// The versions of a document, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryView {
    /// The version it has now.
    pub present: String,
    /// The versions that are listed.
    pub versions: Vec<DocVersion>,
    /// How many older ones there are besides.
    pub n_older: u64,
}

/// An earlier version of a document beside the present one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionView {
    /// The earlier one.
    pub version: DocVersion,
    /// Its text.
    pub text: String,
    /// The version the document has now.
    pub present: Document,
    /// What makes the present text of the earlier one.
    pub changes: Vec<Hunk>,
}

/// A text that could not be saved because somebody else wrote meanwhile, beside what is there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConflictView {
    /// The version of the text that could not be saved.
    pub mine: String,
    /// That text.
    pub text: String,
    /// The document as it is now.
    pub present: Document,
    /// What makes the unsaved text of the present one.
    pub changes: Vec<Hunk>,
    /// What makes both together of the present text; absent when both changed the same place.
    pub merged: Option<Vec<Hunk>>,
}

/// Reads a document.
#[server(endpoint = "document", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_document(repo: String, kind: DocKind) -> Result<DocView, AppError> {
    on_server::with_docs(&repo, move |docs| docs.read(kind)).await.map(on_server::view)
}

/// Lists the versions of a document.
#[server(endpoint = "document_history", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_history(repo: String, kind: DocKind) -> Result<HistoryView, AppError> {
    on_server::with_docs(&repo, move |docs| {
        let mut versions = docs.history(kind)?;
        versions.reverse();
        // A text that came back is listed where it came back.
        let mut listed = std::collections::HashSet::new();
        versions.retain(|version| listed.insert(version.version.clone()));
        let n_older = versions.len().saturating_sub(MAX_LISTED) as u64;
        versions.truncate(MAX_LISTED);
        Ok(HistoryView { present: docs.read(kind)?.version, versions, n_older })
    })
    .await
}

/// Compares an earlier version with the present one.
#[server(endpoint = "document_version", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_version(
    repo: String,
    kind: DocKind,
    version: String,
) -> Result<VersionView, AppError> {
    on_server::with_docs(&repo, move |docs| {
        let version = docs.find_version(kind, &version)?;
        let text = docs.version_bytes(kind, &version.version)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let present = docs.read(kind)?;
        let changes = car_engine::proposal::hunks(&text, &present.text);
        Ok(VersionView { version, text, present, changes })
    })
    .await
}

/// Compares a text that could not be saved with what is there now.
#[server(endpoint = "document_conflict", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_conflict(
    repo: String,
    kind: DocKind,
    mine: String,
    base: String,
) -> Result<ConflictView, AppError> {
    use car_engine::proposal::hunks;

    on_server::with_docs(&repo, move |docs| {
        let present = docs.read(kind)?;
        let (mine, text) = on_server::kept(docs, kind, &mine)?;
        let changes = hunks(&present.text, &text);
        let merged = on_server::merged(docs, &present, &base, &text);
        let merged = merged.map(|merged| hunks(&present.text, &merged));
        Ok(ConflictView { mine, text, present, changes, merged })
    })
    .await
}

#[cfg(feature = "ssr")]
pub(super) mod on_server {
    use car_domain::docs::{DocKind, Document};
    use car_engine::proposal::{Merged, merge};
    use car_engine::{Docs, EngineError, blocking};

    use super::super::markdown::to_html;
    use super::super::read::{failed_read, served};
    use super::{AppError, DocView};

    /// Asks the documents of a repository, off the async workers.
    pub(in crate::api) async fn with_docs<T: Send + 'static>(
        repo: &str,
        ask: impl FnOnce(&Docs<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, AppError> {
        let repo = served().repo(repo).await.map_err(failed_read)?;
        blocking(move || ask(&repo.docs())).await.map_err(failed_read)
    }

    pub(in crate::api) fn view(document: Document) -> DocView {
        // What only CAR writes is not ticked.
        let html = to_html(&document.text, document.kind != DocKind::Snapshot);
        DocView { document, html }
    }

    /// A version that is kept, with its text.
    pub(in crate::api) fn kept(
        docs: &Docs<'_>,
        kind: DocKind,
        version: &str,
    ) -> Result<(String, String), EngineError> {
        let version = docs.find_version(kind, version)?.version;
        let text = docs.version_bytes(kind, &version)?;
        Ok((version, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Both texts together, when their common base is known and they did not change the same place.
    pub(in crate::api) fn merged(
        docs: &Docs<'_>,
        present: &Document,
        base: &str,
        mine: &str,
    ) -> Option<String> {
        let base = match base {
            Document::MISSING => String::new(),
            base => kept(docs, present.kind, base).ok()?.1,
        };
        match merge(&base, &present.text, mine) {
            Merged::Clean(text) => Some(text),
            Merged::Conflict(_) => None,
        }
    }
}

//! Terminals: which there are, and starting and ending them. The conversation about one is a WebSocket of the HTTP API.

use car_domain::terminal::Terminal;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::AppError;

/// Lists the terminals of a repository, the oldest first. Fails when `wanted` is none of them.
#[server(endpoint = "terminals", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_terminals(
    repo: String,
    wanted: Option<String>,
) -> Result<Vec<Terminal>, AppError> {
    let served = super::read::served();
    let id = super::read::meant(&served, repo)?;
    let failed = super::read::failed_read;
    let repo = served.repo(&id).await.map_err(failed)?;
    let terminals = served.terminals(&repo).await.map_err(failed)?;
    let is_there = |wanted: &String| terminals.iter().any(|one| one.session_id == *wanted);
    if wanted.as_ref().is_some_and(|wanted| !is_there(wanted)) {
        let error = car_engine::EngineError::not_found("There is no such terminal.");
        return Err(failed(error.with_hint("it was removed, or belongs to another repository")));
    }
    Ok(terminals)
}

/// Starts a terminal: `codex`, `resume` or `shell`. Returns its id.
#[server(name = StartTerminal, endpoint = "start_terminal", prefix = "/rpc")]
pub(crate) async fn start_terminal(repo: String, kind: String) -> Result<String, AppError> {
    let served = super::read::served();
    let root = served.repo(&repo).await?;
    let kind = car_engine::terminals::TerminalKind::from_name(&kind)?;
    let size = car_engine::terminals::Size::default();
    let session = served.start_terminal(&repo, &root, &kind, size).await?;
    let id = session.record.id;
    super::document_write::lead_to(&crate::routes::terminal_path(
        &repo,
        served.only_repo().as_deref(),
        &id,
    ));
    Ok(id)
}

/// Ends a terminal with everything it started.
#[server(name = EndTerminal, endpoint = "end_terminal", prefix = "/rpc")]
pub(crate) async fn end_terminal(repo: String, session: String) -> Result<(), AppError> {
    let served = super::read::served();
    let root = served.repo(&repo).await?;
    let ended = session.clone();
    // Who goes away meanwhile does not leave it half ended.
    let work = served.work(move |_| async move { car_engine::terminals::end(&root, &ended).await });
    work.await?;
    super::document_write::lead_to(&crate::routes::terminal_path(
        &repo,
        served.only_repo().as_deref(),
        &session,
    ));
    Ok(())
}

/// Removes what is left of a terminal that has ended.
#[server(name = RemoveTerminal, endpoint = "remove_terminal", prefix = "/rpc")]
pub(crate) async fn remove_terminal(repo: String, session: String) -> Result<(), AppError> {
    let served = super::read::served();
    let root = served.repo(&repo).await?;
    car_engine::terminals::remove(&root, &session).await?;
    super::document_write::lead_to(&crate::routes::terminal_path(
        &repo,
        served.only_repo().as_deref(),
        "new",
    ));
    Ok(())
}

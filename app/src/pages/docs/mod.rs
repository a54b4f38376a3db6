//! The documents of a repository: how they read, their source, their history, and what to do when two people wrote at once.
//!
//! Everything works by links and forms; the browser side adds drafts, keys and live updates.

mod conflict;
mod draft;
mod editor;
mod frame;
mod history;
mod place;
mod rendered;
mod source;
mod version;

use std::future::IntoFuture;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};

use crate::api::{
    self, AppError, AppErrorKind, ConflictView, DocView, HistoryView, Site, VersionView,
};
use crate::components::Region;
use crate::pages::NotFoundPage;
use crate::routes::SiteResource;
use conflict::Conflict;
use frame::DocPlace;
use history::History;
use place::{Place, View};
use rendered::Rendered;
use source::Source;
use version::Version;

/// `/docs`, `/docs/:kind`, and the same below `/repos/:id`.
#[component]
pub(crate) fn DocsPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let place = Memo::new(move |_| Place::read(&params.read(), &query.read()));
    // A keyed list of one, as on the page of a repository: what belongs to one document goes with it.
    view! {
        <For each=move || [place.get()] key=Option::clone let:place>
            {match place {
                Some(place) => view! { <DocsRegion place/> }.into_any(),
                None => view! { <NotFoundPage/> }.into_any(),
            }}
        </For>
    }
}

/// What a page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Rendered(DocView),
    Source(DocView, Option<String>),
    History(HistoryView),
    Version(VersionView),
    Conflict(ConflictView),
}

#[component]
fn DocsRegion(
    /// Where one is.
    place: Place,
) -> impl IntoView {
    let site = SiteResource::get();
    let shown = place.clone();
    let content = Resource::new(|| (), {
        let place = place.clone();
        move |()| read(place.clone())
    });
    let load = move || {
        let (site, content) = (site.read(), content.into_future());
        async move { Ok((site.await?, content.await?)) }
    };
    let show = move |(site, (repo, content)): (Site, (String, Content))| {
        let place = DocPlace::new(repo, site.is_hub(), shown.kind);
        match content {
            Content::Rendered(view) => view! { <Rendered place view/> }.into_any(),
            Content::Source(view, from) => view! { <Source place view from/> }.into_any(),
            Content::History(view) => view! { <History place view/> }.into_any(),
            Content::Version(view) => view! { <Version place view/> }.into_any(),
            Content::Conflict(view) => {
                let base = match &shown.view {
                    View::Conflict { base, .. } => base.clone(),
                    _ => String::new(),
                };
                view! { <Conflict place view base/> }.into_any()
            }
        }
    };
    view! { <Region load show/> }
}

/// Reads what a page shows, and which repository it is about.
async fn read(place: Place) -> Result<(String, Content), AppError> {
    let repo = match place.repo {
        Some(repo) => repo,
        None => api::read_site().await?.only_repo.ok_or_else(|| {
            api::not_found();
            AppError {
                kind: AppErrorKind::NotFound,
                message: "There is no page at this address.".to_owned(),
                hint: Some("Documents belong to a repository; choose one in the hub.".to_owned()),
            }
        })?,
    };
    let (id, kind) = (repo.clone(), place.kind);
    let content = match place.view {
        View::Rendered => Content::Rendered(api::read_document(id, kind).await?),
        View::Source { from } => {
            let view = api::read_document(id.clone(), kind).await?;
            let from = match from {
                Some(version) => Some(api::read_version(id, kind, version).await?.text),
                None => None,
            };
            Content::Source(view, from)
        }
        View::History => Content::History(api::read_history(id, kind).await?),
        View::Version(version) => Content::Version(api::read_version(id, kind, version).await?),
        View::Conflict { mine, base } => {
            Content::Conflict(api::read_conflict(id, kind, mine, base).await?)
        }
    };
    Ok((repo, content))
}

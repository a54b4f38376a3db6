//! `/`: the dashboard of the only repository, or the hub when there are several.

use std::future::IntoFuture;

use leptos::prelude::*;

use super::hub::Hub;
use super::repo::RepoBoard;
use crate::api::{self, Home};
use crate::components::Region;
use crate::routes::SiteResource;

/// The first page.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    let site = SiteResource::get();
    let home = Resource::new(|| (), |()| api::read_home());
    let load = move || {
        let (site, home) = (site.read(), home.into_future());
        async move { Ok((site.await?, home.await?)) }
    };
    let show = |(site, home)| match home {
        Home::Repo(view) => view! { <RepoBoard site view=*view/> }.into_any(),
        Home::Hub(jobs) => view! { <Hub site jobs/> }.into_any(),
    };
    view! { <Region load show/> }
}

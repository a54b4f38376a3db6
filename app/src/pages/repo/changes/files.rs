//! The list of changed files.

use car_domain::format;
use car_domain::run::FileChangeKind;
use leptos::prelude::*;

use super::Place;
use crate::api::ChangesView;

/// The files, each with how much changed.
pub(super) fn files(view: &ChangesView, place: &Place) -> AnyView {
    let here = place.link();
    let all = Place { file: None, ..place.clone() };
    let is_one = place.file.is_some();
    let rows = view
        .patches
        .iter()
        .enumerate()
        .map(|(index, patch)| {
            let path = &patch.file.path;
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            let what = match patch.file.change {
                FileChangeKind::Added => Some("new"),
                FileChangeKind::Deleted => Some("deleted"),
                FileChangeKind::Renamed => Some("moved"),
                FileChangeKind::Retyped => Some("another kind"),
                FileChangeKind::Modified => None,
            };
            view! {
                <li class="item">
                    <a class="item__main" href=format!("{here}#file-{index}")>
                        <span class="clip item__title">{name.to_owned()}</span>
                        <span class="clip tiny muted">{dir.to_owned()}</span>
                    </a>
                    {what.map(|what| view! { <span class="tiny muted nowrap">{what}</span> })}
                    <Count insertions=patch.file.insertions deletions=patch.file.deletions/>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="sec__head">
            <h2>{format::count(view.count.files, "file", "files")}</h2>
            <Count insertions=Some(view.count.insertions) deletions=Some(view.count.deletions)/>
            {is_one.then(|| view! { <a class="small push" href=all.link()>"All files"</a> })}
        </div>
        <ul class="list review__list">{rows}</ul>
    }
    .into_any()
}

/// Lines that come and go.
#[component]
pub(super) fn Count(
    /// Lines that come; absent for a binary file.
    insertions: Option<u64>,
    /// Lines that go.
    deletions: Option<u64>,
) -> impl IntoView {
    match insertions.zip(deletions) {
        None => view! { <span class="tiny muted nowrap push">"binary"</span> }.into_any(),
        Some((plus, minus)) => view! {
            <span class="num tiny nowrap push">
                {(plus > 0 || minus == 0).then(|| view! { <span class="plus">"+" {plus}</span> })}
                " "
                {(minus > 0).then(|| view! { <span class="minus">"−" {minus}</span> })}
            </span>
        }
        .into_any(),
    }
}

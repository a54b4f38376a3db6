//! The versions of a document.

use car_domain::docs::DocVersion;
use car_domain::format;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::frame::{DocFrame, DocPlace, Look, follow};
use crate::api::{HistoryView, RestoreVersion};
use crate::components::{Glyph, Icon, When};
use crate::platform;

/// The list, newest first.
#[component]
pub(super) fn History(
    /// Which document.
    place: DocPlace,
    /// Its versions.
    view: HistoryView,
) -> impl IntoView {
    follow(place.repo.clone(), || {});
    let HistoryView { present, versions, n_older } = view;
    let n_versions = format::count(versions.len() as u64 + n_older, "version", "versions");
    let is_empty = versions.is_empty();
    let present_at = versions.iter().position(|version| version.version == present);
    let row = {
        let place = place.clone();
        move |(index, version): (usize, DocVersion)| {
            let is_present = present_at == Some(index);
            view! { <Row place=place.clone() version is_present/> }
        }
    };
    let rows = versions.into_iter().enumerate().map(row).collect_view();
    view! {
        <DocFrame place look=Look::History posts=&[RestoreVersion::PATH] note=n_versions.into_any()>
            {if is_empty {
                view! {
                    <div class="empty">
                        <Icon glyph=Glyph::History/>
                        <p class="empty__title">"No versions yet"</p>
                        <p>"Every text this document had is listed here from now on, whoever wrote it."</p>
                    </div>
                }.into_any()
            } else {
                view! {
                    <ol class="list" reversed aria-label="Versions, newest first">{rows}</ol>
                    {(n_older > 0).then(|| view! {
                        <p class="muted small">
                            {format::count(n_older, "older version", "older versions")}
                            " can be seen with " <code>"car docs history"</code> "."
                        </p>
                    })}
                }.into_any()
            }}
        </DocFrame>
    }
}

#[component]
fn Row(
    /// Which document.
    place: DocPlace,
    /// The version.
    version: DocVersion,
    /// Whether it is the present one.
    is_present: bool,
) -> impl IntoView {
    let query = format!("?view=history&version={}", platform::encode_segment(&version.version));
    let short: String = version.version.chars().take(8).collect();
    view! {
        <li class="item">
            <Icon glyph=Glyph::History/>
            <div class="item__main">
                <a class="item__title item__link" href=place.link(&query)>
                    {author_words(&version.author)}
                </a>
                <span class="item__sub num">
                    <When at=version.at/> ", " {format::bytes(version.bytes)}
                    <span class="desk">", " <code>{short}</code></span>
                </span>
            </div>
            {is_present.then(|| view! { <span class="count">"present"</span> })}
        </li>
    }
}

/// Who wrote a version, as people say it.
pub(super) fn author_words(author: &str) -> String {
    match author {
        "outside" => "Changed outside of CAR".to_owned(),
        "web" => "Saved in the browser".to_owned(),
        "web, not saved" => "Not saved: another change came first".to_owned(),
        "restore" => "Restored from an earlier version".to_owned(),
        "document chat" => "Taken from a chat".to_owned(),
        "command line" => "Written on the command line".to_owned(),
        other => match other.strip_prefix("run ") {
            Some(number) => format!("Written by run {number}"),
            None => format!("Written by {other}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::author_words;

    #[test]
    fn authors_are_named_in_words() {
        assert_eq!(author_words("run 12"), "Written by run 12");
        assert_eq!(author_words("outside"), "Changed outside of CAR");
        assert_eq!(author_words("clear-docs"), "Written by clear-docs");
    }
}

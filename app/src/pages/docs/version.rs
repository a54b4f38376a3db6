//! One version of a document, compared with the present one.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::frame::{DocFrame, DocPlace, Look, follow};
use super::history::author_words;
use crate::api::{RestoreVersion, VersionView};
use crate::base::at;
use crate::components::{Diff, Glyph, Icon, PostForm, Toasts, When, count_lines};

/// The comparison, and the way back.
#[component]
pub(super) fn Version(
    /// Which document.
    place: DocPlace,
    /// The version.
    view: VersionView,
) -> impl IntoView {
    follow(place.repo.clone(), || {});
    let action = ServerAction::<RestoreVersion>::new();
    lead_on(action, place.path());
    let VersionView { version, text, present, changes } = view;
    let is_present = version.version == present.version;
    let (n_added, n_removed) = count_lines(&changes);
    let note = view! { {author_words(&version.author)} ", " <When at=version.at/> };
    let is_busy = move || action.pending().get();
    let title = place.kind.title();
    let here = place.clone();
    view! {
        <DocFrame place look=Look::History posts=&[RestoreVersion::PATH] note=note.into_any()>
            {if is_present {
                view! {
                    <p class="banner">"This is what the document says now."</p>
                }.into_any()
            } else {
                view! {
                    <section class="sec" aria-labelledby="since">
                        <div class="sec__head">
                            <h2 id="since">"Changed since then"</h2>
                            <span class="small num">
                                <span class="plus">"+" {n_added}</span> " "
                                <span class="minus">"−" {n_removed}</span>
                            </span>
                            <PostForm action class="push">
                                <input type="hidden" name="repo" value=here.repo.clone()/>
                                <input type="hidden" name="kind" value=here.kind.name()/>
                                <input type="hidden" name="version" value=version.version.clone()/>
                                <button
                                    class="btn"
                                    type="submit"
                                    aria-busy=move || is_busy().then_some("true")
                                >
                                    <Icon glyph=Glyph::Retry/>
                                    "Restore this version"
                                </button>
                            </PostForm>
                        </div>
                        {if changes.is_empty() {
                            view! { <p class="muted">"The text is the same as now."</p> }.into_any()
                        } else {
                            let label = format!("What was changed in {title} since then");
                            view! { <Diff hunks=changes label/> }.into_any()
                        }}
                    </section>
                }.into_any()
            }}
            <section class="sec" aria-labelledby="then">
                <div class="sec__head"><h2 id="then">"What it said"</h2></div>
                <pre class="docs__text" tabindex="0">{if text.is_empty() { "Nothing.".to_owned() } else { text }}</pre>
            </section>
        </DocFrame>
    }
}

/// Shows the document once it is restored, or why it is not.
fn lead_on(action: ServerAction<RestoreVersion>, page: String) {
    let (navigate, toasts) = (use_navigate(), Toasts::get());
    Effect::new(move |_| match action.value().get() {
        Some(Ok(_)) => {
            let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
            navigate(&at(&page), options);
        }
        Some(Err(error)) => toasts.error(error),
        None => {}
    });
}

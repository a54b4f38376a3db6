//! A document as it reads, with boxes that tick.

use car_domain::docs::DocKind;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;

use super::frame::{DocFrame, DocPlace, Look, follow};
use crate::api::{self, DocView, TickItem};
use crate::components::{Glyph, Icon, PostForm, Toasts, When};
use crate::platform;

/// The document.
#[component]
pub(super) fn Rendered(
    /// Which.
    place: DocPlace,
    /// What the page starts from.
    view: DocView,
) -> impl IntoView {
    let shown = RwSignal::new(view);
    let action = ServerAction::<TickItem>::new();
    let (repo, kind) = (place.repo.clone(), place.kind);
    let reread = move || {
        let repo = repo.clone();
        spawn_local(async move {
            // A failure shows in the connection indicator; the page stays as it was last known.
            if let Ok(view) = api::read_document(repo, kind).await {
                show(shown, view);
            }
        });
    };
    let toasts = Toasts::get();
    let after_failure = reread.clone();
    let ticked = StoredValue::new(None::<TickItem>);
    Effect::new(move |_| {
        if let Some(input) = action.input().get() {
            ticked.set_value(Some(input));
        }
    });
    Effect::new(move |_| match action.value().get() {
        Some(Ok(view)) => {
            show(shown, view);
            ticked.with_value(|ticked| focus_again(ticked.as_ref()));
        }
        Some(Err(error)) => {
            toasts.error(error);
            after_failure();
        }
        None => {}
    });
    follow(place.repo.clone(), reread);
    let modified = Memo::new(move |_| shown.with(|view| view.document.modified_at));
    let note = move || match modified.get() {
        Some(at) => view! { "Saved " <When at/> }.into_any(),
        None => "Not written yet".into_any(),
    };
    let is_blank = Memo::new(move |_| shown.with(|view| view.document.text.trim().is_empty()));
    let here = place.clone();
    view! {
        <DocFrame place look=Look::Rendered posts=&[TickItem::PATH] note=note.into_any()>
            {move || {
                let place = here.clone();
                if is_blank.get() {
                    view! { <Blank place/> }.into_any()
                } else {
                    view! { <Prose place shown action/> }.into_any()
                }
            }}
        </DocFrame>
    }
}

/// Takes a newer state of the document; the page is not touched when nothing changed.
fn show(shown: RwSignal<DocView>, view: DocView) {
    let known = shown.try_with_untracked(|known| known.document.version == view.document.version);
    if known == Some(false) {
        shown.try_set(view);
    }
}

/// The boxes are made anew with the text around them; the one that was ticked has the focus as before.
fn focus_again(ticked: Option<&TickItem>) {
    let line = ticked.and_then(|input| input.tick.split(' ').next().map(str::to_owned));
    if let Some(line) = line {
        platform::after(std::time::Duration::from_millis(20), move || {
            platform::focus_if_lost(&format!("box-{line}"));
        });
    }
}

/// The text. The server has made sure that the markup is harmless.
#[component]
fn Prose(
    /// Which document.
    place: DocPlace,
    /// The document.
    shown: RwSignal<DocView>,
    /// What ticks its boxes.
    action: ServerAction<TickItem>,
) -> impl IntoView {
    let html = Memo::new(move |_| shown.with(|view| view.html.clone()));
    let version = Memo::new(move |_| shown.with(|view| view.document.version.clone()));
    let title = place.kind.title();
    view! {
        <PostForm action class="docs__form">
            <input type="hidden" name="repo" value=place.repo.clone()/>
            <input type="hidden" name="kind" value=place.kind.name()/>
            <input type="hidden" name="version" value=version/>
            <article class="prose" aria-label=title inner_html=move || html.get()></article>
        </PostForm>
    }
}

/// A document without text: what it is for, and how to begin.
#[component]
fn Blank(
    /// Which.
    place: DocPlace,
) -> impl IntoView {
    let purpose = match place.kind {
        DocKind::Todo => {
            "What is to be done, as boxes: the loop works through them from top to bottom."
        }
        DocKind::Progress => "What was done. The agent adds to it with every run.",
        DocKind::Opinions => {
            "How you want things done: rules and preferences that every run reads."
        }
        DocKind::Spec => "What is to be built. The first TODO items can be made from it.",
        DocKind::Summary => "The report to you, written when every box is ticked.",
        DocKind::Snapshot => "A description of this repository to paste into other chats.",
    };
    view! {
        <div class="empty">
            <Icon glyph=Glyph::Docs/>
            <p class="empty__title">{place.kind.title()} " is empty"</p>
            <p>{purpose}</p>
            {if place.kind == DocKind::Snapshot {
                view! { <p>"Make one with " <code>"car snapshot"</code> "."</p> }.into_any()
            } else {
                view! {
                    <a class="btn" href=place.link("?view=source")>
                        <Icon glyph=Glyph::Edit/>
                        "Write it"
                    </a>
                }.into_any()
            }}
        </div>
    }
}

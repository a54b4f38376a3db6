//! The source of a document, to be edited. A plain form; the browser side adds numbers, keys, drafts and a guard.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::editor::{AREA, Editor, LINES, MAX_NUMBERED, as_typed};
use super::frame::{DocFrame, DocPlace, Look, follow};
use crate::api::{DocView, SaveDocument, Saved};
use crate::base::at;
use crate::components::{PostForm, Toasts, When};
use crate::markup::escaped;
use crate::platform;
use crate::routes::conflict_path;

/// Remembers whether long lines are wrapped.
const WRAP: &str = "car:wrap";

/// The editor.
#[component]
pub(super) fn Source(
    /// Which document.
    place: DocPlace,
    /// The document.
    view: DocView,
    /// A text to begin with instead of the present one.
    from: Option<String>,
) -> impl IntoView {
    let DocView { document, .. } = view;
    let editor = Editor::new(&place, &document);
    let is_chosen = from.is_some();
    let written = as_typed(&from.unwrap_or(document.text));
    let action = ServerAction::<SaveDocument>::new();
    after_saving(action, editor, &place, is_chosen);
    follow(place.repo.clone(), move || editor.look());
    let modified = RwSignal::new(document.modified_at);
    Effect::new(move |_| {
        if let Some(Ok(Saved::Written(view))) = action.value().get() {
            modified.set(view.document.modified_at);
        }
    });
    Effect::new({
        let written = written.clone();
        move |_| {
            editor.adopt_soon(written.clone());
            platform::ask_before_leaving(move || editor.is_dirty.try_get_untracked() == Some(true));
        }
    });
    let note = move || {
        match (editor.is_dirty.get(), modified.get()) {
        (true, _) => view! {
            <span class="docs__dirty"><span class="dot dot--dirty" aria-hidden="true"></span>"Not saved"</span>
        }.into_any(),
        (false, Some(at)) => view! { "Saved " <When at/> }.into_any(),
        (false, None) => "Not written yet".into_any(),
    }
    };
    let note = view! { <span role="status">{note}</span> };
    view! {
        <DocFrame
            place=place.clone()
            look=Look::Source
            posts=&[SaveDocument::PATH]
            is_dirty=editor.is_dirty
            note=note.into_any()
        >
            <Notes editor title=place.kind.title()/>
            <Form place=place.clone() editor action written/>
        </DocFrame>
    }
}

/// What is to be known about the text before it is saved.
#[component]
fn Notes(
    /// The editor.
    editor: Editor,
    /// The document's name.
    title: String,
) -> impl IntoView {
    let draft = move || editor.is_restored.get() && editor.is_dirty.get();
    let stale = move || editor.is_stale.get() && editor.is_dirty.get();
    let unkept = move || !editor.is_kept.get() && editor.is_dirty.get();
    view! {
        <div class="banner banner--note" role="status" hidden=move || !draft()>
            <p>"This is your draft. It was kept on this device and is not saved yet."</p>
            <button class="btn btn--ghost push" type="button" on:click=move |_| editor.give_up()>
                "Discard draft"
            </button>
        </div>
        <div class="banner banner--note" role="status" hidden=move || !stale()>
            <span class="state state--stalled">
                <span class="state__glyph" aria-hidden="true"></span>
            </span>
            <p>{title} " was changed by somebody else since. Saving shows both texts, nothing is lost."</p>
        </div>
        <div class="banner banner--error" role="alert" hidden=move || !unkept()>
            <p>"This browser does not keep drafts: save before you leave the page."</p>
        </div>
    }
}

#[component]
fn Form(
    /// Which document.
    place: DocPlace,
    /// The editor.
    editor: Editor,
    /// What saves.
    action: ServerAction<SaveDocument>,
    /// The text it begins with.
    written: String,
) -> impl IntoView {
    let is_busy = move || action.pending().get();
    let (wraps, set_wraps) = signal(true);
    Effect::new(move |_| set_wraps.set(platform::recall(WRAP).as_deref() != Some("off")));
    let toggle_wrap = move |_| {
        let wraps = !wraps.get_untracked();
        set_wraps.set(wraps);
        platform::remember(WRAP, if wraps { "on" } else { "off" });
    };
    let is_long = written.matches('\n').count() >= MAX_NUMBERED;
    view! {
        <PostForm action class="docs__form">
            <input type="hidden" name="repo" value=place.repo.clone()/>
            <input type="hidden" name="kind" value=place.kind.name()/>
            <input type="hidden" name="version" autocomplete="off" value=editor.base/>
            <Area editor title=place.kind.title() written wraps is_long/>
            <div class="editor__bar">
                <button
                    class="btn btn--primary"
                    type="submit"
                    aria-busy=move || is_busy().then_some("true")
                    on:click=move |event| {
                        // Not `disabled`, which would drop the focus.
                        if is_busy() {
                            event.prevent_default();
                        }
                    }
                >
                    "Save"
                </button>
                <button
                    class="btn btn--ghost needs-browser"
                    type="button"
                    aria-pressed=move || wraps.get().to_string()
                    on:click=toggle_wrap
                >
                    "Wrap lines"
                </button>
                <span class="editor__keys small muted push desk needs-browser" id="source-keys">
                    <kbd class="kbd">"Ctrl S"</kbd> " saves, " <kbd class="kbd">"Esc"</kbd> " then "
                    <kbd class="kbd">"Tab"</kbd> " leaves the text"
                </span>
            </div>
        </PostForm>
    }
}

/// The text area over its numbered lines.
#[component]
fn Area(
    /// The editor.
    editor: Editor,
    /// The document's name.
    title: String,
    /// The text it begins with.
    written: String,
    /// Whether long lines are wrapped.
    wraps: ReadSignal<bool>,
    /// Whether there are too many lines to number them.
    is_long: bool,
) -> impl IntoView {
    let lines = if is_long { String::new() } else { numbered(&written) };
    // Leptos does not escape what is inside of a text area, and a browser leaves out the first newline.
    let content = format!("\n{}", escaped(&written));
    let keydown = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() || event.alt_key() {
            return;
        }
        let key = event.key();
        let is_done = match (event.ctrl_key() || event.meta_key(), key.as_str()) {
            (true, "s" | "S") if !event.shift_key() => {
                AREA.submit();
                true
            }
            (true, _) => false,
            (false, _) => editor.key(&key, event.shift_key()),
        };
        if is_done {
            event.prevent_default();
        }
    };
    view! {
        <div
            class="editor"
            class:editor--nowrap=move || !wraps.get()
            class:editor--long=is_long
        >
            <div class="editor__lines" id=LINES aria-hidden="true" inner_html=lines></div>
            <textarea
                class="editor__text"
                id=AREA.0
                name="text"
                aria-label=format!("Source of {title}")
                aria-describedby="source-keys"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                rows="24"
                inner_html=content
                on:input=move |_| editor.typed()
                on:keydown=keydown
            ></textarea>
        </div>
    }
}

fn numbered(text: &str) -> String {
    text.split('\n').map(|line| format!("<span>{}</span>", escaped(line))).collect()
}

/// Goes on once the text is saved, shows both texts when it could not be, or says what went wrong.
fn after_saving(
    action: ServerAction<SaveDocument>,
    editor: Editor,
    place: &DocPlace,
    is_chosen: bool,
) {
    let (navigate, toasts) = (use_navigate(), Toasts::get());
    let page = place.path();
    let go = move |target: String, replace: bool| {
        let options = NavigateOptions { resolve: false, replace, ..NavigateOptions::default() };
        navigate(&at(&target), options);
    };
    Effect::new(move |_| match action.value().get() {
        Some(Ok(Saved::Written(view))) => {
            editor.take_saved(&view);
            // The address names another text than what is there now.
            if is_chosen {
                go(format!("{page}?view=source"), true);
            }
        }
        Some(Ok(Saved::Aside { mine, base })) => go(conflict_path(&page, &mine, &base), false),
        Some(Err(error)) => toasts.error(error),
        None => {}
    });
}

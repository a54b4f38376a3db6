//! Two texts of one document: what somebody else wrote meanwhile, and what could not be saved because of that. Both are kept,
//! whatever is chosen here.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::draft::DraftPlace;
use super::frame::{DocFrame, DocPlace, Look, follow};
use crate::api::{ConflictView, Saved, SettleConflict};
use crate::base::at;
use crate::components::{Diff, Glyph, Icon, PostForm, Toasts};
use crate::platform;
use crate::routes::conflict_path;

/// The two texts and the choices.
#[component]
pub(super) fn Conflict(
    /// Which document.
    place: DocPlace,
    /// The texts.
    view: ConflictView,
    /// The version the unsaved one began on.
    base: String,
) -> impl IntoView {
    follow(place.repo.clone(), || {});
    let action = ServerAction::<SettleConflict>::new();
    lead_on(action, &place);
    let title = place.kind.title();
    let ConflictView { mine, text, present, changes, merged } = view;
    let can_merge = merged.is_some();
    let fields = Fields { place: place.clone(), mine, base, present: present.version.clone() };
    let label = format!("From the present {title} to your text");
    view! {
        <DocFrame place look=Look::Conflict posts=&[SettleConflict::PATH] note="Nothing is lost".into_any()>
            <div class="banner banner--note" role="status">
                <span class="state state--stalled">
                    <span class="state__glyph" aria-hidden="true"></span>
                </span>
                <p>
                    {title.clone()} " was changed by somebody else while you wrote. Your text is not saved into it yet; "
                    "it is kept in the history, whatever you choose."
                </p>
            </div>
            <Choices action fields can_merge/>
            {merged.map(|hunks| view! {
                <section class="sec" aria-labelledby="both">
                    <div class="sec__head">
                        <h2 id="both">"Both together"</h2>
                        <span class="sec__note">"what changes in the present text"</span>
                    </div>
                    <Diff hunks label="What both together change in the present text"/>
                </section>
            })}
            <section class="sec" aria-labelledby="apart">
                <div class="sec__head">
                    <h2 id="apart">"How they differ"</h2>
                    <span class="sec__note">"from the present text to yours"</span>
                </div>
                <Diff hunks=changes label/>
            </section>
            <div class="docs__two">
                <section class="sec" aria-labelledby="present">
                    <div class="sec__head"><h2 id="present">"The present text"</h2></div>
                    <pre class="docs__text" tabindex="0">{present.text}</pre>
                </section>
                <section class="sec" aria-labelledby="yours">
                    <div class="sec__head"><h2 id="yours">"Your text"</h2></div>
                    <pre class="docs__text" tabindex="0">{text}</pre>
                </section>
            </div>
        </DocFrame>
    }
}

/// What every choice sends.
#[derive(Clone)]
struct Fields {
    place: DocPlace,
    mine: String,
    base: String,
    present: String,
}

#[component]
fn Choices(
    /// What decides.
    action: ServerAction<SettleConflict>,
    /// What is decided about.
    fields: Fields,
    /// Whether both texts go together.
    can_merge: bool,
) -> impl IntoView {
    let Fields { place, mine, base, present } = fields;
    let is_busy = move || action.pending().get().then_some("true");
    let by_hand = format!("?view=source&version={}", platform::encode_segment(&mine));
    let draft = DraftPlace::of(&place);
    let by_hand_look = if can_merge { "btn" } else { "btn btn--primary" };
    view! {
        <PostForm action class="btns btns--even">
            <input type="hidden" name="repo" value=place.repo.clone()/>
            <input type="hidden" name="kind" value=place.kind.name()/>
            <input type="hidden" name="version" value=present/>
            <input type="hidden" name="mine" value=mine/>
            <input type="hidden" name="base" value=base/>
            {can_merge.then(|| view! {
                <button
                    class="btn btn--primary"
                    type="submit"
                    name="settlement"
                    value="merged"
                    aria-busy=is_busy
                >
                    <Icon glyph=Glyph::Check/>
                    "Save both together"
                </button>
            })}
            <a class=by_hand_look href=place.link(&by_hand)>"Edit my text"</a>
            <button class="btn" type="submit" name="settlement" value="mine" aria-busy=is_busy>
                "Replace with my text"
            </button>
            <a class="btn btn--ghost" href=place.link("") on:click=move |_| draft.remove()>
                "Keep the present text"
            </a>
        </PostForm>
    }
}

/// Shows the document once it is decided, the next conflict if there is one already, or what went wrong.
fn lead_on(action: ServerAction<SettleConflict>, place: &DocPlace) {
    let (navigate, toasts) = (use_navigate(), Toasts::get());
    let (page, draft) = (place.path(), DraftPlace::of(place));
    Effect::new(move |_| {
        let target = match action.value().get() {
            Some(Ok(Saved::Written(_))) => {
                draft.remove();
                page.clone()
            }
            Some(Ok(Saved::Aside { mine, base })) => conflict_path(&page, &mine, &base),
            Some(Err(error)) => return toasts.error(error),
            None => return,
        };
        let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
        navigate(&at(&target), options);
    });
}

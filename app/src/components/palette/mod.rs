//! The palette: one field that finds every page, repository and action, and the keys that reach it and the pages.

mod entries;
mod shortcuts;

use std::time::Duration;

use car_domain::view::RunAction;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{Glyph, Icon, StateShape, Toasts};
use crate::api::{RunActionRequest, Site};
use crate::base::at;
use crate::fleet::Fleet;
use crate::platform;
use crate::routes::SiteResource;
use entries::{Entry, Mark, Target, find};
pub(crate) use shortcuts::Shortcuts;

const PALETTE: &str = "palette";
const FIELD: &str = "palette-field";
const LIST: &str = "palette-list";

/// Whether the palette is open, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct PaletteState(RwSignal<bool>);

impl PaletteState {
    /// Puts a closed one into the context.
    pub(crate) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    fn get() -> Self {
        use_context().unwrap_or_else(|| Self(RwSignal::new(false)))
    }

    /// Opens it over the page.
    pub(crate) fn open(self) {
        self.0.set(true);
        platform::after(Duration::ZERO, || platform::show_dialog(PALETTE));
    }
}

/// Opens the palette; the browser side has it.
#[component]
pub(crate) fn PaletteButton(
    /// Its class.
    class: &'static str,
    /// What it shows besides its icon.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let palette = PaletteState::get();
    view! {
        <button class=class type="button" aria-label="Search or jump to" on:click=move |_| palette.open()>
            <Icon glyph=Glyph::Search/>
            {children.map(|children| children())}
        </button>
    }
}

/// The palette, once the server has said what it serves.
#[component]
pub(crate) fn Palette() -> impl IntoView {
    let site = SiteResource::get();
    view! {
        <Suspense>
            {move || {
                let site = site.read();
                Suspend::new(async move { site.await.ok().map(|site| view! { <PaletteDialog site/> }) })
            }}
        </Suspense>
    }
}

#[component]
fn PaletteDialog(
    /// What is served.
    site: Site,
) -> impl IntoView {
    let palette = PaletteState::get();
    let rows = Fleet::get().rows();
    let only_repo = StoredValue::new(site.only_repo.clone());
    let text = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let found = Memo::new(move |_| {
        if !palette.0.get() {
            return Vec::new();
        }
        let text = text.get();
        rows.with(|rows| only_repo.with_value(|only| find(rows, only.as_deref(), &text)))
    });
    let run = ServerAction::<RunActionRequest>::new();
    let toasts = Toasts::get();
    Effect::new(move |_| {
        if let Some(Err(error)) = run.value().get() {
            toasts.error(error);
        }
    });
    let navigate = use_navigate();
    let go = Callback::new(move |target: Target| {
        platform::close_dialog(PALETTE);
        let open = |path: &str| {
            let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
            navigate(&at(path), options);
        };
        match target {
            Target::Page(path) => open(&path),
            Target::Outside(path) => platform::open_page(&at(&path)),
            Target::Run { repo, verb, page } => {
                run.dispatch(RunActionRequest { repo, verb });
                open(&page);
            }
            Target::Theme => platform::switch_theme(),
            Target::Shortcuts => shortcuts::open(),
        }
    });
    let choose = move |place: usize| {
        if let Some(entry) = found.with_untracked(|found| found.get(place).cloned()) {
            go.run(entry.target);
        }
    };
    let keydown = move |event: leptos::ev::KeyboardEvent| {
        let n = found.with_untracked(Vec::len);
        let at = chosen.get_untracked();
        let next = match event.key().as_str() {
            "ArrowDown" if n > 0 => (at + 1) % n,
            "ArrowUp" if n > 0 => (at + n - 1) % n,
            "Enter" if !event.is_composing() => {
                event.prevent_default();
                choose(at);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        chosen.set(next);
        platform::after(Duration::ZERO, move || platform::scroll_to(&option_id(next)));
    };
    let close = move |_| {
        palette.0.set(false);
        text.set(String::new());
        chosen.set(0);
    };
    view! {
        <dialog class="palette" id=PALETTE aria-label="Search or jump to" closedby="any" on:close=close>
            <input
                class="palette__in"
                id=FIELD
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls=LIST
                aria-activedescendant=move || found.with(|found| !found.is_empty()).then(|| option_id(chosen.get()))
                aria-label="Search or jump to"
                placeholder="Search or jump to"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                autofocus
                prop:value=text
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    chosen.set(0);
                }
                on:keydown=keydown
            />
            <ul class="palette__list" id=LIST role="listbox" aria-label="Results">
                {move || found.with(|found| options(found, chosen, choose))}
            </ul>
            <p class="palette__none" role="status">
                {move || (palette.0.get() && found.with(Vec::is_empty)).then_some("Nothing is called like that.")}
            </p>
        </dialog>
    }
}

fn option_id(place: usize) -> String {
    format!("palette-{place}")
}

fn options<Choose>(
    found: &[Entry],
    chosen: RwSignal<usize>,
    choose: Choose,
) -> impl IntoView + use<Choose>
where
    Choose: Fn(usize) + Copy + Send + Sync + 'static,
{
    let mut group = "";
    let option = |(place, entry): (usize, &Entry)| {
        let head = (group != entry.group).then(|| {
            group = entry.group;
            view! { <li class="palette__group" role="presentation">{entry.group}</li> }
        });
        let mark = match entry.mark {
            Mark::Icon(glyph) => view! { <Icon glyph/> }.into_any(),
            Mark::State(activity) => view! { <StateShape activity/> }.into_any(),
        };
        view! {
            {head}
            <li
                class="menu__item"
                id=option_id(place)
                role="option"
                aria-selected=move || (chosen.get() == place).to_string()
                on:click=move |_| choose(place)
            >
                {mark}
                <span class="clip">{entry.label.clone()}</span>
                <span class="muted small clip push">{entry.detail.clone()}</span>
            </li>
        }
    };
    found.iter().enumerate().map(option).collect_view()
}

/// The action a person asks for with a verb, as entries call it.
fn verb_words(verb: RunAction) -> &'static str {
    match verb {
        RunAction::Start => "Start",
        RunAction::Once => "Run once:",
        RunAction::Stop => "Stop after this run:",
        RunAction::Kill => "Kill",
    }
}

//! Which repositories are shown and how: chips, search, order. Links and one form, so all of it is in the address.

use leptos::prelude::*;

use super::query::{Group, HubQuery, Show, Sort};
use super::store::HubStore;
use crate::base::at;
use crate::components::{Glyph, Icon};

/// Id of the search field.
pub(super) const FIND: &str = "find";

/// The chips of states.
#[component]
pub(super) fn Chips(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let chip = move |show: Show| {
        let href =
            move || at(&hub.query.with(|query| HubQuery { show, from: 0, ..query.alone() }).path());
        let is_current = Memo::new(move |_| hub.query.with(|query| query.show == show));
        let n = Memo::new(move |_| {
            hub.rows.with(|rows| rows.iter().filter(|row| show.has(row)).count())
        });
        view! {
            <a
                class="chip"
                href=href
                data-noscroll=""
                aria-current=move || is_current.get().then_some("true")
                hidden=move || n.get() == 0 && !is_current.get()
            >
                {show.word()} " " <span class="num">{n}</span>
            </a>
        }
    };
    view! {
        <div class="chips" role="group" aria-label="Show">
            {Show::ALL.map(chip).into_iter().collect_view()}
        </div>
    }
}

/// Search, order, grouping, density and selection.
#[component]
pub(super) fn Controls(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let change = move |change: &dyn Fn(&mut HubQuery)| {
        let mut query = hub.query.get_untracked().alone();
        change(&mut query);
        query.from = 0;
        hub.go(&query, true);
    };
    let first = hub.query.get_untracked();
    let sort_option = |sort: Sort| {
        let is_on = first.sort == sort;
        view! { <option value=sort.name() selected=is_on>{sort.word()}</option> }
    };
    let group_option = |group: Group| {
        let is_on = first.group == group;
        view! { <option value=group.name() selected=is_on>{group.word()}</option> }
    };
    let toggled = move |toggle: fn(&mut HubQuery)| {
        move || {
            let mut query = hub.query.with(HubQuery::alone);
            toggle(&mut query);
            at(&query.path())
        }
    };
    let is_compact = Memo::new(move |_| hub.query.with(|query| query.is_compact));
    let selects = Memo::new(move |_| hub.query.with(|query| query.selects));
    view! {
        <form
            class="controls"
            method="get"
            action=at("/")
            role="search"
            aria-label="Repositories"
            on:submit=|event| event.prevent_default()
        >
            <input type="hidden" name="show" value=move || hub.query.with(|query| query.show.name())/>
            <input
                type="hidden"
                name="density"
                value="compact"
                disabled=move || !is_compact.get()
            />
            <input type="hidden" name="select" value="1" disabled=move || !selects.get()/>
            <label class="find">
                <Icon glyph=Glyph::Search/>
                <span class="vh">"Find repositories"</span>
                <input
                    class="input"
                    id=FIND
                    type="search"
                    name="q"
                    placeholder="Find"
                    autocomplete="off"
                    value=first.text.clone()
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        change(&|query| query.text.clone_from(&text));
                    }
                />
            </label>
            <label class="select">
                <span class="vh">"Order"</span>
                <select
                    class="input"
                    name="sort"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        let sort = Sort::ALL.into_iter().find(|sort| sort.name() == name);
                        change(&|query| query.sort = sort.unwrap_or_default());
                    }
                >
                    {Sort::ALL.map(sort_option).into_iter().collect_view()}
                </select>
            </label>
            <label class="select">
                <span class="vh">"Grouping"</span>
                <select
                    class="input"
                    name="group"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        let group = Group::ALL.into_iter().find(|group| group.name() == name);
                        change(&|query| query.group = group.unwrap_or_default());
                    }
                >
                    {Group::ALL.map(group_option).into_iter().collect_view()}
                </select>
            </label>
            <button class="btn before-browser" type="submit">"Show"</button>
            <a
                class="btn btn--ghost desk"
                href=toggled(|query| query.is_compact = !query.is_compact)
                data-noscroll=""
            >
                {move || if is_compact.get() { "Roomy rows" } else { "Compact rows" }}
            </a>
            <a class="btn btn--ghost" href=toggled(|query| query.selects = !query.selects) data-noscroll="">
                {move || if selects.get() { "End selecting" } else { "Select" }}
            </a>
        </form>
    }
}

//! The TODO document's items as a list to read. Boxes are drawn, not inputs, until they can be ticked here.

use car_domain::todo::TodoItem;
use leptos::prelude::*;
use leptos::tachys::html::attribute::custom::CustomAttribute;

use super::InlineText;
use car_domain::format;

/// Items split at the top level: groups with something left to do, and groups that are done, each in document order.
pub(crate) fn split_done(items: &[TodoItem]) -> (Vec<TodoItem>, Vec<TodoItem>) {
    let (mut open, mut done) = (Vec::new(), Vec::new());
    let mut rest = items;
    while !rest.is_empty() {
        let depth = rest.first().map_or(0, |item| item.depth);
        let end = rest.iter().skip(1).position(|item| item.depth <= depth);
        let (group, behind) = rest.split_at(end.map_or(rest.len(), |index| index + 1));
        let target = if group.iter().all(|item| item.done) { &mut done } else { &mut open };
        target.extend_from_slice(group);
        rest = behind;
    }
    (open, done)
}

/// The items with a bar of what is done; done groups are folded.
#[component]
pub(crate) fn TodoView(
    /// The items.
    todo: Memo<Vec<TodoItem>>,
    /// The item a run is at work on, with the run's number.
    #[prop(into)]
    at_work: Signal<Option<(String, u64)>>,
) -> impl IntoView {
    let split = Memo::new(move |_| todo.with(|todo| split_done(todo)));
    let open = Memo::new(move |_| split.with(|(open, _)| open.clone()));
    let done = Memo::new(move |_| split.with(|(_, done)| done.clone()));
    let n_done = Memo::new(move |_| done.with(Vec::len) as u64);
    view! {
        <ul class="todo" role="list">
            <Items items=open at_work/>
        </ul>
        <details class="fold" hidden=move || n_done.get() == 0>
            <summary class="fold__head">
                {move || format::count(n_done.get(), "done item", "done items")}
            </summary>
            <ul class="todo" role="list">
                <Items items=done at_work/>
            </ul>
        </details>
    }
}

#[component]
fn Items(
    /// The items.
    items: Memo<Vec<TodoItem>>,
    /// The item a run is at work on.
    at_work: Signal<Option<(String, u64)>>,
) -> impl IntoView {
    view! {
        <For
            each=move || items.get()
            key=|item| (item.line, item.depth, item.done, item.text.clone())
            let:item
        >
            <Item item at_work/>
        </For>
    }
}

#[component]
fn Item(
    /// The item.
    item: TodoItem,
    /// The item a run is at work on.
    at_work: Signal<Option<(String, u64)>>,
) -> impl IntoView {
    let text = StoredValue::new(item.text);
    let done = item.done;
    let run = Memo::new(move |_| {
        let (at_work, run) = at_work.get()?;
        (!done && text.with_value(|text| *text == at_work)).then_some(run)
    });
    view! {
        <li
            class="check"
            class:check--now=move || run.get().is_some()
            class:check--done=done
            style=("--depth", item.depth.to_string())
        >
            <span class="box" class:box--done=done aria-hidden="true"></span>
            <span>
                <span class="vh">{if done { "Done: " } else { "Open: " }}</span>
                <InlineText text=text.get_value()/>
                {move || run.get().map(|run| view! {
                    <span class="check__run">" run " {run}</span>
                })}
            </span>
        </li>
    }
    .attr("aria-level", (item.depth + 1).to_string())
}

#[cfg(test)]
mod tests {
    use car_domain::todo::TodoList;

    use super::*;

    #[test]
    fn a_group_stays_together_until_all_of_it_is_done() {
        let markdown = "- [x] a\n  - [ ] a1\n- [x] b\n  - [x] b1\n- [ ] c\n";
        let (open, done) = split_done(&TodoList::parse(markdown).items);
        let texts = |items: &[TodoItem]| -> Vec<String> {
            items.iter().map(|item| item.text.clone()).collect()
        };
        assert_eq!(texts(&open), ["a", "a1", "c"]);
        assert_eq!(texts(&done), ["b", "b1"]);
        assert_eq!(split_done(&[]), (Vec::new(), Vec::new()));
    }
}

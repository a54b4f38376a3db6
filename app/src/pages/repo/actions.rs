//! What a person can do with the loop. Real forms, so that they work before the browser side has loaded.

use car_domain::view::{Activity, RunAction, StateView};
use leptos::prelude::*;

use super::store::RepoStore;
use crate::api::RunActionRequest;
use crate::clock::Clock;
use crate::components::{Glyph, Icon, PostForm, Toasts};
use crate::platform;
use car_domain::format;

const KILL_DIALOG: &str = "kill-dialog";

/// The actions of one dashboard and what became of them.
#[derive(Clone, Copy)]
pub(super) struct RunActions {
    action: ServerAction<RunActionRequest>,
    pending: Memo<Option<RunAction>>,
}

impl RunActions {
    /// Makes the actions and shows what becomes of them.
    pub(super) fn new(store: RepoStore) -> Self {
        let action = ServerAction::<RunActionRequest>::new();
        let pending = Memo::new(move |_| action.input().get().map(|input| input.verb));
        let toasts = Toasts::get();
        Effect::new(move |_| match action.value().get() {
            Some(Ok(state)) => {
                platform::close_dialog(KILL_DIALOG);
                store.set_state(state);
                platform::after(std::time::Duration::from_millis(50), || {
                    platform::focus_if_lost("actions");
                });
            }
            Some(Err(error)) => {
                platform::close_dialog(KILL_DIALOG);
                toasts.error(error);
                store.refetch();
            }
            None => {}
        });
        Self { action, pending }
    }
}

/// What is on offer in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// Nothing runs: start, or run once.
    Start,
    /// The loop waits: stop.
    StopWaiting,
    /// An agent is at work: stop afterwards, or end it.
    StopRun,
    /// A stop was asked for; only ending the agent is left.
    Stopping,
}

fn offer(state: &StateView) -> Offer {
    match (state.activity, state.stop_requested) {
        (activity, _) if !activity.is_active() => Offer::Start,
        (_, true) => Offer::Stopping,
        (Activity::Waiting, false) => Offer::StopWaiting,
        (_, false) => Offer::StopRun,
    }
}

/// The buttons that fit the state.
#[component]
pub(super) fn ActionButtons(
    /// The dashboard.
    store: RepoStore,
    /// Its actions.
    actions: RunActions,
) -> impl IntoView {
    let offer = Memo::new(move |_| store.state.with(offer));
    let can_kill = Memo::new(move |_| store.activity.get() != Activity::Waiting);
    // Without items the loop would end at once; the reason is said in the TODO section and on the button.
    let no_items = Memo::new(move |_| store.todo.with(Vec::is_empty));
    view! {
        <PostForm action=actions.action class="btns btns--even">
            <input type="hidden" name="repo" value=store.id.get_value()/>
            {move || match offer.get() {
                Offer::Start => view! {
                    <Verb actions verb=RunAction::Start look="btn btn--primary" off=no_items>
                        <Icon glyph=Glyph::Play/>
                        "Start"
                    </Verb>
                    <Verb actions verb=RunAction::Once look="btn" off=no_items>"Run once"</Verb>
                }.into_any(),
                Offer::StopWaiting => view! {
                    <Verb actions verb=RunAction::Stop look="btn">
                        <Icon glyph=Glyph::Stop/>
                        "Stop the loop"
                    </Verb>
                }.into_any(),
                Offer::StopRun => view! {
                    <Verb actions verb=RunAction::Stop look="btn">
                        <Icon glyph=Glyph::Stop/>
                        "Stop after this run"
                    </Verb>
                    <KillButton/>
                }.into_any(),
                Offer::Stopping => view! {
                    <span class="btns__note">"Stopping after this run"</span>
                    {move || can_kill.get().then(|| view! { <KillButton/> })}
                }.into_any(),
            }}
        </PostForm>
    }
}

/// A button that sends one action.
#[component]
fn Verb(
    /// The dashboard's actions.
    actions: RunActions,
    /// What it asks for.
    verb: RunAction,
    /// Its classes.
    look: &'static str,
    /// Whether there is nothing to do for it.
    #[prop(optional, into)]
    off: Signal<bool>,
    /// Its icon and word.
    children: Children,
) -> impl IntoView {
    let is_busy = move || actions.pending.get() == Some(verb);
    let is_blocked = move || actions.pending.get().is_some();
    let name = match verb {
        RunAction::Start => "start",
        RunAction::Once => "once",
        RunAction::Stop => "stop",
        RunAction::Kill => "kill",
    };
    view! {
        <button
            class=look
            type="submit"
            name="verb"
            value=name
            disabled=move || off.get()
            title=move || off.get().then_some("Add items to TODO first")
            aria-busy=move || is_busy().then_some("true")
            aria-disabled=move || is_blocked().then_some("true")
            on:click=move |event| {
                // Not `disabled`, which would drop the focus.
                if is_blocked() {
                    event.prevent_default();
                }
            }
        >
            {children()}
        </button>
    }
}

/// Opens the question. The browser opens it as a popover until this side is there and makes it a modal dialog.
#[component]
fn KillButton() -> impl IntoView {
    view! {
        <button
            class="btn btn--ghost"
            type="button"
            popovertarget=KILL_DIALOG
            on:click=|event| {
                event.prevent_default();
                platform::show_dialog(KILL_DIALOG);
            }
        >
            "Kill…"
        </button>
    }
}

/// Asks before the agent is ended, and names what is lost.
#[component]
pub(super) fn KillDialog(
    /// The dashboard.
    store: RepoStore,
    /// Its actions.
    actions: RunActions,
) -> impl IntoView {
    let clock = Clock::get();
    let worked = move || {
        let began = store.last_run.with(|run| run.as_ref().and_then(|run| run.started_at))?;
        Some(format!(" It has worked for {}.", format::elapsed(clock.now().since(began))))
    };
    let run = move || {
        let number = store.last_run.with(|run| run.as_ref().map(|run| run.run));
        number.map(|number| format!("run {number}")).unwrap_or_else(|| "this run".to_owned())
    };
    view! {
        <dialog class="dialog" id=KILL_DIALOG popover="auto" aria-labelledby="kill-title">
            <h2 id="kill-title">"Kill " {run} "?"</h2>
            <p>
                "The agent ends at once and the loop stops."
                {worked}
                " What it has not written to a file yet is lost; edited files stay as they are."
            </p>
            <PostForm action=actions.action class="btns">
                <input type="hidden" name="repo" value=store.id.get_value()/>
                <button
                    class="btn"
                    type="button"
                    autofocus
                    popovertarget=KILL_DIALOG
                    popovertargetaction="hide"
                    on:click=|event| {
                        event.prevent_default();
                        platform::close_dialog(KILL_DIALOG);
                    }
                >
                    "Keep running"
                </button>
                <Verb actions verb=RunAction::Kill look="btn btn--danger-solid">
                    "Kill " {run}
                </Verb>
            </PostForm>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_offers_what_makes_sense_in_it() {
        let state = |activity, stop_requested| StateView {
            activity,
            since: None,
            detail: None,
            until: None,
            stop_requested,
            runner_pid: None,
        };
        for activity in [Activity::Idle, Activity::Failed, Activity::Limited, Activity::Finished] {
            assert_eq!(offer(&state(activity, false)), Offer::Start);
            assert_eq!(offer(&state(activity, true)), Offer::Start);
        }
        assert_eq!(offer(&state(Activity::Running, false)), Offer::StopRun);
        assert_eq!(offer(&state(Activity::Question, false)), Offer::StopRun);
        assert_eq!(offer(&state(Activity::Stalled, true)), Offer::Stopping);
        assert_eq!(offer(&state(Activity::Waiting, false)), Offer::StopWaiting);
    }
}

//! The table of runs.

use car_domain::run::{RunKind, RunSummary};
use leptos::prelude::*;

use super::state::OutcomeBadge;
use super::{InlineText, When};
use crate::clock::Clock;
use car_domain::format;

/// What a run was about, in one line: why it did not end well, else what the agent said last, else its item.
pub(crate) fn what_happened(run: &RunSummary) -> String {
    let reason = run.end.as_ref().filter(|end| !end.is_success());
    let reason = reason.and_then(|end| end.reason.clone());
    let said = run.headline.clone().filter(|_| run.end.is_some());
    let purpose = (run.kind == RunKind::Report).then(|| "Final report".to_owned());
    reason.or(said).or_else(|| run.item.clone()).or(purpose).unwrap_or_default()
}

/// The newest runs, newest first.
#[component]
pub(crate) fn RunsTable(
    /// The runs.
    #[prop(into)]
    runs: Signal<Vec<RunSummary>>,
    /// Address of the list they belong to; each has its number behind it.
    #[prop(into)]
    base: Signal<String>,
) -> impl IntoView {
    view! {
        <table class="table">
            <thead>
                <tr>
                    <th scope="col">"Run"</th>
                    <th scope="col">"Outcome"</th>
                    <th scope="col" class="desk">"What happened"</th>
                    <th scope="col" class="r">"Time"</th>
                    <th scope="col" class="r desk">"Tokens"</th>
                    <th scope="col" class="r">"Ended"</th>
                </tr>
            </thead>
            <tbody>
                <For
                    each=move || runs.get()
                    key=|run| run.run
                    children=move |first| {
                        let number = first.run;
                        let run = Memo::new(move |_| {
                            let found = |runs: &Vec<RunSummary>| {
                                runs.iter().find(|run| run.run == number).cloned()
                            };
                            runs.with(found).unwrap_or_else(|| first.clone())
                        });
                        view! { <Row run base/> }
                    }
                />
            </tbody>
        </table>
    }
}

#[component]
fn Row(
    /// The run.
    run: Memo<RunSummary>,
    /// Address of the list it belongs to.
    base: Signal<String>,
) -> impl IntoView {
    let number = run.with_untracked(|run| run.run);
    let ended = Memo::new(move |_| run.with(|run| run.finished_at));
    let words = Memo::new(move |_| run.with(what_happened));
    view! {
        <tr>
            <td class="num"><a href=move || format!("{}/{number}", base.get())>{number}</a></td>
            <td><OutcomeBadge run/></td>
            <td class="desk table__text"><span class="soft"><InlineText text=words/></span></td>
            <td class="r"><RunTime run/></td>
            <td class="r desk">{move || format::tokens(run.with(|run| run.usage.total()))}</td>
            <td class="r muted">
                {move || match ended.get() {
                    Some(at) => view! { <When at/> }.into_any(),
                    None => "now".into_any(),
                }}
            </td>
        </tr>
    }
}

/// How long a run took, or has taken so far.
#[component]
pub(crate) fn RunTime(
    /// The run.
    #[prop(into)]
    run: Signal<RunSummary>,
) -> impl IntoView {
    let clock = Clock::get();
    let times = Memo::new(move |_| run.with(|run| (run.duration_ms, run.started_at)));
    move || match times.get() {
        (Some(millis), _) => format::elapsed(std::time::Duration::from_millis(millis)),
        (None, Some(began)) => format::elapsed(clock.now().since(began)),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use car_domain::run::{Outcome, RunEnd};

    use super::*;

    #[test]
    fn a_failure_says_why_and_a_success_what_was_done() {
        let mut run = RunSummary::new(3);
        assert_eq!(what_happened(&run), "");
        run.item = Some("Add keys".into());
        run.headline = Some("Looking around.".into());
        assert_eq!(what_happened(&run), "Add keys");
        let reason = Some("cargo test still fails".to_owned());
        let end =
            |outcome| RunEnd { outcome, exit_code: None, signal: None, reason: reason.clone() };
        run.end = Some(end(Outcome::Succeeded));
        assert_eq!(what_happened(&run), "Looking around.");
        run.end = Some(end(Outcome::Failed));
        assert_eq!(what_happened(&run), "cargo test still fails");
    }
}

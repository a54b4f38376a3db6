//! How much of the provider's limits is used, and when they begin anew.

use car_domain::format;
use car_domain::usage::RateLimitWindow;
use leptos::prelude::*;

use crate::clock::Clock;

/// A meter for each window.
#[component]
pub(crate) fn Limits(
    /// The windows.
    limits: Vec<RateLimitWindow>,
) -> impl IntoView {
    if limits.is_empty() {
        return view! {
            <p class="small muted">"Codex tells its limits with each call of the model; none were told in this time."</p>
        }
        .into_any();
    }
    limits.into_iter().map(|window| view! { <Meter window/> }).collect_view().into_any()
}

#[component]
fn Meter(
    /// The window.
    window: RateLimitWindow,
) -> impl IntoView {
    let clock = Clock::get();
    let name = window.window_minutes.map_or_else(|| window.name.clone(), window_words);
    let resets_at = window.resets_at;
    let is_over = Memo::new(move |_| resets_at.is_some_and(|at| at <= clock.about_now()));
    let used = window.used_percent.unwrap_or(0.0).clamp(0.0, 100.0);
    // The clock may tick once more for a view that another one is taking the place of.
    let is_over = move || is_over.try_get().unwrap_or(false);
    let share = move || if is_over() { 0.0 } else { used };
    let is_full = move || share() >= 90.0;
    let note = move || match resets_at {
        None => "When it begins anew is not known.".to_owned(),
        Some(_) if is_over() => {
            "Has begun anew since; the next call tells how much is used.".to_owned()
        }
        Some(at) => {
            let left = at.since(clock.now());
            format!(
                "Begins anew in {}, {}.",
                format::countdown(left),
                format::when(at, clock.about_now(), clock.zone(at))
            )
        }
    };
    view! {
        <div class="meter">
            <span>{name}</span>
            <strong class="num">{move || format!("{:.0}%", share())}</strong>
            <span class="bar bar--run" class:bar--full=is_full aria-hidden="true">
                <i style=("--v", move || format!("{:.1}%", share()))></i>
            </span>
            <span class="meter__note num">{note}</span>
        </div>
    }
}

/// `5 hours`, `7 days`.
fn window_words(minutes: u64) -> String {
    match minutes {
        0..60 => format::count(minutes, "minute", "minutes"),
        60..2880 => format::count(minutes.div_ceil(60), "hour", "hours"),
        _ => format::count((minutes + 720) / 1440, "day", "days"),
    }
}

#[cfg(test)]
mod tests {
    use super::window_words;

    #[test]
    fn windows_are_called_by_their_length() {
        assert_eq!(window_words(300), "5 hours");
        assert_eq!(window_words(299), "5 hours");
        assert_eq!(window_words(10_080), "7 days");
    }
}

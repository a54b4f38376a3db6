//! Points in time: UTC as the server writes them, the reader's own once the browser has taken over.

use car_domain::Timestamp;
use leptos::prelude::*;

use crate::clock::Clock;
use car_domain::format;

/// When something was: a time today, else a day. All of it on hover.
#[component]
pub(crate) fn When(
    /// The point in time.
    at: Timestamp,
) -> impl IntoView {
    let clock = Clock::get();
    let short = Memo::new(move |_| format::when(at, clock.about_now(), clock.zone(at)));
    let full = Memo::new(move |_| format::full_time(at, clock.zone(at)));
    view! { <time datetime=at.to_string() title=full>{short}</time> }
}

/// The time of day of a step, with seconds.
#[component]
pub(crate) fn TimeOfDay(
    /// The point in time.
    at: Timestamp,
) -> impl IntoView {
    let clock = Clock::get();
    let full = move || format::full_time(at, clock.zone(at));
    view! {
        <time class="step__time num" datetime=at.to_string() title=full>
            {move || format::time_of_day(at, clock.zone(at))}
        </time>
    }
}

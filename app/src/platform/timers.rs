//! Timers that end with the owner that made them.

use std::time::Duration;

/// Calls `tick` again and again until the current owner is cleaned up.
pub(crate) fn every(period: Duration, tick: impl Fn() + 'static) {
    #[cfg(feature = "hydrate")]
    if let Ok(handle) = leptos::prelude::set_interval_with_handle(tick, period) {
        leptos::prelude::on_cleanup(move || handle.clear());
    }
    #[cfg(not(feature = "hydrate"))]
    drop((period, tick));
}

/// Calls `then` once; it must cope with its owner being gone.
pub(crate) fn after(delay: Duration, then: impl FnOnce() + 'static) {
    #[cfg(feature = "hydrate")]
    leptos::prelude::set_timeout(then, delay);
    #[cfg(not(feature = "hydrate"))]
    drop((delay, then));
}

/// A number from 0 up to 1.
#[cfg(feature = "hydrate")]
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}

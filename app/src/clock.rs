//! The time of a page: what the server said when it rendered, then a tick per second in the browser.
//!
//! Rendering only ever sees the server's time, which is part of the page's data, so both sides write the same text. Ticks
//! and the reader's time zone arrive in an effect. The browser's clock may be wrong; the event stream tells the server's
//! time when it connects, and from then on ticks are corrected by the difference.

use std::time::Duration;

use car_domain::Timestamp;
use leptos::prelude::*;

use crate::platform;
use car_domain::format::Zone;

/// The page's clock, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    base: StoredValue<Timestamp>,
    tick: RwSignal<Option<Timestamp>>,
    /// How far the server's clock is ahead of the browser's.
    ahead_ms: StoredValue<i64>,
    slow: Memo<Option<Timestamp>>,
    ticking: Memo<bool>,
}

impl Clock {
    /// Makes the clock and lets it tick once the browser has taken over.
    pub(crate) fn provide() -> Self {
        let tick = RwSignal::new(None::<Timestamp>);
        let slow = Memo::new(move |_| {
            tick.get().map(|at| Timestamp::from_millis(at.as_millis() / 10_000 * 10_000))
        });
        let clock = Self {
            base: StoredValue::new(Timestamp::from_millis(0)),
            tick,
            ahead_ms: StoredValue::new(0),
            slow,
            ticking: Memo::new(move |_| tick.with(Option::is_some)),
        };
        provide_context(clock);
        Effect::new(move |_| {
            clock.refresh();
            platform::every(Duration::from_secs(1), move || clock.refresh());
        });
        clock
    }

    /// The clock of this page.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }

    /// Takes the server's time at which the page's data was read.
    pub(crate) fn seed(&self, at: Timestamp) {
        self.base.set_value(at);
    }

    /// Takes the server's time as of this moment.
    #[cfg(feature = "hydrate")]
    pub(crate) fn correct(&self, server_now: Timestamp) {
        let ahead = platform::now().map(|here| server_now.as_millis() - here.as_millis());
        self.ahead_ms.try_set_value(ahead.unwrap_or(0));
        self.refresh();
    }

    /// Now as a number of milliseconds, for what is kept; no reason to run again when it goes on.
    pub(crate) fn stamp(&self) -> i64 {
        self.corrected().map_or(0, Timestamp::as_millis)
    }

    fn refresh(&self) {
        self.tick.try_set(self.corrected());
    }

    fn corrected(&self) -> Option<Timestamp> {
        let ahead = self.ahead_ms.try_get_value().unwrap_or(0);
        platform::now().map(|at| Timestamp::from_millis(at.as_millis() + ahead))
    }

    /// Now, to the second. Reading it subscribes to every tick.
    pub(crate) fn now(&self) -> Timestamp {
        self.tick.try_get().flatten().unwrap_or_else(|| self.seeded())
    }

    /// Now, to ten seconds, for texts that change rarely.
    pub(crate) fn about_now(&self) -> Timestamp {
        self.slow.try_get().flatten().unwrap_or_else(|| self.seeded())
    }

    fn seeded(&self) -> Timestamp {
        self.base.try_get_value().unwrap_or(Timestamp::from_millis(0))
    }

    /// Now, asked of the browser at this moment, for event handlers.
    #[cfg(feature = "hydrate")]
    pub(crate) fn at_once(&self) -> Timestamp {
        self.corrected().unwrap_or(Timestamp::from_millis(0))
    }

    /// The reader's zone at a point in time; UTC until the browser has taken over.
    pub(crate) fn zone(&self, at: Timestamp) -> Zone {
        match platform::offset_minutes(at) {
            Some(minutes) if self.ticking.try_get() == Some(true) => Zone::Local(minutes),
            _ => Zone::Utc,
        }
    }
}

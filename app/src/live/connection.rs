//! Whether the page still hears the server, in words.

use std::time::Duration;

use car_domain::Timestamp;
use leptos::prelude::*;

use car_domain::format;

/// Silence after which the page no longer claims to be connected. The server speaks every 15 seconds.
const SILENCE: Duration = Duration::from_secs(35);

/// Where the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not open yet.
    Connecting,
    /// Open.
    Open,
    /// It was lost and is being opened again.
    Lost,
}

/// State of the page's stream, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Connection {
    /// Where the stream is.
    pub phase: RwSignal<Phase>,
    /// When the server was last heard, by the page's clock.
    pub heard: RwSignal<Option<Timestamp>>,
}

impl Connection {
    /// Puts a fresh state into the context.
    pub(crate) fn provide() -> Self {
        let connection =
            Self { phase: RwSignal::new(Phase::Connecting), heard: RwSignal::new(None) };
        provide_context(connection);
        connection
    }

    /// The state of this page's stream.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }
}

/// What the indicator says, and whether all is well.
pub(crate) fn words(phase: Phase, heard: Option<Timestamp>, now: Timestamp) -> (String, bool) {
    let silence = heard.map(|at| now.since(at));
    match (phase, silence) {
        (Phase::Connecting, _) => ("Connecting".to_owned(), true),
        (Phase::Open, Some(silence)) if silence > SILENCE => (last_heard(silence, "Last"), false),
        (Phase::Open, Some(silence)) => (format!("Connected, {} s", silence.as_secs()), true),
        (Phase::Open, None) => ("Connected".to_owned(), true),
        (Phase::Lost, Some(silence)) if silence > SILENCE => {
            (format!("Reconnecting, {}", last_heard(silence, "last")), false)
        }
        (Phase::Lost, _) => ("Reconnecting".to_owned(), false),
    }
}

fn last_heard(silence: Duration, last: &str) -> String {
    let ago = match silence.as_secs() {
        seconds @ 0..90 => format!("{seconds} s"),
        _ => format::coarse(silence),
    };
    format!("{last} heard {ago} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(phase: Phase, silence_seconds: i64) -> (String, bool) {
        let heard = Timestamp::from_millis(0);
        words(phase, Some(heard), Timestamp::from_millis(silence_seconds * 1000))
    }

    #[test]
    fn the_indicator_says_what_is_true() {
        assert_eq!(words(Phase::Connecting, None, Timestamp::from_millis(0)).0, "Connecting");
        assert_eq!(said(Phase::Open, 14), ("Connected, 14 s".to_owned(), true));
        assert_eq!(said(Phase::Open, 40), ("Last heard 40 s ago".to_owned(), false));
        assert_eq!(said(Phase::Lost, 3), ("Reconnecting".to_owned(), false));
        assert_eq!(said(Phase::Lost, 300).0, "Reconnecting, last heard 5 min ago");
    }
}

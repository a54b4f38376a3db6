//! The event stream: what happens on the server, as it happens.
//!
//! A page opens one stream with [`use_live`] and gets typed messages until it goes. The stream heals itself: the browser
//! reconnects and names the last event it saw; when it gives up, we open a new one, sooner when the page wakes up. A new
//! stream begins with the present state; when the server cannot tell what was missed, [`LiveMessage::Refetch`] comes.

pub(crate) mod backoff;
mod connection;
#[cfg(feature = "hydrate")]
mod source;

use car_domain::live::{LiveEvent, Topic};

#[cfg(feature = "hydrate")]
use connection::Phase;
pub(crate) use connection::{Connection, words as connection_words};

/// What a page hears.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LiveMessage {
    /// Something changed.
    Event(LiveEvent),
    /// What the page shows may be old: read everything again.
    Refetch,
}

/// Opens the event stream for the current component and closes it with it: the rows of all repositories, and the dashboard and
/// journal of `repo`.
pub(crate) fn use_live(repo: Option<String>, on_message: impl Fn(LiveMessage) + 'static) {
    let topics = move || std::iter::once(Topic::Hub).chain(repo.clone().map(Topic::Repo)).collect();
    use_topics(topics, on_message);
}

/// The same with any topics. When they change, the stream is opened anew and begins with their present state.
pub(crate) fn use_topics(
    topics: impl Fn() -> Vec<Topic> + Send + Sync + 'static,
    on_message: impl Fn(LiveMessage) + 'static,
) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::prelude::*;

        let connection = Connection::get();
        let clock = crate::clock::Clock::get();
        let source = StoredValue::new_local(None::<source::LiveSource>);
        let on_message = std::rc::Rc::new(on_message);
        let topics = Memo::new(move |_| topics());
        Effect::new(move |was_open: Option<()>| {
            let on_message = std::rc::Rc::clone(&on_message);
            let told = std::rc::Rc::clone(&on_message);
            let opened = source::LiveSource::open(&topics.get(), connection, clock, on_message);
            source.set_value(Some(opened));
            // What went between the two streams, neither tells.
            if was_open.is_some() {
                told(LiveMessage::Refetch);
            }
        });
        on_cleanup(move || {
            source.try_set_value(None);
        });
    }
    #[cfg(not(feature = "hydrate"))]
    drop((topics, on_message));
}

/// Reads the data of a stream event; nothing when this page is older than the server and does not know it.
fn parse_event(data: &str) -> Option<LiveMessage> {
    serde_json::from_str(data).ok().map(LiveMessage::Event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_event_is_passed_over() {
        assert_eq!(parse_event(r#"{"topic":"hologram"}"#), None);
        assert_eq!(parse_event("not json"), None);
        let data = r#"{"topic":"journal","repo":"a","run":3,"entries":[]}"#;
        let expected = LiveEvent::Journal { repo: "a".into(), run: 3, entries: Vec::new() };
        assert_eq!(parse_event(data), Some(LiveMessage::Event(expected)));
    }
}

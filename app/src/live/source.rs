//! The browser's `EventSource`, with listeners that go when it goes and a second attempt where the browser makes none.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use car_domain::Timestamp;
use car_domain::live::Topic;
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, MessageEvent};

use super::{Connection, LiveMessage, Phase, backoff, parse_event};
use crate::base::at;
use crate::build::Outdated;
use crate::clock::Clock;
use crate::platform::{self, PageListeners};

type OnMessage = Rc<dyn Fn(LiveMessage)>;
type Listener = Closure<dyn FnMut(MessageEvent)>;

/// An open event stream. Dropping it closes it.
pub(super) struct LiveSource {
    shared: Rc<Shared>,
    _wake: PageListeners,
}

struct Shared {
    url: String,
    connection: Connection,
    clock: Clock,
    outdated: Outdated,
    on_message: OnMessage,
    stream: RefCell<Option<Stream>>,
    n_failed: Cell<u32>,
    /// Counts streams, so that a wait that was overtaken by another one does nothing.
    generation: Cell<u32>,
}

struct Stream {
    source: EventSource,
    /// Kept because the browser calls them as long as the source is open.
    _listeners: Vec<Listener>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl LiveSource {
    /// Opens a stream about these topics.
    pub(super) fn open(
        topics: &[Topic],
        connection: Connection,
        clock: Clock,
        on_message: OnMessage,
    ) -> Self {
        let topics: Vec<_> =
            topics.iter().map(|topic| platform::encode_segment(&topic.to_string())).collect();
        let url = at(&format!("/api/events?topics={}", topics.join(",")));
        let shared = Rc::new(Shared {
            url,
            connection,
            clock,
            outdated: Outdated::get(),
            on_message,
            stream: RefCell::default(),
            n_failed: Cell::default(),
            generation: Cell::default(),
        });
        connection.phase.set(Phase::Connecting);
        shared.connect();
        let woken = Rc::downgrade(&shared);
        let wake = platform::on_page_wakes(move || {
            if let Some(shared) = woken.upgrade() {
                shared.wake();
            }
        });
        Self { shared, _wake: wake }
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.shared.generation.set(self.shared.generation.get() + 1);
        self.shared.stream.take();
    }
}

impl Shared {
    fn connect(self: &Rc<Self>) {
        self.generation.set(self.generation.get() + 1);
        // The old stream closes first: browsers allow few connections per server.
        self.stream.take();
        let Ok(source) = EventSource::new(&self.url) else {
            self.connect_later();
            return;
        };
        let listeners = vec![
            self.listen(&source, "hello", Self::greet),
            self.listen(&source, "beat", |_, _| {}),
            self.listen(&source, "resync", |shared, _| (shared.on_message)(LiveMessage::Refetch)),
            self.listen(&source, "row", Self::deliver),
            self.listen(&source, "dashboard", Self::deliver),
            self.listen(&source, "journal", Self::deliver),
            self.listen(&source, "gone", Self::deliver),
            self.listen(&source, "terminal", Self::deliver),
            self.listen(&source, "job", Self::deliver),
            self.listen(&source, "ready", |_, _| {}),
            self.watch_errors(&source),
        ];
        *self.stream.borrow_mut() = Some(Stream { source, _listeners: listeners });
    }

    fn listen(
        self: &Rc<Self>,
        source: &EventSource,
        name: &str,
        then: fn(&Rc<Self>, &str),
    ) -> Listener {
        let shared = Rc::downgrade(self);
        let listener = Listener::new(move |event: MessageEvent| {
            let Some(shared) = Weak::upgrade(&shared) else { return };
            shared.heard();
            then(&shared, &event.data().as_string().unwrap_or_default());
        });
        let callback = listener.as_ref().unchecked_ref();
        let _ = source.add_event_listener_with_callback(name, callback);
        listener
    }

    fn watch_errors(self: &Rc<Self>, source: &EventSource) -> Listener {
        let shared = Rc::downgrade(self);
        let listener = Listener::new(move |_| {
            if let Some(shared) = Weak::upgrade(&shared) {
                shared.lost();
            }
        });
        source.set_onerror(Some(listener.as_ref().unchecked_ref()));
        listener
    }

    fn greet(self: &Rc<Self>, data: &str) {
        self.n_failed.set(0);
        let hello = js_sys::JSON::parse(data).unwrap_or(JsValue::NULL);
        let build = js_sys::Reflect::get(&hello, &"build".into());
        if let Some(build) = build.ok().and_then(|value| value.as_string()) {
            self.outdated.compare(&build);
        }
        let server_time = js_sys::Reflect::get(&hello, &"server_time_ms".into());
        if let Some(millis) = server_time.ok().and_then(|value| value.as_f64()) {
            #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds below 2^53")]
            self.clock.correct(Timestamp::from_millis(millis as i64));
        }
    }

    fn deliver(self: &Rc<Self>, data: &str) {
        if let Some(message) = parse_event(data) {
            (self.on_message)(message);
        }
    }

    fn heard(&self) {
        self.connection.heard.try_set(Some(self.clock.at_once()));
        if self.connection.phase.try_get_untracked() != Some(Phase::Open) {
            self.connection.phase.try_set(Phase::Open);
        }
    }

    fn lost(self: &Rc<Self>) {
        self.connection.phase.try_set(Phase::Lost);
        if self.is_closed() {
            self.connect_later();
        }
    }

    fn is_closed(&self) -> bool {
        let stream = self.stream.borrow();
        stream.as_ref().is_none_or(|stream| stream.source.ready_state() == EventSource::CLOSED)
    }

    fn connect_later(self: &Rc<Self>) {
        let n_failed = self.n_failed.get();
        self.n_failed.set(n_failed.saturating_add(1));
        let generation = self.generation.get();
        let shared = Rc::downgrade(self);
        platform::after(backoff::wait(n_failed, platform::random()), move || {
            let Some(shared) = shared.upgrade() else { return };
            if shared.generation.get() == generation {
                shared.connect();
            }
        });
    }

    /// The page is looked at again: a stream that is not open, or has been silent, is not worth waiting for.
    fn wake(self: &Rc<Self>) {
        let phase = self.connection.phase.try_get_untracked().unwrap_or(Phase::Lost);
        let heard = self.connection.heard.try_get_untracked().flatten();
        let (_, well) = super::connection_words(phase, heard, self.clock.at_once());
        if self.is_closed() || !well {
            self.connect();
        }
    }
}

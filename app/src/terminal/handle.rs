//! A terminal as the components of its page see it. On the server it is only what it looks like at first.

use car_domain::terminal::TerminalActivity;
use leptos::prelude::*;

use super::client::{Phase, Status};
use super::keys::{Key, Modifiers};

/// Results of a search: which place is marked, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The marked one, from 0.
    pub marked: Option<u32>,
    /// All of them.
    pub n: u32,
}

/// One terminal and everything about it that changes. Copies are handles to the same one.
#[derive(Clone, Copy)]
pub(crate) struct TerminalHandle {
    /// Id of the terminal.
    pub id: StoredValue<String>,
    /// What is known about it.
    pub status: RwSignal<Status>,
    /// Modifiers that are down until the next key.
    pub modifiers: RwSignal<Modifiers>,
    /// What a search found.
    pub found: RwSignal<Found>,
    /// Text the program wants to copy, which nobody has allowed yet.
    pub wants_copy: RwSignal<Option<String>>,
    /// How many characters were copied last.
    pub copied: RwSignal<Option<usize>>,
    /// Text that was not sent, to be given back.
    pub given_back: RwSignal<Option<String>>,
    /// Whether the newest line is out of view.
    pub is_scrolled: RwSignal<bool>,
    /// Why there is no terminal at all.
    pub broken: RwSignal<Option<String>>,
    /// Whether what is on the screen is told to screen readers.
    pub speaks: RwSignal<bool>,
    #[cfg(feature = "hydrate")]
    live: StoredValue<Option<std::rc::Rc<super::live::Live>>, LocalStorage>,
}

impl TerminalHandle {
    /// The terminal `id`, of which this much is known.
    pub(crate) fn new(id: String, title: String, activity: TerminalActivity, phase: Phase) -> Self {
        Self {
            id: StoredValue::new(id),
            status: RwSignal::new(Status::new(title, activity, phase)),
            modifiers: RwSignal::default(),
            found: RwSignal::default(),
            wants_copy: RwSignal::new(None),
            copied: RwSignal::new(None),
            given_back: RwSignal::new(None),
            is_scrolled: RwSignal::new(false),
            broken: RwSignal::new(None),
            speaks: RwSignal::new(false),
            #[cfg(feature = "hydrate")]
            live: StoredValue::new_local(None),
        }
    }

    /// Opens it in the element with the id `surface`, talking to `address`, until the current owner is cleaned up.
    pub(crate) fn open(self, surface: &'static str, address: String) {
        #[cfg(feature = "hydrate")]
        {
            let is_wanted = StoredValue::new_local(true);
            let (clock, toasts) = (crate::clock::Clock::get(), crate::components::Toasts::get());
            Effect::new(move |_| {
                let address = address.clone();
                leptos::task::spawn_local(async move {
                    let loaded = super::live::load().await;
                    if is_wanted.try_get_value() != Some(true) {
                        return;
                    }
                    let place = super::live::Place { surface, address, clock, toasts };
                    match loaded.and_then(|()| super::live::Live::open(self, place)) {
                        Ok(live) => drop(self.live.try_set_value(Some(live))),
                        Err(why) => drop(self.broken.try_set(Some(why))),
                    }
                });
            });
            on_cleanup(move || {
                self.live.try_set_value(None);
            });
        }
        #[cfg(not(feature = "hydrate"))]
        {
            let _ = surface;
            drop(address);
        }
    }

    /// Types `text` and confirms it, once, whenever there is a connection.
    pub(crate) fn submit(self, text: &str) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.submit(text));
        #[cfg(not(feature = "hydrate"))]
        let _ = text;
    }

    /// Presses a key with the modifiers that are down.
    pub(crate) fn press(self, key: Key) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.press(key));
        #[cfg(not(feature = "hydrate"))]
        let _ = key;
    }

    /// Becomes the one who types.
    pub(crate) fn take_over(self) {
        #[cfg(feature = "hydrate")]
        self.with(super::live::Live::take_over);
    }

    /// Connects now.
    pub(crate) fn connect(self) {
        #[cfg(feature = "hydrate")]
        self.with(super::live::Live::wake);
    }

    /// Marks the next place with this text, or the one before; an empty text ends the search.
    pub(crate) fn find(self, text: &str, backwards: bool) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.find(text, backwards));
        #[cfg(not(feature = "hydrate"))]
        let _ = (text, backwards);
    }

    /// Copies what the program wants to copy, now and from now on; or never.
    pub(crate) fn allow_copy(self, allows: bool) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.allow_copy(allows));
        #[cfg(not(feature = "hydrate"))]
        let _ = allows;
    }

    /// Copies `text`, and says so.
    pub(crate) fn copy(self, text: &str) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.copy(text));
        #[cfg(not(feature = "hydrate"))]
        let _ = text;
    }

    /// Puts the focus into it.
    pub(crate) fn focus(self) {
        #[cfg(feature = "hydrate")]
        self.with(super::live::Live::focus);
    }

    /// Shows the newest line.
    pub(crate) fn scroll_to_end(self) {
        #[cfg(feature = "hydrate")]
        self.with(super::live::Live::scroll_to_end);
    }

    /// Everything in it as text with paragraphs.
    pub(crate) fn text(self) -> String {
        #[cfg(feature = "hydrate")]
        {
            let mut text = String::new();
            self.with(|live| text = live.text());
            text
        }
        #[cfg(not(feature = "hydrate"))]
        String::new()
    }

    /// Tells screen readers what is on the screen, or not.
    pub(crate) fn set_speaks(self, speaks: bool) {
        self.speaks.set(speaks);
        #[cfg(feature = "hydrate")]
        self.with(|live| live.set_speaks(speaks));
    }

    /// Draws letters larger or smaller.
    pub(crate) fn zoom(self, steps: i8) {
        #[cfg(feature = "hydrate")]
        self.with(|live| live.zoom(steps));
        #[cfg(not(feature = "hydrate"))]
        let _ = steps;
    }

    #[cfg(feature = "hydrate")]
    fn with(self, work: impl FnOnce(&super::live::Live)) {
        if let Some(Some(live)) = self.live.try_get_value() {
            work(&live);
        }
    }
}

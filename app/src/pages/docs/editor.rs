//! What the source editor knows: the text on the server, the one being written, and the draft the browser keeps of it.
//!
//! The text itself lives in the text area, so that the browser's undo works and nothing typed before this code was there is
//! lost. A draft outlives the page; it goes when its text is saved or given up.

use std::time::Duration;

use car_domain::docs::Document;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::draft::{Draft, DraftPlace};
use super::frame::DocPlace;
use crate::api::{self, DocView};
use crate::editing::{self, Replacement};
use crate::platform::{self, TextArea, show_lines};

/// The text area.
pub(super) const AREA: TextArea = TextArea("source");
/// The lines behind it, which number it and make it as high as its text.
pub(super) const LINES: &str = "source-lines";
/// Most lines that are numbered; a longer text scrolls in its area.
pub(super) const MAX_NUMBERED: usize = 5000;

/// When to look again for a text area that is not there yet.
const RETRY: Duration = Duration::from_millis(50);

/// One open document. Copies are handles to the same data.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    /// The version the text began on.
    pub base: RwSignal<String>,
    /// Whether there is something to save.
    pub is_dirty: RwSignal<bool>,
    /// Whether the text comes from a draft.
    pub is_restored: RwSignal<bool>,
    /// Whether somebody else wrote since.
    pub is_stale: RwSignal<bool>,
    /// Whether the browser keeps the draft.
    pub is_kept: RwSignal<bool>,
    place: StoredValue<(DocPlace, DraftPlace)>,
    /// The text of version `base`.
    saved: StoredValue<String>,
    /// Whether the next Tab leaves the text area.
    may_leave: StoredValue<bool>,
}

/// The text as a text area has it.
pub(super) fn as_typed(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

impl Editor {
    pub(super) fn new(place: &DocPlace, document: &Document) -> Self {
        Self {
            base: RwSignal::new(document.version.clone()),
            is_dirty: RwSignal::new(false),
            is_restored: RwSignal::new(false),
            is_stale: RwSignal::new(false),
            is_kept: RwSignal::new(true),
            place: StoredValue::new((place.clone(), DraftPlace::of(place))),
            saved: StoredValue::new(as_typed(&document.text)),
            may_leave: StoredValue::new(false),
        }
    }

    /// Takes over what is in the text area once that is on the page: what the server wrote there, what was typed meanwhile,
    /// or what a draft has.
    pub(super) fn adopt_soon(self, written: String) {
        // When one comes from another page, effects run before the new one is there.
        platform::after(Duration::ZERO, move || match AREA.text() {
            Some(text) => self.adopt(&written, text),
            None if self.base.is_disposed() => {}
            None => platform::after(RETRY, move || self.adopt_soon(written)),
        });
    }

    fn adopt(self, written: &str, mut text: String) {
        // The first newline is left out by the browser where it reads a page, and only there.
        if text == format!("\n{written}") {
            AREA.set_text(written);
            text = written.to_owned();
        }
        let draft = self.place.try_with_value(|(_, draft)| draft.read()).flatten();
        let Some(saved) = self.saved.try_get_value() else { return };
        let newer =
            draft.filter(|draft| text == written && draft.text != text && draft.text != saved);
        if let Some(draft) = newer {
            AREA.set_text(&draft.text);
            self.is_restored.try_set(true);
            // A version that was chosen on purpose goes on the present one.
            let is_old =
                saved == written && self.base.try_get_untracked() != Some(draft.version.clone());
            if is_old {
                self.is_stale.try_set(true);
                self.base.try_set(draft.version);
            }
        }
        self.typed();
    }

    /// Takes note of what is in the text area now.
    pub(super) fn typed(self) {
        let Some(text) = AREA.text() else { return };
        if text.matches('\n').count() < MAX_NUMBERED {
            show_lines(LINES, &text);
        }
        let is_dirty = self.saved.try_with_value(|saved| *saved != text);
        let (Some(is_dirty), Some(version)) = (is_dirty, self.base.try_get_untracked()) else {
            return;
        };
        self.place.try_with_value(|(_, place)| {
            if is_dirty {
                self.is_kept.try_set(place.write(&Draft { version, text }));
            } else {
                place.remove();
                self.is_restored.try_set(false);
            }
        });
        if self.is_dirty.try_get_untracked() != Some(is_dirty) {
            self.is_dirty.try_set(is_dirty);
        }
    }

    /// Takes what was saved. What was typed since stays.
    pub(super) fn take_saved(self, view: &DocView) {
        self.saved.try_set_value(as_typed(&view.document.text));
        self.base.try_set(view.document.version.clone());
        self.is_stale.try_set(false);
        self.is_restored.try_set(false);
        self.typed();
    }

    /// Looks whether the document is another one by now; shows it unless there is something that is not saved.
    pub(super) fn look(self) {
        let Some((place, _)) = self.place.try_get_value() else { return };
        spawn_local(async move {
            // A failure shows in the connection indicator; saving is checked by the server anyway.
            let Ok(view) = api::read_document(place.repo, place.kind).await else { return };
            let Some(base) = self.base.try_get_untracked() else { return };
            if view.document.version == base {
                return;
            }
            if self.is_dirty.try_get_untracked() == Some(false) {
                self.show(&view);
            } else {
                self.is_stale.try_set(true);
            }
        });
    }

    /// Gives up what is not saved and shows the document as it is.
    pub(super) fn give_up(self) {
        let Some((place, draft)) = self.place.try_get_value() else { return };
        spawn_local(async move {
            let Ok(view) = api::read_document(place.repo, place.kind).await else { return };
            draft.remove();
            self.show(&view);
            AREA.focus();
        });
    }

    fn show(self, view: &DocView) {
        AREA.set_text(&as_typed(&view.document.text));
        self.take_saved(view);
    }

    /// Does what a key does. Says whether the browser must not do anything else.
    pub(super) fn key(self, key: &str, with_shift: bool) -> bool {
        let leaves = self.may_leave.try_update_value(|may| std::mem::replace(may, key == "Escape"));
        let (Some(text), Some((start, end))) = (AREA.text(), AREA.selection()) else {
            return false;
        };
        let change: Option<Replacement> = match (key, with_shift) {
            ("Tab", _) if leaves == Some(true) => None,
            ("Tab", false) => Some(editing::tab(&text, start, end)),
            ("Tab", true) => Some(editing::back_tab(&text, start, end)),
            ("Enter", false) => editing::enter(&text, start, end),
            _ => None,
        };
        let Some(change) = change else { return false };
        AREA.replace(&change);
        self.typed();
        true
    }
}

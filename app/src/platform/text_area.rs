//! A text area the browser owns: what is typed lives in it, with the browser's own undo.

#[cfg(feature = "hydrate")]
use wasm_bindgen::JsCast;

use crate::editing::Replacement;

/// The text area with an id. On the server there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextArea(pub &'static str);

impl TextArea {
    /// Its text.
    pub(crate) fn text(self) -> Option<String> {
        #[cfg(feature = "hydrate")]
        return Some(self.element()?.value());
        #[cfg(not(feature = "hydrate"))]
        None
    }

    /// Gives it another text. What could be undone is forgotten.
    pub(crate) fn set_text(self, text: &str) {
        #[cfg(feature = "hydrate")]
        if let Some(element) = self.element() {
            element.set_value(text);
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = text;
    }

    /// Where its selection begins and ends, in UTF-16 code units.
    pub(crate) fn selection(self) -> Option<(usize, usize)> {
        #[cfg(feature = "hydrate")]
        {
            let element = self.element()?;
            let start = element.selection_start().ok().flatten()? as usize;
            let end = element.selection_end().ok().flatten()? as usize;
            Some((start, end))
        }
        #[cfg(not(feature = "hydrate"))]
        None
    }

    /// Replaces a part of its text as if a person had typed it, so that it can be undone.
    pub(crate) fn replace(self, change: &Replacement) {
        #[cfg(feature = "hydrate")]
        if let Some(element) = self.element() {
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let _ = element.set_selection_range(place(change.start), place(change.end));
            let command = if change.text.is_empty() { "delete" } else { "insertText" };
            let document = leptos::prelude::document().dyn_into::<web_sys::HtmlDocument>();
            let typed = document.is_ok_and(|document| {
                let typed =
                    document.exec_command_with_show_ui_and_value(command, false, &change.text);
                typed.unwrap_or(false)
            });
            if !typed {
                let _ = element.set_range_text(&change.text);
            }
            let _ =
                element.set_selection_range(place(change.select_start), place(change.select_end));
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = change;
    }

    /// Puts the focus into it.
    pub(crate) fn focus(self) {
        #[cfg(feature = "hydrate")]
        if let Some(element) = self.element() {
            let _ = element.focus();
        }
    }

    /// Sends the form it is in.
    pub(crate) fn submit(self) {
        #[cfg(feature = "hydrate")]
        if let Some(form) = self.element().and_then(|element| element.form()) {
            let _ = form.request_submit();
        }
    }

    #[cfg(feature = "hydrate")]
    fn element(self) -> Option<web_sys::HtmlTextAreaElement> {
        leptos::prelude::document().get_element_by_id(self.0)?.dyn_into().ok()
    }
}

/// Shows `text` line by line in the element with this id, changing only lines that differ.
pub(crate) fn show_lines(id: &str, text: &str) {
    #[cfg(feature = "hydrate")]
    {
        let document = leptos::prelude::document();
        let Some(list) = document.get_element_by_id(id) else { return };
        let shown = list.children();
        let mut n_lines = 0;
        for line in text.split('\n') {
            match shown.item(n_lines) {
                Some(row) if row.text_content().as_deref() == Some(line) => {}
                Some(row) => row.set_text_content(Some(line)),
                None => {
                    let Ok(row) = document.create_element("span") else { return };
                    row.set_text_content(Some(line));
                    let _ = list.append_child(&row);
                }
            }
            n_lines += 1;
        }
        while let Some(row) = shown.item(n_lines) {
            row.remove();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (id, text);
}

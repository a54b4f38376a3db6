//! An agent's Markdown as messages: Telegram's HTML, split at the borders of blocks, long code as files.
//!
//! Lengths are counted as Telegram counts them: in UTF-16 units, after the markup is read.

mod blocks;
mod pack;

pub(crate) use pack::Part;

/// Units of UTF-16 in one message; Telegram takes 4096, the rest is for what is added at the end.
pub(crate) const MAX_UNITS: usize = 3900;
/// Entities in one message; Telegram leaves out what is beyond 100.
const MAX_ENTITIES: usize = 90;
/// Code of more units becomes a file.
const MAX_CODE: usize = 3000;

/// The messages that show `text`.
pub(crate) fn markdown(text: &str) -> Vec<Part> {
    pack::pack(blocks::blocks(text))
}

/// Text that is no markup.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Telegram refuses these, and nobody can see them.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => {}
            letter => out.push(letter),
        }
    }
    out
}

/// How Telegram counts.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The beginning of `text` of at most so many units, never within a character.
pub(crate) fn head(text: &str, max_units: usize) -> &str {
    let mut count = 0;
    for (at, letter) in text.char_indices() {
        count += letter.len_utf16();
        if count > max_units {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests;

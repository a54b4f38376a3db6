//! Cutting text to a size without breaking characters or hiding that something was cut.

/// The last `max_chars` characters of `text`; all of it when `max_chars` is 0, as the original counts.
pub fn tail_chars(text: &str, max_chars: usize) -> &str {
    if max_chars == 0 {
        return text;
    }
    match text.char_indices().rev().nth(max_chars - 1) {
        Some((start, _)) => &text[start..],
        None => text,
    }
}

/// Head and tail of a long text, and how many bytes between them were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// What is kept, with one line in the middle that says how much is missing.
    pub text: String,
    /// Bytes left out; 0 when the text is whole.
    pub cut_bytes: u64,
}

/// Keeps about `max_bytes` of `text`: the first quarter and the last three quarters of that, cut at characters.
pub fn excerpt(text: &str, max_bytes: usize) -> Excerpt {
    if text.len() <= max_bytes {
        return Excerpt { text: text.to_owned(), cut_bytes: 0 };
    }
    let head = floor_boundary(text, max_bytes / 4);
    let tail = ceil_boundary(text, text.len() - (max_bytes - max_bytes / 4));
    let cut = tail - head;
    Excerpt {
        text: format!("{}\n[… {cut} bytes left out …]\n{}", &text[..head], &text[tail..]),
        cut_bytes: cut as u64,
    }
}

/// The first line of `text` that is not blank, cut to `max_chars` characters with an ellipsis.
pub fn headline(text: &str, max_chars: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_characters_means_everything() {
        assert_eq!(tail_chars("äöü", 0), "äöü");
        assert_eq!(tail_chars("äöü", 2), "öü");
        assert_eq!(tail_chars("äöü", 9), "äöü");
    }

    #[test]
    fn a_headline_is_the_first_line_with_words() {
        assert_eq!(headline("\n  \n  Fixed it.\nmore", 80), "Fixed it.");
        assert_eq!(headline("abcdef", 3), "abc…");
        assert_eq!(headline("", 3), "");
    }

    proptest! {
        #[test]
        fn an_excerpt_accounts_for_every_byte(text in "\\PC{0,400}", max in 0usize..200) {
            let kept = excerpt(&text, max);
            if kept.cut_bytes == 0 {
                prop_assert_eq!(kept.text, text);
            } else {
                let note = format!("\n[… {} bytes left out …]\n", kept.cut_bytes);
                prop_assert_eq!(kept.text.len() - note.len() + kept.cut_bytes as usize, text.len());
                prop_assert!(kept.text.len() - note.len() <= max);
            }
        }
    }
}

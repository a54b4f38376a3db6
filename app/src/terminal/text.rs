//! Text on its way into a terminal and out of it.

/// What programs put around text that was pasted, when they have asked for it.
const PASTE: (&str, &str) = ("\x1b[200~", "\x1b[201~");

/// The bytes that type `text` and confirm it, as one piece: a program that tells pasted text from keys gets it as such, so that a
/// newline in it does not send half of it.
pub(crate) fn submission(text: &str, takes_paste: bool) -> String {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end_matches('\n');
    if takes_paste && !text.is_empty() {
        // What looks like the end of a paste would let the rest through as keys.
        let text = text.replace('\x1b', "").replace('\n', "\r");
        return format!("{}{text}{}\r", PASTE.0, PASTE.1);
    }
    format!("{}\r", text.replace('\n', "\r"))
}

/// What a person wrote of a text that was to be typed.
pub(crate) fn as_written(typed: &str) -> String {
    let text = typed.replace(PASTE.0, "").replace(PASTE.1, "").replace('\r', "\n");
    text.trim_end_matches('\n').to_owned()
}

/// Keys as people read them: what is no text is left out.
pub(crate) fn readable(keys: &str) -> String {
    let mut shown = String::with_capacity(keys.len());
    let keys = keys.replace(PASTE.0, "").replace(PASTE.1, "");
    let mut letters = keys.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\n' => shown.push('⏎'),
            '\t' => shown.push('⇥'),
            '\x7f' => shown.push('⌫'),
            '\x1b' => {
                // A key's sequence ends with a letter; the rest of it means nothing to people.
                if matches!(letters.peek(), Some('[' | 'O')) {
                    letters.next();
                    while letters
                        .next_if(|next| !next.is_ascii_alphabetic() && *next != '~')
                        .is_some()
                    {}
                    letters.next();
                }
            }
            '\x01'..='\x1a' => {
                shown.push('^');
                shown.push(char::from(letter as u8 + 0x40));
            }
            letter if letter.is_control() => {}
            letter => shown.push(letter),
        }
    }
    shown
}

/// Lines of a screen as paragraphs: a line that only goes on because the screen was too narrow is joined with the one before.
pub(crate) fn reflowed(lines: impl IntoIterator<Item = (String, bool)>) -> String {
    let mut text = String::new();
    for (n, (line, continues)) in lines.into_iter().enumerate() {
        if n > 0 && !continues {
            let kept = text.trim_end_matches(' ').len();
            text.truncate(kept);
            text.push('\n');
        }
        text.push_str(&line);
    }
    text.trim_end().to_owned()
}

/// The text a program wants to have copied (`OSC 52`); nothing when it asks for what was copied, which is none of its business.
pub(crate) fn to_copy(data: &str, decode: impl Fn(&str) -> Option<String>) -> Option<String> {
    /// More is no text somebody will paste.
    const MAX: usize = 1 << 20;
    let (_, encoded) = data.split_once(';')?;
    if encoded == "?" || encoded.is_empty() || encoded.len() > MAX {
        return None;
    }
    decode(encoded)
}

/// Whether a link of a program may be opened: only what a browser shows.
pub(crate) fn is_web_link(link: &str) -> bool {
    let scheme = link.split(':').next().unwrap_or_default().to_ascii_lowercase();
    ["http", "https"].contains(&scheme.as_str()) && link.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sent_whole_with_its_enter() {
        assert_eq!(submission("ls -l", false), "ls -l\r");
        assert_eq!(submission("ls -l\n", false), "ls -l\r");
        assert_eq!(submission("", true), "\r");
        assert_eq!(submission("one\r\ntwo", true), "\x1b[200~one\rtwo\x1b[201~\r");
    }

    #[test]
    fn a_text_that_was_not_sent_comes_back_as_it_was_written() {
        assert_eq!(as_written(&submission("one\ntwo", true)), "one\ntwo");
        assert_eq!(as_written(&submission("ls", false)), "ls");
    }

    #[test]
    fn a_pasted_text_cannot_end_the_paste() {
        let sent = submission("a\x1b[201~rm -rf /\rb", true);
        assert_eq!(sent.matches("\x1b[201~").count(), 1);
        assert!(sent.ends_with("\x1b[201~\r"));
    }

    #[test]
    fn keys_read_as_what_they_are() {
        assert_eq!(readable("ls\r"), "ls⏎");
        assert_eq!(readable("\x1b[A\x1bOB\x03x\x7f"), "^Cx⌫");
        assert_eq!(readable("\x1b[200~a b\x1b[201~\r"), "a b⏎");
        assert_eq!(readable("日本\x1b[1;5C"), "日本");
    }

    #[test]
    fn wrapped_lines_are_paragraphs() {
        let lines = [("one two ", false), ("three   ", true), ("", false), ("four", false)];
        let lines = lines.map(|(line, continues)| (line.to_owned(), continues));
        assert_eq!(reflowed(lines), "one two three\n\nfour");
        assert_eq!(reflowed([("  x  ".to_owned(), false), (String::new(), false)]), "  x");
    }

    #[test]
    fn programs_may_copy_and_not_read_what_was_copied() {
        let decode = |text: &str| Some(text.to_uppercase());
        assert_eq!(to_copy("c;abc", decode), Some("ABC".into()));
        assert_eq!(to_copy("c;?", decode), None);
        assert_eq!(to_copy("c", decode), None);
    }

    #[test]
    fn only_links_a_browser_shows_are_opened() {
        assert!(is_web_link("https://example.org/a") && is_web_link("HTTP://example.org"));
        assert!(!is_web_link("javascript:alert(1)") && !is_web_link("file:///etc/passwd"));
        assert!(!is_web_link("javascript:'://'") && !is_web_link(""));
    }
}

//! Text inside of markup, for the few elements whose content is given as HTML.

/// The text as HTML, safe also inside of quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("</textarea><b a=\"1\">&amp;"),
            "&lt;/textarea&gt;&lt;b a=&quot;1&quot;&gt;&amp;amp;"
        );
    }
}

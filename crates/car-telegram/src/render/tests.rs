//! What people see of an answer.

use super::*;

fn texts(text: &str) -> Vec<(String, String)> {
    markdown(text)
        .into_iter()
        .filter_map(|part| match part {
            Part::Text { html, plain } => Some((html, plain)),
            Part::File { .. } => None,
        })
        .collect()
}

#[test]
fn usual_markdown_becomes_telegrams_html() {
    for (text, html) in [
        ("**bold** and *slanted* ~~gone~~", "<b>bold</b> and <i>slanted</i> <s>gone</s>"),
        ("# Title\n\ntext", "<b>Title</b>\n\ntext"),
        ("`a < b`", "<code>a &lt; b</code>"),
        ("[x](https://a.b/?c=\"d\")", "<a href=\"https://a.b/?c=&quot;d&quot;\">x</a>"),
        ("[x](javascript:alert(1))", "x"),
        ("- one\n- two\n  - three", "• one\n• two\n  • three"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [x] done\n- [ ] open", "• ☑ done\n• ☐ open"),
        ("> quoted", "<blockquote>quoted</blockquote>"),
        (
            "```rust\nlet a = 1 & 2;\n```",
            "<pre><code class=\"language-rust\">let a = 1 &amp; 2;</code></pre>",
        ),
        ("| a | b |\n|---|---|\n| 1 | 22 |", "<pre>a | b\n--+---\n1 | 22</pre>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
    ] {
        let all = texts(text);
        assert_eq!(all.len(), 1, "{text}");
        assert_eq!(all[0].0, html, "{text}");
    }
}

#[test]
fn a_long_answer_is_split_between_paragraphs() {
    let paragraph = "word ".repeat(300);
    let text =
        [paragraph.trim(), paragraph.trim(), paragraph.trim(), paragraph.trim()].join("\n\n");
    let all = texts(&text);
    assert_eq!(all.len(), 2);
    for (_, plain) in &all {
        assert!(units(plain) <= MAX_UNITS);
        assert!(plain.ends_with("word") && plain.starts_with("word"));
    }
}

#[test]
fn bold_text_longer_than_a_message_is_bold_in_every_part() {
    let all = texts(&format!("**{}**", "word ".repeat(2000).trim()));
    assert!(all.len() >= 3);
    for (html, plain) in &all {
        assert!(html.starts_with("<b>") && html.ends_with("</b>"), "{html}");
        assert!(units(plain) <= MAX_UNITS);
    }
}

#[test]
fn length_is_counted_in_utf16_and_no_letter_is_cut() {
    let all = texts(&"😀".repeat(5000));
    assert_eq!(all.len(), 3);
    let whole: String = all.iter().map(|(_, plain)| plain.as_str()).collect();
    assert_eq!(whole.chars().count(), 5000);
    assert!(all.iter().all(|(_, plain)| units(plain) <= MAX_UNITS));
}

#[test]
fn long_code_becomes_a_file_and_short_code_stays() {
    let long = "x = 1\n".repeat(1000);
    let parts = markdown(&format!("Before\n\n```python\n{long}```\n\nAfter"));
    let Part::Text { plain, .. } = &parts[0] else { panic!("{parts:?}") };
    assert_eq!(plain, "Before\n\n📎 code-1.py");
    assert_eq!(parts[1], Part::File { name: "code-1.py".into(), text: long.trim_end().into() });
    let Part::Text { plain, .. } = &parts[2] else { panic!("{parts:?}") };
    assert_eq!(plain, "After");
}

#[test]
fn more_marks_than_telegram_shows_are_split_over_messages() {
    let text: String = (0..250).map(|n| format!("**a{n}** and ")).collect();
    let all = texts(&text);
    assert!(all.len() >= 3, "{}", all.len());
    for (html, _) in &all {
        assert!(html.matches("<b>").count() <= 100);
    }
    let whole: String = all.iter().map(|(_, plain)| plain.as_str()).collect();
    assert!((0..250).all(|n| whole.contains(&format!("a{n}"))));
}

#[test]
fn nothing_to_show_is_no_message() {
    assert_eq!(markdown(" \n\n"), []);
}

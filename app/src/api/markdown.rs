//! Documents as HTML. What agents and repositories write is not trusted: raw HTML and images go while parsing, links lead to
//! other sites only, and a sanitizer that knows a short list of elements has the last word.

use std::collections::HashMap;
use std::fmt::Write;

use ammonia::{Builder, UrlRelative};
use car_domain::todo::{TodoItem, TodoList};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::markup::escaped;

/// Elements a document may consist of.
const ELEMENTS: [&str; 30] = [
    "a",
    "blockquote",
    "br",
    "button",
    "code",
    "del",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "div",
    "sub",
    "s",
];
/// Attributes of a box, all written by us.
const OF_A_BOX: [&str; 8] =
    ["type", "name", "value", "class", "role", "aria-checked", "aria-label", "id"];

/// The document as HTML. With `can_tick` its boxes are buttons of the form around it, named `tick`, whose value is the line,
/// `done` or `open`, and the item's text; else they are drawn.
pub(super) fn to_html(markdown: &str, can_tick: bool) -> String {
    let mut boxes = Boxes::new(markdown, can_tick);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut events = Vec::new();
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        if boxes.ends_before(&event) {
            events.push(Event::InlineHtml("</span></span>".into()));
        }
        match event {
            Event::Html(_) | Event::InlineHtml(_) => {}
            Event::TaskListMarker(done) => {
                events.push(Event::InlineHtml(boxes.begin(range.start, done).into()));
            }
            // The page's own heading is the first one.
            Event::Start(Tag::Heading { level, .. }) => events.push(Event::Start(Tag::Heading {
                level: below(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::End(TagEnd::Heading(level)) => {
                events.push(Event::End(TagEnd::Heading(below(level))));
            }
            // Loading it would tell others who reads here.
            Event::Start(Tag::Image { dest_url, .. }) => {
                events.push(Event::Start(link(dest_url)));
                events.push(Event::Text("Image: ".into()));
            }
            Event::End(TagEnd::Image) => events.push(Event::End(TagEnd::Link)),
            other => events.push(other),
        }
    }
    let mut dirty = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut dirty, events.into_iter());
    clean(&dirty)
}

fn link(dest_url: CowStr<'_>) -> Tag<'_> {
    Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() }
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// The boxes of a document, and whether the words behind one are being written.
struct Boxes {
    items: HashMap<usize, TodoItem>,
    line_starts: Vec<usize>,
    can_tick: bool,
    is_open: bool,
}

impl Boxes {
    fn new(markdown: &str, can_tick: bool) -> Self {
        let items = TodoList::parse(markdown).items;
        let newlines = markdown.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            items: items.into_iter().map(|item| (item.line, item)).collect(),
            line_starts: std::iter::once(0).chain(newlines).collect(),
            can_tick,
            is_open: false,
        }
    }

    /// Whether the words behind a box end before this; they do then.
    fn ends_before(&mut self, event: &Event<'_>) -> bool {
        let is_end = matches!(
            event,
            Event::End(TagEnd::Item | TagEnd::Paragraph)
                | Event::Rule
                | Event::Html(_)
                | Event::Start(
                    Tag::Paragraph
                        | Tag::List(_)
                        | Tag::Item
                        | Tag::CodeBlock(_)
                        | Tag::BlockQuote(_)
                        | Tag::Heading { .. }
                        | Tag::HtmlBlock
                        | Tag::Table(_)
                )
        );
        is_end && std::mem::take(&mut self.is_open)
    }

    /// The box at this place, and the beginning of its words.
    fn begin(&mut self, at: usize, done: bool) -> String {
        self.is_open = true;
        let line = self.line_starts.partition_point(|start| *start <= at).saturating_sub(1);
        let mut html = String::new();
        let (look, word) = if done { ("task task--done", "Done: ") } else { ("task", "Open: ") };
        // Writing to a string cannot fail.
        let _ = write!(html, r#"<span class="{look}">"#);
        let _ = match self.items.get(&line).filter(|_| self.can_tick) {
            Some(item) => {
                let text = escaped(&item.text);
                let (box_class, asked) =
                    if done { ("box box--done", "open") } else { ("box", "done") };
                write!(
                    html,
                    r#"<button type="submit" id="box-{line}" class="{box_class}" name="tick" value="{line} {asked} {text}" role="checkbox" aria-checked="{done}" aria-label="{text}"></button>"#
                )
            }
            None => {
                let box_class = if done { "box box--done" } else { "box" };
                write!(html, r#"<span class="{box_class}"></span><span class="vh">{word}</span>"#)
            }
        };
        html.push_str(r#"<span class="task__text">"#);
        html
    }
}

fn clean(dirty: &str) -> String {
    let classes = |names: &[&'static str]| names.iter().copied().collect();
    let mut builder = Builder::empty();
    builder
        .tags(ELEMENTS.into_iter().collect())
        .generic_attributes(std::collections::HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", ["href"].into_iter().collect()),
            ("button", OF_A_BOX.into_iter().filter(|name| *name != "class").collect()),
            ("ol", ["start"].into_iter().collect()),
        ]))
        .allowed_classes(HashMap::from([
            ("button", classes(&["box", "box--done"])),
            ("span", classes(&["box", "box--done", "task", "task--done", "task__text", "vh"])),
        ]))
        .url_schemes(["http", "https", "mailto"].into_iter().collect())
        // They would lead to pages of CAR.
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(|element, name, value| match (element, name, value) {
            ("button", "type", "submit") | ("button", "name", "tick") => Some(value.into()),
            ("button", "role", "checkbox") => Some(value.into()),
            ("button", "type" | "name" | "role", _) => None,
            _ => Some(value.into()),
        });
    builder.clean(dirty).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_a_button_that_says_what_it_ticks() {
        let html = to_html("# Plan\n\n- [ ] Fix \"it\" & `x<y>`\n  - [x] sub\n- plain\n", true);
        for part in [
            "<h2>Plan</h2>",
            r#"value="2 done Fix &quot;it&quot; &amp; `x"#,
            r#"aria-checked="true""#,
            r#"value="3 open sub""#,
            r#"<span class="task task--done">"#,
            "<code>x&lt;y&gt;</code></span></span>\n<ul>",
            "<li>plain</li>",
        ] {
            assert!(html.contains(part), "{part} is missing in\n{html}");
        }
        let drawn = to_html("- [ ] a\n", false);
        assert!(!drawn.contains("button") && drawn.contains(r#"class="box""#), "{drawn}");
    }

    #[test]
    fn loose_lists_keep_their_paragraphs_outside_of_the_box() {
        let html = to_html("- [ ] a\n\n  more\n\n- [x] b\n", true);
        assert_eq!(html.matches("class=\"task__text\"").count(), 2, "{html}");
        assert_eq!(html.matches("</span></span>").count(), 2, "{html}");
        assert!(html.contains("<p>more</p>"), "{html}");
    }

    #[test]
    fn nothing_an_author_writes_becomes_markup_or_leads_into_car() {
        let evil = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n\
            <button type=submit name=tick formaction=//evil>x</button> <b>bold</b>\n\n\
            [a](javascript:alert(1)) [b](/rpc/run_action) [c](//evil.example) [d](https://ok.example)\n\n\
            ![pic](https://spy.example/x.png)\n\n<!-- note -->\n";
        let html = to_html(evil, true);
        for part in [
            "<script",
            "onerror",
            "formaction",
            "<img",
            "<button",
            "javascript:",
            "/rpc",
            "//evil",
            "note",
        ] {
            assert!(!html.contains(part), "{part} is in\n{html}");
        }
        assert!(html.contains("bold") && html.contains(r#"href="https://ok.example""#), "{html}");
        assert!(html.contains("Image: pic"), "{html}");
    }

    #[test]
    fn the_text_of_an_item_stays_inside_of_its_box() {
        let html = to_html("- [ ] \"><button name=\"tick\" value=\"0 done x\">\n", true);
        assert_eq!(html.matches("<button").count(), 1, "{html}");
        assert_eq!(html.matches(" name=\"tick\"").count(), 1, "{html}");
    }

    #[test]
    fn any_text_becomes_html_that_stays_what_it_is_when_cleaned_again() {
        for text in
            ["", "- [x", "- [ ]", "```\n- [ ] a", "> - [ ] q\n> - [x] r", "1. [ ] a\n   | a |\n"]
        {
            let html = to_html(text, true);
            assert_eq!(clean(&html), html, "{text}");
        }
    }
}

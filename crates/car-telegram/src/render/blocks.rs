//! Markdown as blocks: paragraphs of styled text, code, quotes.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// How a piece of text looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) is_bold: bool,
    pub(super) is_italic: bool,
    pub(super) is_struck: bool,
    pub(super) is_code: bool,
    pub(super) link: Option<String>,
}

impl Style {
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// A piece of text of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: Style,
}

/// A part of the text that belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Text. `is_tight`: follows the one before without an empty line.
    Text { spans: Vec<Span>, is_quote: bool, is_tight: bool },
    /// Code.
    Code { language: String, text: String },
}

/// Links of other kinds could do something when they are pressed.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];

/// Reads Markdown. HTML in it is text.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, options) {
        reader.take(event);
    }
    reader.flush();
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    style: Style,
    /// Open lists; the number of the next item where they have numbers.
    lists: Vec<Option<u64>>,
    n_quotes: usize,
    code: Option<(String, String)>,
    table: Option<Table>,
    is_tight: bool,
    /// Depth of emphasis inside emphasis.
    bold: usize,
    italic: usize,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match (&mut self.code, &mut self.table) {
                (Some((_, code)), _) => code.push_str(&text),
                (None, _) => self.push(&text),
            },
            Event::Html(text) | Event::InlineHtml(text) => self.push(&text),
            Event::Code(text) => {
                let before =
                    std::mem::replace(&mut self.style, Style { is_code: true, ..Style::default() });
                self.push(&text);
                self.style = before;
            }
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => {
                self.flush();
                self.push("———");
                self.flush();
            }
            Event::TaskListMarker(is_done) => self.push(if is_done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(name) => self.push(&format!("[{name}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.emphasise(true, 1);
                if matches!(level, HeadingLevel::H1) {
                    self.is_tight = false;
                }
            }
            Tag::Paragraph if self.lists.is_empty() => self.flush(),
            Tag::BlockQuote(_) => {
                self.flush();
                self.n_quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split_whitespace().next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                self.flush();
                self.is_tight = !self.lists.is_empty();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                let indent = "  ".repeat(self.lists.len().saturating_sub(1));
                let mark = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        *n += 1;
                        format!("{}. ", *n - 1)
                    }
                    _ => "• ".to_owned(),
                };
                self.push(&format!("{indent}{mark}"));
            }
            Tag::Emphasis => self.emphasise(false, 1),
            Tag::Strong => self.emphasise(true, 1),
            Tag::Strikethrough => self.style.is_struck = true,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let is_safe = SCHEMES.iter().any(|scheme| dest_url.starts_with(scheme));
                self.style.link = is_safe.then(|| dest_url.to_string());
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Table::default());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.emphasise(true, -1);
                self.flush();
            }
            TagEnd::Paragraph => {
                if self.lists.is_empty() {
                    self.flush();
                } else {
                    self.push("\n");
                }
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.n_quotes = self.n_quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    let text = text.trim_end_matches('\n').to_owned();
                    if !text.is_empty() {
                        self.blocks.push(Block::Code { language, text });
                    }
                }
            }
            TagEnd::Item => {
                self.flush();
                self.is_tight = true;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.is_tight = !self.lists.is_empty();
            }
            TagEnd::Emphasis => self.emphasise(false, -1),
            TagEnd::Strong => self.emphasise(true, -1),
            TagEnd::Strikethrough => self.style.is_struck = false,
            TagEnd::Link | TagEnd::Image => self.style.link = None,
            TagEnd::TableCell => {
                let cell: String = self.spans.drain(..).map(|span| span.text).collect();
                if let Some(table) = &mut self.table {
                    table.row.push(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    let row = std::mem::take(&mut table.row);
                    table.rows.push(row);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.blocks.push(Block::Code { language: String::new(), text: table.text() });
                }
            }
            _ => {}
        }
    }

    fn emphasise(&mut self, is_bold: bool, by: isize) {
        let depth = if is_bold { &mut self.bold } else { &mut self.italic };
        *depth = depth.saturating_add_signed(by);
        self.style.is_bold = self.bold > 0;
        self.style.is_italic = self.italic > 0;
    }

    fn push(&mut self, text: &str) {
        match self.spans.last_mut() {
            Some(last) if last.style == self.style => last.text.push_str(text),
            _ => self.spans.push(Span { text: text.to_owned(), style: self.style.clone() }),
        }
    }

    fn flush(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        while let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                break;
            }
            spans.pop();
        }
        if spans.is_empty() {
            return;
        }
        let (is_quote, is_tight) = (self.n_quotes > 0, self.is_tight);
        self.is_tight = !self.lists.is_empty();
        self.blocks.push(Block::Text { spans, is_quote, is_tight });
    }
}

impl Table {
    /// Columns of equal width, for a font of equal width.
    fn text(&self) -> String {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(at, width)| {
                    let cell = row.get(at).map_or("", String::as_str);
                    let pad = width.saturating_sub(cell.chars().count());
                    format!("{cell}{}", " ".repeat(pad))
                })
                .collect();
            cells.join(" | ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        if lines.len() > 1 {
            lines.insert(1, rule.join("-+-"));
        }
        lines.join("\n")
    }
}

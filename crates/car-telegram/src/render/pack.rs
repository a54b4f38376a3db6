//! Blocks packed into messages.

use super::blocks::{Block, Span, Style};
use super::{MAX_CODE, MAX_ENTITIES, MAX_UNITS, escape, head, units};

/// One message, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A message.
    Text {
        /// Telegram's HTML.
        html: String,
        /// The same without markup.
        plain: String,
    },
    /// Code that is too long for a message.
    File {
        /// Its name.
        name: String,
        /// The code.
        text: String,
    },
}

/// A block, or a piece of one, ready to be put into a message.
struct Piece {
    html: String,
    plain: String,
    n_units: usize,
    n_entities: usize,
    is_tight: bool,
}

pub(super) fn pack(blocks: Vec<Block>) -> Vec<Part> {
    let mut packer = Packer::default();
    for block in blocks {
        match block {
            Block::Code { language, text } if units(&text) > MAX_CODE => {
                packer.file(&language, text);
            }
            Block::Code { language, text } => packer.add(&code(&language, &text)),
            Block::Text { spans, is_quote, is_tight } => {
                for (at, spans) in split(spans).into_iter().enumerate() {
                    packer.add(&piece(&spans, is_quote, is_tight || at > 0));
                }
            }
        }
    }
    packer.close();
    packer.parts
}

#[derive(Default)]
struct Packer {
    parts: Vec<Part>,
    html: String,
    plain: String,
    n_units: usize,
    n_entities: usize,
    n_files: usize,
}

impl Packer {
    fn add(&mut self, piece: &Piece) {
        let gap = if piece.is_tight { "\n" } else { "\n\n" };
        let is_full = self.n_units + gap.len() + piece.n_units > MAX_UNITS
            || self.n_entities + piece.n_entities > MAX_ENTITIES;
        if is_full {
            self.close();
        }
        if !self.plain.is_empty() {
            self.html.push_str(gap);
            self.plain.push_str(gap);
            self.n_units += gap.len();
        }
        self.html.push_str(&piece.html);
        self.plain.push_str(&piece.plain);
        self.n_units += piece.n_units;
        self.n_entities += piece.n_entities;
    }

    fn file(&mut self, language: &str, text: String) {
        self.n_files += 1;
        let name = format!("code-{}.{}", self.n_files, extension(language));
        let label = format!("📎 {name}");
        self.add(&Piece {
            html: label.clone(),
            n_units: units(&label),
            plain: label,
            n_entities: 0,
            is_tight: false,
        });
        self.close();
        self.parts.push(Part::File { name, text });
    }

    fn close(&mut self) {
        if !self.plain.trim().is_empty() {
            let (html, plain) = (std::mem::take(&mut self.html), std::mem::take(&mut self.plain));
            self.parts.push(Part::Text { html, plain });
        }
        self.html.clear();
        self.plain.clear();
        (self.n_units, self.n_entities) = (0, 0);
    }
}

fn code(language: &str, text: &str) -> Piece {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "+-#_".contains(c);
    let body = escape(text);
    let html = if !language.is_empty() && language.chars().all(is_word) {
        format!("<pre><code class=\"language-{language}\">{body}</code></pre>")
    } else {
        format!("<pre>{body}</pre>")
    };
    let plain = text.to_owned();
    Piece { html, n_units: units(&plain), plain, n_entities: 2, is_tight: false }
}

fn piece(spans: &[Span], is_quote: bool, is_tight: bool) -> Piece {
    let mut html: String = spans.iter().map(span_html).collect();
    let plain: String = spans.iter().map(|span| span.text.as_str()).collect();
    if is_quote {
        html = format!("<blockquote>{html}</blockquote>");
    }
    let n_entities = n_entities(spans) + usize::from(is_quote);
    Piece { html, n_units: units(&plain), plain, n_entities, is_tight }
}

fn n_entities(spans: &[Span]) -> usize {
    let of = |style: &Style| {
        let flags = [style.is_bold, style.is_italic, style.is_struck, style.is_code];
        flags.iter().filter(|is_set| **is_set).count() + usize::from(style.link.is_some())
    };
    spans.iter().map(|span| of(&span.style)).sum()
}

fn span_html(span: &Span) -> String {
    let mut html = escape(&span.text);
    let style = &span.style;
    if style.is_plain() {
        return html;
    }
    let tags = [
        (style.is_code, "code"),
        (style.is_struck, "s"),
        (style.is_italic, "i"),
        (style.is_bold, "b"),
    ];
    for (is_set, tag) in tags {
        if is_set {
            html = format!("<{tag}>{html}</{tag}>");
        }
    }
    match &style.link {
        Some(url) => format!("<a href=\"{}\">{html}</a>", escape(url).replace('"', "&quot;")),
        None => html,
    }
}

/// Text too long for a message, cut at lines, else at words, else anywhere; what was open is opened again.
fn split(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut all: Vec<Vec<Span>> = Vec::new();
    let mut current: Vec<Span> = Vec::new();
    let mut n_units = 0;
    for Span { text, style } in spans {
        let mut rest = text.as_str();
        loop {
            let room = MAX_UNITS.saturating_sub(n_units);
            let too_many = n_entities(&current) + 5 > MAX_ENTITIES;
            if units(rest) <= room && !too_many {
                n_units += units(rest);
                if !rest.is_empty() {
                    current.push(Span { text: rest.to_owned(), style: style.clone() });
                }
                break;
            }
            let fits = if too_many { "" } else { head(rest, room) };
            let at = fits.rfind('\n').or_else(|| fits.rfind(' ')).filter(|at| *at > 0);
            let at = match at {
                Some(at) => at,
                // Nothing to cut at: in a new message, unless this one is empty already.
                None if !current.is_empty() => 0,
                None => fits.len(),
            };
            if at > 0 {
                current.push(Span { text: rest[..at].to_owned(), style: style.clone() });
            }
            rest = rest[at..].trim_start_matches(['\n', ' ']);
            all.push(std::mem::take(&mut current));
            n_units = 0;
        }
    }
    if !current.is_empty() {
        all.push(current);
    }
    all
}

/// What files of a language are called.
fn extension(language: &str) -> &str {
    match language.to_lowercase().as_str() {
        "rust" | "rs" => "rs",
        "python" | "py" => "py",
        "javascript" | "js" => "js",
        "typescript" | "ts" => "ts",
        "bash" | "sh" | "shell" | "zsh" => "sh",
        "json" => "json",
        "yaml" | "yml" => "yml",
        "toml" => "toml",
        "html" => "html",
        "css" => "css",
        "sql" => "sql",
        "diff" | "patch" => "diff",
        "go" => "go",
        "markdown" | "md" => "md",
        _ => "txt",
    }
}

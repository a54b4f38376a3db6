//! What counts as a TODO item, and when a TODO document is done.
//!
//! An item is a list entry with a box: `- [ ] text`, also with `*`, `+`, `1.` or `1)`, at any depth. Boxes inside fenced
//! code blocks and HTML comments are examples, not items. A document without any box has *no tasks*, which is not the same
//! as all tasks being done: the loop must not pay for a final report on an empty file.

use serde::{Deserialize, Serialize};

/// One checkbox of a TODO document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoItem {
    /// Line number in the document, from 0; what a tick writes to.
    pub line: usize,
    /// Nesting below other items, from 0.
    pub depth: usize,
    /// Text behind the box, trimmed.
    pub text: String,
    /// Whether the box is ticked (`x` or `X`).
    pub done: bool,
}

/// What the loop needs to know of a TODO document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// There is no checkbox at all.
    NoTasks,
    /// At least one box is open.
    Open,
    /// There are boxes and all are ticked.
    AllDone,
}

/// The boxes of a TODO document, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoList {
    /// All items, top to bottom.
    pub items: Vec<TodoItem>,
}

impl TodoList {
    /// Reads the boxes of a Markdown document.
    pub fn parse(markdown: &str) -> Self {
        let mut items = Vec::new();
        let mut fence: Option<(char, usize)> = None;
        let mut in_comment = false;
        let mut indents: Vec<usize> = Vec::new();
        for (line, raw) in markdown.lines().enumerate() {
            let text = raw.trim();
            if in_comment {
                in_comment = !text.contains("-->");
                continue;
            }
            if let Some((mark, len)) = fence {
                if fence_of(text)
                    .is_some_and(|(m, n, rest)| m == mark && n >= len && rest.is_empty())
                {
                    fence = None;
                }
                continue;
            }
            if let Some((mark, len, _)) = fence_of(text) {
                fence = Some((mark, len));
                continue;
            }
            if text.starts_with("<!--") {
                in_comment = !text.contains("-->");
                continue;
            }
            let Some((done, label)) = checkbox(text) else {
                if !text.is_empty() && indent_of(raw) == 0 {
                    indents.clear();
                }
                continue;
            };
            let indent = indent_of(raw);
            while indents.last().is_some_and(|last| *last >= indent) {
                indents.pop();
            }
            items.push(TodoItem { line, depth: indents.len(), text: label.to_owned(), done });
            indents.push(indent);
        }
        Self { items }
    }

    /// Number of open boxes.
    pub fn n_open(&self) -> usize {
        self.items.iter().filter(|item| !item.done).count()
    }

    /// Number of ticked boxes.
    pub fn n_done(&self) -> usize {
        self.items.len() - self.n_open()
    }

    /// The item an agent is expected to take next: the first open one.
    pub fn next_open(&self) -> Option<&TodoItem> {
        self.items.iter().find(|item| !item.done)
    }

    /// Whether there is work left.
    pub fn status(&self) -> TodoStatus {
        match (self.items.is_empty(), self.n_open()) {
            (true, _) => TodoStatus::NoTasks,
            (false, 0) => TodoStatus::AllDone,
            (false, _) => TodoStatus::Open,
        }
    }

    /// Texts of the items that are ticked here and were open (or absent) in `before`.
    pub fn ticked_since(&self, before: &Self) -> Vec<String> {
        let was_done = |text: &str| before.items.iter().any(|old| old.done && old.text == text);
        let ticked = self.items.iter().filter(|item| item.done && !was_done(&item.text));
        ticked.map(|item| item.text.clone()).collect()
    }
}

/// `markdown` with the box of the item in `line` ticked or opened; nothing when there is no item in it.
pub fn with_box(markdown: &str, line: usize, done: bool) -> Option<String> {
    TodoList::parse(markdown).items.iter().find(|item| item.line == line)?;
    let mut text = String::with_capacity(markdown.len() + 1);
    for (at, raw) in markdown.split_inclusive('\n').enumerate() {
        if at != line {
            text.push_str(raw);
            continue;
        }
        let (before, rest) = raw.split_once('[')?;
        let (_, behind) = rest.split_once(']')?;
        let mark = if done { 'x' } else { ' ' };
        text.extend([before, "["]);
        text.push(mark);
        text.extend(["]", behind]);
    }
    Some(text)
}

/// Columns of leading white space; a tab counts as four.
fn indent_of(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// The mark, length and rest of a code fence line.
fn fence_of(text: &str) -> Option<(char, usize, &str)> {
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = text.chars().take_while(|c| *c == mark).count();
    let rest = text[len..].trim();
    (len >= 3 && !(mark == '`' && rest.contains('`'))).then_some((mark, len, rest))
}

/// Whether the box is ticked, and the text behind it.
fn checkbox(text: &str) -> Option<(bool, &str)> {
    let rest = match text.strip_prefix(['-', '*', '+']) {
        Some(rest) => rest,
        None => {
            let digits = text.chars().take_while(char::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            text[digits..].strip_prefix(['.', ')'])?
        }
    };
    let inner = rest.strip_prefix([' ', '\t'])?.trim_start().strip_prefix('[')?;
    let (mark, label) = inner.split_once(']')?;
    match mark {
        "" | " " => Some((false, label.trim())),
        "x" | "X" => Some((true, label.trim())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(markdown: &str) -> Vec<(usize, bool, String)> {
        let list = TodoList::parse(markdown);
        list.items.into_iter().map(|item| (item.depth, item.done, item.text)).collect()
    }

    #[test]
    fn every_kind_of_list_entry_with_a_box_is_an_item() {
        let markdown = "- [ ] a\n* [x] b\n+ [X] c\n1. [ ] d\n12) [x] e\n-  [ ] f\n- [] g\n- [ ]h\n";
        let found: Vec<_> =
            items(markdown).into_iter().map(|(_, done, text)| (done, text)).collect();
        let expected = [
            (false, "a"),
            (true, "b"),
            (true, "c"),
            (false, "d"),
            (true, "e"),
            (false, "f"),
            (false, "g"),
            (false, "h"),
        ];
        assert_eq!(found, expected.map(|(done, text)| (done, text.to_owned())));
    }

    #[test]
    fn links_and_plain_entries_are_not_items() {
        assert_eq!(items("- [docs](a.md)\n- plain\n-[ ] no space\n[ ] no list\n-- [ ] x\n"), []);
    }

    #[test]
    fn boxes_in_code_and_comments_are_examples() {
        let markdown = "```md\n- [ ] a\n~~~\n- [ ] b\n```\n<!--\n- [ ] c\n-->\n~~~~\n- [ ] d\n~~~\n~~~~\n- [ ] real\n";
        assert_eq!(items(markdown), [(0, false, "real".to_owned())]);
    }

    #[test]
    fn depth_follows_indentation() {
        let markdown = "- [ ] a\n  - [x] b\n    - [ ] c\n  - [ ] d\n- [ ] e\n\nText\n  - [ ] f\n";
        let depths: Vec<_> = items(markdown).into_iter().map(|(depth, ..)| depth).collect();
        assert_eq!(depths, [0, 1, 2, 1, 0, 0]);
    }

    #[test]
    fn a_document_without_boxes_is_not_a_finished_one() {
        assert_eq!(TodoList::parse("# TODO\n").status(), TodoStatus::NoTasks);
        assert_eq!(TodoList::parse("- [x] a\n").status(), TodoStatus::AllDone);
        assert_eq!(TodoList::parse("- [x] a\n- [ ] b").status(), TodoStatus::Open);
    }

    #[test]
    fn ticked_items_are_told_by_their_text() {
        let before = TodoList::parse("- [ ] a\n- [x] b\n");
        let after = TodoList::parse("- [x] b\n- [x] a\n- [ ] c\n");
        assert_eq!(after.ticked_since(&before), ["a"]);
    }

    #[test]
    fn a_tick_changes_one_box_and_nothing_else() {
        let markdown = "# T [x]\r\n- [ ] a\r\n  1. [X] b [y]\n```\n- [ ] c\n```\n- [] d";
        let ticked = |line, done| with_box(markdown, line, done);
        let expected = markdown.replace("- [ ] a", "- [x] a");
        assert_eq!(ticked(1, true), Some(expected));
        assert_eq!(ticked(2, false), Some(markdown.replace("[X]", "[ ]")));
        assert_eq!(ticked(6, true), Some(markdown.replace("[] d", "[x] d")));
        for no_item in [0, 3, 4, 7, 99] {
            assert_eq!(ticked(no_item, true), None, "line {no_item}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_lines_point_at_boxes(markdown in "[-*+ \\[\\]xX`~\n\t1.é<!>a]{0,120}") {
            let lines: Vec<_> = markdown.lines().collect();
            for item in TodoList::parse(&markdown).items {
                prop_assert!(lines[item.line].contains('['));
            }
        }

        #[test]
        fn open_and_done_add_up(boxes in prop::collection::vec(any::<bool>(), 0..20)) {
            let markdown: String =
                boxes.iter().map(|done| format!("- [{}] t\n", if *done { 'x' } else { ' ' })).collect();
            let list = TodoList::parse(&markdown);
            prop_assert_eq!(list.n_done(), boxes.iter().filter(|done| **done).count());
            prop_assert_eq!(list.n_open() + list.n_done(), boxes.len());
        }
    }
}

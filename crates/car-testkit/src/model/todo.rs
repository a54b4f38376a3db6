//! An agent that works through a TODO list, one item for each prompt.

use super::request::Request;
use super::script::{Script, Turn};

/// Does what CAR's loop asks of an agent, by real shell commands.
///
/// A prompt with an open item in its `<TODO>` block is answered by ticking the first open item of
/// the TODO file and by a line in a work file; a prompt without one, by writing the summary. Both
/// paths are taken from the prompt itself, so a prompt that names none is a violation.
#[derive(Debug, Clone)]
pub struct TodoScript {
    todo: String,
    summary: String,
    work: String,
}

impl TodoScript {
    /// Makes a script for the TODO file the prompt names by a path that ends in `todo`, for example
    /// `.codex-autorunner/TODO.md`. The summary is `SUMMARY.md` beside it, the work file `work.log`.
    #[must_use]
    pub fn new(todo: &str) -> Self {
        let folder = todo.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        Self {
            todo: todo.to_owned(),
            summary: format!("{}SUMMARY.md", folder.unwrap_or_default()),
            work: "work.log".to_owned(),
        }
    }

    /// Appends the work to another file, relative to where Codex runs.
    #[must_use]
    pub fn with_work_file(mut self, path: &str) -> Self {
        path.clone_into(&mut self.work);
        self
    }

    fn do_item(&self, item: &str, todo: &str) -> Turn {
        // Through a variable and not `sed -i`, whose spelling differs between systems.
        let tick = concat!(
            r#"!done && /^[ \t]*- \[ \]/ { sub(/- \[ \]/, "- [x]"); done = 1 } "#,
            "{ print } END { exit !done }",
        );
        let (todo, work) = (quoted(todo), quoted(&self.work));
        let line = quoted(&format!("did: {item}"));
        let command = format!(
            "ticked=$(awk '{tick}' {todo}) && printf '%s\\n' \"$ticked\" > {todo} \
             && printf '%s\\n' {line} >> {work}"
        );
        Turn::new()
            .reasoning(format!("**Choosing the next item**\n\nThe first open one is: {item}"))
            .shell(command)
            .message(format!("Done: {item}"))
    }
}

impl Script for TodoScript {
    fn turn(&mut self, request: &Request) -> Result<Turn, String> {
        let prompt = &request.user_text;
        if let Some(item) = first_open_item(prompt) {
            return Ok(self.do_item(item, named_path(prompt, &self.todo)?));
        }
        let summary = quoted(named_path(prompt, &self.summary)?);
        let report = quoted("# Summary\n\nEvery item of the list is done.");
        Ok(Turn::new()
            .shell(format!("printf '%s\\n' {report} > {summary}"))
            .message("Agent: the summary is written"))
    }
}

/// Finds the first open item between the line that begins with `<TODO>` and the next `</TODO>`.
fn first_open_item(prompt: &str) -> Option<&str> {
    let block = prompt.lines().skip_while(|line| !line.trim_start().starts_with("<TODO>"));
    let mut block = block.map(|line| line.trim_start().trim_start_matches("<TODO>"));
    loop {
        let line = block.next()?;
        let (line, ends) =
            line.split_once("</TODO>").map_or((line, false), |(line, _)| (line, true));
        if let Some(item) = line.trim_start().strip_prefix("- [ ]") {
            return Some(item.trim());
        }
        if ends {
            return None;
        }
    }
}

/// Finds the first path in the prompt that ends in `wanted`.
fn named_path<'p>(prompt: &'p str, wanted: &str) -> Result<&'p str, String> {
    let at = prompt.find(wanted).ok_or_else(|| format!("the prompt does not name {wanted:?}"))?;
    let starts = |c: char| c.is_whitespace() || "`'\"(<[=".contains(c);
    let start = prompt[..at].rfind(starts).map_or(0, |before| before + 1);
    Ok(&prompt[start..at + wanted.len()])
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_open_item_is_found_in_the_block_only() {
        let prompt = "Read the <TODO> block.\n- [ ] no\n<TODO>\n- [x] a\n  - [ ] b c\n- [ ] d\n\
                      </TODO>\n- [ ] no";
        assert_eq!(first_open_item(prompt), Some("b c"));
        assert_eq!(first_open_item("<TODO>- [ ] a</TODO>"), Some("a"));
        assert_eq!(first_open_item("<TODO>\n- [x] a\n</TODO>\n- [ ] b"), None);
        assert_eq!(first_open_item("- [ ] a"), None);
    }

    #[test]
    fn a_path_is_taken_whole_from_the_prompt() {
        let wanted = ".codex-autorunner/TODO.md";
        let named = |prompt| named_path(prompt, wanted);
        assert_eq!(named("- TODO (`.codex-autorunner/TODO.md`)"), Ok(".codex-autorunner/TODO.md"));
        assert_eq!(named("TODO: /a/b/.codex-autorunner/TODO.md, x"), {
            Ok("/a/b/.codex-autorunner/TODO.md")
        });
        assert_eq!(
            named("docs/TODO.md"),
            Err("the prompt does not name \".codex-autorunner/TODO.md\"".to_owned())
        );
    }
}

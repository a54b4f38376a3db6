//! The scripted agent: reads a prompt of the loop, does the first open item by script, and reports as Codex would.
//!
//! For an item it has no script for it looks around, notes the item in `NOTES.md` and ticks it, so that any TODO list comes to
//! its end.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_domain::todo::TodoList;
use serde_json::{Value, json};
use tokio::process::Command;

use super::projects::{self, Step};
use crate::files::write_atomic;

/// Where the agent's events go.
pub type Steps<'a> = &'a mut dyn FnMut(&Value);

/// An agent at work in a directory.
pub struct ScriptedAgent {
    root: PathBuf,
    /// Time each step takes at least, so that a person can follow.
    pace: Duration,
    n_items: u32,
    n_bytes: u64,
}

impl ScriptedAgent {
    /// Works in `root`, one step every `pace`.
    pub fn new(root: &Path, pace: Duration) -> Self {
        Self { root: root.to_path_buf(), pace, n_items: 0, n_bytes: 0 }
    }

    /// Does what `prompt` asks for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub async fn work(&mut self, prompt: &str, emit: Steps<'_>) -> io::Result<()> {
        let thread = format!("scripted-{}", crate::now().as_millis());
        emit(&json!({"type": "thread.started", "thread_id": thread}));
        emit(&json!({"type": "turn.started"}));
        let todo_path =
            self.root.join(path_in(prompt, "TODO").unwrap_or(".codex-autorunner/TODO.md"));
        let todo = std::fs::read_to_string(&todo_path).unwrap_or_default();
        let next = TodoList::parse(&todo).next_open().cloned();
        match next {
            Some(item) => {
                self.item(&item.text, emit).await?;
                tick(&todo_path, &todo, item.line)?;
                self.edited(&todo_path, "update", emit);
                self.pause().await;
                self.say(&format!("Done: {}.", item.text.trim_end_matches('.')), emit);
            }
            None => self.report(prompt, emit).await?,
        }
        let input = prompt.len() as u64 / 4;
        emit(&json!({"type": "turn.completed", "usage": {
            "input_tokens": input, "cached_input_tokens": input / 2,
            "output_tokens": self.n_bytes / 4, "reasoning_output_tokens": 0,
        }}));
        Ok(())
    }

    async fn item(&mut self, item: &str, emit: Steps<'_>) -> io::Result<()> {
        let mut tasks = projects::ALL.iter().flat_map(|project| project.tasks);
        let Some(task) = tasks.find(|task| task.item == item) else {
            self.think(
                "**Looking around**\n\nThere is no script for this item; it is noted and ticked.",
                emit,
            )
            .await;
            self.run("git status --short", emit).await?;
            let path = self.root.join("NOTES.md");
            let notes = std::fs::read_to_string(&path).unwrap_or_default();
            return self.write(&path, &format!("{notes}- {item}\n"), emit).await;
        };
        for step in task.steps {
            match step {
                Step::Think(text) => self.think(text, emit).await,
                Step::Say(text) => {
                    self.pause().await;
                    self.say(text, emit);
                }
                Step::Run(command) => self.run(command, emit).await?,
                Step::Write(path, text) => self.write(&self.root.join(path), text, emit).await?,
            }
        }
        Ok(())
    }

    async fn report(&mut self, prompt: &str, emit: Steps<'_>) -> io::Result<()> {
        self.think(
            "**Writing the report**\n\nEvery item is ticked; the owner wants to know what changed.",
            emit,
        )
        .await;
        self.run("git status --short", emit).await?;
        let path =
            self.root.join(path_in(prompt, "SUMMARY").unwrap_or(".codex-autorunner/SUMMARY.md"));
        let text = "# Summary\n\nEvery item of the TODO list is done. The scripted agent did it; nothing is left for you.\n";
        self.write(&path, text, emit).await?;
        self.say("Agent: the report is in SUMMARY.md.", emit);
        Ok(())
    }

    async fn think(&mut self, text: &str, emit: Steps<'_>) {
        self.pause().await;
        let id = self.next_id(text);
        emit(
            &json!({"type": "item.completed", "item": {"id": id, "type": "reasoning", "text": text}}),
        );
    }

    fn say(&mut self, text: &str, emit: Steps<'_>) {
        let id = self.next_id(text);
        emit(
            &json!({"type": "item.completed", "item": {"id": id, "type": "agent_message", "text": text}}),
        );
    }

    async fn run(&mut self, command: &str, emit: Steps<'_>) -> io::Result<()> {
        let id = self.next_id(command);
        let step = |kind: &str, output: &str, code: Option<i32>, status: &str| {
            json!({"type": kind, "item": {"id": id, "type": "command_execution", "command": command,
                "aggregated_output": output, "exit_code": code, "status": status}})
        };
        emit(&step("item.started", "", None, "in_progress"));
        self.pause().await;
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(&self.root)
            .output()
            .await?;
        let code = output.status.code().unwrap_or(1);
        let status = if code == 0 { "completed" } else { "failed" };
        let text = String::from_utf8_lossy(&output.stdout);
        emit(&step("item.completed", &text, Some(code), status));
        Ok(())
    }

    async fn write(&mut self, path: &Path, text: &str, emit: Steps<'_>) -> io::Result<()> {
        self.pause().await;
        let kind = if path.exists() { "update" } else { "add" };
        self.n_bytes += text.len() as u64;
        write_atomic(path, text.as_bytes())?;
        self.edited(path, kind, emit);
        Ok(())
    }

    fn edited(&mut self, path: &Path, kind: &str, emit: Steps<'_>) {
        let id = self.next_id("");
        let change = json!({"path": path.strip_prefix(&self.root).unwrap_or(path), "kind": kind});
        emit(&json!({"type": "item.completed", "item": {
            "id": id, "type": "file_change", "changes": [change], "status": "completed"}}));
    }

    fn next_id(&mut self, words: &str) -> String {
        self.n_items += 1;
        self.n_bytes += words.len() as u64;
        format!("item_{}", self.n_items)
    }

    async fn pause(&self) {
        tokio::time::sleep(self.pace).await;
    }
}

/// The path a prompt names for a document: `1. TODO: path - …`.
fn path_in<'a>(prompt: &'a str, name: &str) -> Option<&'a str> {
    let line = prompt
        .lines()
        .find_map(|line| line.split_once(&format!(". {name}: ")).map(|(_, rest)| rest))?;
    line.split(" - ").next().map(str::trim)
}

fn tick(path: &Path, todo: &str, line: usize) -> io::Result<()> {
    let ticked = |(n, text): (usize, &str)| {
        if n == line {
            text.replacen("[ ]", "[x]", 1).replacen("[]", "[x]", 1)
        } else {
            text.to_owned()
        }
    };
    let mut text: String = todo.lines().enumerate().map(ticked).collect::<Vec<_>>().join("\n");
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_found_where_the_prompt_says() {
        let prompt = "1. TODO: docs/TODO.md - the tasks\n5. SUMMARY: S.md - the file to rewrite\n";
        assert_eq!(path_in(prompt, "TODO"), Some("docs/TODO.md"));
        assert_eq!(path_in(prompt, "SUMMARY"), Some("S.md"));
        assert_eq!(path_in(prompt, "SPEC"), None);
    }

    #[tokio::test]
    async fn an_item_without_a_script_is_ticked_too() {
        let dir = tempfile::tempdir().expect("temp dir");
        let todo = dir.path().join("T.md");
        std::fs::write(&todo, "- [x] a\n- [ ] b\n- [ ] c\n").expect("write");
        let mut names = Vec::new();
        let mut agent = ScriptedAgent::new(dir.path(), Duration::ZERO);
        let mut emit = |event: &Value| names.push(event["type"].to_string());
        agent.work("1. TODO: T.md - tasks\n", &mut emit).await.expect("worked");
        assert_eq!(std::fs::read_to_string(&todo).expect("read"), "- [x] a\n- [x] b\n- [ ] c\n");
        assert_eq!(std::fs::read_to_string(dir.path().join("NOTES.md")).expect("read"), "- b\n");
        assert_eq!(names.last().map(String::as_str), Some("\"turn.completed\""));
    }
}

//! The real Codex CLI on documents, against a model of ours: proposals from a sandboxed copy, ingest, snapshot.

mod http;

use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Script, Turn};
use serde_json::json;

use crate::support::Project;

/// A model and a project whose Codex talks to it, configured as by default: with all rights for the loop.
struct Setting {
    model: FakeModel,
    project: Project,
    /// Read by Codex as long as it works.
    _home: CodexHome,
}

impl Setting {
    async fn new(script: impl Script) -> Self {
        let model = FakeModel::start(script).await;
        let home = CodexHome::new(model.base_url());
        let project = Project::new().env(home.env());
        let args = ["--yolo", "exec", "--sandbox", "danger-full-access"];
        let codex = json!({"binary": codex::binary().display().to_string(), "args": args});
        project.configure(&codex, &json!({}));
        project.write("TODO.md", "# TODO\n\n- [ ] First\n\nNotes about the first one.\nMore notes.\nStill more.\n\n- [ ] Second\n");
        Self { model, project, _home: home }
    }
}

impl Drop for Setting {
    /// The Codex server would outlive the test, as it is meant to.
    fn drop(&mut self) {
        let _ = self.project.car(&["thread", "server", "--stop"]);
    }
}

#[tokio::test]
async fn a_chat_proposes_and_the_document_changes_only_when_it_is_applied() {
    let edit = "sed -i 's/First/The first/' TODO.md";
    let script = vec![Turn::new().shell(edit).message("Named it better.")];
    let setting = Setting::new(script).await;
    let project = &setting.project;
    let before = project.read("TODO.md");
    let shown =
        project.car(&["chat", "todo", "Name the first item better", "--json"]).exits(0).json();
    assert_eq!(shown["agent_message"], "Named it better.");
    let patch = shown["proposal"]["documents"][0]["patch"].as_str().expect("a patch");
    assert!(patch.contains("-- [ ] First\n+- [ ] The first\n"), "{patch}");
    assert_eq!(project.read("TODO.md"), before, "nothing is written yet");
    // Somebody edits another place meanwhile.
    project.write("TODO.md", &before.replace("- [ ] Second", "- [x] Second"));
    project.car(&["chat", "todo", "--apply"]).exits(0);
    let expected = before.replace("First", "The first").replace("- [ ] Second", "- [x] Second");
    assert_eq!(project.read("TODO.md"), expected);
    project.car(&["chat", "todo", "--discard"]).exits(1);
    setting.model.assert_clean();
}

#[tokio::test]
async fn an_agent_that_goes_for_the_live_document_finds_it_read_only() {
    let setting = Setting::new(|request: &car_testkit::model::Request| {
        let root = request.user_text.lines().find_map(|line| line.split("repository at ").nth(1));
        let root = root.and_then(|rest| rest.split(',').next()).unwrap_or("/nowhere").to_owned();
        Turn::new()
            .shell(format!(
                "echo hacked > {root}/.codex-autorunner/TODO.md; echo hacked > {root}/x"
            ))
            .message("I tried.")
    })
    .await;
    let project = &setting.project;
    let before = project.read("TODO.md");
    let shown = project.car(&["chat", "todo", "x", "--json"]).exits(0).json();
    assert_eq!(shown["proposal"], serde_json::Value::Null, "{shown}");
    assert_eq!(
        project.read("TODO.md"),
        before,
        "the sandbox of Codex does not hold on this machine"
    );
    assert!(
        !project.root().join("x").exists(),
        "the sandbox of Codex does not hold on this machine"
    );
}

#[tokio::test]
async fn a_chat_can_be_cancelled_from_another_door() {
    let setting = Setting::new(vec![Turn::new().hang()]).await;
    let project = &setting.project;
    let running = project.start(&["chat", "todo", "x"]);
    setting.model.until_requests(1).await;
    let shown = project.car(&["chat", "todo", "--cancel"]).exits(0);
    assert_eq!(shown.stdout, "The agent was asked to end.\n");
    let shown = running.wait().exits(1);
    assert!(shown.stderr.contains("the doc chat was cancelled"), "{shown}");
    let told = project.car(&["chat", "todo", "--show"]).exits(0);
    assert!(told.stdout.contains("failed: the doc chat was cancelled"), "{told}");
}

#[tokio::test]
async fn spec_becomes_the_work_documents_and_what_was_there_can_be_restored() {
    let answer = "<TODO>\n- [ ] Build it\n</TODO>\n<PROGRESS>\nNothing yet.\n</PROGRESS>\n\
                  <OPINIONS>\n- Small steps.\n</OPINIONS>";
    let script = vec![Turn::new().message(answer), Turn::new().message(answer)];
    let setting = Setting::new(script).await;
    let project = &setting.project;
    project.write("SPEC.md", "# Spec\n\nA tide table.\n");
    let refused = project.car(&["ingest-spec"]).exits(1);
    assert!(refused.stderr.contains("already contain content; rerun with --force"), "{refused}");
    assert_eq!(setting.model.requests().len(), 0, "the agent is not asked in vain");
    insta::assert_snapshot!(project.car(&["ingest-spec", "--force"]), @r"
    Ingested SPEC into TODO/PROGRESS/OPINIONS.
    - TODO: 1 lines
    - PROGRESS: 1 lines
    - OPINIONS: 1 lines
    [exit 0]
    ");
    assert_eq!(project.read("TODO.md"), "- [ ] Build it\n");
    let history = project.car(&["docs", "history", "todo", "--json"]).exits(0).json();
    let old = history[1]["version"].as_str().expect("text");
    project.car(&["docs", "restore", "todo", old]).exits(0);
    assert!(project.read("TODO.md").contains("- [ ] First"));
    let outside = project.car(&["ingest-spec", "--spec", "/etc/hostname", "--force"]).exits(1);
    assert!(outside.stderr.contains("is not in this repository"), "{outside}");
}

#[tokio::test]
async fn a_snapshot_is_written_and_then_brought_up_to_date() {
    let script = vec![
        Turn::new().message("# Repo Snapshot\n\nOne."),
        Turn::new().message("# Repo Snapshot\n\nTwo."),
    ];
    let setting = Setting::new(script).await;
    let project = &setting.project;
    let shown = project.car(&["snapshot"]).exits(0);
    assert_eq!(shown.stdout, "Snapshot written to .codex-autorunner/SNAPSHOT.md\n");
    assert_eq!(project.read("SNAPSHOT.md"), "# Repo Snapshot\n\nOne.\n");
    let status = project.car(&["snapshot", "--status", "--json"]).exits(0).json();
    assert_eq!(status["stale"], serde_json::Value::Null, "{status}");
    project.car(&["snapshot"]).exits(0);
    assert_eq!(project.read("SNAPSHOT.md"), "# Repo Snapshot\n\nTwo.\n");
    setting.model.assert_clean();
}

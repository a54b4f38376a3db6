//! The real Codex CLI in the loop, against a model of ours.

use car_domain::run::RunEvent;
use car_domain::state::RunnerStatus;
use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Script, TodoScript, Turn};
use serde_json::{Value, json};

use crate::support::Project;

const TODO: &str = ".codex-autorunner/TODO.md";

/// A model and a project whose Codex talks to it. Codex's arguments are CAR's defaults.
struct Setting {
    model: FakeModel,
    project: Project,
    /// Read by Codex as long as it works.
    _home: CodexHome,
}

impl Setting {
    async fn new(script: impl Script, items: &[&str]) -> Self {
        let model = FakeModel::start(script).await;
        let home = CodexHome::new(model.base_url());
        let project = Project::new().env(home.env());
        let binary = codex::binary().display().to_string();
        project.configure(&json!({ "binary": binary }), &json!({}));
        project.todo(items);
        Self { model, project, _home: home }
    }

    /// The prompts of the runs in their order.
    fn prompts(&self) -> Vec<String> {
        let mut prompts: Vec<String> = Vec::new();
        for request in self.model.requests() {
            if !prompts.contains(&request.user_text) {
                prompts.push(request.user_text);
            }
        }
        prompts
    }
}

fn messages(project: &Project, run: u64) -> Vec<String> {
    let message = |event: &RunEvent| match event {
        RunEvent::Message { text } => Some(text.clone()),
        _ => None,
    };
    project.journal(run).iter().filter_map(|entry| message(&entry.event)).collect()
}

#[tokio::test]
async fn codex_works_through_the_list_and_writes_the_report() {
    let setting = Setting::new(TodoScript::new(TODO), &["First", "Don't `panic`", "Third"]).await;
    let Setting { model, project, .. } = &setting;
    project.car(&["run"]).exits(0);
    model.assert_clean();

    assert_eq!(project.of_runs("kind"), ["work", "work", "work", "report"]);
    assert_eq!(project.of_runs("exit_code"), ["0"; 4]);
    assert_eq!(project.of_runs("agent"), ["codex"; 4]);
    let runs = project.runs();
    assert!(runs.iter().all(|run| run["duration_ms"].as_u64() > Some(0)), "{runs:?}");
    let told: Vec<Value> = runs.iter().map(|run| run["usage"].clone()).collect();
    let reported = model.usage_reported();
    let expected: Vec<Value> = reported
        .iter()
        .map(|thread| {
            json!({
                "input_tokens": thread.usage.input,
                "cached_input_tokens": thread.usage.cached,
                "output_tokens": thread.usage.output,
                "reasoning_output_tokens": thread.usage.reasoning,
                "total_tokens": thread.usage.input + thread.usage.output,
            })
        })
        .collect();
    assert_eq!(told, expected);
    let threads: Vec<String> = reported.into_iter().map(|thread| thread.thread_id).collect();
    assert_eq!(project.of_runs("thread_id"), threads);

    for (run, item) in [(1, "First"), (2, "Don't `panic`"), (3, "Third")] {
        let journal = project.journal(run);
        let ticked: Vec<Vec<String>> = journal
            .iter()
            .filter_map(|entry| match &entry.event {
                RunEvent::TodoChanged { ticked, .. } => Some(ticked.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(ticked, [[item]], "run {run} ticked one item");
        let codes: Vec<Option<i64>> = journal
            .iter()
            .filter_map(|entry| match &entry.event {
                RunEvent::CommandFinished { exit_code, .. } => Some(*exit_code),
                _ => None,
            })
            .collect();
        assert_eq!(codes, [Some(0)], "run {run} did it by a command");
        assert_eq!(messages(project, run), [format!("Done: {item}")]);
    }
    assert_eq!(project.repo().read("work.log"), "did: First\ndid: Don't `panic`\ndid: Third\n");

    let prompts = setting.prompts();
    assert_eq!(prompts.len(), 4);
    assert!(!prompts[0].contains("<PREV_RUN_OUTPUT>\n"));
    for (prompt, message) in prompts[1..3].iter().zip(["Done: First", "Done: Don't `panic`"]) {
        let block = format!("<PREV_RUN_OUTPUT>\n{message}\n</PREV_RUN_OUTPUT>");
        assert!(prompt.contains(&block), "{prompt}");
    }
    assert_eq!(
        project.read("SUMMARY.md"),
        "# Summary\n\nEvery item of the list is done.\n\n<!-- CAR:SUMMARY_FINALIZED run_id=4 -->\n"
    );
}

#[tokio::test]
async fn what_the_model_refuses_is_the_reason_of_the_failure() {
    let body = r#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let setting = Setting::new(vec![Turn::new().fail(400, body)], &["First"]).await;
    let Setting { model, project, .. } = &setting;
    let shown = project.car(&["run"]).exits(4);
    assert!(shown.stdout.contains("no such model"), "{shown}");
    let state = project.state();
    assert_eq!((state.status, state.last_exit_code), (RunnerStatus::Error, Some(1)));
    let reason = state.last_reason.expect("a reason");
    assert!(reason.starts_with("The agent ended with exit code 1: "), "{reason}");
    assert!(reason.contains("no such model"), "{reason}");
    assert_eq!(project.of_runs("outcome"), ["failed"]);
    model.assert_clean();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn codex_is_gone_with_a_runner_that_was_killed() {
    use crate::support::is_alive;

    let setting = Setting::new(vec![Turn::new().hang()], &["A-needle-in-the-list"]).await;
    let Setting { model, project, .. } = &setting;
    let running = project.start(&["run"]);
    model.until_requests(1).await;
    let guard = project.state().agent.expect("an agent is at work");
    let processes = descendants(guard.pid);
    assert!(processes.len() >= 2, "the guard and Codex: {processes:?}");
    for process in &processes {
        let path = format!("/proc/{}/cmdline", process.pid);
        let arguments = std::fs::read_to_string(path).expect("it is alive");
        assert!(!arguments.contains("needle"), "the prompt is no argument: {arguments}");
    }
    running.kill_9();
    crate::support::eventually("Codex is gone", || {
        processes.iter().all(|process| !is_alive(*process)).then_some(())
    });
    assert_eq!(project.of_runs("outcome"), ["interrupted"]);
}

/// A process and everything it started.
#[cfg(target_os = "linux")]
fn descendants(root: i32) -> Vec<car_domain::state::ProcessId> {
    let parent = |pid: i32| -> Option<i32> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    };
    let is_below = |mut pid: i32| loop {
        if pid == root {
            return true;
        }
        match parent(pid) {
            Some(next) if next > 1 => pid = next,
            _ => return false,
        }
    };
    let entries = std::fs::read_dir("/proc").expect("linux").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is_below(*pid)).filter_map(car_agent::process_id).collect()
}

//! A loop that does what it is there for.

use car_domain::log::LogLine;
use car_domain::run::{Outcome, RunEvent};
use car_domain::state::RunnerStatus;

use crate::support::{Project, scripted_agent, shell_agent};

fn finished_project() -> Project {
    let project = Project::with_agent(&scripted_agent(), &["Alpha", "Beta", "Gamma"]);
    let shown = project.car(&["run"]).exits(0);
    assert_eq!(shown.stdout, "All TODO items are done, the report is written. 4 runs.\n");
    project
}

#[test]
fn three_items_take_three_runs_and_a_report() {
    let project = finished_project();
    assert_eq!(project.read("TODO.md"), "# TODO\n\n- [x] Alpha\n- [x] Beta\n- [x] Gamma\n");
    assert_eq!(project.repo().read("NOTES.md"), "- Alpha\n- Beta\n- Gamma\n");
    assert_eq!(project.of_runs("kind"), ["work", "work", "work", "report"]);
    assert_eq!(project.of_runs("outcome"), ["succeeded"; 4]);
    assert_eq!(project.of_runs("item"), ["Alpha", "Beta", "Gamma", "Final report"]);
    let summary = project.read("SUMMARY.md");
    assert!(summary.ends_with("\n\n<!-- CAR:SUMMARY_FINALIZED run_id=4 -->\n"), "{summary}");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_run_id, state.last_exit_code, state.runner_pid),
        (RunnerStatus::Idle, Some(4), Some(0), None)
    );
    assert!(!project.path("lock").exists() && !project.path("stop").exists());
}

#[test]
fn a_journal_begins_and_ends_as_it_should_and_misses_no_number() {
    let project = finished_project();
    for run in 1..=4 {
        let journal = project.journal(run);
        let lines = project.read(&format!("runs/run-{run}.jsonl")).lines().count();
        assert_eq!(journal.len(), lines, "every line is an entry");
        let seqs: Vec<u64> = journal.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, (1..=lines as u64).collect::<Vec<_>>());
        assert!(journal.is_sorted_by_key(|entry| entry.at));
        assert!(matches!(&journal[0].event, RunEvent::RunStarted { run: n, .. } if *n == run));
        let last = &journal.last().expect("entries").event;
        assert!(
            matches!(last, RunEvent::RunFinished { end, .. } if end.outcome == Outcome::Succeeded)
        );
        let ends = journal.iter().filter(|entry| entry.event.name() == "run.finished").count();
        assert_eq!(ends, 1);
    }
}

#[test]
fn the_text_logs_keep_the_originals_grammar() {
    let project = finished_project();
    let shared = project.read("codex-autorunner.log");
    let mut own = String::new();
    for run in 1..=4 {
        let log = project.read(&format!("runs/run-{run}.log"));
        assert!(log.starts_with(&format!("=== run {run} start ===\n")), "{log}");
        assert!(log.ends_with(&format!("\n=== run {run} end (code 0) ===\n")), "{log}");
        let inner = log.lines().count() - 2;
        for line in log.lines().skip(1).take(inner) {
            assert!(matches!(LogLine::parse(line), LogLine::Stdout(n, _) if n == run), "{line}");
        }
        own.push_str(&log);
    }
    assert_eq!(own, shared, "both hold the same lines");
    let line = shared.lines().nth(1).expect("a stamped line");
    let (stamp, rest) = line.split_at(22);
    assert!(car_domain::Timestamp::parse(&stamp[1..21]).is_some(), "{line}");
    assert!(stamp.ends_with("Z]") && rest.starts_with(" run=1 stdout: "), "{line}");
}

#[test]
fn the_table_of_runs_is_for_people() {
    let project = finished_project();
    let mut shown = project.car(&["runs", "--limit", "2"]).exits(0);
    let redacted = shown.stdout.lines().map(|line| match line.split_at(26) {
        (left, right) if left.contains("succeeded") => {
            format!("{left}{:>11}  {:>6}  {}\n", "<span>", "<n>", &right[21..])
        }
        _ => format!("{line}\n"),
    });
    shown.stdout = redacted.collect();
    insta::assert_snapshot!(shown, @r"
      RUN  OUTCOME      EXIT         TIME  TOKENS  CHANGED           WHAT
        4  succeeded       0       <span>     <n>  nothing           Agent: the report is in SUMMARY.md.
        3  succeeded       0       <span>     <n>  1 file +1 -0      Done: Gamma.
    [exit 0]
    ");
}

#[test]
fn a_finished_list_is_not_worked_on_again() {
    let project = finished_project();
    let before = (project.state().last_run_id, project.read("SUMMARY.md"));
    insta::assert_snapshot!(project.car(&["run"]), @r"
    All TODO items are done, the report is written. 0 runs.
    [exit 0]
    ");
    assert_eq!((project.state().last_run_id, project.read("SUMMARY.md")), before);
    assert_eq!(project.journal(5), []);
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: 4
    Last exit code: 0
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 0
    [exit 0]
    ");
}

#[test]
fn a_new_item_leads_to_new_runs_and_a_new_report() {
    let project = finished_project();
    let todo = project.read("TODO.md");
    project.write("TODO.md", &format!("{todo}- [ ] Delta\n"));
    project.car(&["run"]).exits(0);
    assert_eq!(project.of_runs("kind"), ["work", "work", "work", "report", "work", "report"]);
    let summary = project.read("SUMMARY.md");
    assert_eq!(summary.matches("CAR:SUMMARY_FINALIZED").count(), 1, "{summary}");
    assert!(summary.ends_with("<!-- CAR:SUMMARY_FINALIZED run_id=6 -->\n"), "{summary}");
}

#[test]
fn once_is_one_run_and_counts_the_report() {
    let project = Project::with_agent(&scripted_agent(), &["Alpha"]);
    insta::assert_snapshot!(project.car(&["once"]), @r"
    Stopped after 1 run, as asked.
    ! run 1 Alpha (car scripted-agent)
    !   **Looking around**
    !   $ git status --short
    !   add NOTES.md
    !   update .codex-autorunner/TODO.md
    !   Done: Alpha.
    !   Changed 1 file +1 -0
    !   [x] Alpha
    !   1 of 1 items done
    ! run 1 finished in <span>
    [exit 0]
    ");
    assert_eq!(project.of_runs("kind"), ["work"]);
    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("kind"), ["work", "report"]);
}

#[test]
fn runs_that_change_nothing_end_the_loop() {
    let project = Project::with_agent(&shell_agent("echo thinking"), &["One"]);
    let shown = project.car(&["run"]).exits(4);
    assert_eq!(shown.stdout, "Stopped after 3 runs: the last ones changed nothing.\n");
    let state = project.state();
    assert_eq!(state.status, RunnerStatus::Error);
    assert_eq!(state.last_reason.as_deref(), Some("Several runs in a row changed nothing."));
}

#[test]
fn a_list_without_boxes_starts_no_agent() {
    let project = Project::with_agent(&shell_agent("echo paid"), &[]);
    let shown = project.car(&["run"]).exits(0);
    assert_eq!(shown.stdout, "TODO has no checkbox; add lines like `- [ ] task`.\n");
    assert_eq!(project.runs(), Vec::<serde_json::Value>::new());
}

#[test]
fn the_prompt_comes_on_standard_input_and_carries_the_last_output() {
    let script = r#"cat > prompt-$(ls prompt-* 2>/dev/null | wc -l | tr -d ' '); echo "  said so";
        ps -o args= -p $$ > args 2>/dev/null || tr '\0' ' ' < /proc/$$/cmdline > args"#;
    let project = Project::with_agent(&shell_agent(script), &["A-needle-in-the-list"]);
    project.car(&["once"]).exits(0);
    project.car(&["once"]).exits(0);
    let (first, second) = (project.repo().read("prompt-0"), project.repo().read("prompt-1"));
    assert!(first.contains("- [ ] A-needle-in-the-list"));
    assert!(!first.contains("<PREV_RUN_OUTPUT>\n"));
    assert!(second.contains("<PREV_RUN_OUTPUT>\nsaid so\n</PREV_RUN_OUTPUT>"), "{second}");
    assert!(!project.repo().read("args").contains("needle"), "nothing of it is an argument");
}

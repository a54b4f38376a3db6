//! The rules of the timeline, by example.

use car_domain::Timestamp;
use car_domain::run::{FileChange, JournalEntry, Outcome, RunEnd, RunEvent, RunKind, Usage};
use car_domain::view::LiveTail;
use serde_json::json;

use super::fold::MAX_STEPS;
use super::*;

fn entry(seq: u64, event: RunEvent) -> JournalEntry {
    JournalEntry { seq, at: Timestamp::from_millis(i64::try_from(seq).unwrap() * 1000), event }
}

fn started(seq: u64) -> JournalEntry {
    let event = RunEvent::RunStarted {
        run: 7,
        kind: RunKind::Work,
        agent: "codex".into(),
        item: None,
        prompt_chars: 10,
        commit: None,
    };
    entry(seq, event)
}

fn command(seq: u64, id: &str) -> JournalEntry {
    entry(seq, RunEvent::CommandStarted { id: id.into(), command: "make check".into() })
}

fn command_end(seq: u64, id: &str, exit_code: i64) -> JournalEntry {
    let event = RunEvent::CommandFinished {
        id: id.into(),
        command: "make check".into(),
        output: "fine\n".into(),
        output_cut_bytes: 0,
        exit_code: Some(exit_code),
        status: "completed".into(),
    };
    entry(seq, event)
}

fn output(seq: u64, text: &str) -> JournalEntry {
    entry(seq, RunEvent::Output { text: text.into(), cut_bytes: 0 })
}

fn message(seq: u64, text: &str) -> JournalEntry {
    entry(seq, RunEvent::Message { text: text.into() })
}

fn finished(seq: u64) -> JournalEntry {
    let end = RunEnd { outcome: Outcome::Stopped, exit_code: None, signal: Some(15), reason: None };
    entry(seq, RunEvent::RunFinished { end, duration_ms: 1500 })
}

fn timeline(entries: Vec<JournalEntry>) -> Timeline {
    Timeline::new(&LiveTail { run: Some(7), entries })
}

fn kinds(timeline: &Timeline) -> Vec<&StepKind> {
    timeline.steps().map(|step| &step.kind).collect()
}

#[test]
fn start_and_end_of_a_command_are_one_step() {
    let timeline = timeline(vec![command(1, "a"), message(2, "hm"), command_end(4, "a", 101)]);
    let kinds = kinds(&timeline);
    assert_eq!(kinds.len(), 2);
    let StepKind::Command { command, end: Some(end) } = kinds[0] else { panic!("{kinds:?}") };
    assert_eq!((command.as_str(), end.exit_code), ("make check", Some(101)));
    assert_eq!(end.took, Some(std::time::Duration::from_secs(3)));
    assert!(end.is_failure());
    assert_eq!(end.outcome(), "exit 101");
}

#[test]
fn a_command_whose_start_was_cut_off_is_still_a_step() {
    let timeline = timeline(vec![command_end(40, "a", 0)]);
    assert!(matches!(
        kinds(&timeline)[..],
        [StepKind::Command { end: Some(CommandEnd { took: None, exit_code: Some(0), .. }), .. }]
    ));
    assert_eq!(timeline.n_earlier(), 39);
}

#[test]
fn commands_at_the_same_time_are_told_apart() {
    let entries =
        vec![command(1, "a"), command(2, "b"), command_end(3, "b", 1), command_end(4, "a", 0)];
    let timeline = timeline(entries);
    let codes: Vec<_> = timeline
        .steps()
        .filter_map(|step| match &step.kind {
            StepKind::Command { end: Some(end), .. } => end.exit_code,
            _ => None,
        })
        .collect();
    assert_eq!(codes, [0, 1]);
}

fn edit(seq: u64, id: &str, status: &str) -> JournalEntry {
    let change = FileChange { path: "a.rs".into(), kind: "add".into() };
    entry(
        seq,
        RunEvent::FilesChanged { id: id.into(), changes: vec![change], status: status.into() },
    )
}

#[test]
fn begin_and_end_of_an_edit_are_one_step() {
    let failed = |timeline: &Timeline| match kinds(timeline).as_slice() {
        [StepKind::Files { failed, .. }] => Some(*failed),
        _ => None,
    };
    let mut edits = timeline(vec![edit(1, "a", "in_progress")]);
    assert_eq!(failed(&edits), Some(false));
    assert_eq!(edits.append(7, &[edit(2, "a", "completed")]), Touched::Steps(vec![1]));
    assert_eq!(failed(&edits), Some(false));
    let broken = timeline(vec![edit(1, "a", "in_progress"), edit(2, "a", "failed")]);
    assert_eq!(failed(&broken), Some(true));
}

#[test]
fn lines_of_output_in_a_row_are_one_block() {
    let entries = vec![output(1, "a"), output(2, ""), message(3, "x"), output(4, "c")];
    let timeline = timeline(entries);
    let kinds = kinds(&timeline);
    let StepKind::Output(block) = kinds[0] else { panic!("{kinds:?}") };
    assert_eq!((block.text().as_str(), block.n_lines(), block.last_line()), ("a\n\n", 2, "a"));
    assert!(matches!(kinds[2], StepKind::Output(block) if block.text() == "c\n"));
}

#[test]
fn an_endless_block_keeps_its_end() {
    let timeline = timeline((1..=1000).map(|seq| output(seq, &format!("line {seq}"))).collect());
    let kinds = kinds(&timeline);
    let StepKind::Output(block) = kinds[0] else { panic!("{kinds:?}") };
    assert_eq!((kinds.len(), block.lines.len(), block.n_lines()), (1, 400, 1000));
    assert_eq!(block.last_line(), "line 1000");
}

#[test]
fn a_thousand_entries_become_a_bounded_number_of_steps() {
    let timeline = timeline((1..=1000).map(|seq| message(seq, "m")).collect());
    assert_eq!(timeline.steps().count(), MAX_STEPS);
    assert_eq!(timeline.n_earlier(), 600);
    assert_eq!(timeline.step(601).map(|step| step.key), Some(601));
    assert_eq!(timeline.step(600), None);
}

#[test]
fn the_agents_bookkeeping_is_no_step() {
    let usage = Usage::default();
    let timeline = timeline(vec![
        started(1),
        entry(2, RunEvent::ThreadStarted { thread_id: "t".into() }),
        entry(3, RunEvent::TurnStarted),
        entry(4, RunEvent::UsageReported { run: usage, thread: usage }),
    ]);
    assert!(matches!(kinds(&timeline)[..], [StepKind::Started { .. }]));
    assert_eq!(timeline.last_at(), Some(Timestamp::from_millis(4000)));
}

#[test]
fn an_unknown_event_is_kept_and_named() {
    let value = json!({"type": "item.completed", "item": {"type": "web_search", "query": "x"}});
    let timeline = timeline(vec![
        entry(1, RunEvent::Raw { value }),
        entry(2, RunEvent::Raw { value: json!([1]) }),
    ]);
    let kinds = kinds(&timeline);
    assert!(
        matches!(kinds[0], StepKind::Raw { name, json } if name == "web search" && json.contains("query"))
    );
    assert!(matches!(kinds[1], StepKind::Raw { name, .. } if name == "event"));
}

#[test]
fn what_runs_when_the_run_ends_is_unfinished() {
    let timeline = timeline(vec![command(1, "a"), finished(3)]);
    let StepKind::Command { end: Some(end), .. } = kinds(&timeline)[0] else { panic!() };
    assert_eq!((end.outcome().as_str(), end.is_failure()), ("unfinished", true));
}

#[test]
fn appending_touches_only_what_changed() {
    let mut timeline = timeline(vec![started(1), command(2, "a")]);
    assert_eq!(timeline.append(7, &[command(2, "a")]), Touched::Nothing);
    let touched = timeline.append(7, &[command(2, "a"), command_end(3, "a", 0), message(4, "m")]);
    assert_eq!(touched, Touched::Steps(vec![2, 4]));
    assert_eq!(timeline.append(6, &[message(9, "old run")]), Touched::Nothing);
}

#[test]
fn a_new_run_starts_over() {
    let mut timeline = timeline(vec![started(1), message(2, "m")]);
    assert_eq!(timeline.append(8, &[started(1)]), Touched::All);
    assert_eq!((timeline.run(), timeline.steps().count()), (Some(8), 1));
}

#[test]
fn a_missing_part_is_noticed_and_caught_up() {
    let mut timeline = timeline(vec![started(1), message(2, "m")]);
    let before = timeline.clone();
    assert_eq!(timeline.append(7, &[message(5, "m")]), Touched::Gap);
    assert_eq!(timeline.append(9, &[message(5, "m")]), Touched::Gap);
    assert_eq!(timeline, before);

    let tail = |first: u64| LiveTail {
        run: Some(7),
        entries: (first..=9).map(|seq| message(seq, "m")).collect(),
    };
    assert_eq!(timeline.clone().catch_up(&tail(3)), Touched::Steps((3..=9).collect()));
    assert_eq!(timeline.catch_up(&tail(4)), Touched::All);
    assert_eq!(timeline.n_earlier(), 3);
    assert_eq!(timeline.catch_up(&tail(4)), Touched::Nothing);
    assert_eq!(timeline.catch_up(&LiveTail::default()), Touched::Nothing);
}

#[test]
fn commands_are_shown_as_typed() {
    assert_eq!(short_command("bash -lc 'cargo test -p charges'"), "cargo test -p charges");
    assert_eq!(short_command("/bin/bash -lc \"make check\""), "make check");
    assert_eq!(short_command("bash -lc 'a' && b 'c'"), "bash -lc 'a' && b 'c'");
    assert_eq!(short_command(" make "), "make");
}

#[test]
fn paths_keep_their_end() {
    assert_eq!(short_path("/home/me/code/app/src/api/mod.rs"), "…/app/src/api/mod.rs");
    assert_eq!(short_path("src/api/mod.rs"), "src/api/mod.rs");
    assert_eq!(short_path("/a/b"), "/a/b");
}

#[test]
fn code_is_found_between_backticks() {
    let parts = text_parts("Add `POST /charges` now");
    assert_eq!(
        parts,
        [
            (false, "Add ".to_owned()),
            (true, "POST /charges".to_owned()),
            (false, " now".to_owned())
        ]
    );
    assert_eq!(text_parts("a ` b"), [(false, "a ` b".to_owned())]);
    assert_eq!(text_parts("``` fence"), [(false, "``` fence".to_owned())]);
    assert_eq!(plain_headline("**Finding charges**\n\nbody", 80), "Finding charges");
}

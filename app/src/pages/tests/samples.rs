//! A repository at work, and the same in other states.

use std::collections::BTreeMap;

use car_domain::Timestamp;
use car_domain::conversation::{AgentRequest, Decision, Question, QuestionOption, RequestSubject};
use car_domain::run::{
    FileChange, JournalEntry, NoticeLevel, Outcome, RunEnd, RunEvent, RunKind, RunSummary, Usage,
};
use car_domain::todo::TodoList;
use car_domain::view::{
    Activity, Dashboard, DayTokens, LiveTail, RepoRow, RunSettings, StateView, day_of,
};

use crate::api::{RepoView, Site};

const TODO: &str = "\
- [ ] Add idempotency keys to `POST /charges`
  - [x] Store the key with the request hash
  - [x] Answer a repeated key with the first response
  - [ ] Load test with 200 parallel requests
- [ ] Expire idempotency keys after 24 hours
- [ ] Retry webhooks with exponential backoff, 6 attempts
- [ ] Write a runbook page for failed payouts
- [x] Return ISO currency minor units in every amount
- [x] Rate limit by merchant instead of by IP address
";

pub(super) fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-22T{time}Z")).expect("a time")
}

pub(super) fn state(activity: Activity) -> StateView {
    StateView {
        activity,
        since: Some(at("14:22:11")),
        detail: None,
        until: Some(at("14:41:35")),
        stop_requested: false,
        runner_pid: activity.is_active().then_some(4242),
    }
}

fn run(number: u64, item: &str, outcome: Option<Outcome>) -> RunSummary {
    let mut run = RunSummary::new(number);
    run.agent = "codex".into();
    run.item = Some(item.into());
    run.started_at = Some(at("14:22:11"));
    run.usage = Usage {
        input_tokens: 1_100_000,
        cached_input_tokens: 1_012_000,
        output_tokens: 100_000,
        reasoning_output_tokens: 20_000,
    };
    if let Some(outcome) = outcome {
        run.duration_ms = Some(848_000);
        run.finished_at = Some(at("14:21:00"));
        let reason = (outcome != Outcome::Succeeded).then(|| "cargo test still fails".to_owned());
        run.end = Some(RunEnd { outcome, exit_code: Some(1), signal: None, reason });
    }
    run
}

pub(super) fn row(id: &str, activity: Activity) -> RepoRow {
    let todo = TodoList::parse(TODO);
    RepoRow {
        id: id.into(),
        name: id.into(),
        branch: Some("main".into()),
        state: state(activity),
        todo_done: todo.n_done(),
        todo_open: todo.n_open(),
        next_item: todo.next_open().map(|item| item.text.clone()),
        last_run: Some(run(111, "Store the key", Some(Outcome::Succeeded))),
        worktree_of: None,
        tokens: DayTokens { day: day_of(at("14:40:53")), total: 2_100_000 },
        pull_request: None,
    }
}

fn request(id: &str, subject: RequestSubject, offered: Vec<Decision>) -> AgentRequest {
    AgentRequest {
        id: id.into(),
        thread_id: "thread".into(),
        turn_id: "turn".into(),
        item_id: "item".into(),
        asked_at: at("14:36:53"),
        reason: None,
        subject,
        offered,
    }
}

/// A repository whose agent wants to run a command.
pub(super) fn asking(id: &str) -> RepoRow {
    let subject = RequestSubject::Command {
        command: "cargo sqlx migrate run --source migrations".into(),
        cwd: None,
    };
    let offered = vec![Decision::Accept, Decision::AcceptForSession, Decision::Decline];
    let mut row = row(id, Activity::Approval);
    if let Some(run) = &mut row.last_run {
        run.asks = vec![request("r1", subject, offered)];
    }
    row
}

/// A repository whose agent has a question.
pub(super) fn wondering(id: &str) -> RepoRow {
    let option = |label: &str| QuestionOption { label: label.into(), description: String::new() };
    let question = Question {
        id: "place".into(),
        header: "Place".into(),
        text: "Should German pages live under `/de/` or on `de.example.org`?".into(),
        options: vec![option("Use /de/"), option("Use the subdomain")],
        allows_other: true,
        is_secret: false,
    };
    let subject = RequestSubject::Questions { questions: vec![question] };
    let mut row = row(id, Activity::Question);
    if let Some(run) = &mut row.last_run {
        run.asks = vec![request("r2", subject, vec![Decision::Answers(BTreeMap::new())])];
    }
    row
}

pub(super) fn dashboard(activity: Activity) -> Dashboard {
    let is_open = activity == Activity::Running || activity == Activity::Stalled;
    let now = "Add idempotency keys to `POST /charges`";
    let first = if is_open { None } else { Some(Outcome::Failed) };
    Dashboard {
        repo: row("payments-api", activity),
        todo: TodoList::parse(TODO).items,
        runs: vec![
            run(112, now, first),
            run(111, "Store the key with the request hash", Some(Outcome::Succeeded)),
            run(110, "Return ISO currency minor units", Some(Outcome::Succeeded)),
            run(109, "Stop counting twice", Some(Outcome::TimedOut)),
            run(108, "Rate limit by merchant", Some(Outcome::Stopped)),
        ],
        settings: RunSettings {
            agent: "codex exec --json --full-auto".into(),
            model: Some("gpt-5.1-codex".into()),
            sleep_seconds: 60,
            stop_after_runs: None,
            idle_timeout_seconds: Some(900),
        },
    }
}

pub(super) fn site(only_repo: Option<&str>, rows: Vec<RepoRow>) -> Site {
    Site {
        name: "atlas".into(),
        only_repo: only_repo.map(str::to_owned),
        rows,
        now: at("14:40:53"),
        is_open: false,
    }
}

pub(super) fn view(activity: Activity, events: Vec<RunEvent>) -> RepoView {
    let entries = events.into_iter().enumerate().map(|(index, event)| {
        let seconds = i64::try_from(index).expect("few events") * 71;
        let at = Timestamp::from_millis(at("14:22:11").as_millis() + seconds * 1000);
        JournalEntry { seq: index as u64 + 1, at, event }
    });
    let tail = LiveTail { run: Some(112), entries: entries.collect() };
    RepoView { dashboard: dashboard(activity), tail }
}

fn command(id: &str, command: &str, end: Option<(i64, &str)>) -> Vec<RunEvent> {
    let started = RunEvent::CommandStarted { id: id.into(), command: command.into() };
    let finished = end.map(|(exit_code, output)| RunEvent::CommandFinished {
        id: id.into(),
        command: command.into(),
        output: output.into(),
        output_cut_bytes: 12_000,
        exit_code: Some(exit_code),
        status: "completed".into(),
    });
    [Some(started), finished].into_iter().flatten().collect()
}

pub(super) fn message(text: &str) -> RunEvent {
    RunEvent::Message { text: text.into() }
}

pub(super) fn output(text: &str) -> RunEvent {
    RunEvent::Output { text: text.into(), cut_bytes: 0 }
}

/// A run with every kind of step.
pub(super) fn events() -> Vec<RunEvent> {
    let edit = |kind: &str, path: &str| FileChange { path: path.into(), kind: kind.into() };
    let mut events = vec![
        RunEvent::RunStarted {
            run: 112,
            kind: RunKind::Work,
            agent: "codex".into(),
            item: Some("Add idempotency keys to `POST /charges`".into()),
            prompt_chars: 24_400,
            commit: Some("b41f0e2c9d0a7e31".into()),
        },
        RunEvent::Reasoning {
            text: "**Finding where charges are created**\n\nThe handler and the store both touch the request.".into(),
        },
    ];
    events.extend(command(
        "1",
        "bash -lc 'rg -n insert src/charges'",
        Some((0, "src/charges/store.rs:88\n")),
    ));
    events.push(message("The store already opens a transaction per charge, so the key can be claimed in it. I will add a table, then change the handler, then cover parallel requests with a test."));
    events.push(RunEvent::FilesChanged {
        id: "2".into(),
        changes: vec![edit(
            "add",
            "/home/me/code/payments-api/migrations/0031_idempotency_keys.sql",
        )],
        status: "completed".into(),
    });
    events.push(RunEvent::FilesChanged {
        id: "3".into(),
        changes: vec![edit("update", "src/charges/handler.rs"), edit("delete", "src/old.rs")],
        status: "completed".into(),
    });
    events.extend(command(
        "4",
        "cargo test -p charges",
        Some((101, "running 41 tests\ntest charges::parallel ... FAILED\n")),
    ));
    events.push(RunEvent::Notice {
        level: NoticeLevel::Warning,
        text: "Reconnecting, 2 of 5".into(),
    });
    events.extend([
        output("    Checking payments-api v2.14.0"),
        output("    Finished `dev` profile in 21.4s"),
    ]);
    events.push(RunEvent::Raw { value: serde_json::json!({"item": {"type": "web_search"}}) });
    events.push(RunEvent::TodoChanged {
        done: 4,
        open: 5,
        ticked: vec!["Store the key with the request hash".into()],
    });
    events.extend(command("5", "make check", None));
    events
}

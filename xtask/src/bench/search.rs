//! Wall time of `car search` in a history of 200 000 events.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::{Summary, milliseconds, timed};

const EVENTS: u64 = 200_000;
const EVENTS_OF_RUN: u64 = 1_000;
const RUNS: usize = 20;

pub(super) fn run(car: &Path) -> Result<()> {
    let home = tempfile::tempdir().context("cannot create a directory for a repository")?;
    let root = home.path();
    timed(car, &["init", "--git-init"], root)?;
    let runs = root.join(".codex-autorunner/runs");
    fs::create_dir_all(&runs)?;
    for run in 1..=EVENTS / EVENTS_OF_RUN {
        fs::write(runs.join(format!("run-{run}.jsonl")), journal(run)?)?;
    }
    let first = timed(car, &["search", "needle*"], root)?;
    println!("car search, {EVENTS} events");
    println!("with the first index {:.0} ms", milliseconds(first));
    for words in ["needle*", "\"every event\" 4711", "event"] {
        let times =
            (0..RUNS).map(|_| timed(car, &["search", words], root)).collect::<Result<Vec<_>>>()?;
        print!("{words:<22} ");
        Summary::of(times).context("no run was measured")?.print();
    }
    Ok(())
}

/// A run that ended, so that it is read once.
fn journal(run: u64) -> Result<String> {
    let mut text = String::new();
    for seq in 1..=EVENTS_OF_RUN {
        let event = match seq {
            1 => {
                json!({"type": "run.started", "run": run, "kind": "work", "agent": "codex", "prompt_chars": 1})
            }
            EVENTS_OF_RUN => {
                json!({"type": "run.finished", "outcome": "succeeded", "exit_code": 0, "duration_ms": 1})
            }
            500 if run.is_multiple_of(50) => {
                json!({"type": "message", "text": format!("needle{run} in the hay")})
            }
            _ => json!({
                "type": "message",
                "text": format!("what every event says, number {} of run {run}, file{}.rs", run * seq, seq % 97),
            }),
        };
        let mut entry = json!({"seq": seq, "at": "2025-12-01T10:00:00Z"});
        if let (Some(entry), Some(event)) = (entry.as_object_mut(), event.as_object()) {
            entry.extend(event.clone());
        }
        writeln!(text, "{entry}")?;
    }
    Ok(text)
}

//! Wall time of `car usage`: the first reading of many session files, and each later one.
//!
//! `CAR_BENCH_SESSIONS` and `CAR_BENCH_MEGABYTES` say how many files and how much in them; the full measure is 10 000 and 5 000.
//! What the model said is a hole in each file, so that the disk need not hold it; it is read and searched like any text.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Summary, milliseconds, setting, timed};

const RUNS: usize = 20;
/// Calls of the model in a session.
const CALLS: u64 = 12;

pub(super) fn run(car: &Path) -> Result<()> {
    let files = setting("CAR_BENCH_SESSIONS", 2_000)?.max(1);
    let megabytes = setting("CAR_BENCH_MEGABYTES", 200)?;
    let home = tempfile::tempdir().context("cannot create a directory for sessions")?;
    let root = home.path();
    timed(car, &["init", "--mode", "hub"], root)?;
    for n in 0..files {
        session(root, n, files, megabytes * 1_000_000 / files)?;
    }
    let first = timed(car, &["usage"], root)?;
    println!("car usage, {files} session files, {megabytes} MB, {} calls", files * CALLS);
    println!("first index {:.0} ms", milliseconds(first));
    let again = (0..RUNS).map(|_| timed(car, &["usage"], root)).collect::<Result<Vec<_>>>()?;
    Summary::of(again).context("no run was measured")?.print();
    Ok(())
}

/// Writes session number `n`: spread over 300 days, of `bytes` bytes.
fn session(home: &Path, n: u64, all: u64, bytes: u64) -> Result<()> {
    let day = n * 300 / all;
    let (month, day) = (1 + day / 28, 1 + day % 28);
    let date = format!("2025-{month:02}-{day:02}");
    let dir = home.join(".codex/sessions").join(date.replace('-', "/"));
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let thread = format!("{n:08}-0000-7000-8000-000000000000");
    let at = format!("{date}T10:00:00Z");
    let path = dir.join(format!("rollout-{date}T10-00-00-{thread}.jsonl"));
    let mut file =
        File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut line = |kind: &str, payload: Value| {
        let record = json!({"timestamp": at, "type": kind, "payload": payload});
        writeln!(file, "{record}").with_context(|| format!("cannot write {}", path.display()))
    };
    let cwd = format!("/work/project-{}", n % 20);
    line("session_meta", json!({"id": thread, "cwd": cwd}))?;
    line("turn_context", json!({"cwd": cwd, "model": format!("model-{}", n % 3)}))?;
    let tokens = |n: u64| {
        json!({
            "input_tokens": 1000 * n, "cached_input_tokens": 600 * n, "output_tokens": 50 * n,
            "reasoning_output_tokens": 20 * n, "total_tokens": 1050 * n,
        })
    };
    for call in 1..=CALLS {
        let usage = json!({
            "thread_id": thread, "usage": tokens(1), "thread_token_usage": tokens(call),
        });
        line("token_usage_record", usage)?;
        let info = json!({"total_token_usage": tokens(call), "last_token_usage": tokens(1)});
        let limits = json!({"primary": {"used_percent": call, "window_minutes": 300}});
        let payload = json!({"type": "token_count", "info": info, "rate_limits": limits});
        line("event_msg", payload)?;
    }
    // One long line, its end written behind a hole.
    let end = file.stream_position()?;
    file.seek(SeekFrom::Start(bytes.max(end + 1)))?;
    file.write_all(b"\n")?;
    Ok(())
}

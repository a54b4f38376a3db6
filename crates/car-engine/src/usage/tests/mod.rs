//! What a user may rely on when tokens are counted.

mod files;
mod questions;
mod records;
mod splits;

use std::fs;
use std::path::{Path, PathBuf};

use car_domain::usage::UsageSummary;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Refreshed, TokenUsage, UsageProgress, UsageRange};

/// A Codex home, a cache directory and a directory to work in.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().expect("temp dir") };
        fs::create_dir(home.work()).expect("dir");
        home
    }

    fn work(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("a path").join("work")
    }

    fn repos(&self) -> Vec<(String, PathBuf)> {
        vec![("work".to_owned(), self.work())]
    }

    fn codex(&self) -> PathBuf {
        self.dir.path().join("codex")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.codex().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("dirs");
        fs::write(path, text).expect("written");
    }

    fn usage(&self) -> TokenUsage {
        TokenUsage::new(&self.codex(), &self.dir.path().join("cache"))
    }

    /// Up to date, and what was used in the work directory.
    async fn summary(&self) -> UsageSummary {
        let usage = self.usage();
        refresh(&usage).await;
        let summary = usage.of_repo(&self.work(), UsageRange::default()).await.expect("summary");
        usage.close().await;
        summary
    }

    async fn total(&self) -> u64 {
        self.summary().await.totals.total_tokens
    }
}

async fn refresh(usage: &TokenUsage) {
    let (progress, _) = watch::channel(UsageProgress::default());
    let done = usage.refresh(true, &progress, &CancellationToken::new()).await.expect("refreshed");
    assert_eq!(done, Refreshed::Ready { unreadable: Vec::new() });
}

/// Input, cached input, output, reasoning; the total is input and output.
type Tokens = [u64; 4];

fn tokens([input, cached, output, reasoning]: Tokens) -> Value {
    json!({
        "input_tokens": input, "cached_input_tokens": cached, "cache_write_input_tokens": 0,
        "output_tokens": output, "reasoning_output_tokens": reasoning, "total_tokens": input + output,
    })
}

fn line(at: &str, kind: &str, payload: &Value) -> String {
    format!("{}\n", json!({"timestamp": at, "ordinal": 0, "type": kind, "payload": payload}))
}

fn meta(id: &str, cwd: &Path) -> String {
    let payload = json!({"id": id, "session_id": id, "cwd": cwd, "model_provider": "openai"});
    line("2025-12-01T09:00:00Z", "session_meta", &payload)
}

fn turn(model: &str, cwd: &Path) -> String {
    line("2025-12-01T09:00:00Z", "turn_context", &json!({"model": model, "cwd": cwd}))
}

fn count(at: &str, total: Option<Tokens>, last: Option<Tokens>) -> String {
    let info =
        json!({"total_token_usage": total.map(tokens), "last_token_usage": last.map(tokens)});
    line(at, "event_msg", &json!({"type": "token_count", "info": info, "rate_limits": null}))
}

fn record(at: &str, thread: &str, usage: Tokens, thread_total: Tokens) -> String {
    let payload = json!({
        "thread_id": thread, "usage": tokens(usage), "thread_token_usage": tokens(thread_total),
    });
    line(at, "token_usage_record", &payload)
}

const AT: &str = "2025-12-01T10:00:00Z";

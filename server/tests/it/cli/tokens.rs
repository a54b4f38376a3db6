//! `car usage`: tokens from the session files of Codex.

use std::fs;
use std::path::Path;

use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, TodoScript};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Project;

/// A Codex home with one session in `dir`: two calls on one day, one on the next.
fn home_with_a_session(dir: &Path) -> TempDir {
    let usage = |n: u64| {
        json!({
            "input_tokens": 100 * n, "cached_input_tokens": 40 * n, "output_tokens": 20 * n,
            "reasoning_output_tokens": 5 * n, "total_tokens": 120 * n,
        })
    };
    let limits = json!({
        "primary": {"used_percent": 12.5, "window_minutes": 300},
        "secondary": {"used_percent": 3.0, "window_minutes": 10080},
    });
    let count = |at: &str, n: u64| {
        let info = json!({"total_token_usage": usage(n), "last_token_usage": usage(1)});
        let payload = json!({"type": "token_count", "info": info, "rate_limits": limits});
        json!({"timestamp": at, "type": "event_msg", "payload": payload})
    };
    let context = |kind: &str, payload: Value| json!({"timestamp": "2025-12-01T09:00:00Z", "type": kind, "payload": payload});
    let lines = [
        context("session_meta", json!({"id": "t1", "cwd": dir, "model_provider": "openai"})),
        context("turn_context", json!({"cwd": dir, "model": "gpt-a"})),
        count("2025-12-01T10:00:00Z", 1),
        count("2025-12-01T11:00:00Z", 2),
        context("turn_context", json!({"cwd": dir.join("src"), "model": "gpt-b"})),
        count("2025-12-03T10:00:00Z", 3),
    ];
    let home = TempDir::with_prefix("car-codex-home-").expect("a temporary directory");
    let sessions = home.path().join("sessions/2025/12/01");
    fs::create_dir_all(&sessions).expect("directories");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(sessions.join("rollout-1.jsonl"), text).expect("written");
    home
}

#[test]
fn the_tokens_of_a_repository_are_told_as_the_original_did() {
    let project = Project::new();
    let home = home_with_a_session(project.root());
    let project = project.env(vec![("CODEX_HOME", home.path().into())]);
    let said = |args: &[&str]| {
        let args: Vec<&str> = ["usage"].iter().chain(args).copied().collect();
        project
            .car(&args)
            .exits(0)
            .to_string()
            .replace(&home.path().display().to_string(), "<home>")
    };
    insta::assert_snapshot!(said(&[]), @r"
    Repo: <repo>
    CODEX_HOME: <home>
    Totals: total=360 (input=300, cached=120, output=60, reasoning=15)
    Events counted: 3
    Latest rate limits: primary_used=12.5%/300m, secondary_used=3.0%/10080m
    [exit 0]
    ");
    insta::assert_snapshot!(said(&["--since", "2025-12-02", "--json"]), @r#"
    {
      "mode": "repo",
      "repo": "<repo>",
      "codex_home": "<home>",
      "since": "2025-12-02",
      "until": null,
      "usage": {
        "events": 1,
        "totals": {
          "input_tokens": 100,
          "cached_input_tokens": 40,
          "output_tokens": 20,
          "reasoning_output_tokens": 5,
          "total_tokens": 120
        },
        "latest_rate_limits": {
          "primary": {
            "used_percent": 12.5,
            "window_minutes": 300
          },
          "secondary": {
            "used_percent": 3.0,
            "window_minutes": 10080
          }
        },
        "parts": {
          "uncached_input": 60,
          "cached_input": 40,
          "output": 15,
          "reasoning": 5
        },
        "rate_limit_windows": [
          {
            "name": "primary",
            "used_percent": 12.5,
            "window_minutes": 300,
            "resets_at": null
          },
          {
            "name": "secondary",
            "used_percent": 3.0,
            "window_minutes": 10080,
            "resets_at": null
          }
        ]
      }
    }
    [exit 0]
    "#);
    insta::assert_snapshot!(said(&["--by", "model"]), @r"
    Repo: <repo>
    CODEX_HOME: <home>
    Totals: total=360 (input=300, cached=120, output=60, reasoning=15)
    Events counted: 3
    Latest rate limits: primary_used=12.5%/300m, secondary_used=3.0%/10080m

    MODEL  TOTAL  UNCACHED  CACHED  OUTPUT  REASONING  CALLS
    gpt-a    240       120      80      30         10      2
    gpt-b    120        60      40      15          5      1
    [exit 0]
    ");
    insta::assert_snapshot!(said(&["--series", "day", "--segment", "part"]), @r"
    Repo: <repo>
    CODEX_HOME: <home>
    Totals: total=360 (input=300, cached=120, output=60, reasoning=15)
    Events counted: 3
    Latest rate limits: primary_used=12.5%/300m, secondary_used=3.0%/10080m

    DAY         UNCACHED_INPUT  CACHED_INPUT  OUTPUT  REASONING
    2025-12-01             120            80      30         10
    2025-12-02               0             0       0          0
    2025-12-03              60            40      15          5
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["usage", "--since", "soon"]), @r"
    ! error: Use ISO timestamps such as 2025-12-01 or 2025-12-01T12:00Z
    ! hint: `soon` is none
    [exit 1]
    ");
    insta::assert_snapshot!(project.car(&["usage", "--series", "day", "--segment", "x"]), @r"
    ! error: Unsupported segment: x
    ! hint: choose one of none, model, token_type, model_token, part, model_part
    [exit 1]
    ");
}

#[test]
fn the_tokens_of_a_hub_are_those_of_its_repositories() {
    let hub = Project::bare();
    hub.car(&["init", "--mode", "hub"]).exits(0);
    let one = hub.root().join("one");
    fs::create_dir_all(one.join(".git")).expect("dirs");
    hub.car_in(&one, &["init"]).exits(0);
    let home = home_with_a_session(&one);
    let hub = hub.env(vec![("CODEX_HOME", home.path().into())]);
    let said = |args: &[&str]| {
        hub.car(args).exits(0).to_string().replace(&home.path().display().to_string(), "<home>")
    };
    insta::assert_snapshot!(said(&["usage", "--path", "."]), @r"
    Hub: <repo>
    CODEX_HOME: <home>
    Repos: 1
    - one: total=360 (input=300, cached=120, output=60, reasoning=15) events=3
    [exit 0]
    ");
    insta::assert_snapshot!(said(&["usage", "--series", "week", "--segment", "repo"]), @r"
    Hub: <repo>
    CODEX_HOME: <home>
    Repos: 1
    - one: total=360 (input=300, cached=120, output=60, reasoning=15) events=3

    WEEK        ONE
    2025-12-01  360
    [exit 0]
    ");
    insta::assert_snapshot!(hub.car(&["usage", "--by", "run"]), @r"
    ! error: Runs belong to a repository.
    ! hint: name one of the hub with --repo
    [exit 1]
    ");
    fs::remove_dir_all(&one).expect("removed");
    insta::assert_snapshot!(said(&["usage"]), @r"
    Hub: <repo>
    CODEX_HOME: <home>
    Repos: 0
    - one (removed): total=360 (input=300, cached=120, output=60, reasoning=15) events=3
    [exit 0]
    ");
}

#[tokio::test]
async fn what_codex_wrote_about_a_run_is_what_the_model_reported() {
    let model = FakeModel::start(TodoScript::new(".codex-autorunner/TODO.md")).await;
    let home = CodexHome::new(model.base_url());
    let project = Project::new().env(home.env());
    project.configure(&json!({"binary": codex::binary().display().to_string()}), &json!({}));
    project.todo(&["First", "Second"]);
    project.car(&["run"]).exits(0);
    let told = project.car(&["usage", "--by", "run", "--json"]).exits(0).json();
    let mut by_run: Vec<Value> =
        told["groups"].as_array().expect("groups").iter().map(|g| g["totals"].clone()).collect();
    by_run.reverse();
    let reported: Vec<Value> = model
        .usage_reported()
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
    assert_eq!(by_run, reported);
    let sum: u64 = reported.iter().filter_map(|usage| usage["total_tokens"].as_u64()).sum();
    assert_eq!(told["usage"]["totals"]["total_tokens"], sum);
    let models = project.car(&["usage", "--by", "model", "--json"]).exits(0).json();
    assert_eq!(models["groups"][0]["key"], "fake-model");
}

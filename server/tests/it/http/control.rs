//! Starting, stopping and killing a loop over HTTP.

use car_domain::run::Outcome;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use super::Served;
use crate::support::{Project, Tree, shell_agent};

#[tokio::test]
async fn of_many_starts_at_once_one_wins_and_a_kill_leaves_nothing_at_work() {
    let project = Project::with_agent(&shell_agent(Tree::STUBBORN), &["One"]);
    let served = Served::start(&project);
    let starts = (0..4).map(|_| served.post("/api/run/start", json!({})));
    let answers = join_all(starts).await;
    let (won, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(status, _)| *status == StatusCode::OK);
    assert_eq!((won.len(), refused.len()), (1, 3), "{won:?} {refused:?}");
    assert_eq!((&won[0].1["running"], &won[0].1["once"]), (&json!(true), &json!(false)));
    for (status, problem) in &refused {
        assert_eq!(*status, StatusCode::CONFLICT, "{problem}");
    }
    let state = served.get("/api/state").await;
    assert_eq!(
        (&state["running"], &state["status"], &state["runner_pid"]),
        (&json!(true), &json!("running"), &won[0].1["runner_pid"])
    );
    let tree = Tree::of(project.root());
    let (status, problem) = served.post("/api/run/reset", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["detail"], "Cannot reset while runner is active");
    let (_, stopped) = served.post("/api/run/stop", json!({})).await;
    assert_eq!(stopped["running"], true, "it stops after its run");
    assert_eq!(served.get("/api/state").await["stop_requested"], true);

    let (status, killed) = served.post("/api/run/kill", json!({})).await;
    assert_eq!((status, &killed["running"]), (StatusCode::OK, &json!(false)));
    assert_eq!(killed["killed_pid"], won[0].1["runner_pid"]);
    assert_eq!(tree.left(), [""; 0], "nothing outlives the answer");
    let run = served.get("/api/runs/1").await;
    assert_eq!(run["outcome"], Outcome::Stopped.name());
    assert_eq!(served.get("/api/state").await["last_exit_code"], 137);
    assert_eq!(project.of_runs("run"), ["1"]);

    std::fs::remove_dir_all(project.root().join("pids")).expect("of the first tree");
    let (status, again) = served.post("/api/run/resume", json!({"once": true})).await;
    assert_eq!((status, &again["once"]), (StatusCode::OK, &json!(true)), "at once: {again}");
    let tree = Tree::of(project.root());
    let (_, stopped) = served.post("/api/run/stop", json!({"now": true})).await;
    assert_eq!(stopped["running"], false);
    tree.until_gone();
    let left: Vec<_> = std::fs::read_dir(project.path("runs"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "no start leaves anything but its run");
    served.end();
}

#[tokio::test]
async fn a_loop_whose_configuration_is_wrong_is_not_started_and_one_learns_why() {
    let project = Project::with_agent(&shell_agent("exit 0"), &["One"]);
    let served = Served::start(&project);
    project.write("config.yml", "version: 2\nmode: repo\nrunner: {sleep_seconds: soon}\n");
    let (status, problem) = served.post("/api/run/start", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"].as_str().expect("text").contains("runner.sleep_seconds"),
        "{problem}"
    );
    // Repaired, it works at once.
    project.configure(&shell_agent("exit 0"), &json!({}));
    let (status, started) = served.post("/api/run/start", json!({"once": true})).await;
    assert_eq!(status, StatusCode::OK, "{started}");
    served.end();
}

//! What a run changed, and the way back, over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Served;
use crate::support::{Project, shell_agent};

#[tokio::test]
async fn a_run_is_shown_undone_and_done_again() {
    let agent = "echo more >> README.md; echo fresh > new; rm old";
    let project = Project::with_agent(&shell_agent(agent), &["One"]);
    project.repo().write("old", "old\n");
    project.repo().git(&["add", "old"]);
    project.repo().git(&["commit", "--quiet", "--message=Add old"]);
    project.car(&["once"]).exits(0);
    let served = Served::start(&project);

    let runs = served.get("/api/runs").await;
    assert_eq!(
        runs["runs"][0]["changes"],
        json!({"files": 3, "insertions": 2, "deletions": 1}),
        "{runs}"
    );
    let diff = served.get("/api/runs/1/diff").await;
    assert_eq!(diff["changes"], runs["runs"][0]["changes"]);
    assert_eq!(
        (diff["files"].as_array().map(Vec::len), &diff["patch_truncated"]),
        (Some(3), &json!(false))
    );
    assert!(diff["patch"].as_str().expect("text").contains("+fresh"));
    let part = served.get("/api/runs/1/diff?path=old").await;
    assert_eq!(part["files"][0]["change"], "deleted");
    assert!(!part["patch"].as_str().expect("text").contains("fresh"));
    for odd in ["../outside", "/etc/passwd"] {
        let path = format!("/api/runs/1/diff?path={odd}");
        assert_eq!(served.ask(Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
    }

    let (_, preview) = served.post("/api/undo", json!({"run": 1, "dry_run": true})).await;
    assert_eq!(preview["written"], json!(["README.md", "old"]));
    assert_eq!(preview["deleted"], json!(["new"]));
    assert_eq!(project.repo().read("new"), "fresh\n", "only looked");
    project.repo().write("new", "mine\n");
    let (status, refused) = served.post("/api/undo", json!({"run": 1})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["detail"].as_str().expect("text").contains("new"), "{refused}");
    let (status, undone) =
        served.post("/api/undo", json!({"run": 1, "overwrite_later": true})).await;
    assert_eq!((status, &undone["changed_since"]), (StatusCode::OK, &json!(["new"])));
    assert_eq!(project.repo().read("old"), "old\n");
    assert!(!project.root().join("new").exists());
    let (status, _) = served.post("/api/redo", json!({"run": 1})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(project.repo().read("new"), "mine\n", "what was overwritten was kept");

    let names = served.get("/api/checkpoints").await;
    assert_eq!(names["checkpoints"][0]["run"], 1, "{names}");
    let restore = json!({"run": 1, "stage": "before"});
    let (_, restored) = served.post("/api/checkpoints/restore", restore.clone()).await;
    let path = restored["path"].as_str().expect("a path");
    assert_eq!(project.repo().read(&format!("{path}/old")), "old\n");
    assert_eq!(served.post("/api/checkpoints/restore", restore).await.0, StatusCode::CONFLICT);
    served.end();
}

//! What a hub of repositories answers.

use axum::body::Body;
use axum::http::StatusCode;
use car_engine::{InitMode, init};
use car_testkit::repo::TempRepo;
use serde_json::{Value, json};

use super::{Web, request};

struct HubWeb {
    web: Web,
    root: std::path::PathBuf,
}

impl HubWeb {
    /// A hub without repositories; nobody has to log in.
    async fn new() -> Self {
        let repo = TempRepo::new();
        init(repo.path(), InitMode::Hub, false, false).await.expect("initialised");
        let root = repo.path().to_path_buf();
        Self { web: Web::serving(repo, Vec::new(), false, ""), root }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.web.get(path).await;
        (answer.status, serde_json::from_str(&answer.text).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let ask = request("POST", path).header("content-type", "application/json");
        let answer = self.web.ask(ask.body(Body::from(body.to_string())).expect("valid")).await;
        (answer.status, serde_json::from_str(&answer.text).unwrap_or(Value::Null))
    }

    /// The list's entry of this repository.
    async fn listed(&self, id: &str) -> Value {
        let (status, list) = self.get("/hub/repos").await;
        assert_eq!(status, StatusCode::OK, "{list}");
        let repos = list["repos"].as_array().expect("a list");
        repos.iter().find(|repo| repo["id"] == id).cloned().unwrap_or(Value::Null)
    }

    /// How the repository itself answers.
    async fn served(&self, id: &str) -> StatusCode {
        self.get(&format!("/repos/{id}/api/docs")).await.0
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.join(path), text).expect("write");
    }
}

const CONFIG: &str = "a/.codex-autorunner/config.yml";

#[tokio::test]
async fn a_new_repository_is_listed_as_the_original_lists_it_and_served_at_once() {
    let hub = HubWeb::new().await;
    assert_eq!(hub.served("a").await, StatusCode::NOT_FOUND);
    let (status, made) = hub.post("/hub/repos", json!({ "id": "a" })).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let expected = json!({
        "id": "a", "path": "a", "display_name": "a", "enabled": true, "auto_run": false,
        "kind": "base", "worktree_of": null, "branch": null, "exists_on_disk": true,
        "initialized": true, "init_error": null, "status": "idle", "lock_status": "unlocked",
        "last_run_id": null, "last_run_started_at": null, "last_run_finished_at": null,
        "last_exit_code": null, "runner_pid": null, "mounted": true, "activity": "idle",
    });
    assert_eq!(made, expected);
    assert_eq!(hub.listed("a").await, expected);
    assert_eq!(hub.served("a").await, StatusCode::OK);
}

#[tokio::test]
async fn a_removed_repository_is_gone_at_once_however_that_happened() {
    let hub = HubWeb::new().await;
    for id in ["a", "b"] {
        hub.post("/hub/repos", json!({ "repo_id": id })).await;
        assert_eq!(hub.served(id).await, StatusCode::OK);
    }
    let (status, done) = hub.post("/hub/repos/a/remove", json!({ "force": true })).await;
    assert_eq!((status, &done["status"]), (StatusCode::OK, &json!("ok")), "{done}");
    assert_eq!(hub.served("a").await, StatusCode::NOT_FOUND);
    assert_eq!(hub.listed("a").await, Value::Null);
    std::fs::rename(hub.root.join("b"), hub.root.parent().expect("a parent").join("elsewhere"))
        .expect("moved");
    assert_eq!(hub.served("b").await, StatusCode::NOT_FOUND);
    assert_eq!(hub.listed("b").await["status"], "missing");
    assert_eq!(hub.listed("b").await["mounted"], false);
    std::fs::rename(hub.root.parent().expect("a parent").join("elsewhere"), hub.root.join("b"))
        .expect("moved back");
    assert_eq!(hub.served("b").await, StatusCode::OK);
}

#[tokio::test]
async fn a_broken_repository_says_why_and_works_as_soon_as_it_is_repaired() {
    let hub = HubWeb::new().await;
    hub.post("/hub/repos", json!({ "repo_id": "a" })).await;
    let good = std::fs::read_to_string(hub.root.join(CONFIG)).expect("a configuration");
    hub.write(CONFIG, "mode: [\n");
    let listed = hub.listed("a").await;
    assert_eq!((&listed["mounted"], &listed["status"]), (&json!(false), &json!("init_error")));
    assert!(listed["mount_error"].as_str().is_some_and(|why| why.contains("config.yml")));
    assert_eq!(hub.served("a").await, StatusCode::CONFLICT);
    hub.write(CONFIG, &good);
    assert_eq!(hub.listed("a").await["mounted"], true);
    assert_eq!(hub.served("a").await, StatusCode::OK);
}

#[tokio::test]
async fn one_that_is_put_into_the_hub_is_served_as_soon_as_it_is_prepared() {
    let hub = HubWeb::new().await;
    std::fs::create_dir_all(hub.root.join("new/.git")).expect("dir");
    let (_, problem) = hub.get("/repos/new/api/docs").await;
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("init")), "{problem}");
    let (status, shown) = hub.post("/hub/repos/new/init", json!({})).await;
    assert_eq!((status, &shown["mounted"]), (StatusCode::OK, &json!(true)), "{shown}");
    assert_eq!(hub.served("new").await, StatusCode::OK);
    std::fs::create_dir_all(hub.root.join("other/.git")).expect("dir");
    let (_, found) = hub.post("/hub/repos/scan", json!({})).await;
    assert_eq!(found["repos"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(hub.served("other").await, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_refused_400() {
    let hub = HubWeb::new().await;
    for path in ["run", "resume", "stop", "kill", "init", "remove"] {
        let (status, problem) = hub.post(&format!("/hub/repos/x/{path}"), json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} {problem}");
    }
    for path in ["/hub/repos/x/remove-check", "/hub/jobs/x"] {
        assert_eq!(hub.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let missing = json!({ "worktreeRepoId": "x", "baseRepoId": "x", "branch": "b" });
    for path in ["/hub/worktrees/create", "/hub/worktrees/cleanup"] {
        assert_eq!(hub.post(path, missing.clone()).await.0, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(hub.post(path, json!({})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(hub.post("/hub/repos", json!({})).await.1["detail"], "Missing repo id");
    hub.post("/hub/repos", json!({ "id": "a" })).await;
    for body in [json!({ "id": "a" }), json!({ "id": "../a" }), json!({ "gitUrl": "/no/such" })] {
        let (status, problem) = hub.post("/hub/repos", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    }
    hub.write("a/mine.txt", "not committed");
    let (status, problem) = hub.post("/hub/repos/a/remove", json!({})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("conflict")));
    assert_eq!(hub.served("a").await, StatusCode::OK);
}

#[tokio::test]
async fn ending_what_does_not_run_changes_nothing() {
    let hub = HubWeb::new().await;
    hub.post("/hub/repos", json!({ "id": "a" })).await;
    let before = hub.listed("a").await;
    for action in ["kill", "stop"] {
        let (status, shown) = hub.post(&format!("/hub/repos/a/{action}"), json!({})).await;
        assert_eq!((status, &shown), (StatusCode::OK, &before), "{action}");
    }
    let (_, report) = hub.post("/hub/bulk", json!({ "action": "kill" })).await;
    assert_eq!(report["results"], json!([{ "id": "a", "ok": true, "repo": before }]));
    let several = json!({ "action": "stop", "ids": ["x", "a"] });
    let (_, report) = hub.post("/hub/bulk", several).await;
    assert_eq!(report["results"][0]["problem"]["status"], 404);
    assert_eq!(report["results"][1]["ok"], true);
}

#[tokio::test]
async fn worktrees_come_and_go() {
    let hub = HubWeb::new().await;
    hub.post("/hub/repos", json!({ "id": "a" })).await;
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(hub.root.join("a"))
            .output();
        assert!(output.expect("git").status.success(), "{args:?}");
    };
    git(&["commit", "--quiet", "--allow-empty", "-m", "First"]);
    let wanted = json!({ "baseRepoId": "a", "branch": "feat/x" });
    let (status, made) = hub.post("/hub/worktrees/create", wanted.clone()).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!((&made["id"], &made["mounted"]), (&json!("a--feat-x"), &json!(true)));
    assert_eq!((&made["worktree_of"], &made["branch"]), (&json!("a"), &json!("feat/x")));
    assert_eq!(hub.served("a--feat-x").await, StatusCode::OK);
    assert_eq!(hub.post("/hub/worktrees/create", wanted).await.0, StatusCode::BAD_REQUEST);
    let (status, _) = hub.post("/hub/worktrees/cleanup", json!({ "worktreeRepoId": "a" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a repository is no worktree");
    hub.write("worktrees/a--feat-x/mine.txt", "not committed");
    let gone = json!({ "worktreeRepoId": "a--feat-x" });
    let (status, problem) = hub.post("/hub/worktrees/cleanup", gone).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let gone = json!({ "worktreeRepoId": "a--feat-x", "force": true });
    let (status, done) = hub.post("/hub/worktrees/cleanup", gone).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!(hub.served("a--feat-x").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_job_does_the_same_in_the_background() {
    let hub = HubWeb::new().await;
    let (status, job) = hub.post("/hub/jobs/repos", json!({ "id": "a" })).await;
    assert_eq!((status, &job["kind"]), (StatusCode::OK, &json!("hub.create_repo")), "{job}");
    let id = job["job_id"].as_str().expect("an id").to_owned();
    let done = loop {
        let (_, job) = hub.get(&format!("/hub/jobs/{id}")).await;
        if job["finished_at"] != Value::Null {
            break job;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["result"], hub.listed("a").await);
    let (_, list) = hub.get("/hub/jobs").await;
    assert_eq!(list["jobs"][0]["job_id"], job["job_id"]);
    let (status, _) = hub.post(&format!("/hub/jobs/{id}/cancel"), json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "it has ended");
    let (status, _) = hub.post("/hub/jobs/repos/x/remove", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_single_repository_has_no_hub() {
    let web = Web::new().await;
    for path in ["/hub/repos", "/hub/version", "/hub/jobs"] {
        assert_eq!(web.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn looking_writes_nothing_that_is_not_new() {
    let hub = HubWeb::new().await;
    hub.post("/hub/repos", json!({ "id": "a" })).await;
    hub.listed("a").await;
    let path = hub.root.join(".codex-autorunner/hub_state.json");
    let written = || std::fs::metadata(&path).and_then(|meta| meta.modified()).expect("there");
    let before = written();
    hub.listed("a").await;
    assert_eq!(written(), before);
    let state = json!({ "status": "error", "last_run_id": 3, "last_exit_code": 1 });
    hub.write("a/.codex-autorunner/state.json", &state.to_string());
    assert_eq!(hub.listed("a").await["status"], "error");
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
    assert_eq!(kept["repos"][0]["last_run_id"], 3);
    std::fs::write(&path, "{").expect("write");
    hub.listed("a").await;
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
    assert_eq!(kept["repos"][0]["id"], "a", "a damaged file is written anew");
}

//! What somebody who uses GitHub over HTTP may rely on. `gh` is a fake, the agent a shell script.

use axum::http::StatusCode;
use car_testkit::gh::FakeGh;
use serde_json::{Value, json};

use super::Web;

const PR_FIELDS: &str = "number,url,state,isDraft,title,headRefName,baseRefName";
const ISSUE_FIELDS: &str = "number,url,title,body,state,author,labels,comments";

/// A `gh` that knows the repository `o/r` and its issue 5.
fn gh() -> FakeGh {
    let gh = FakeGh::new();
    gh.on(&["auth", "status"]);
    gh.on(&["repo", "view", "--json", "nameWithOwner,url,defaultBranchRef"]).answers(&json!({
        "nameWithOwner": "o/r", "url": "https://github.com/o/r", "defaultBranchRef": {"name": "main"},
    }));
    gh.on(&["pr", "view", "--json", PR_FIELDS]).fails(1, "no pull requests found\n");
    gh.on(&["pr", "list", "--head", "main", "--limit", "1", "--json", PR_FIELDS]).prints("[]\n");
    gh.on(&["issue", "view", "5", "--json", ISSUE_FIELDS]).answers(&json!({
        "number": 5, "url": "https://github.com/o/r/issues/5", "title": "It crashes", "state": "OPEN",
        "body": "Now", "author": {"login": "ann"}, "labels": [], "comments": [],
    }));
    gh
}

async fn web(gh: &FakeGh, agent: &str) -> Web {
    Web::with_config(&json!({
        "codex": {"binary": "sh", "args": ["-c", agent]}, "github": {"gh_path": gh.program()},
    }))
    .await
}

async fn post(web: &Web, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = web.send("POST", &format!("/api/github/{path}"), body).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn the_status_has_the_originals_shape_and_a_link_is_seen_at_once() {
    let gh = gh();
    let web = web(&gh, "").await;
    let status = web.get("/api/github/status").await.json();
    assert_eq!(status["gh"], json!({"available": true, "authenticated": true}));
    assert_eq!(status["repo"]["nameWithOwner"], "o/r");
    assert_eq!((&status["git"]["branch"], &status["link"]), (&json!("main"), &json!({})));
    let asked = gh.calls().len();
    web.get("/api/github/status").await;
    assert_eq!(gh.calls().len(), asked, "it is remembered");
    for issue in [json!(5), json!("https://github.com/o/r/issues/5")] {
        let (status, linked) = post(&web, "link-issue", &json!({"issue": issue})).await;
        assert_eq!((status, &linked["link"]["issue"]["number"]), (StatusCode::OK, &json!(5)));
    }
    let pr = web.get("/api/github/pr").await.json();
    assert_eq!((&pr["status"], &pr["pr"]), (&json!("ok"), &Value::Null));
    assert_eq!(pr["link"]["issue"]["title"], "It crashes");
}

#[tokio::test]
async fn a_reference_that_makes_no_sense_is_refused() {
    let gh = gh();
    let web = web(&gh, "").await;
    for (body, expected) in [
        (json!({"issue": "x"}), StatusCode::BAD_REQUEST),
        (json!({"issue": "https://github.com/a/b/issues/5"}), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        for path in ["link-issue", "spec/from-issue"] {
            assert_eq!(post(&web, path, &body).await.0, expected, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_spec_is_proposed_from_an_issue_and_not_written() {
    let gh = gh();
    let web = web(&gh, "echo '# Do not crash' >SPEC.md; echo 'Agent: Wrote it.'").await;
    let before = web.get("/api/docs/spec").await.json();
    let (status, said) = post(&web, "spec/from-issue", &json!({"issue": "5"})).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!((&said["kind"], &said["content"]), (&json!("spec"), &json!("# Do not crash\n")));
    assert_eq!(said["github"]["issue"]["number"], 5);
    assert_eq!(web.get("/api/docs/spec").await.json(), before);
    let pending = web.get("/api/docs/spec/chat/pending").await.json();
    assert_eq!(pending["patch"], said["patch"]);
}

#[tokio::test]
async fn an_issue_becomes_a_file_for_agents_or_it_is_said_why_not() {
    let gh = gh();
    let web = web(&gh, "").await;
    let url = "https://github.com/o/r/issues/5";
    let (status, context) = post(&web, "context", &json!({"url": url})).await;
    assert_eq!(
        (status, &context["injected"], &context["kind"]),
        (StatusCode::OK, &json!(true), &json!("issue"))
    );
    assert_eq!(context["path"], ".codex-autorunner/github_context/issue-5.md");
    let (status, other) = post(&web, "context", &json!({"url": "https://example.com/"})).await;
    assert_eq!((status, &other["injected"]), (StatusCode::OK, &json!(false)));
    assert!(other["reason"].is_string());
}

#[tokio::test]
async fn a_sync_that_cannot_be_done_says_why_before_anything_happens() {
    let gh = gh();
    let web = web(&gh, "touch asked").await;
    let none = web.get("/api/github/pr/sync").await.json();
    assert_eq!(none["status"], "none");
    assert_eq!(
        post(&web, "pr/sync", &json!({"mode": "worktree"})).await.0,
        StatusCode::BAD_REQUEST
    );
    let (status, preview) = post(&web, "pr/sync/preview", &json!({"title": "Mine"})).await;
    assert_eq!((status, &preview["title"]), (StatusCode::OK, &json!("Mine")));
    let block = &preview["blocks"][0];
    assert!(block.as_str().expect("text").starts_with("`main` is the branch"), "{block}");
    let (status, refused) = post(&web, "pr/sync", &json!({})).await;
    assert_eq!((status, &refused["detail"]), (StatusCode::CONFLICT, block));
    let (status, stale) = post(&web, "pr/sync", &json!({"version": "older"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(stale["detail"], "The repository has changed since the preview");
    let (_, nothing) = post(&web, "pr/sync/cancel", &json!({})).await;
    assert_eq!(nothing, json!({"status": "ok", "cancelled": false}));
    assert!(!web.repo().path().join("asked").exists());
}

#[tokio::test]
async fn who_is_not_logged_in_at_github_and_who_has_no_gh_learns_it() {
    let gh = FakeGh::new();
    gh.on(&["auth", "status"]).fails(1, "You are not logged into any GitHub hosts.\n");
    let web = web(&gh, "").await;
    assert_eq!(post(&web, "pr/sync", &json!({})).await.0, StatusCode::UNAUTHORIZED);
    let status = web.get("/api/github/status").await;
    assert_eq!(
        (status.status, &status.json()["gh"]["authenticated"]),
        (StatusCode::OK, &json!(false))
    );
    let without = Web::with_config(&json!({"github": {"gh_path": "/no/such/gh"}})).await;
    let (status, _) = post(&without, "link-issue", &json!({"issue": 5})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let off = Web::with_config(&json!({"github": {"enabled": false}})).await;
    assert_eq!(post(&off, "pr/sync", &json!({})).await.0, StatusCode::CONFLICT);
}

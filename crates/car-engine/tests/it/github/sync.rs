//! Previews, and syncs without an agent, against a real remote. Those with an agent are tested with the program itself.

use car_domain::github::{SyncPreview, SyncProgress, SyncResult, SyncStep};
use car_engine::github::{SyncContext, SyncRequest, cancel_sync, last_sync, sync, sync_preview};
use car_engine::runner::RunnerLock;
use car_engine::{EngineError, ErrorKind};
use car_testkit::repo::TempRepo;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{PR_FIELDS, PR_VIEW, Place, no_pull_request, pull_request};

/// On the branch `work` with one commit, and a remote that has `main`.
struct Work {
    place: Place,
    remote: TempRepo,
}

impl Work {
    fn new(mode: &str) -> Self {
        let place = Place::new(&json!({"github": {"sync_commit_mode": mode}}));
        place.is_known();
        let remote = TempRepo::new();
        remote.git(&["config", "core.bare", "true"]);
        let git = &place.git;
        git.git(&["remote", "add", "origin", remote.path().join(".git").to_str().expect("text")]);
        git.git(&["push", "--quiet", "--force", "origin", "main"]);
        git.git(&["fetch", "--quiet", "origin"]);
        git.git(&["switch", "--quiet", "--create", "work"]);
        git.write("a.txt", "one\n");
        git.git(&["add", "a.txt"]);
        git.git(&["commit", "--quiet", "--message=Add a"]);
        Self { place, remote }
    }

    async fn preview(&self) -> SyncPreview {
        self.preview_of(&SyncRequest::default()).await
    }

    async fn preview_of(&self, request: &SyncRequest) -> SyncPreview {
        sync_preview(&self.place.repo(), request).await.expect("a preview")
    }

    async fn sync(
        &self,
        preview: &SyncPreview,
    ) -> (Result<SyncResult, EngineError>, Vec<SyncStep>) {
        let (cancel, mut steps) = (CancellationToken::new(), Vec::new());
        let mut progress = |news: SyncProgress| steps.push(news.step);
        let context = SyncContext { guard: &[], cancel: &cancel, progress: &mut progress };
        let result = sync(&self.place.repo(), preview, context).await;
        (result, steps)
    }

    /// Commit of a branch at the remote.
    fn pushed(&self, branch: &str) -> String {
        self.remote.git(&["rev-parse", &format!("refs/heads/{branch}")])
    }

    fn head(&self) -> String {
        self.place.git.git(&["rev-parse", "HEAD"])
    }
}

fn created(work: &Work, draft: bool, title: &str, body: &str) {
    let title = format!("--title={title}");
    let mut args = vec!["pr", "create", "--base", "main"];
    if draft {
        args.push("--draft");
    }
    args.extend([title.as_str(), "--body-file=-"]);
    let printed = "\nhttps://github.com/o/r/pull/8\n \n";
    work.place.gh.on(&args).reads(&format!("{body}\n")).prints(printed).times(1);
}

#[tokio::test]
async fn a_preview_shows_everything_and_changes_nothing() {
    let work = Work::new("auto");
    no_pull_request(&work.place.gh, "work");
    let git = &work.place.git;
    git.write("a.txt", "two\n");
    git.write("-new", "");
    let link = json!({"issue": {"number": 5, "title": "It crashes"}});
    git.write(".codex-autorunner/github.json", &link.to_string());
    let before = work.head();
    let preview = work.preview().await;
    let mut seen = serde_json::to_value(&preview).expect("JSON");
    assert_eq!(seen["version"].as_str().map(str::len), Some(16));
    seen["version"] = Value::Null;
    let expected = json!({
        "version": null, "repo": "o/r", "branch": "work", "base": "main", "remote": "origin",
        "ahead": 1, "behind": 0, "unpushed": null, "unpulled": 0, "commits": ["Add a"],
        "files": [{"path": "a.txt", "state": ".M"}, {"path": "-new", "state": "??"}], "more_files": 0,
        "will_commit": true, "commit_message": "It crashes (#5)",
        "runs_agent": true, "agent_model": "gpt-5.1-codex-mini",
        "pr": null, "title": "It crashes", "body": "Refs #5\n\n- It crashes (#5)\n- Add a", "draft": true,
        "blocks": [], "notes": [],
    });
    assert_eq!(seen, expected);
    assert_eq!(work.head(), before);
    assert_eq!(work.preview().await.version, preview.version);
    git.write("a.txt", "six\n");
    assert_ne!(work.preview().await.version, preview.version, "another text of the same length");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_and_stops_a_sync() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    let git = &work.place.git;
    git.write("a.txt", "two\n");
    let dirty = work.preview().await;
    assert_eq!(dirty.blocks, ["Uncommitted changes present; commit them before syncing PR."]);
    let (refused, _) = work.sync(&dirty).await;
    assert_eq!(refused.expect_err("blocked").kind(), ErrorKind::Conflict);

    git.git(&["checkout", "--quiet", "--", "a.txt"]);
    git.git(&["switch", "--quiet", "--detach"]);
    let detached = work.preview().await;
    assert!(detached.blocks[0].starts_with("No branch is checked out"), "{:?}", detached.blocks);
    assert_eq!(detached.branch, "HEAD");

    no_pull_request(&work.place.gh, "main");
    git.git(&["switch", "--quiet", "main"]);
    let main = work.preview().await;
    assert!(main.blocks[0].starts_with("`main` is the branch"), "{:?}", main.blocks);

    git.git(&["switch", "--quiet", "--create", "empty"]);
    no_pull_request(&work.place.gh, "empty");
    let empty = work.preview().await;
    assert_eq!(empty.blocks, ["There is nothing to sync: `main` has every commit of `empty`"]);

    git.git(&["switch", "--quiet", "work"]);
    git.git(&["remote", "remove", "origin"]);
    let alone = work.preview().await;
    assert!(alone.blocks[0].starts_with("There is no remote"), "{:?}", alone.blocks);
    assert!(!work.place.asked().contains(&"pr create".to_owned()));
}

#[tokio::test]
async fn files_that_look_like_secrets_are_not_published() {
    let work = Work::new("auto");
    no_pull_request(&work.place.gh, "work");
    work.place.git.write("deploy/key.pem", "secret");
    let preview = work.preview().await;
    let block = "deploy/key.pem looks like a secret and would be published";
    assert!(preview.blocks[0].starts_with(block), "{:?}", preview.blocks);
}

#[tokio::test]
async fn the_branch_is_pushed_and_a_pull_request_opened_and_written_down() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    work.place.git.write(".codex-autorunner/github.json", r#"{"mine": {"b": 1, "a": 2}}"#);
    let body = format!("-starts with a dash\n{}", "x".repeat(200_000));
    let request = SyncRequest {
        title: Some("--fill `$(x)`".to_owned()),
        body: Some(body.clone()),
        draft: Some(false),
        ..SyncRequest::default()
    };
    created(&work, false, "--fill `$(x)`", &body);
    let preview = work.preview_of(&request).await;
    let (result, steps) = work.sync(&preview).await;
    let result = serde_json::to_value(result.expect("synced")).expect("JSON");
    let url = "https://github.com/o/r/pull/8";
    let pr = json!({
        "number": 8, "url": url, "state": "OPEN", "isDraft": false, "title": "--fill `$(x)`",
        "headRefName": "work", "baseRefName": "main",
    });
    let expected = json!({
        "status": "ok", "repo": "o/r", "mode": "current", "meta": {"mode": "current"}, "pr": pr,
        "created": true, "commit": null,
        "links": {"url": url, "files": format!("{url}/files"), "checks": format!("{url}/checks")},
    });
    assert_eq!(result, expected);
    let all = [
        SyncStep::Auth,
        SyncStep::Repo,
        SyncStep::Commit,
        SyncStep::Push,
        SyncStep::PullRequest,
        SyncStep::Link,
    ];
    assert_eq!(steps, all);
    assert_eq!(work.pushed("work"), work.head());
    let link = work.place.link();
    assert_eq!(
        (&link["pr"], &link["headBranch"], &link["baseBranch"]),
        (&pr, &json!("work"), &json!("main"))
    );
    assert_eq!(link["mine"], json!({"a": 2, "b": 1}));
    assert!(!work.place.git.path().join(".codex-autorunner/lock").exists());
    let job = last_sync(&work.place.repo()).expect("readable").expect("there was one");
    assert_eq!(job.progress.iter().map(|news| news.step).collect::<Vec<_>>(), all);
    assert_eq!(serde_json::to_value(job.result).expect("JSON"), result);
    assert_eq!((job.pid, job.failure), (None, None));
}

#[tokio::test]
async fn an_open_pull_request_is_kept_and_a_closed_one_is_history() {
    let work = Work::new("none");
    work.place.gh.on(&PR_VIEW).answers(&pull_request("OPEN")).times(2);
    let (result, _) = work.sync(&work.preview().await).await;
    let result = result.expect("synced");
    assert_eq!((result.created, result.pr.number), (false, Some(7)));

    let git = &work.place.git;
    git.write("b.txt", "");
    git.git(&["add", "b.txt"]);
    git.git(&["commit", "--quiet", "--message=Add b"]);
    work.place.gh.on(&PR_VIEW).answers(&pull_request("CLOSED")).times(2);
    let list = ["pr", "list", "--head", "work", "--limit", "1", "--json", PR_FIELDS];
    work.place.gh.on(&list).prints("[]").times(2);
    created(&work, true, "Work", "- Add b\n- Add a");
    let preview = work.preview().await;
    assert_eq!((preview.pr.as_ref(), preview.unpushed), (None, Some(1)));
    let (result, _) = work.sync(&preview).await;
    assert_eq!(result.expect("synced").pr.number, Some(8));
    assert_eq!(work.pushed("work"), work.head());
}

#[tokio::test]
async fn a_pull_request_of_a_stranger_with_the_same_branch_name_is_not_ours() {
    let work = Work::new("none");
    let gh = &work.place.gh;
    gh.on(&PR_VIEW).fails(1, "no pull requests found for branch \"work\"\n");
    let list = ["pr", "list", "--head", "work", "--limit", "1", "--json", PR_FIELDS];
    gh.on(&list).answers(&json!([pull_request("OPEN")]));
    let origin = ["pr", "view", "7", "--json", "isCrossRepository"];
    gh.on(&origin).answers(&json!({"isCrossRepository": true})).times(1);
    assert_eq!(work.preview().await.pr, None);
    gh.on(&origin).answers(&json!({"isCrossRepository": false}));
    assert_eq!(work.preview().await.pr.and_then(|pr| pr.number), Some(7));
}

#[tokio::test]
async fn a_repository_that_changed_since_the_preview_is_not_synced() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    let preview = work.preview().await;
    let git = &work.place.git;
    git.git(&["commit", "--quiet", "--allow-empty", "--message=Another"]);
    let (refused, steps) = work.sync(&preview).await;
    let error = refused.expect_err("stale");
    assert_eq!(error.to_string(), "The repository has changed since the preview");
    assert_eq!(steps, [SyncStep::Auth, SyncStep::Repo]);
    assert!(work.remote.git(&["branch", "--list", "work"]).is_empty());
}

#[tokio::test]
async fn the_loop_and_another_sync_keep_a_sync_away() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    let preview = work.preview().await;
    let loop_lock = RunnerLock::acquire(&work.place.repo()).expect("free");
    let (refused, steps) = work.sync(&preview).await;
    let error = refused.expect_err("refused");
    assert!(error.to_string().starts_with("The loop is at work in this repository"), "{error}");
    assert!(steps.is_empty());
    let blocked = work.preview().await;
    assert!(blocked.blocks[0].starts_with("The loop is at work here"), "{:?}", blocked.blocks);
    drop(loop_lock);

    let path = work.place.git.path().join(".codex-autorunner/github-sync.lock");
    let other = std::fs::File::options().write(true).open(path).expect("it stays");
    other.lock().expect("free");
    let (refused, _) = work.sync(&preview).await;
    let error = refused.expect_err("refused").to_string();
    assert_eq!(error, "Another sync of this repository is at work");
}

#[tokio::test]
async fn a_cancelled_sync_publishes_nothing() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    let preview = work.preview().await;
    let cancel = CancellationToken::new();
    let mut progress = |news: SyncProgress| {
        if news.step == SyncStep::Push {
            cancel.cancel();
        }
    };
    let context = SyncContext { guard: &[], cancel: &cancel, progress: &mut progress };
    let error = sync(&work.place.repo(), &preview, context).await.expect_err("cancelled");
    assert_eq!(error.to_string(), "The sync was cancelled.");
    assert!(!work.place.asked().contains(&"pr create".to_owned()));
    RunnerLock::acquire(&work.place.repo()).expect("the lock is free again");
    let job = last_sync(&work.place.repo()).expect("readable").expect("there was one");
    assert_eq!(job.failure.expect("why").message, "The sync was cancelled.");
}

#[test]
fn a_sync_that_died_is_not_shown_as_running() {
    let place = Place::new(&json!({}));
    assert_eq!(last_sync(&place.repo()).expect("readable"), None);
    let begun =
        r#"{"begun":{"process":{"pid":999999999,"start_ticks":1},"at":"2026-01-02T03:04:05Z"}}"#;
    let lines = format!("{begun}\n{{\"progress\":{{\"step\":\"push\"}}}}\n{{\"pro");
    place.git.write(".codex-autorunner/github-sync.jsonl", &lines);
    let job = last_sync(&place.repo()).expect("readable").expect("there was one");
    assert_eq!((job.pid, job.progress.len()), (None, 1));
    assert_eq!(job.failure.expect("why").message, "The sync was gone before it had finished");
    assert!(!cancel_sync(&place.repo()).expect("readable"));
}

#[tokio::test]
async fn a_mode_is_refused_as_ever() {
    let place = Place::new(&json!({}));
    let request = SyncRequest { mode: Some("worktree".to_owned()), ..SyncRequest::default() };
    let error = sync_preview(&place.repo(), &request).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = "Repo mode does not support worktrees; create a hub worktree repo instead.";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_refused_pull_request_is_told_and_the_next_sync_goes_on() {
    let work = Work::new("none");
    no_pull_request(&work.place.gh, "work");
    let create = ["pr", "create", "--base", "main", "--draft", "--title=Add a", "--body-file=-"];
    let body = "- Add a\n";
    work.place.gh.on(&create).reads(body).fails(1, "GraphQL: was submitted too quickly\n").times(1);
    let (failed, _) = work.sync(&work.preview().await).await;
    assert_eq!(failed.expect_err("limited").kind(), ErrorKind::RateLimited);
    assert_eq!(work.pushed("work"), work.head());
    created(&work, true, "Add a", "- Add a");
    let (result, _) = work.sync(&work.preview().await).await;
    assert!(result.expect("synced").created);
}

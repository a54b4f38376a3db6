//! Status: what is asked, how often, and what is shown when GitHub does not answer.

use std::time::Duration;

use car_engine::github::Github;
use serde_json::json;

use super::{PR_FIELDS, PR_VIEW, Place, REPO_VIEW, pull_request};

#[tokio::test]
async fn many_who_ask_at_once_are_one_question() {
    let place = Place::known();
    place.gh.on(&PR_VIEW).answers(&pull_request("OPEN")).times(1);
    let (github, repo) = (Github::new(), place.repo());
    let (one, two) = tokio::join!(github.status(&repo), github.pull_request(&repo));
    let (one, two) = (one.expect("a status"), two.expect("a pull request"));
    let expected = json!({
        "enabled": true,
        "gh": {"available": true, "authenticated": true},
        "repo": {"nameWithOwner": "o/r", "url": "https://github.com/o/r", "defaultBranch": "main"},
        "git": {"branch": "main", "clean": true, "is_worktree": false},
        "link": {},
        "pr": pull_request("OPEN"),
        "pr_links": {
            "url": "https://github.com/o/r/pull/7",
            "files": "https://github.com/o/r/pull/7/files",
            "checks": "https://github.com/o/r/pull/7/checks",
        },
    });
    assert_eq!(serde_json::to_value(&one).expect("JSON"), expected);
    let expected = json!({
        "status": "ok", "git": expected["git"], "pr": expected["pr"], "links": expected["pr_links"], "link": {},
    });
    assert_eq!(serde_json::to_value(&two).expect("JSON"), expected);
    assert_eq!(place.asked(), ["auth status", "repo view", "pr view"]);

    github.refresh(repo.root()).await;
    place.gh.on(&PR_VIEW).answers(&pull_request("MERGED"));
    let again = github.status(&repo).await.expect("a status");
    assert_eq!(again.pr.expect("still there").state, "MERGED");
    // The repository's name is remembered longer.
    assert_eq!(place.asked()[3..], ["auth status", "pr view"]);
}

#[tokio::test]
async fn a_switched_off_github_is_never_asked() {
    let place = Place::new(&json!({"github": {"enabled": false}}));
    let status = Github::new().status(&place.repo()).await.expect("a status");
    assert!(!status.enabled && !status.gh.available && status.repo.is_none());
    let error = car_engine::github::link_issue(&place.repo(), "5").await.expect_err("refused");
    assert_eq!(error.to_string(), "GitHub is switched off for this repository");
    let url = "https://github.com/o/r/issues/5";
    let context = car_engine::github::context_file(&place.repo(), url).await.expect("told");
    assert!(!context.injected);
    assert!(place.gh.calls().is_empty());
}

#[tokio::test]
async fn a_missing_gh_is_a_state_and_for_commands_an_error() {
    let place = Place::new(&json!({"github": {"gh_path": "/no/such/gh"}}));
    let status = Github::new().status(&place.repo()).await.expect("a status");
    assert!(status.enabled && !status.gh.available && status.problem.is_none());
    let error = car_engine::github::link_issue(&place.repo(), "5").await.expect_err("refused");
    assert_eq!(error.to_string(), "GitHub CLI (gh) not available");
    let hint = error.hint().expect("what to do");
    assert_eq!(hint, "github.gh_path is `/no/such/gh`, which is no program");
}

#[tokio::test]
async fn without_a_login_nothing_more_is_asked() {
    let place = Place::new(&json!({}));
    place.gh.on(&["auth", "status"]).fails(1, "You are not logged into any GitHub hosts.\n");
    let status = Github::new().status(&place.repo()).await.expect("a status");
    assert!(status.gh.available && !status.gh.authenticated);
    assert_eq!(place.asked(), ["auth status"]);
}

#[tokio::test]
async fn a_lost_network_is_not_taken_for_a_lost_login() {
    let place = Place::new(&json!({}));
    let said = "github.com\n  X github.com: authentication failed\n";
    place.gh.on(&["auth", "status"]).fails(1, &format!("{said}error connecting to github.com\n"));
    let status = Github::new().status(&place.repo()).await.expect("a status");
    let problem = status.problem.expect("a reason");
    assert!(problem.ends_with("; look at the network, then try again"), "{problem}");
}

#[tokio::test]
async fn a_repository_without_a_remote_on_github_is_told() {
    let place = Place::new(&json!({}));
    place.gh.on(&["auth", "status"]);
    place.gh.on(&REPO_VIEW).fails(1, "no git remotes found\n").times(1);
    let status = Github::new().status(&place.repo()).await.expect("a status");
    assert!(status.gh.authenticated && status.repo.is_none() && status.pr.is_none());
    assert_eq!(status.problem.as_deref(), Some("`gh repo view` failed: no git remotes found"));
}

#[tokio::test]
async fn after_a_failure_github_is_left_alone_and_the_old_answer_is_shown() {
    let place = Place::known();
    place.gh.on(&PR_VIEW).answers(&pull_request("OPEN")).times(1);
    let (github, repo) = (Github::new(), place.repo());
    github.status(&repo).await.expect("a status");
    // Another branch makes the answer too old to be used.
    place.git.git(&["switch", "--quiet", "--create", "other"]);
    github.refresh(repo.root()).await;
    place.gh.on(&PR_VIEW).fails(1, "HTTP 403: You have exceeded a secondary rate limit\n").times(1);
    let limited = github.status(&repo).await.expect("a status");
    let problem = limited.problem.clone().expect("a reason");
    assert!(problem.starts_with("GitHub refuses to be asked so often"), "{problem}");
    assert_eq!(limited.repo.expect("known before").name_with_owner, "o/r");
    let n_calls = place.gh.calls().len();
    github.refresh(repo.root()).await;
    let still = github.status(&repo).await.expect("a status");
    assert_eq!(still.problem, limited.problem);
    assert_eq!(place.gh.calls().len(), n_calls, "GitHub was asked again at once");
}

#[tokio::test]
async fn white_space_is_no_pull_request_and_broken_json_is_a_problem() {
    let place = Place::known();
    place.gh.on(&PR_VIEW).prints(" \n\n").times(1);
    let list = ["pr", "list", "--head", "main", "--limit", "1", "--json", PR_FIELDS];
    place.gh.on(&list).prints("\n").times(1);
    let (github, repo) = (Github::new(), place.repo());
    let status = github.status(&repo).await.expect("a status");
    assert!(status.pr.is_none() && status.problem.is_none());

    github.refresh(repo.root()).await;
    place.gh.on(&PR_VIEW).prints("{\"number\": \"seven\"}").times(1);
    let status = github.status(&repo).await.expect("a status");
    let problem = status.problem.expect("a reason");
    assert!(
        problem.starts_with("`gh pr view` answered something unexpected: number: "),
        "{problem}"
    );
}

#[tokio::test]
async fn a_gh_that_hangs_is_ended() {
    let place = Place::new(&json!({}));
    place.gh.on(&["auth", "status"]).takes(Duration::from_secs(600));
    let started = std::time::Instant::now();
    let status = Github::new().status(&place.repo()).await.expect("a status");
    assert_eq!(
        status.problem.as_deref(),
        Some(
            "`gh auth status` took longer than 10 s; look at the network and at \
             https://www.githubstatus.com, then try again"
        )
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

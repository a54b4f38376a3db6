//! What goes into a snapshot and what does not.

use std::fs;

use car_testkit::repo::TempRepo;
use tokio_util::sync::CancellationToken;

use super::*;

/// Hands over the prompt and nothing else.
const GUARD: &str =
    r#"while [ "$1" != -- ]; do shift; done; shift; read n; head -c "$n" | timeout 20 "$@""#;
const AGENT: &str = "cat > .codex-autorunner/prompt-seen; printf '# Repo Snapshot\\nkey sk-%s\\n' abcdefghijklmnopqrstuvwxyz012345";

fn repo() -> (TempRepo, Repo) {
    let temp = TempRepo::new();
    let config = serde_json::json!({"codex": {"binary": "sh", "args": ["-c", AGENT]}});
    temp.write(".codex-autorunner/config.yml", &config.to_string());
    temp.write(".codex-autorunner/.gitignore", "*");
    temp.write("src/app.py", "print(1)\n");
    temp.write("certs/server.pem", "x\n");
    temp.write("deploy/.env.production", "x\n");
    temp.git(&["add", "."]);
    temp.git(&["commit", "--quiet", "--message=More"]);
    let repo = Repo::open(temp.path()).expect("valid");
    (temp, repo)
}

async fn make_one(repo: &Repo, from_scratch: bool) -> (Snapshot, String) {
    let guard = ["sh", "-c", GUARD, "guard"].map(OsString::from);
    let made = make(repo, &guard, from_scratch, &CancellationToken::new(), &mut |_| {}).await;
    let seen = fs::read_to_string(repo.car_dir().join("prompt-seen")).expect("the agent saw it");
    (made.expect("made"), seen)
}

#[tokio::test]
async fn the_seed_is_bounded_and_secrets_stay_out() {
    let (temp, repo) = repo();
    temp.write(".env", "MY_API_KEY=hunter2hunter2\n");
    temp.write(
        ".codex-autorunner/TODO.md",
        "- [ ] use hunter2hunter2 and ghp_abcdefghijklmnopqrstuvwxyz0123456789\n",
    );
    temp.write(".codex-autorunner/SPEC.md", &"long line\n".repeat(30_000));
    let repo = Repo::open(repo.root()).expect("valid");
    let (snapshot, seen) = make_one(&repo, false).await;
    for secret in ["hunter2hunter2", "ghp_abcdef", "server.pem", ".env.production"] {
        assert!(!seen.contains(secret), "{secret} is in the prompt");
    }
    assert!(seen.contains("- src\n  - app.py"), "{seen}");
    assert!(seen.contains("Skipped excerpt"), "{seen}");
    assert!(!snapshot.content.contains("abcdefghijklmnopqrstuvwxyz"), "{}", snapshot.content);
    assert!(snapshot.content.starts_with("# Repo Snapshot\n"));
    assert_eq!(snapshot.state.branch.as_deref(), Some("main"));
    let state = fs::read_to_string(repo.car_dir().join("snapshot_state.json")).expect("written");
    let keys: serde_json::Value = serde_json::from_str(&state).expect("json");
    let keys: Vec<_> = keys.as_object().expect("a map").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "branch",
            "generated_at",
            "head_sha",
            "prompt_hash",
            "seed_bytes_read",
            "seed_file_hashes",
            "seed_hash",
            "truncated"
        ]
    );
}

#[tokio::test]
async fn a_second_one_is_an_update_that_hears_what_changed() {
    let (temp, repo) = repo();
    let (_, first) = make_one(&repo, false).await;
    assert!(!first.contains("<PREVIOUS_SNAPSHOT>"));
    assert_eq!(read(&repo).await.expect("readable").stale, None);
    temp.write("new.txt", "x");
    let (_, second) = make_one(&repo, false).await;
    assert!(second.contains("<PREVIOUS_SNAPSHOT>\n# Repo Snapshot"), "{second}");
    assert!(second.contains("git status --porcelain\n?? new.txt"), "{second}");
    temp.git(&["add", "."]);
    temp.git(&["commit", "--quiet", "--message=New"]);
    let stale = read(&repo).await.expect("readable").stale.expect("out of date");
    assert!(stale.starts_with("made at commit "), "{stale}");
    let (_, third) = make_one(&repo, false).await;
    assert!(third.contains("git diff --name-status"), "{third}");
    assert!(third.contains("A\tnew.txt"), "{third}");
    let (_, fresh) = make_one(&repo, true).await;
    assert!(!fresh.contains("<PREVIOUS_SNAPSHOT>"));
    temp.write(".codex-autorunner/TODO.md", "- [ ] other\n");
    let stale = read(&repo).await.expect("readable").stale;
    assert_eq!(stale.as_deref(), Some(".codex-autorunner/TODO.md has changed since"));
}

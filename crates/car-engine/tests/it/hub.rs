//! A hub with real git below it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use car_domain::job::JobStatus;
use car_engine::hub::{
    CloneRequest, CreateRequest, Hub, JobRequest, JobRunner, RemoveRequest, RepoStatus, Reporter,
    WorktreeRequest,
};
use car_testkit::repo::TempRepo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A hub in a directory that is gone after the test.
struct TestHub {
    hub: Hub,
    _dir: tempfile::TempDir,
}

impl TestHub {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let car = dir.path().join("hub/.codex-autorunner");
        fs::create_dir_all(&car).expect("dir");
        fs::write(car.join("config.yml"), "version: 2\nmode: hub\n").expect("write");
        let hub = Hub::open(&dir.path().join("hub"), Vec::new()).expect("a hub");
        Self { hub, _dir: dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.hub.root().join(name)
    }

    /// A repository with one commit.
    async fn with_repo(self, id: &str) -> Self {
        let request =
            CreateRequest { id: id.to_owned(), git_init: true, ..CreateRequest::default() };
        self.hub.create(&request).await.expect("created");
        let root = self.path(id);
        git(&root, &["config", "user.name", "Test"]);
        git(&root, &["config", "user.email", "test@localhost"]);
        fs::write(root.join("a"), "1").expect("write");
        git(&root, &["add", "a"]);
        git(&root, &["commit", "--quiet", "-m", "Begin"]);
        self
    }

    async fn worktree(&self, base: &str, branch: &str) -> car_engine::hub::NewWorktree {
        let request =
            WorktreeRequest { base: base.to_owned(), branch: branch.to_owned(), setup: true };
        self.hub.add_worktree(&request, &Reporter::default()).await.expect("a worktree")
    }

    /// What lies in the hub besides its own directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.hub.root()).expect("list").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != ".codex-autorunner");
        names.sort();
        names
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.path(".codex-autorunner/manifest.yml")).unwrap_or_default()
    }
}

fn git(root: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(root).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn url(repo: &TempRepo) -> String {
    format!("file://{}", repo.path().display())
}

fn clone_of(url: String) -> CloneRequest {
    CloneRequest { url, ..CloneRequest::default() }
}

const FORCE: RemoveRequest = RemoveRequest {
    force: true,
    delete_dir: true,
    delete_worktrees: true,
    delete_branch: false,
    delete_remote: false,
};

#[tokio::test]
async fn create_refuses_the_root_other_places_and_ids_that_are_none() {
    let hub = TestHub::new();
    let before = fs::read_to_string(hub.path(".codex-autorunner/config.yml")).expect("config");
    for (id, path) in [
        (".", None),
        ("..", None),
        ("a/b", None),
        ("a b", None),
        ("", None),
        ("x", Some(".")),
        ("x", Some("..")),
        ("x", Some("../x")),
        ("x", Some("/tmp/x")),
        ("x", Some(".codex-autorunner")),
    ] {
        let path = path.map(PathBuf::from);
        let request = CreateRequest { id: id.to_owned(), path, git_init: true, force: true };
        hub.hub.create(&request).await.expect_err(id);
    }
    assert_eq!(hub.names(), [""; 0]);
    assert_eq!(
        fs::read_to_string(hub.path(".codex-autorunner/config.yml")).expect("config"),
        before
    );
}

#[tokio::test]
async fn a_clone_is_prepared_listed_and_tells_its_progress() {
    let (hub, origin) = (TestHub::new(), TempRepo::new());
    let (told, heard) = std::sync::mpsc::channel();
    let reporter = Reporter::new(move |step| drop(told.send(step)));
    let request = CloneRequest { id: Some("copy".to_owned()), ..clone_of(url(&origin)) };
    let shown = hub.hub.clone_repo(&request, &reporter).await.expect("cloned");
    assert_eq!((shown.status, shown.initialized), (RepoStatus::Idle, true));
    assert!(heard.try_iter().any(|step| step.total.is_some_and(|total| total > 0)));
    assert_eq!(hub.names(), ["copy"]);
    let again = hub.hub.clone_repo(&request, &Reporter::default()).await.expect_err("taken");
    assert!(again.to_string().contains("already exists"), "{again}");
}

#[tokio::test]
async fn a_clone_that_fails_leaves_nothing_behind() {
    let hub = TestHub::new();
    for url in ["file:///no/such/repository", "--upload-pack=touch x", "ext::sh -c 'touch x'"] {
        let error = hub
            .hub
            .clone_repo(&clone_of(url.to_owned()), &Reporter::default())
            .await
            .expect_err(url);
        assert!(error.to_string().contains("git clone"), "{error}");
    }
    assert_eq!(hub.names(), [""; 0]);
    assert!(!hub.manifest().contains("path"));
}

/// Answers the first request as `answer` says, or never; the receiver hears when it was asked.
fn server(answer: &'static str) -> (String, tokio::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://me@{}/x.git", listener.local_addr().expect("address"));
    let (told, heard) = tokio::sync::mpsc::channel(8);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = told.try_send(());
            if answer.is_empty() {
                std::mem::forget(stream); // Kept open until the test's process ends.
            } else {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    (url, heard)
}

#[tokio::test]
async fn a_clone_that_would_ask_for_a_password_fails_at_once() {
    let hub = TestHub::new();
    let (url, _heard) = server(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let begun = Instant::now();
    let error =
        hub.hub.clone_repo(&clone_of(url), &Reporter::default()).await.expect_err("no password");
    assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
    assert!(error.hint().expect("a hint").contains("login"), "{error}");
    assert_eq!(hub.names(), [""; 0]);
}

#[tokio::test]
async fn a_job_that_clones_can_be_cancelled_and_leaves_nothing() {
    let hub = TestHub::new();
    let (url, mut heard) = server("");
    let tracker = TaskTracker::new();
    let jobs = JobRunner::new(hub.hub.clone(), tracker.clone(), CancellationToken::new());
    let job = jobs.submit(JobRequest::Clone(clone_of(url))).await.expect("queued");
    assert_eq!((job.kind.as_str(), job.job_id.len()), ("hub.create_repo", 32));
    heard.recv().await.expect("asked");
    jobs.cancel(&job.job_id).await.expect("cancelled");
    tracker.close();
    tracker.wait().await;
    let job = jobs.get(&job.job_id).await.expect("kept");
    assert_eq!(job.status, JobStatus::Cancelled);
    assert!(job.finished_at.is_some());
    assert_eq!(hub.names(), [""; 0]);
    jobs.cancel(&job.job_id).await.expect_err("over");
}

#[tokio::test]
async fn a_job_of_a_process_that_is_gone_is_told_as_failed() {
    let hub = TestHub::new();
    let path = hub.path(".codex-autorunner/car.db");
    let store = car_store::Jobs::open(&path).await.expect("new");
    let runner = || JobRunner::new(hub.hub.clone(), TaskTracker::new(), CancellationToken::new());
    let mut job = runner().submit(JobRequest::Scan).await.expect("queued");
    job.job_id = "f".repeat(32);
    let dead = car_domain::state::ProcessId { pid: 999_999_999, start_ticks: 1 };
    store.add(&job, dead).await.expect("added");
    let ended = runner().recover().await.expect("recovered");
    assert_eq!(ended.len(), 1, "the living one is left alone");
    let job = runner().get(&"f".repeat(32)).await.expect("kept");
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.error.expect("a reason").contains("999999999"));
}

#[tokio::test]
async fn removing_refuses_what_would_be_lost_and_restore_brings_it_back() {
    let hub = TestHub::new().with_repo("a").await;
    let silent = Reporter::default();
    let remove = |request| hub.hub.remove("a", request, &silent);
    let error = remove(RemoveRequest::default()).await.err();
    let text = error.map(|error| error.to_string());
    assert_eq!(text.as_deref(), Some("Repo has unpushed commits; use force to remove"));
    fs::write(hub.path("a/new"), "work").expect("write");
    let error = remove(RemoveRequest::default()).await.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("Repo has uncommitted changes; use force to remove"));
    let check = hub.hub.remove_check("a").await.expect("checked");
    assert_eq!(
        (check.is_clean, check.unpushed, check.changed),
        (Some(false), 1, vec!["new".into()])
    );
    let done = remove(FORCE).await.expect("removed");
    assert_eq!(hub.names(), [""; 0]);
    assert_eq!(hub.hub.list().await.expect("list").repos, []);
    let name = done.trash.expect("in the trash");
    assert!(hub.path(".codex-autorunner/trash").join(name).join("tree/new").exists());
    hub.hub.restore("a").await.expect("restored");
    assert_eq!(fs::read_to_string(hub.path("a/new")).expect("back"), "work");
    assert_eq!(hub.hub.list().await.expect("list").repos.len(), 1);
    assert_eq!(hub.hub.trash().expect("list"), []);
}

#[tokio::test]
async fn entries_that_lead_out_of_the_hub_are_never_moved() {
    let hub = TestHub::new().with_repo("a").await;
    let outside = hub.path("../outside");
    fs::create_dir_all(outside.join(".git")).expect("dir");
    std::os::unix::fs::symlink(&outside, hub.path("link")).expect("link");
    let manifest = "version: 2\nrepos:\n- {id: up, path: ../outside}\n- {id: abs, path: /usr}\n\
                    - {id: hub, path: .}\n- {id: wt, path: .codex-autorunner}\n- {id: lead, path: a/../link}\n";
    fs::write(hub.path(".codex-autorunner/manifest.yml"), manifest).expect("write");
    for id in ["up", "abs", "hub", "wt", "lead"] {
        let Err(error) = hub.hub.remove(id, FORCE, &Reporter::default()).await else {
            panic!("{id} was removed")
        };
        assert!(!error.to_string().is_empty());
    }
    assert!(outside.exists() && hub.path("link").exists());
    assert_eq!(hub.manifest(), manifest);
}

#[tokio::test]
async fn a_worktree_gets_its_files_its_setup_and_goes_with_its_branch() {
    let hub = TestHub::new().with_repo("a").await;
    let config =
        "worktrees: {copy: [.env, 'conf/*.local', link], setup: 'echo $WHO; cat .env; exit 3'}\n";
    fs::write(hub.path("a/.codex-autorunner/config.yml"), config).expect("write");
    fs::write(hub.path("a/.env"), "WHO=me\n").expect("write");
    fs::create_dir(hub.path("a/conf")).expect("dir");
    fs::write(hub.path("a/conf/x.local"), "1").expect("write");
    std::os::unix::fs::symlink("/etc/passwd", hub.path("a/link")).expect("link");
    let made = hub.worktree("a", "feat/x").await;
    assert_eq!(made.repo.id, "a--feat-x");
    assert_eq!(made.copied, [".env", "conf/x.local"]);
    let root = hub.path("worktrees/a--feat-x");
    assert!(!root.join("link").exists());
    let setup = made.setup.expect("it ran");
    assert_eq!((setup.ok, setup.exit_code), (false, Some(3)));
    assert!(fs::read_to_string(setup.log).expect("a log").contains("me\nWHO=me\n"));
    assert_eq!(made.problems.len(), 2, "{:?}", made.problems);
    assert!(hub.manifest().contains("branch: feat/x"));

    // `feat-x` would give the same id.
    assert_eq!(hub.worktree("a", "feat-x").await.repo.id, "a--feat-x-2");
    let remove = |id: &str, request| {
        let (hub, id) = (hub.hub.clone(), id.to_owned());
        async move { hub.remove(&id, request, &Reporter::default()).await }
    };
    let base = remove("a", RemoveRequest { force: true, ..RemoveRequest::default() }).await;
    assert!(base.expect_err("has worktrees").to_string().contains("has worktrees: a--feat-x"));
    remove("a--feat-x", RemoveRequest::default()).await.expect_err("untracked files");
    fs::write(root.join("a"), "staged").expect("write");
    git(&root, &["add", "a"]);
    let branch_too = RemoveRequest { delete_branch: true, delete_remote: true, ..FORCE };
    let done = remove("a--feat-x", branch_too).await.expect("removed");
    assert_eq!((done.branch_deleted, done.remote_deleted), (Some(true), Some(false)));
    assert_eq!(done.problems.len(), 1, "no remote: {:?}", done.problems);
    assert!(!root.exists());
    hub.hub.restore("a--feat-x").await.expect("restored");
    assert_eq!(git(&root, &["diff", "--cached", "--name-only"]), "a");
    assert_eq!(git(&root, &["branch", "--show-current"]), "feat/x");
}

#[tokio::test]
async fn a_worktree_is_not_made_from_names_that_are_options() {
    let hub = TestHub::new().with_repo("a").await;
    for branch in ["", "-b", "--detach", "a..b", "@{-1}"] {
        let request = WorktreeRequest { base: "a".into(), branch: branch.into(), setup: false };
        hub.hub.add_worktree(&request, &Reporter::default()).await.expect_err(branch);
    }
    let main = git(&hub.path("a"), &["branch", "--show-current"]);
    let request = WorktreeRequest { base: "a".into(), branch: main, setup: false };
    let error = hub.hub.add_worktree(&request, &Reporter::default()).await.expect_err("in use");
    assert!(error.to_string().starts_with("git worktree add failed"), "{error}");
    assert!(!hub.path("worktrees/a--main").exists() && !hub.path("worktrees/a--master").exists());
}

#[tokio::test]
async fn a_scan_prepares_what_is_found_and_writes_only_changes() {
    let hub = TestHub::new();
    for name in ["one", "t w o"] {
        fs::create_dir_all(hub.path(name).join(".git")).expect("dir");
    }
    let state = hub.hub.scan(&Reporter::default()).await.expect("scanned");
    let ids: Vec<_> = state.repos.iter().map(|repo| (repo.id.as_str(), repo.status)).collect();
    assert_eq!(ids, [("one", RepoStatus::Idle), ("t-w-o", RepoStatus::Idle)]);
    assert_eq!(
        fs::read_to_string(hub.path("one/.codex-autorunner/.gitignore")).expect("there"),
        "*"
    );
    let stamp =
        |name: &str| fs::metadata(hub.path(name)).expect("there").modified().expect("a time");
    let names = [".codex-autorunner/manifest.yml", ".codex-autorunner/hub_state.json"];
    // A time nobody writes at: two writes in a row can have the same.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in names {
        let file = fs::File::options().write(true).open(hub.path(name)).expect("there");
        file.set_modified(long_ago).expect("set");
    }
    let before = names.map(stamp);
    hub.hub.list().await.expect("listed");
    assert_eq!(names.map(stamp), before);
    fs::write(hub.path("one/.codex-autorunner/lock"), "999999999").expect("write");
    let state = hub.hub.list().await.expect("listed");
    assert_eq!(state.repos[0].status, RepoStatus::Locked);
    assert_ne!(stamp(names[1]), before[1]);
    fs::rename(hub.path("one"), hub.path("worktrees-one")).expect("moved");
    assert_eq!(hub.hub.list().await.expect("listed").repos[0].status, RepoStatus::Missing);
}

#[tokio::test]
async fn five_hundred_repositories_are_listed_fast() {
    let hub = TestHub::new();
    let mut manifest = "version: 2\nrepos:\n".to_owned();
    for n in 0..500 {
        let car = hub.path(&format!("r{n:03}/.codex-autorunner"));
        fs::create_dir_all(&car).expect("dir");
        fs::create_dir(car.with_file_name(".git")).expect("dir");
        fs::write(car.join("config.yml"), "version: 2\nmode: repo\n").expect("write");
        manifest.push_str(&format!("- {{id: r{n:03}, path: r{n:03}}}\n"));
    }
    fs::write(hub.path(".codex-autorunner/manifest.yml"), manifest).expect("write");
    let begun = Instant::now();
    let n_listed = hub.hub.list().await.expect("listed").repos.len();
    let took = begun.elapsed();
    let _ = writeln!(std::io::stderr(), "500 repositories listed in {took:?}");
    assert_eq!(n_listed, 500);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

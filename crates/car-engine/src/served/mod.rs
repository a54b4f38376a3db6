//! A served root: one repository, or a hub of them, with everything the doors ask for.
//!
//! Questions are answered from files at the time they are asked; a watcher turns changes of those files into live events.

mod cleaning;
mod hub;
mod indexing;
mod journals;
mod live;
mod look;
mod outboxes;
mod runs;
mod terminals;
mod token_usage;
mod watch;
mod work;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use car_domain::job::Job;
use car_domain::live::{LiveEvent, Topics};
use car_domain::run::RunSummary;
use car_domain::view::{
    self, Activity, Dashboard, DayTokens, LiveTail, RepoRow, RunAction, RunSettings, StateView,
};
use car_store::Jobs;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use indexing::RunIndex;
pub use live::{LiveFeed, Told};
pub use look::Pulse;
pub use token_usage::UsageReading;

use crate::config::{self, Config, Mode};
use crate::conversation::end_idle_servers;
use crate::github::{Github, LinkState};
use crate::history::History;
use crate::runner::{self, Standing, standing};
use crate::terminals::Members;
use crate::{EngineError, Repo, now};

/// Runs a dashboard lists.
const DASHBOARD_RUNS: u32 = 12;

/// The repositories of a root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    /// Root of each that is prepared for CAR, by its id.
    repos: BTreeMap<String, PathBuf>,
    /// Roots of the others.
    unprepared: Vec<PathBuf>,
    /// The repository each worktree belongs to, by the worktree's id.
    bases: BTreeMap<String, String>,
}

/// A root that is being served.
pub struct Served {
    root: PathBuf,
    config: Config,
    /// Root of each repository by its id; the configuration is read when it is needed.
    repos: RwLock<Found>,
    /// Command line of this program, to start runners with.
    program: Vec<OsString>,
    index: RunIndex,
    usage: token_usage::UsageIndexes,
    live: live::Live,
    work: work::Work,
    github: Github,
    looks: look::Looks,
    members: Members,
    watching: terminals::watching::Watching,
    jobs: OnceCell<Jobs>,
    hub: Option<hub::ServedHub>,
    /// Told when repositories were found or lost.
    repos_changed: Notify,
    /// Told when a message waits to be sent.
    outbox_changed: Notify,
}

impl Served {
    /// Opens the root `root`. Nothing is read or watched beyond its configuration until it is asked for.
    ///
    /// # Errors
    /// When the configuration is missing or wrong.
    pub fn open(root: &Path, program: Vec<OsString>) -> Result<Arc<Self>, EngineError> {
        let config = config::load(root)?;
        let repos = RwLock::new(hub::repos(root, &config)?);
        let hub = hub::open(root, &config, &program)?;
        let work = work::Work::default();
        Ok(Arc::new_cyclic(|served| Self {
            root: root.to_path_buf(),
            repos,
            hub: hub.map(|hub| hub::ServedHub::new(hub, &work, served.clone())),
            index: RunIndex::new(root),
            usage: token_usage::UsageIndexes::default(),
            live: live::Live::default(),
            work,
            github: Github::new(),
            looks: look::Looks::default(),
            members: Members::default(),
            watching: terminals::watching::Watching::default(),
            jobs: OnceCell::new(),
            repos_changed: Notify::new(),
            outbox_changed: Notify::new(),
            config,
            program,
        }))
    }

    /// Begins to watch files, to tell subscribers about changes, to send notifications and to clean up, until `cancel`.
    pub fn watch(self: &Arc<Self>, tracker: &TaskTracker, cancel: &CancellationToken) {
        watch::start(self.clone(), tracker, cancel.clone());
        outboxes::start(self.clone(), tracker, cancel.clone());
        cleaning::start(self.clone(), tracker, cancel.clone());
        work::start(self.clone(), tracker, cancel.clone());
        if let Some(max_idle) = self.config().codex.server_idle() {
            tracker.spawn(end_idle_servers(max_idle, cancel.clone()));
        }
    }

    /// Name of the root for people.
    pub fn name(&self) -> String {
        self.root
            .file_name()
            .map_or_else(|| "CAR".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Command line of this program, to start what outlives the server.
    pub fn program(&self) -> &[OsString] {
        &self.program
    }

    /// Command line of the agent's guard.
    pub fn guard(&self) -> Vec<OsString> {
        self.program.iter().cloned().chain(["agent-guard".into()]).collect()
    }

    /// What GitHub says about the repositories.
    pub fn github(&self) -> &Github {
        &self.github
    }

    /// Effective configuration of the root.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the root is a directory of repositories.
    pub fn is_hub(&self) -> bool {
        self.config.mode == Mode::Hub
    }

    /// In repo mode: id of the repository.
    pub fn only_repo(&self) -> Option<String> {
        if self.is_hub() { None } else { self.ids().into_iter().next() }
    }

    /// Ids of all repositories, in order.
    pub fn ids(&self) -> Vec<String> {
        self.repos.read().unwrap_or_else(PoisonError::into_inner).repos.keys().cloned().collect()
    }

    /// Id and root of every repository, in order.
    pub fn roots(&self) -> Vec<(String, PathBuf)> {
        let found = self.repos.read().unwrap_or_else(PoisonError::into_inner);
        found.repos.iter().map(|(id, root)| (id.clone(), root.clone())).collect()
    }

    /// The repository a worktree belongs to.
    fn base_of(&self, id: &str) -> Option<String> {
        self.repos.read().unwrap_or_else(PoisonError::into_inner).bases.get(id).cloned()
    }

    /// Roots of repositories that are not prepared for CAR.
    fn unprepared(&self) -> Vec<PathBuf> {
        self.repos.read().unwrap_or_else(PoisonError::into_inner).unprepared.clone()
    }

    /// All repositories as a hub lists them, those that need attention first.
    ///
    /// # Errors
    /// When the index fails. A repository that cannot be read is a row that says so.
    pub async fn rows(&self) -> Result<Vec<RepoRow>, EngineError> {
        self.look_for_repos().await;
        let mut rows = Vec::new();
        for id in self.ids() {
            let row = match self.dashboard(&id).await {
                Ok(dashboard) => dashboard.repo,
                Err(error) => broken_row(&id, &error),
            };
            rows.push(row);
        }
        rows.sort_by_key(|row| (row.state.activity.urgency(), row.name.to_lowercase()));
        Ok(rows)
    }

    /// Everything the dashboard of repository `id` shows.
    ///
    /// # Errors
    /// When there is no such repository or its files cannot be read.
    pub async fn dashboard(&self, id: &str) -> Result<Dashboard, EngineError> {
        let repo = self.repo(id).await?;
        let runs = self.index.newest(id, &repo, DASHBOARD_RUNS).await?;
        let day = view::day_of(now());
        let tokens = DayTokens { day, total: self.index.tokens_since(id, day).await? };
        let (id, base) = (id.to_owned(), self.base_of(id));
        blocking(move || {
            let mut dashboard = dashboard_of(id, &repo, standing(&repo)?, runs);
            dashboard.repo.worktree_of = base;
            dashboard.repo.tokens = tokens;
            dashboard.repo.pull_request = LinkState::read(&repo)?.pull_request();
            Ok(dashboard)
        })
        .await
    }

    /// The end of the newest run's journal.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn live_tail(&self, id: &str, max_entries: usize) -> Result<LiveTail, EngineError> {
        let repo = self.repo(id).await?;
        blocking(move || {
            let history = History::new(&repo);
            let Some(run) = history.runs().last().copied() else { return Ok(LiveTail::default()) };
            Ok(LiveTail { run: Some(run), entries: history.tail(run, max_entries) })
        })
        .await
    }

    /// Does what a person asked for.
    ///
    /// # Errors
    /// When the present state forbids it, or it fails.
    pub async fn act(&self, id: &str, action: RunAction) -> Result<StateView, EngineError> {
        let repo = self.repo(id).await?;
        match action {
            RunAction::Start => drop(self.start(&repo, false).await?),
            RunAction::Once => drop(self.start(&repo, true).await?),
            RunAction::Stop => {
                let repo = repo.clone();
                blocking(move || runner::stop(&repo).map(|_| ())).await?;
            }
            RunAction::Kill => drop(runner::kill(&repo).await?),
        }
        blocking(move || Ok(standing(&repo)?.view)).await
    }

    /// Starts the loop of `repo` in a process of its own, for one run or until its list is done. Returns its pid once it holds
    /// the lock.
    ///
    /// # Errors
    /// A conflict when one is at work already; what the runner says when it cannot start.
    pub async fn start(&self, repo: &Repo, once: bool) -> Result<i32, EngineError> {
        runner::start_detached(repo, &self.program, once).await
    }

    /// Follows `topics`: their present state, then every change. `after_seq` is the last journal entry the client has of the one
    /// run among them, `last_id` the id of the last event it was told when it comes back.
    ///
    /// # Errors
    /// When something it wants to follow does not exist.
    pub async fn follow(
        self: &Arc<Self>,
        topics: Topics,
        after_seq: Option<u64>,
        last_id: Option<&str>,
    ) -> Result<LiveFeed, EngineError> {
        LiveFeed::open(self.clone(), topics, after_seq, last_id).await
    }

    /// Tells everybody who follows it where a job stands.
    pub fn tell_job(&self, job: &Job) {
        self.live.publish(&LiveEvent::Job { job: Box::new(job.clone()) });
    }

    /// The job `id` of this root, when there is one.
    async fn job(&self, id: &str) -> Result<Option<Job>, EngineError> {
        let path = self.root.join(config::CAR_DIR).join("car.db");
        let jobs = self.jobs.get_or_try_init(|| async move { Jobs::open(&path).await }).await?;
        Ok(jobs.get(id).await?)
    }
}

fn dashboard_of(id: String, repo: &Repo, standing: Standing, runs: Vec<RunSummary>) -> Dashboard {
    let config = repo.config();
    let todo = standing.todo;
    let program = config.codex.binary.rsplit('/').next().unwrap_or_default();
    let agent = std::iter::once(program).chain(config.codex.args.iter().map(String::as_str));
    Dashboard {
        repo: RepoRow {
            id,
            name: repo.name(),
            branch: car_git::branch(repo.root()),
            state: standing.view,
            todo_done: todo.n_done(),
            todo_open: todo.n_open(),
            next_item: todo.next_open().map(|item| item.text.clone()),
            last_run: runs.first().cloned(),
            worktree_of: None,
            tokens: DayTokens::default(),
            pull_request: None,
        },
        todo: todo.items,
        runs,
        settings: RunSettings {
            agent: agent.collect::<Vec<_>>().join(" "),
            model: config.codex.model.clone(),
            sleep_seconds: config.runner.sleep_seconds,
            stop_after_runs: config.runner.max_runs(),
            idle_timeout_seconds: config.runner.idle_timeout().map(|limit| limit.as_secs()),
        },
    }
}

fn broken_row(id: &str, error: &EngineError) -> RepoRow {
    RepoRow {
        id: id.to_owned(),
        name: id.to_owned(),
        branch: None,
        state: StateView {
            activity: Activity::Failed,
            since: None,
            detail: Some(error.to_string()),
            until: None,
            stop_requested: false,
            runner_pid: None,
        },
        todo_done: 0,
        todo_open: 0,
        next_item: None,
        last_run: None,
        worktree_of: None,
        tokens: DayTokens::default(),
        pull_request: None,
    }
}

/// Runs file work off the async workers.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(EngineError::new(
            crate::ErrorKind::Other,
            "a background task of the server ended unexpectedly",
        )
        .with_source(error)),
    }
}

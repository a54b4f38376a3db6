//! Long work of a hub in the background: queued, told step by step, cancelled, and remembered after a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_domain::state::ProcessId;
use car_store::Jobs as Store;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use car_domain::job::Job;
use car_domain::job::{JobStatus, Progress};

use super::{CloneRequest, CreateRequest, Hub, Mounted, RemoveRequest, Reporter, WorktreeRequest};
use crate::config::CAR_DIR;
use crate::{EngineError, ErrorKind, now};

/// Jobs at work at the same time; more would only fight for the same disk and network.
const AT_ONCE: usize = 2;
/// Jobs that may wait.
const MAX_ACTIVE: usize = 32;
/// How often the progress of a job is written down.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// What a job is to do.
#[derive(Clone, Debug)]
pub enum JobRequest {
    /// Search the hub's directories.
    Scan,
    /// Make a repository.
    Create(CreateRequest),
    /// Clone a repository.
    Clone(CloneRequest),
    /// Remove a repository.
    Remove(String, RemoveRequest),
    /// Make a worktree.
    CreateWorktree(WorktreeRequest),
    /// Remove a worktree.
    CleanupWorktree(String, RemoveRequest),
}

impl JobRequest {
    /// Its name, as the original calls it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Scan => "hub.scan_repos",
            Self::Create(_) | Self::Clone(_) => "hub.create_repo",
            Self::Remove(..) => "hub.remove_repo",
            Self::CreateWorktree(_) => "hub.create_worktree",
            Self::CleanupWorktree(..) => "hub.cleanup_worktree",
        }
    }

    /// Does it. Dropping the call cancels it.
    ///
    /// # Errors
    /// What the work fails with.
    pub async fn perform(self, hub: &Hub, reporter: &Reporter) -> Result<Value, EngineError> {
        match self {
            Self::Scan => hub.scan(reporter).await.map(|found| {
                let repos: Vec<_> = found.repos.into_iter().map(Mounted::from).collect();
                json!({ "status": "ok", "last_scan_at": found.last_scan_at, "repos": repos })
            }),
            Self::Create(request) => Ok(json!(Mounted::from(hub.create(&request).await?))),
            Self::Clone(request) => {
                Ok(json!(Mounted::from(hub.clone_repo(&request, reporter).await?)))
            }
            Self::CreateWorktree(request) => {
                Ok(json!(Mounted::from(hub.add_worktree(&request, reporter).await?)))
            }
            Self::Remove(id, request) => Ok(json!(hub.remove(&id, request, reporter).await?)),
            Self::CleanupWorktree(id, request) => {
                Ok(json!(hub.remove_worktree(&id, request, reporter).await?))
            }
        }
    }
}

/// Runs jobs of a hub in this process.
#[derive(Clone)]
pub struct JobRunner {
    shared: Arc<Shared>,
}

/// Hears where a job stands, each time that changes. Called from the task that does the job, so it must be quick.
type Tell = Box<dyn Fn(&Job) + Send + Sync>;

struct Shared {
    hub: Hub,
    tell: Tell,
    store: OnceCell<Store>,
    tracker: TaskTracker,
    cancel: CancellationToken,
    turns: Semaphore,
    active: Mutex<HashMap<String, CancellationToken>>,
}

impl JobRunner {
    /// Jobs of `hub`. Their tasks belong to `tracker`; `cancel` ends them all.
    pub fn new(hub: Hub, tracker: TaskTracker, cancel: CancellationToken) -> Self {
        Self::telling(hub, tracker, cancel, |_| {})
    }

    /// As [`new`](Self::new); `tell` hears where a job stands, each time that changes, and must be quick.
    pub fn telling(
        hub: Hub,
        tracker: TaskTracker,
        cancel: CancellationToken,
        tell: impl Fn(&Job) + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                hub,
                tell: Box::new(tell),
                store: OnceCell::new(),
                tracker,
                cancel,
                turns: Semaphore::new(AT_ONCE),
                active: Mutex::default(),
            }),
        }
    }

    /// Ends jobs whose process is gone. To be called once at the start.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover(&self) -> Result<Vec<Job>, EngineError> {
        let store = self.shared.store().await?;
        let mut ended = Vec::new();
        for (mut job, owner) in store.active().await? {
            if car_agent::is_alive(owner) {
                continue;
            }
            let pid = owner.pid;
            job.status = JobStatus::Failed;
            job.finished_at = Some(now());
            job.error = Some(format!(
                "CAR (pid {pid}) ended before this was done; look at the hub and start it again"
            ));
            store.update(&job).await?;
            (self.shared.tell)(&job);
            ended.push(job);
        }
        Ok(ended)
    }

    /// Queues a job.
    ///
    /// # Errors
    /// When too many wait already, or the database fails.
    pub async fn submit(&self, request: JobRequest) -> Result<Job, EngineError> {
        let store = self.shared.store().await?;
        let job = Job {
            job_id: uuid::Uuid::now_v7().simple().to_string(),
            kind: request.kind().to_owned(),
            status: JobStatus::Queued,
            created_at: now(),
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
            progress: Progress::default(),
        };
        let cancel = self.shared.cancel.child_token();
        {
            let mut active = self.shared.active();
            if active.len() >= MAX_ACTIVE {
                let text = format!("{MAX_ACTIVE} jobs are waiting already.");
                return Err(EngineError::new(ErrorKind::RateLimited, text)
                    .with_hint("wait for one to end, or cancel one"));
            }
            active.insert(job.job_id.clone(), cancel.clone());
        }
        if let Err(error) = store.add(&job, own_process()).await {
            self.shared.active().remove(&job.job_id);
            return Err(error.into());
        }
        (self.shared.tell)(&job);
        let (shared, queued) = (self.shared.clone(), job.clone());
        self.shared.tracker.spawn(async move { shared.work(queued, request, cancel).await });
        Ok(job)
    }

    /// A job.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn get(&self, id: &str) -> Result<Job, EngineError> {
        let found = self.shared.store().await?.get(id).await?;
        found.ok_or_else(|| EngineError::not_found("Job not found"))
    }

    /// The jobs of the last hour and those that have not ended, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Job>, EngineError> {
        Ok(self.shared.store().await?.list().await?)
    }

    /// Asks a job to end; it leaves nothing half done.
    ///
    /// # Errors
    /// When there is none, it has ended, or another process does it.
    pub async fn cancel(&self, id: &str) -> Result<(), EngineError> {
        let job = self.get(id).await?;
        if !job.status.is_active() {
            let word = job.status.name();
            return Err(EngineError::conflict(format!("The job has ended already ({word}).")));
        }
        let token = self.shared.active().get(id).cloned();
        let token = token.ok_or_else(|| {
            EngineError::conflict("The job belongs to another process.")
                .with_hint("end it where it was started")
        })?;
        token.cancel();
        Ok(())
    }
}

impl Shared {
    fn active(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn store(&self) -> Result<&Store, EngineError> {
        let path = self.hub.root().join(CAR_DIR).join("car.db");
        let opened = self.store.get_or_try_init(|| async move { Store::open(&path).await }).await;
        Ok(opened?)
    }

    async fn work(&self, mut job: Job, request: JobRequest, cancel: CancellationToken) {
        let turn = tokio::select! {
            () = cancel.cancelled() => None,
            turn = self.turns.acquire() => turn.ok(),
        };
        let outcome = match &turn {
            None => None,
            Some(_) => {
                job.status = JobStatus::Running;
                job.started_at = Some(now());
                self.write_down(&job).await;
                self.perform(&mut job, request, &cancel).await
            }
        };
        job.finished_at = Some(now());
        match outcome {
            None => job.status = JobStatus::Cancelled,
            Some(Ok(result)) => {
                job.status = JobStatus::Succeeded;
                job.result = Some(result).filter(Value::is_object);
            }
            Some(Err(error)) => {
                job.status = JobStatus::Failed;
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                job.error = Some(format!("{error}{hint}"));
            }
        }
        drop(turn);
        self.write_down(&job).await;
        self.active().remove(&job.job_id);
    }

    /// Does the work; `None` when it was cancelled.
    async fn perform(
        &self,
        job: &mut Job,
        request: JobRequest,
        cancel: &CancellationToken,
    ) -> Option<Result<Value, EngineError>> {
        let (told, mut steps) = watch::channel(Progress::default());
        let reporter = Reporter::new(move |step| drop(told.send_replace(step)));
        let work = request.perform(&self.hub, &reporter);
        tokio::pin!(work);
        let mut next = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return None,
                result = &mut work => return Some(result),
                changed = async { tokio::time::sleep_until(next).await; steps.changed().await } => {
                    if changed.is_ok() {
                        job.progress = steps.borrow_and_update().clone();
                        self.write_down(job).await;
                        next = tokio::time::Instant::now() + TOLD_EVERY;
                    }
                }
            }
        }
    }

    async fn write_down(&self, job: &Job) {
        let result = match self.store().await {
            Ok(store) => store.update(job).await.map_err(EngineError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            tracing::error!(%error, job = job.job_id, "the state of a job could not be written down");
        }
        (self.tell)(job);
    }
}

fn own_process() -> ProcessId {
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    car_agent::process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 })
}

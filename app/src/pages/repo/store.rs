//! What a dashboard shows, in signals as small as what changes at once.

use car_domain::run::{JournalEntry, RunSummary};
use car_domain::todo::TodoItem;
use car_domain::view::{Activity, Dashboard, LiveTail, RunSettings, StateView};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::log::RunLog;
use crate::api::{self, RepoView};

/// The data of one dashboard. Copies are handles to the same data.
#[derive(Clone, Copy)]
pub(super) struct RepoStore {
    /// Id of the repository.
    pub id: StoredValue<String>,
    /// Name people read.
    pub name: Memo<String>,
    /// Checked-out branch.
    pub branch: Memo<Option<String>>,
    /// What it is doing, with since when and why.
    pub state: Memo<StateView>,
    /// What it is doing, in one word.
    pub activity: Memo<Activity>,
    /// All TODO items.
    pub todo: Memo<Vec<TodoItem>>,
    /// The newest runs, newest first.
    pub runs: Memo<Vec<RunSummary>>,
    /// The current or last run.
    pub last_run: Memo<Option<RunSummary>>,
    /// How it is configured to run.
    pub settings: Memo<RunSettings>,
    /// Steps of the current or last run.
    pub log: RunLog,
    /// Tells that terminals were started, have ended, or do something else.
    pub terminals_changed: Trigger,
    dashboard: RwSignal<Dashboard>,
    /// Steps of the run a page is about.
    followed: StoredValue<Option<RunLog>>,
    /// Counts what was set, so that an answer that was overtaken by an event is dropped.
    version: StoredValue<u64>,
}

impl RepoStore {
    /// Starts from what came with the page.
    pub(super) fn new(view: RepoView) -> Self {
        let id = StoredValue::new(view.dashboard.repo.id.clone());
        let dashboard = RwSignal::new(view.dashboard);
        let state = Memo::new(move |_| dashboard.with(|shown| shown.repo.state.clone()));
        let runs = Memo::new(move |_| dashboard.with(|shown| shown.runs.clone()));
        let last_run = Memo::new(move |_| {
            dashboard.with(|shown| shown.runs.first().or(shown.repo.last_run.as_ref()).cloned())
        });
        Self {
            id,
            name: Memo::new(move |_| dashboard.with(|shown| shown.repo.name.clone())),
            branch: Memo::new(move |_| dashboard.with(|shown| shown.repo.branch.clone())),
            state,
            activity: Memo::new(move |_| state.with(|state| state.activity)),
            todo: Memo::new(move |_| dashboard.with(|shown| shown.todo.clone())),
            runs,
            last_run,
            settings: Memo::new(move |_| dashboard.with(|shown| shown.settings.clone())),
            log: RunLog::new(&view.tail),
            terminals_changed: Trigger::new(),
            dashboard,
            followed: StoredValue::new(None),
            version: StoredValue::new(0),
        }
    }

    /// Takes the dashboard as it is now.
    pub(super) fn set_dashboard(self, dashboard: Dashboard) {
        self.version.try_update_value(|version| *version += 1);
        self.dashboard.try_set(dashboard);
    }

    /// Takes the state an action led to.
    pub(super) fn set_state(self, state: StateView) {
        self.version.try_update_value(|version| *version += 1);
        self.dashboard.try_update(|shown| shown.repo.state = state);
    }

    /// Takes what was added to a run's journal.
    pub(super) fn append(self, run: u64, entries: &[JournalEntry]) {
        if !self.log.append(run, entries) {
            self.refetch_tail();
        }
        let followed = self.followed.try_get_value().flatten();
        if let Some(log) = followed.filter(|log| log.run() == Some(run)) {
            // A page that missed something shows what it has; its stream reads everything anew after a gap of its own.
            log.append(run, entries);
        }
    }

    /// Forgets all steps: the repository is gone, or another one has taken its place.
    pub(super) fn clear_steps(self) {
        self.log.clear();
        if let Some(log) = self.followed.try_get_value().flatten() {
            log.clear();
        }
    }

    /// Also keeps the steps of another page's run true.
    pub(super) fn follow(self, log: RunLog) {
        self.followed.set_value(Some(log));
    }

    /// Reads everything anew.
    pub(super) fn refetch(self) {
        let version = self.version.try_get_value();
        let Some(id) = self.id.try_get_value() else { return };
        spawn_local(async move {
            // A failure shows in the connection indicator; the page stays as it was last known.
            let Ok(view) = api::read_dashboard(id).await else { return };
            if self.version.try_get_value() == version {
                self.set_dashboard(view.dashboard);
            }
            self.catch_up(&view.tail);
        });
    }

    fn refetch_tail(self) {
        let Some(id) = self.id.try_get_value() else { return };
        spawn_local(async move {
            if let Ok(tail) = api::read_tail(id).await {
                self.catch_up(&tail);
            }
        });
    }

    fn catch_up(self, tail: &LiveTail) {
        self.log.catch_up(tail);
        let followed = self.followed.try_get_value().flatten();
        if let Some(log) = followed.filter(|log| log.run() == tail.run) {
            log.catch_up(tail);
        }
    }
}

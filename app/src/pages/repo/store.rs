//! What a dashboard shows, in signals as small as what changes at once.

use std::collections::HashMap;

use car_domain::Timestamp;
use car_domain::run::{JournalEntry, RunSummary};
use car_domain::todo::TodoItem;
use car_domain::view::{Activity, Dashboard, RunSettings, StateView};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, RepoView};
use crate::components::StepCell;
use crate::timeline::{Timeline, Touched};

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
    pub cells: RwSignal<Vec<StepCell>>,
    /// Journal entries before the first of them.
    pub n_earlier: RwSignal<u64>,
    /// When the run was last heard of.
    pub last_at: RwSignal<Option<Timestamp>>,
    dashboard: RwSignal<Dashboard>,
    timeline: StoredValue<Timeline>,
    /// Counts what was set, so that an answer that was overtaken by an event is dropped.
    version: StoredValue<u64>,
}

impl RepoStore {
    /// Starts from what came with the page.
    pub(super) fn new(view: RepoView) -> Self {
        let timeline = Timeline::new(&view.tail);
        let cells = timeline.steps().map(|step| StepCell::new(timeline.run(), step.clone()));
        let cells = RwSignal::new(cells.collect());
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
            cells,
            n_earlier: RwSignal::new(timeline.n_earlier()),
            last_at: RwSignal::new(timeline.last_at()),
            dashboard,
            timeline: StoredValue::new(timeline),
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
        let touched = self.timeline.try_update_value(|timeline| timeline.append(run, entries));
        match touched {
            Some(Touched::Gap) => self.refetch_tail(),
            Some(touched) => self.show(&touched),
            None => {}
        }
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

    fn catch_up(self, tail: &car_domain::view::LiveTail) {
        let touched = self.timeline.try_update_value(|timeline| timeline.catch_up(tail));
        if let Some(touched) = touched {
            self.show(&touched);
        }
    }

    /// Brings the cells in line with the timeline, changing only what was touched.
    fn show(self, touched: &Touched) {
        let cells = match touched {
            Touched::Nothing | Touched::Gap => return,
            Touched::Steps(keys) => self.updated_cells(keys),
            Touched::All => self.timeline.try_with_value(|timeline| {
                let steps = timeline.steps();
                steps.map(|step| StepCell::new(timeline.run(), step.clone())).collect()
            }),
        };
        if let Some(cells) = cells {
            self.cells.try_set(cells);
        }
        if let Some(timeline) = self.timeline.try_get_value() {
            self.n_earlier.try_set(timeline.n_earlier());
            self.last_at.try_set(timeline.last_at());
        }
    }

    /// The cells with touched steps brought up to date and new ones behind them; nothing when the list stays as it is.
    fn updated_cells(self, keys: &[u64]) -> Option<Vec<StepCell>> {
        let mut cells = self.cells.try_get_untracked()?;
        self.timeline.try_with_value(|timeline| {
            let known: HashMap<_, _> =
                cells.iter().map(|cell| (cell.key(), cell.step.clone())).collect();
            let n_before = cells.len();
            for key in keys {
                let Some(step) = timeline.step(*key) else { continue };
                match known.get(key) {
                    Some(cell) => cell.set(step.clone()),
                    None => cells.push(StepCell::new(timeline.run(), step.clone())),
                }
            }
            let first = timeline.steps().next().map_or(0, |step| step.key);
            let n_added = cells.len() - n_before;
            let n_all = cells.len();
            cells.retain(|cell| cell.key() >= first);
            (n_added > 0 || cells.len() < n_all).then_some(cells)
        })?
    }
}

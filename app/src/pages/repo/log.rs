//! The steps of one run on a page, in signals as small as what changes at once.

use std::collections::HashMap;

use car_domain::Timestamp;
use car_domain::run::JournalEntry;
use car_domain::view::LiveTail;
use leptos::prelude::*;

use crate::components::StepCell;
use crate::timeline::{Timeline, Touched};

/// Steps that grow with their run. Copies are handles to the same data.
#[derive(Clone, Copy)]
pub(super) struct RunLog {
    /// The steps.
    pub cells: RwSignal<Vec<StepCell>>,
    /// Journal entries before the first of them.
    pub n_earlier: RwSignal<u64>,
    /// When the run was last heard of.
    pub last_at: RwSignal<Option<Timestamp>>,
    timeline: StoredValue<Timeline>,
}

impl RunLog {
    /// Starts from a part of a journal.
    pub(super) fn new(part: &LiveTail) -> Self {
        let timeline = Timeline::new(part);
        let cells = timeline.steps().map(|step| StepCell::new(timeline.run(), step.clone()));
        Self {
            cells: RwSignal::new(cells.collect()),
            n_earlier: RwSignal::new(timeline.n_earlier()),
            last_at: RwSignal::new(timeline.last_at()),
            timeline: StoredValue::new(timeline),
        }
    }

    /// The run whose steps these are.
    pub(super) fn run(self) -> Option<u64> {
        self.timeline.try_with_value(Timeline::run).flatten()
    }

    /// Takes what was added to a run's journal. False when entries before it are missing: the caller has to read them.
    pub(super) fn append(self, run: u64, entries: &[JournalEntry]) -> bool {
        let touched = self.timeline.try_update_value(|timeline| timeline.append(run, entries));
        match touched {
            Some(Touched::Gap) => return false,
            Some(touched) => self.show(&touched),
            None => {}
        }
        true
    }

    /// Forgets all steps: what comes next is another run's, even if it has the same number.
    pub(super) fn clear(self) {
        self.timeline.try_set_value(Timeline::new(&LiveTail::default()));
        self.show(&Touched::All);
    }

    /// Takes the end of the journal as it is now.
    pub(super) fn catch_up(self, tail: &LiveTail) {
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

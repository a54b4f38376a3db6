//! The repositories of the page: what the server sent with it, then what the event stream says.

use car_domain::view::RepoRow;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;

use crate::api;
use crate::base::base_path;
use crate::clock::Clock;
use crate::platform;

/// All repositories, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    base: StoredValue<Vec<RepoRow>>,
    live: RwSignal<Option<Vec<RepoRow>>>,
    /// Counts what was told, so that an answer that was overtaken by it is not believed.
    version: StoredValue<u64>,
}

impl Fleet {
    /// Puts an empty list into the context.
    pub(crate) fn provide() -> Self {
        let fleet = Self {
            base: StoredValue::default(),
            live: RwSignal::new(None),
            version: StoredValue::new(0),
        };
        provide_context(fleet);
        fleet
    }

    /// The repositories of this page.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }

    /// Takes the list that came with the page.
    pub(crate) fn seed(&self, rows: Vec<RepoRow>) {
        self.base.set_value(rows);
    }

    /// The repositories, those that need a person first.
    pub(crate) fn rows(self) -> Memo<Vec<RepoRow>> {
        // A reader that leaves while the server still writes its page takes everything with it.
        Memo::new(move |_| {
            let live = self.live.try_get().flatten();
            by_attention(live.or_else(|| self.base.try_get_value()).unwrap_or_default())
        })
    }

    /// Takes one repository's news. A stream begins with all of them, which mostly are none.
    pub(crate) fn apply(&self, row: &RepoRow) {
        let has = |rows: &Vec<RepoRow>| rows.iter().any(|known| known == row);
        let is_known = self.live.try_with_untracked(|live| match live {
            Some(rows) => has(rows),
            None => self.base.try_with_value(has).unwrap_or(false),
        });
        if is_known != Some(false) {
            return;
        }
        self.change(|rows| match rows.iter_mut().find(|known| known.id == row.id) {
            Some(known) => known.clone_from(row),
            None => rows.push(row.clone()),
        });
    }

    /// Takes one repository out of the list.
    pub(crate) fn remove(&self, id: &str) {
        self.change(|rows| rows.retain(|row| row.id != id));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<RepoRow>)) {
        let base = self.base;
        self.version.try_update_value(|version| *version += 1);
        self.live.try_update(|live| {
            change(live.get_or_insert_with(|| base.try_get_value().unwrap_or_default()));
        });
    }

    /// Keeps in the browser what the offline page shows, whenever it changes.
    pub(crate) fn keep_last_known(self) {
        let (rows, clock) = (self.rows(), Clock::get());
        let shown = Memo::new(move |_| {
            rows.with(|rows| rows.iter().take(MAX_KEPT).map(LastKnown::of).collect::<Vec<_>>())
        });
        Effect::new(move |_| {
            let rows = shown.get();
            // Before the list came with the page there is nothing to keep.
            if !rows.is_empty() {
                let last = serde_json::json!({ "at": clock.stamp(), "rows": rows });
                platform::remember(&format!("car-last-hub:{}", base_path()), &last.to_string());
            }
        });
    }

    /// Reads the list anew.
    pub(crate) fn refetch(self) {
        spawn_local(async move {
            for _ in 0..MAX_TRIES {
                let version = self.version.try_get_value();
                // A failure shows in the connection indicator; the list stays as it was last known.
                let Ok(rows) = api::read_rows().await else { return };
                if self.version.try_get_value() == version {
                    self.live.try_set(Some(rows));
                    return;
                }
            }
        });
    }
}

/// How often a list is read that was overtaken by news.
const MAX_TRIES: usize = 5;
/// Repositories the offline page shows.
const MAX_KEPT: usize = 200;

/// A repository as the offline page shows it.
#[derive(Clone, PartialEq, Serialize)]
struct LastKnown {
    name: String,
    shape: &'static str,
    word: &'static str,
    detail: String,
}

impl LastKnown {
    fn of(row: &RepoRow) -> Self {
        let activity = row.state.activity;
        let detail = row.state.detail.clone().or_else(|| row.next_item.clone());
        Self {
            name: row.name.clone(),
            shape: activity.shape(),
            word: activity.word(),
            detail: detail.unwrap_or_default(),
        }
    }
}

/// The same rows, those that need a person first, then the busy ones; by name among equals.
fn by_attention(mut rows: Vec<RepoRow>) -> Vec<RepoRow> {
    let urgency = |row: &RepoRow| row.state.activity.urgency();
    rows.sort_by(|a, b| urgency(a).cmp(&urgency(b)).then_with(|| a.name.cmp(&b.name)));
    rows
}

#[cfg(test)]
mod tests {
    use car_domain::view::{Activity, StateView};

    use super::*;

    fn row(id: &str, activity: Activity) -> RepoRow {
        let state = StateView {
            activity,
            since: None,
            detail: None,
            until: None,
            stop_requested: false,
            runner_pid: None,
        };
        RepoRow {
            id: id.into(),
            name: id.into(),
            branch: None,
            state,
            todo_done: 0,
            todo_open: 0,
            next_item: None,
            last_run: None,
            worktree_of: None,
            tokens: Default::default(),
            pull_request: None,
        }
    }

    #[test]
    fn what_needs_a_person_comes_first() {
        let rows = vec![
            row("d", Activity::Idle),
            row("b", Activity::Running),
            row("c", Activity::Stalled),
            row("a", Activity::Idle),
            row("e", Activity::Failed),
        ];
        let order: Vec<_> = by_attention(rows).into_iter().map(|row| row.id).collect();
        assert_eq!(order, ["e", "c", "b", "a", "d"]);
    }
}

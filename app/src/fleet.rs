//! The repositories of the page: what the server sent with it, then what the event stream says.

use car_domain::view::{Activity, RepoRow};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;

/// All repositories, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    base: StoredValue<Vec<RepoRow>>,
    live: RwSignal<Option<Vec<RepoRow>>>,
}

impl Fleet {
    /// Puts an empty list into the context.
    pub(crate) fn provide() -> Self {
        let fleet = Self { base: StoredValue::default(), live: RwSignal::new(None) };
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

    /// Takes one repository's news.
    pub(crate) fn apply(&self, row: &RepoRow) {
        let mut rows = self.live.try_get_untracked().flatten();
        let rows = rows.get_or_insert_with(|| self.base.try_get_value().unwrap_or_default());
        match rows.iter_mut().find(|known| known.id == row.id) {
            Some(known) => known.clone_from(row),
            None => rows.push(row.clone()),
        }
        self.live.try_set(Some(std::mem::take(rows)));
    }

    /// Takes one repository out of the list.
    pub(crate) fn remove(&self, id: &str) {
        let rows = self.live.try_get_untracked().flatten();
        let mut rows = rows.or_else(|| self.base.try_get_value()).unwrap_or_default();
        rows.retain(|row| row.id != id);
        self.live.try_set(Some(rows));
    }

    /// Reads the list anew.
    pub(crate) fn refetch(self) {
        spawn_local(async move {
            // A failure shows in the connection indicator; the list stays as it was last known.
            if let Ok(rows) = api::read_rows().await {
                self.live.try_set(Some(rows));
            }
        });
    }
}

/// Whether a person should look at this.
pub(crate) fn needs_attention(activity: Activity) -> bool {
    matches!(activity, Activity::Failed | Activity::Interrupted | Activity::Stalled)
}

/// The same rows, those that need a person first, then the busy ones; by name among equals.
fn by_attention(mut rows: Vec<RepoRow>) -> Vec<RepoRow> {
    let urgency = |row: &RepoRow| row.state.activity.urgency();
    rows.sort_by(|a, b| urgency(a).cmp(&urgency(b)).then_with(|| a.name.cmp(&b.name)));
    rows
}

#[cfg(test)]
mod tests {
    use car_domain::view::StateView;

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

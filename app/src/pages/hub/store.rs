//! What the parts of the hub share: the rows, how they are looked at, and what can be done with them.

use std::collections::BTreeSet;
use std::time::Duration;

use car_domain::Timestamp;
use car_domain::view::{RepoRow, RunAction};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::arrange::{Line, arrange};
use super::jobs::HubJobs;
use super::query::{HubQuery, Sort};
use crate::api::{AnswerAsk, BulkAction, RunActionRequest};
use crate::base::at;
use crate::clock::Clock;
use crate::components::Toasts;
use crate::fleet::Fleet;
use crate::platform;

/// The hub of this page. Copies are handles to the same data.
#[derive(Clone, Copy)]
pub(super) struct HubStore {
    /// All repositories, those that need a person first.
    pub rows: Memo<Vec<RepoRow>>,
    /// How they are looked at.
    pub query: Memo<HubQuery>,
    /// The lines of that view.
    pub lines: Memo<Vec<Line>>,
    /// Starts, stops or ends one loop.
    pub run: ServerAction<RunActionRequest>,
    /// The same with those that are selected.
    pub bulk: ServerAction<BulkAction>,
    /// Decides about what an agent asks.
    pub answer: ServerAction<AnswerAsk>,
    /// Work in the background.
    pub jobs: HubJobs,
    /// Ids of those that are selected.
    pub selected: RwSignal<BTreeSet<String>>,
    navigate: Callback<(String, bool)>,
}

impl HubStore {
    /// The hub of this page.
    pub(super) fn new(jobs: HubJobs) -> Self {
        let rows = Fleet::get().rows();
        let map = use_query_map();
        let query = Memo::new(move |_| HubQuery::read(&map.read()));
        let view = Memo::new(move |_| query.with(HubQuery::alone));
        let clock = Clock::get();
        let lines = Memo::new(move |_| {
            let query = view.get();
            let now = match query.sort {
                Sort::Tokens => clock.about_now(),
                _ => Timestamp::from_millis(0),
            };
            rows.with(|rows| arrange(rows, &query, now))
        });
        let go = use_navigate();
        let navigate = Callback::new(move |(path, replace): (String, bool)| {
            let options = NavigateOptions {
                resolve: false,
                replace,
                scroll: false,
                ..NavigateOptions::default()
            };
            go(&at(&path), options);
        });
        let hub = Self {
            rows,
            query,
            lines,
            run: ServerAction::new(),
            bulk: ServerAction::new(),
            answer: ServerAction::new(),
            jobs,
            selected: RwSignal::default(),
            navigate,
        };
        hub.tell();
        hub
    }

    /// Looks at the hub in another way.
    pub(super) fn go(self, query: &HubQuery, replace: bool) {
        self.navigate.run((query.path(), replace));
    }

    /// Takes away what lies over the page.
    pub(super) fn close(self) {
        let query = self.query.get_untracked();
        if query.over.is_some() {
            self.go(&query.alone(), true);
        }
    }

    /// One repository as it is now; as it was when it is gone.
    pub(super) fn row(self, first: RepoRow) -> Memo<RepoRow> {
        let id = first.id.clone();
        Memo::new(move |known: Option<&RepoRow>| {
            let found = self.rows.with(|rows| rows.iter().find(|row| row.id == id).cloned());
            found.or_else(|| known.cloned()).unwrap_or_else(|| first.clone())
        })
    }

    /// Whether an action with this repository is on its way.
    pub(super) fn is_busy(self, id: &str, verb: RunAction) -> bool {
        self.run.input().with(|input| {
            input.as_ref().is_some_and(|input| input.repo == id && input.verb == verb)
        })
    }

    /// Says what went wrong, and tidies up after what went well.
    fn tell(self) {
        let toasts = Toasts::get();
        Effect::new(move |_| match self.run.value().get() {
            Some(Ok(_)) => self.close(),
            Some(Err(error)) => {
                self.close();
                toasts.error(error);
            }
            None => {}
        });
        Effect::new(move |_| match self.bulk.value().get() {
            Some(Ok(())) => self.selected.set(BTreeSet::new()),
            Some(Err(error)) => toasts.error(error),
            None => {}
        });
        Effect::new(move |_| match self.answer.value().get() {
            // The request goes with the next word of the stream, and the focus with it.
            Some(Ok(())) => {
                platform::after(Duration::from_millis(300), || platform::focus_if_lost("needs"));
            }
            Some(Err(error)) => toasts.error(error),
            None => {}
        });
        Effect::new(move |was_over: Option<bool>| {
            let is_over = self.query.with(|query| query.over.is_some());
            if was_over == Some(true) && !is_over {
                platform::return_focus();
            }
            is_over
        });
    }
}

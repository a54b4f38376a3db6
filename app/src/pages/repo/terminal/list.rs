//! The terminals of a repository as the parts of its page share them.

use car_domain::terminal::Terminal;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::base::at;
use crate::platform::encode_segment;
use crate::routes::terminal_path;

use super::super::frame::RepoContext;

/// All terminals of the repository, and where they are. Copies are handles to the same list.
#[derive(Clone, Copy)]
pub(super) struct Terminals {
    /// Id of the repository.
    pub repo: StoredValue<String>,
    /// What the title of the page begins with.
    pub subject: RwSignal<Option<String>>,
    list: RwSignal<Vec<Terminal>>,
    only_repo: StoredValue<Option<String>>,
}

impl Terminals {
    /// The list that came with the page, kept true from now on.
    pub(super) fn new(context: &RepoContext, list: Vec<Terminal>) -> Self {
        let terminals = Self {
            repo: context.store.id,
            subject: context.subject,
            list: RwSignal::new(list),
            only_repo: StoredValue::new(context.site.only_repo.clone()),
        };
        let changed = context.store.terminals_changed;
        Effect::new(move |before: Option<()>| {
            changed.track();
            if before.is_some() {
                terminals.refetch();
            }
        });
        // Others start terminals while nobody looks here.
        #[cfg(feature = "hydrate")]
        {
            let wake = StoredValue::new_local(None);
            Effect::new(move |_| {
                let woken = crate::platform::on_page_wakes(move || terminals.refetch());
                wake.set_value(Some(woken));
            });
        }
        terminals
    }

    /// All of them, the oldest first.
    pub(super) fn all(self) -> Signal<Vec<Terminal>> {
        self.list.into()
    }

    /// The link to one of them.
    pub(super) fn link(self, terminal: &str) -> String {
        at(&self.path(terminal))
    }

    /// Its address without base path.
    fn path(self, terminal: &str) -> String {
        let only = self.only_repo.get_value();
        self.repo.with_value(|repo| terminal_path(repo, only.as_deref(), terminal))
    }

    /// An address of the HTTP API below that of the repository.
    pub(super) fn api(self, path: &str) -> String {
        let prefix = match self.only_repo.get_value() {
            Some(_) => String::new(),
            None => format!("/repos/{}", encode_segment(&self.repo.get_value())),
        };
        at(&format!("{prefix}{path}"))
    }

    /// Reads the list anew. When that fails it stays as it was last known; the connection says so.
    pub(super) fn refetch(self) {
        let Some(repo) = self.repo.try_get_value() else { return };
        spawn_local(async move {
            if let Ok(list) = api::read_terminals(repo, None).await {
                self.list.try_set(list);
            }
        });
    }

    /// Takes what its own connection says about one of them.
    pub(super) fn update(self, terminal: &str, change: impl FnOnce(&mut Terminal)) {
        self.list.try_maybe_update(|list| {
            let Some(one) = list.iter_mut().find(|one| one.session_id == terminal) else {
                return (false, ());
            };
            let before = one.clone();
            change(one);
            (*one != before, ())
        });
    }
}

//! How the hub is looked at, as its address says: which repositories, in which order, and which dialog lies over it.

use leptos_router::params::ParamsMap;

use crate::platform::encode_segment;

/// Which repositories are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Show {
    /// All of them.
    #[default]
    All,
    /// Those that wait for a person.
    Needs,
    /// Those at work.
    Running,
    /// Those in the pause between two runs.
    Waiting,
    /// Those at rest.
    Quiet,
    /// Worktrees.
    Worktrees,
}

/// The order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    /// What needs a person first.
    #[default]
    Attention,
    /// By name.
    Name,
    /// The latest output first.
    Activity,
    /// The most tokens today first.
    Tokens,
    /// The most open items first.
    Open,
}

/// What stands together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Group {
    /// Worktrees under their repository.
    #[default]
    Base,
    /// The same state.
    State,
    /// Nothing: one flat list.
    Flat,
}

/// A dialog, and the repository it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Over {
    /// Everything that can be done with a repository.
    Menu(String),
    /// Whether to end its agent.
    Kill(String),
    /// A new worktree of it.
    Worktree(String),
    /// Taking it out of the hub.
    Remove(String),
    /// A repository more.
    Add,
}

/// The query of the hub's address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct HubQuery {
    /// Which repositories.
    pub show: Show,
    /// Words their name, branch or item has.
    pub text: String,
    /// In which order.
    pub sort: Sort,
    /// What stands together.
    pub group: Group,
    /// Whether rows are one line high.
    pub is_compact: bool,
    /// Whether rows can be selected.
    pub selects: bool,
    /// Row the page begins with before the browser side is there.
    pub from: usize,
    /// What lies over the page.
    pub over: Option<Over>,
}

impl Show {
    pub(super) const ALL: [Self; 6] =
        [Self::All, Self::Needs, Self::Running, Self::Waiting, Self::Quiet, Self::Worktrees];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Needs => "needs",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Quiet => "quiet",
            Self::Worktrees => "worktrees",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Needs => "Needs you",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Quiet => "Quiet",
            Self::Worktrees => "Worktrees",
        }
    }
}

impl Sort {
    pub(super) const ALL: [Self; 5] =
        [Self::Attention, Self::Name, Self::Activity, Self::Tokens, Self::Open];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Attention => "",
            Self::Name => "name",
            Self::Activity => "activity",
            Self::Tokens => "tokens",
            Self::Open => "open",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Attention => "Needs you first",
            Self::Name => "Name",
            Self::Activity => "Latest output",
            Self::Tokens => "Tokens today",
            Self::Open => "Most open items",
        }
    }
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Base, Self::State, Self::Flat];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Base => "",
            Self::State => "state",
            Self::Flat => "flat",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Base => "By repository",
            Self::State => "By state",
            Self::Flat => "One list",
        }
    }
}

impl Over {
    /// The repository it is about.
    pub(super) fn repo(&self) -> Option<&str> {
        match self {
            Self::Menu(id) | Self::Kill(id) | Self::Worktree(id) | Self::Remove(id) => Some(id),
            Self::Add => None,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Menu(_) => "menu",
            Self::Kill(_) => "kill",
            Self::Worktree(_) => "worktree",
            Self::Remove(_) => "remove",
            Self::Add => "add",
        }
    }
}

impl HubQuery {
    /// Reads an address. What it does not understand counts as not there.
    pub(super) fn read(query: &ParamsMap) -> Self {
        let text = |key| query.get(key).unwrap_or_default();
        fn named<T: Copy + Default>(all: &[T], name: fn(T) -> &'static str, wanted: &str) -> T {
            all.iter().copied().find(|one| name(*one) == wanted).unwrap_or_default()
        }
        let repo = Some(text("repo")).filter(|repo| !repo.is_empty());
        let over = match (text("do").as_str(), repo) {
            ("menu", Some(id)) => Some(Over::Menu(id)),
            ("kill", Some(id)) => Some(Over::Kill(id)),
            ("worktree", Some(id)) => Some(Over::Worktree(id)),
            ("remove", Some(id)) => Some(Over::Remove(id)),
            ("add", _) => Some(Over::Add),
            _ => None,
        };
        Self {
            show: named(&Show::ALL, Show::name, &text("show")),
            text: text("q"),
            sort: named(&Sort::ALL, Sort::name, &text("sort")),
            group: named(&Group::ALL, Group::name, &text("group")),
            is_compact: text("density") == "compact",
            selects: text("select") == "1",
            from: text("from").parse().unwrap_or(0),
            over,
        }
    }

    /// The address, without base path.
    pub(super) fn path(&self) -> String {
        let mut pairs = vec![
            ("show", self.show.name()),
            ("q", self.text.as_str()),
            ("sort", self.sort.name()),
            ("group", self.group.name()),
            ("density", if self.is_compact { "compact" } else { "" }),
            ("select", if self.selects { "1" } else { "" }),
        ];
        let from = self.from.to_string();
        pairs.push(("from", if self.from == 0 { "" } else { &from }));
        if let Some(over) = &self.over {
            pairs.push(("do", over.name()));
            pairs.push(("repo", over.repo().unwrap_or_default()));
        }
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs = pairs.map(|(key, value)| format!("{key}={}", encode_segment(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    }

    /// The same view with this over it.
    pub(super) fn with(&self, over: Over) -> Self {
        Self { over: Some(over), ..self.clone() }
    }

    /// The same view with nothing over it.
    pub(super) fn alone(&self) -> Self {
        Self { over: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> HubQuery {
        let pairs = pairs.iter().map(|(key, value)| (*key, (*value).to_owned()));
        HubQuery::read(&pairs.collect())
    }

    #[test]
    fn a_view_has_an_address_and_back() {
        assert_eq!(read(&[]), HubQuery::default());
        assert_eq!(HubQuery::default().path(), "/");
        let pairs = [
            ("show", "needs"),
            ("q", "pay & co"),
            ("sort", "tokens"),
            ("group", "state"),
            ("density", "compact"),
            ("select", "1"),
            ("from", "60"),
            ("do", "remove"),
            ("repo", "a b"),
        ];
        let query = read(&pairs);
        assert_eq!(query.over, Some(Over::Remove("a b".into())));
        assert_eq!(
            query.path(),
            "/?show=needs&q=pay%20%26%20co&sort=tokens&group=state&density=compact&select=1&from=60&do=remove&repo=a%20b"
        );
        assert_eq!(query.alone().path().split("&do").count(), 1);
    }

    #[test]
    fn what_an_address_says_wrongly_is_passed_over() {
        let query = read(&[("show", "all of it"), ("do", "kill"), ("from", "-3"), ("sort", "?")]);
        assert_eq!(query, HubQuery::default());
    }
}

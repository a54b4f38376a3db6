//! Which rows the hub shows, in which order.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use car_domain::Timestamp;
use car_domain::view::{Activity, RepoRow};

use super::query::{Group, HubQuery, Show, Sort};

/// One line of the list; all are equally high.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// Words over the rows that follow, and how many there are.
    Head(&'static str, usize),
    /// A repository.
    Repo {
        /// Its id.
        id: String,
        /// Whether it stands under the repository it is a worktree of.
        is_under: bool,
    },
}

impl Show {
    /// Whether a row belongs to what is shown.
    pub(super) fn has(self, row: &RepoRow) -> bool {
        let activity = row.state.activity;
        match self {
            Self::All => true,
            Self::Needs => activity.needs_person(),
            Self::Running => activity == Activity::Running,
            Self::Waiting => activity == Activity::Waiting,
            Self::Quiet => matches!(activity, Activity::Idle | Activity::Finished),
            Self::Worktrees => row.worktree_of.is_some(),
        }
    }
}

/// The lines of a view. `now` tells whose tokens are of today.
pub(super) fn arrange(rows: &[RepoRow], query: &HubQuery, now: Timestamp) -> Vec<Line> {
    let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
    let mut shown: Vec<&RepoRow> =
        rows.iter().filter(|row| query.show.has(row) && matches(row, &words)).collect();
    // Names first: sorting is stable, so among equals they stay in that order.
    shown.sort_by_cached_key(|row| row.name.to_lowercase());
    match query.sort {
        Sort::Attention => shown.sort_by_key(|row| row.state.activity.urgency()),
        Sort::Name => {}
        Sort::Activity => shown.sort_by_key(|row| Reverse(last_output(row))),
        Sort::Tokens => shown.sort_by_key(|row| Reverse(row.tokens_today(now))),
        Sort::Open => shown.sort_by_key(|row| Reverse(row.todo_open)),
    }
    match query.group {
        Group::Flat => shown.into_iter().map(|row| line(row, false)).collect(),
        Group::Base => under_their_base(&shown),
        Group::State => by_state(&shown),
    }
}

/// When its agent said something last.
pub(super) fn last_output(row: &RepoRow) -> Option<Timestamp> {
    row.last_run.as_ref().and_then(|run| run.last_at.or(run.finished_at))
}

fn line(row: &RepoRow, is_under: bool) -> Line {
    Line::Repo { id: row.id.clone(), is_under }
}

fn matches(row: &RepoRow, words: &[String]) -> bool {
    let has = |word: &String| {
        let texts = [Some(&row.name), row.branch.as_ref(), row.next_item.as_ref()];
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(word))
    };
    words.iter().all(has)
}

/// Worktrees follow their repository, which stands where the first of them would: what needs a person pulls it up.
fn under_their_base(shown: &[&RepoRow]) -> Vec<Line> {
    let present: HashSet<&str> = shown.iter().map(|row| row.id.as_str()).collect();
    let base_of = |row: &RepoRow| {
        row.worktree_of.as_deref().filter(|base| present.contains(base)).map(str::to_owned)
    };
    let mut worktrees: HashMap<String, Vec<&RepoRow>> = HashMap::new();
    for row in shown {
        if let Some(base) = base_of(row) {
            worktrees.entry(base).or_default().push(row);
        }
    }
    let by_id: HashMap<&str, &RepoRow> = shown.iter().map(|row| (row.id.as_str(), *row)).collect();
    let mut placed: HashSet<String> = HashSet::new();
    let mut lines = Vec::new();
    for row in shown {
        let base = base_of(row).unwrap_or_else(|| row.id.clone());
        if !placed.insert(base.clone()) {
            continue;
        }
        lines.extend(by_id.get(base.as_str()).map(|base| line(base, false)));
        lines.extend(worktrees.get(&base).into_iter().flatten().map(|row| line(row, true)));
    }
    lines
}

fn by_state(shown: &[&RepoRow]) -> Vec<Line> {
    let mut groups: Vec<(&'static str, Vec<Line>)> = Vec::new();
    let mut in_order = shown.to_vec();
    in_order.sort_by_key(|row| row.state.activity.urgency());
    for row in in_order {
        let word = row.state.activity.word();
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, lines)) => lines.push(line(row, false)),
            None => groups.push((word, vec![line(row, false)])),
        }
    }
    let headed = |(word, lines): (&'static str, Vec<Line>)| {
        std::iter::once(Line::Head(word, lines.len())).chain(lines)
    };
    groups.into_iter().flat_map(headed).collect()
}

#[cfg(test)]
mod tests {
    use car_domain::view::{DayTokens, StateView};

    use super::*;

    fn row(id: &str, activity: Activity, base: Option<&str>) -> RepoRow {
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
            branch: Some(format!("branch-of-{id}")),
            state,
            todo_done: 0,
            todo_open: id.len(),
            next_item: Some("Fix the login".into()),
            last_run: None,
            worktree_of: base.map(str::to_owned),
            tokens: DayTokens::default(),
            pull_request: None,
        }
    }

    fn fleet() -> Vec<RepoRow> {
        vec![
            row("api", Activity::Idle, None),
            row("web", Activity::Running, None),
            row("api--fix", Activity::Failed, Some("api")),
            row("docs", Activity::Finished, None),
            row("lost", Activity::Idle, Some("gone")),
        ]
    }

    fn shown(query: &HubQuery) -> Vec<String> {
        let text = |line| match line {
            Line::Head(word, n) => format!("{word} {n}"),
            Line::Repo { id, is_under: true } => format!("  {id}"),
            Line::Repo { id, is_under: false } => id,
        };
        let lines = arrange(&fleet(), query, Timestamp::from_millis(0));
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn a_worktree_that_needs_somebody_pulls_its_repository_up() {
        let query = HubQuery::default();
        assert_eq!(shown(&query), ["api", "  api--fix", "web", "docs", "lost"]);
    }

    #[test]
    fn a_worktree_stands_alone_when_its_repository_is_not_shown() {
        let query = HubQuery { show: Show::Worktrees, ..HubQuery::default() };
        assert_eq!(shown(&query), ["api--fix", "lost"]);
    }

    #[test]
    fn states_stand_together_with_what_needs_somebody_first() {
        let query = HubQuery { group: Group::State, sort: Sort::Name, ..HubQuery::default() };
        let expected = [
            "Failed 1",
            "api--fix",
            "Running 1",
            "web",
            "Finished 1",
            "docs",
            "Idle 2",
            "api",
            "lost",
        ];
        assert_eq!(shown(&query), expected);
    }

    #[test]
    fn words_are_found_in_name_branch_and_item() {
        let find = |text: &str| {
            shown(&HubQuery { text: text.into(), group: Group::Flat, ..HubQuery::default() })
        };
        assert_eq!(find("WEB"), ["web"]);
        assert_eq!(find("of-docs"), ["docs"]);
        assert_eq!(find("login web"), ["web"]);
        assert_eq!(find("login nothing"), [""; 0]);
    }

    #[test]
    fn the_order_is_that_of_the_address() {
        let sorted = |sort| shown(&HubQuery { sort, group: Group::Flat, ..HubQuery::default() });
        assert_eq!(sorted(Sort::Name), ["api", "api--fix", "docs", "lost", "web"]);
        assert_eq!(sorted(Sort::Open), ["api--fix", "docs", "lost", "api", "web"]);
    }
}

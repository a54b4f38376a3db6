//! What the palette finds.

use car_domain::docs::DocKind;
use car_domain::view::{Activity, RepoRow, RunAction};

use super::verb_words;
use crate::components::Glyph;
use crate::pages::Tab;
use crate::platform::encode_segment;
use crate::routes::{docs_path, repo_path};

/// Entries shown.
const MAX_FOUND: usize = 40;
/// Repositories shown before anything is typed.
const MAX_AT_FIRST: usize = 8;

/// Something to go to or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it stands among.
    pub group: &'static str,
    /// What it is called.
    pub label: String,
    /// What else tells it from others.
    pub detail: String,
    /// What stands before it.
    pub mark: Mark,
    /// Where it leads.
    pub target: Target,
}

/// What stands before an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// An icon.
    Icon(Glyph),
    /// The state of a repository.
    State(Activity),
}

/// Where an entry leads. Addresses are without base path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A page of the application.
    Page(String),
    /// A page of the server beside it.
    Outside(String),
    /// Something done with a loop.
    Run {
        /// Id of the repository.
        repo: String,
        /// What is done.
        verb: RunAction,
        /// Where one sees it.
        page: String,
    },
    /// The other theme.
    Theme,
    /// The list of keys.
    Shortcuts,
}

/// What `text` finds; without a text what one mostly wants.
pub(super) fn find(rows: &[RepoRow], only_repo: Option<&str>, text: &str) -> Vec<Entry> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let repos = rows.iter().map(|row| repo(row, only_repo));
    if words.is_empty() {
        return repos.take(MAX_AT_FIRST).chain(pages(only_repo)).chain(general()).collect();
    }
    let more = rows.iter().flat_map(|row| of_repo(row, only_repo));
    let all = repos.chain(pages(only_repo)).chain(more).chain(general());
    let mut found: Vec<(u8, Entry)> =
        all.filter_map(|entry| Some((rank(&entry, &words)?, entry))).collect();
    // Within a rank the order above stays.
    found.sort_by_key(|(rank, _)| *rank);
    found.truncate(MAX_FOUND);
    let mut found: Vec<Entry> = found.into_iter().map(|(_, entry)| entry).collect();
    // What belongs together stands together, the group of the best first.
    let mut groups: Vec<&'static str> = Vec::new();
    for entry in &found {
        if !groups.contains(&entry.group) {
            groups.push(entry.group);
        }
    }
    found.sort_by_key(|entry| groups.iter().position(|group| *group == entry.group));
    found.push(search(text.trim()));
    found
}

/// The way to what is not a page: what was said and written.
fn search(text: &str) -> Entry {
    Entry {
        group: "Runs and documents",
        label: format!("Search for “{text}”"),
        detail: String::new(),
        mark: Mark::Icon(Glyph::Search),
        target: Target::Page(format!("/search?q={}", encode_segment(text))),
    }
}

/// How well an entry fits: 0 begins so, 1 a word of it does, 2 it has it somewhere; nothing when it does not fit.
fn rank(entry: &Entry, words: &[String]) -> Option<u8> {
    let label = entry.label.to_lowercase();
    let all = format!("{label} {}", entry.detail.to_lowercase());
    if !words.iter().all(|word| all.contains(word.as_str())) {
        return None;
    }
    let first = words.first()?;
    Some(if label.starts_with(first.as_str()) {
        0
    } else if label
        .split(|c: char| !c.is_alphanumeric())
        .any(|part| part.starts_with(first.as_str()))
    {
        1
    } else {
        2
    })
}

fn repo(row: &RepoRow, only_repo: Option<&str>) -> Entry {
    Entry {
        group: "Repositories",
        label: row.name.clone(),
        detail: row.branch.clone().unwrap_or_default(),
        mark: Mark::State(row.state.activity),
        target: Target::Page(repo_path(&row.id, only_repo)),
    }
}

fn pages(only_repo: Option<&str>) -> impl Iterator<Item = Entry> {
    let home =
        if only_repo.is_none() { ("Hub", Glyph::Hub) } else { ("Overview", Glyph::Overview) };
    let page = |label: &str, glyph: Glyph, target: Target| Entry {
        group: "Pages",
        label: label.to_owned(),
        detail: String::new(),
        mark: Mark::Icon(glyph),
        target,
    };
    [
        page(home.0, home.1, Target::Page("/".to_owned())),
        page("Search", Glyph::Search, Target::Page("/search".to_owned())),
        page("Usage", Glyph::Usage, Target::Page("/usage".to_owned())),
        page("Settings", Glyph::Settings, Target::Page("/settings".to_owned())),
        page("HTTP API", Glyph::Docs, Target::Outside("/api/reference".to_owned())),
    ]
    .into_iter()
}

fn general() -> impl Iterator<Item = Entry> {
    let action = |label: &str, glyph: Glyph, target: Target| Entry {
        group: "Actions",
        label: label.to_owned(),
        detail: String::new(),
        mark: Mark::Icon(glyph),
        target,
    };
    [
        action("Switch between dark and light", Glyph::Theme, Target::Theme),
        action("Keyboard shortcuts", Glyph::More, Target::Shortcuts),
    ]
    .into_iter()
}

/// Pages of a repository and what can be done with it.
fn of_repo(row: &RepoRow, only_repo: Option<&str>) -> Vec<Entry> {
    let page = |label: &str, path: String, glyph: Glyph| Entry {
        group: "In repositories",
        label: label.to_owned(),
        detail: row.name.clone(),
        mark: Mark::Icon(glyph),
        target: Target::Page(path),
    };
    let mut entries = vec![
        page("Runs", Tab::Runs.path(&row.id, only_repo), Glyph::Runs),
        page("Changes", Tab::Changes.path(&row.id, only_repo), Glyph::Changes),
        page("Terminal", Tab::Terminal.path(&row.id, only_repo), Glyph::Terminal),
    ];
    for kind in DocKind::ALL {
        entries.push(page(&kind.title(), docs_path(&row.id, only_repo, kind), Glyph::Docs));
    }
    let act = |verb: RunAction, glyph: Glyph| Entry {
        group: "Actions",
        label: format!("{} {}", verb_words(verb), row.name),
        detail: String::new(),
        mark: Mark::Icon(glyph),
        target: Target::Run { repo: row.id.clone(), verb, page: repo_path(&row.id, only_repo) },
    };
    match (row.state.activity.is_active(), row.state.stop_requested) {
        (true, false) => entries.push(act(RunAction::Stop, Glyph::Pause)),
        (true, true) => {}
        (false, _) => {
            entries
                .extend([act(RunAction::Start, Glyph::Play), act(RunAction::Once, Glyph::Forward)]);
        }
    }
    if only_repo.is_none() {
        let id = encode_segment(&row.id);
        let asks = |label: String, what: &str, glyph: Glyph| Entry {
            group: "Actions",
            label,
            detail: String::new(),
            mark: Mark::Icon(glyph),
            target: Target::Page(format!("/?do={what}&repo={id}")),
        };
        if row.state.activity.is_active() {
            entries.push(asks(format!("Kill {}…", row.name), "kill", Glyph::Stop));
        }
        if row.worktree_of.is_none() {
            entries.push(asks(format!("New worktree of {}…", row.name), "worktree", Glyph::Branch));
        }
        entries.push(asks(format!("Remove {}…", row.name), "remove", Glyph::Remove));
    }
    entries
}

#[cfg(test)]
mod tests {
    use car_domain::view::{DayTokens, StateView};

    use super::*;

    fn row(id: &str, activity: Activity) -> RepoRow {
        RepoRow {
            id: id.into(),
            name: id.into(),
            branch: Some("main".into()),
            state: StateView {
                activity,
                since: None,
                detail: None,
                until: None,
                stop_requested: false,
                runner_pid: None,
            },
            todo_done: 0,
            todo_open: 1,
            next_item: None,
            last_run: None,
            worktree_of: None,
            tokens: DayTokens::default(),
            pull_request: None,
        }
    }

    fn labels(text: &str) -> Vec<String> {
        let rows = [row("payments-api", Activity::Running), row("docs-site", Activity::Idle)];
        find(&rows, None, text).into_iter().map(|entry| entry.label).collect()
    }

    #[test]
    fn what_begins_so_comes_first() {
        let found = labels("pay");
        assert_eq!(found[0], "payments-api");
        assert!(found.contains(&"Stop after this run: payments-api".to_owned()));
        assert!(found.contains(&"Kill payments-api…".to_owned()));
        assert!(!found.iter().any(|label| label.contains("docs-site")));
    }

    #[test]
    fn pages_of_a_repository_are_found_by_both_names() {
        let found = labels("runs docs-site");
        assert_eq!(found, ["Runs", "Search for “runs docs-site”"]);
        assert!(labels("usage").contains(&"Usage".to_owned()));
        // What is nowhere among the pages may still have been said.
        assert_eq!(labels("no such thing"), ["Search for “no such thing”"]);
    }

    #[test]
    fn without_a_text_repositories_and_pages_are_offered() {
        let found = labels("");
        assert_eq!(found[..2], ["payments-api", "docs-site"]);
        assert!(found.contains(&"Settings".to_owned()));
    }

    #[test]
    fn a_single_repository_has_nothing_of_the_hub() {
        let found = find(&[row("api", Activity::Idle)], Some("api"), "api");
        assert!(found.iter().all(|entry| !entry.label.starts_with("Remove")));
        assert_eq!(found[0].target, Target::Page("/".into()));
    }
}

//! What a commit and a pull request say when nobody says it: the linked issue, the commits, or the branch's name.

use crate::github::link::LinkState;
use crate::github::untrusted::line;

/// Message of the commit.
pub(super) fn message(link: &LinkState, branch: &str) -> String {
    match (issue_title(link), link.issue_number()) {
        (Some(title), Some(number)) => format!("{title} (#{number})"),
        (None, Some(number)) => format!("{} (#{number})", humanised(branch)),
        _ => humanised(branch),
    }
}

/// Title of a new pull request.
pub(super) fn title(link: &LinkState, branch: &str, commits: &[String], is_dirty: bool) -> String {
    match (issue_title(link), commits) {
        (Some(title), _) => title,
        (None, [only]) if !is_dirty && !only.is_empty() => only.clone(),
        _ => humanised(branch),
    }
}

/// Text of a new pull request. `message` is that of the commit to come.
pub(super) fn body(link: &LinkState, commits: &[String], message: Option<&String>) -> String {
    let issue = link.issue_number().map(|number| format!("Refs #{number}\n\n"));
    let new = message.and_then(|message| message.lines().next());
    let subjects = new.into_iter().chain(commits.iter().map(String::as_str));
    let list: Vec<String> = subjects.map(|subject| format!("- {subject}")).collect();
    format!("{}{}", issue.unwrap_or_default(), list.join("\n")).trim_end().to_owned()
}

fn issue_title(link: &LinkState) -> Option<String> {
    link.issue_title().map(line).filter(|title| !title.is_empty())
}

/// `feature/add-log_in` becomes `Add log in`.
fn humanised(branch: &str) -> String {
    let name = branch.rsplit('/').next().unwrap_or(branch).replace(['-', '_'], " ");
    let mut letters = name.trim().chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>());
    first.map_or_else(|| branch.to_owned(), |first| first + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_becomes_a_title() {
        assert_eq!(humanised("feature/add-log_in"), "Add log in");
        assert_eq!(humanised("x/"), "x/");
    }

    #[test]
    fn without_an_issue_the_commits_say_what_it_is_about() {
        let link = LinkState::default();
        let commits = ["Fix it".to_owned()];
        assert_eq!(title(&link, "work", &commits, false), "Fix it");
        assert_eq!(title(&link, "work", &commits, true), "Work");
        let message = "Work\n\nmore".to_owned();
        assert_eq!(body(&link, &commits, Some(&message)), "- Work\n- Fix it");
        assert_eq!(body(&link, &[], None), "");
    }
}

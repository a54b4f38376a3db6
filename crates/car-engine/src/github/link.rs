//! `github.json`: the issue and the pull request a repository is linked with.
//!
//! Partial on purpose: each operation adds what it knows. Keys nobody here knows survive; a damaged file is kept aside.

use std::fs;
use std::io;
use std::path::PathBuf;

use car_domain::github::{GithubRepo, PullRequest};
use car_domain::view::PullRequestMark;
use serde_json::{Map, Value, json};

use crate::files::{lock_file, write_atomic};
use crate::{EngineError, Repo, now};

/// Content of `github.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkState {
    values: Map<String, Value>,
}

impl LinkState {
    /// Reads the file of `repo`; one that is missing or damaged counts as empty.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(repo: &Repo) -> Result<Self, EngineError> {
        Ok(read(repo)?.unwrap_or_default())
    }

    /// All of it.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Number of the linked issue.
    pub fn issue_number(&self) -> Option<u64> {
        self.values.get("issue")?.get("number")?.as_u64()
    }

    /// Title of the linked issue, as its author wrote it.
    pub fn issue_title(&self) -> Option<&str> {
        self.values.get("issue")?.get("title")?.as_str()
    }

    /// The linked pull request, as lists show it. The file may have been written by anybody: an address that is no web page
    /// is not shown.
    pub fn pull_request(&self) -> Option<PullRequestMark> {
        let pr = self.values.get("pr")?;
        let text = |key: &str| pr.get(key).and_then(Value::as_str);
        let url = text("url").filter(|url| url.starts_with("https://"))?.to_owned();
        let is_draft = pr.get("isDraft").and_then(Value::as_bool).unwrap_or(false);
        let state = match text("state").unwrap_or("open").to_ascii_lowercase().as_str() {
            "merged" => "merged",
            "closed" => "closed",
            _ if is_draft => "draft",
            _ => "open",
        };
        Some(PullRequestMark { number: pr.get("number")?.as_u64()?, url, state: state.to_owned() })
    }

    pub(super) fn set_repo(&mut self, repo: &GithubRepo) {
        self.merge("repo", json!({"nameWithOwner": repo.name_with_owner, "url": repo.url}));
    }

    pub(super) fn set_issue(&mut self, number: u64, url: &str, title: &str, state: &str) {
        let issue = json!({"number": number, "url": url, "title": title, "state": state});
        self.merge("issue", issue);
    }

    pub(super) fn set_pull_request(&mut self, pr: &PullRequest, head: &str, base: &str) {
        let or = |name: &str, other: &str| {
            if name.is_empty() { other.to_owned() } else { name.to_owned() }
        };
        let value = json!({
            "number": pr.number,
            "url": pr.url,
            "state": pr.state,
            "isDraft": pr.is_draft,
            "title": pr.title,
            "headRefName": or(&pr.head_ref_name, head),
            "baseRefName": or(&pr.base_ref_name, base),
        });
        self.merge("pr", value);
        self.values.insert("headBranch".to_owned(), head.into());
        self.values.insert("baseBranch".to_owned(), base.into());
    }

    /// Sets the keys of `value` inside `key`. When it is about another thing than before, nothing of the old stays.
    fn merge(&mut self, key: &str, value: Value) {
        let old = self.values.get_mut(key).and_then(Value::as_object_mut);
        match (old, value) {
            (Some(old), Value::Object(new)) if old.get("url") == new.get("url") => old.extend(new),
            (_, value) => {
                self.values.insert(key.to_owned(), value);
            }
        }
    }

    fn to_text(&self) -> String {
        format!("{:#}\n", sorted(&Value::Object(self.values.clone())))
    }
}

/// Changes the file of `repo` and returns what it says now.
pub(super) fn change_link(
    repo: &Repo,
    change: impl FnOnce(&mut LinkState),
) -> Result<LinkState, EngineError> {
    let path = path(repo);
    let _lock = lock_file(&repo.car_dir().join("github.json.lock"))?;
    let mut link = match read(repo)? {
        Some(link) => link,
        None => {
            let aside = format!("{}.corrupt-{}", path.display(), now().as_millis());
            tracing::warn!(file = %aside, "github.json was damaged; it is kept under this name");
            fs::copy(&path, &aside)
                .map_err(|error| EngineError::file("copy aside", &path, error))?;
            LinkState::default()
        }
    };
    change(&mut link);
    link.values.insert("updatedAtMs".to_owned(), now().as_millis().into());
    write_atomic(&path, link.to_text().as_bytes())
        .map_err(|error| EngineError::file("write", &path, error))?;
    Ok(link)
}

/// `None` when the file is damaged.
fn read(repo: &Repo) -> Result<Option<LinkState>, EngineError> {
    let path = path(repo);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(LinkState::default()));
        }
        Err(error) => return Err(EngineError::file("read", &path, error)),
    };
    let values: Option<Map<String, Value>> = serde_json::from_slice(&bytes).ok();
    Ok(values.map(|values| LinkState { values }))
}

fn path(repo: &Repo) -> PathBuf {
    repo.car_dir().join("github.json")
}

/// The same value with the keys of every map in order, as the original writes them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            let entries = entries.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(entries.collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(".codex-autorunner")).expect("dir");
        fs::write(dir.path().join(".codex-autorunner/config.yml"), "").expect("write");
        let repo = Repo::open(dir.path()).expect("valid");
        (dir, repo)
    }

    #[test]
    fn keys_of_others_survive_and_all_are_sorted() {
        let (_dir, repo) = repo();
        let old =
            r#"{"zeta": {"b": 1, "a": [{"d": 1, "c": 2}]}, "issue": {"url": "u", "note": "x"}}"#;
        fs::write(path(&repo), old).expect("write");
        change_link(&repo, |link| link.set_issue(5, "u", "A title", "OPEN")).expect("changed");
        let text = fs::read_to_string(path(&repo)).expect("written");
        let link: Value = serde_json::from_str(&text).expect("JSON");
        let time = link["updatedAtMs"].to_string();
        let expected = r#"{
  "issue": {
    "note": "x",
    "number": 5,
    "state": "OPEN",
    "title": "A title",
    "url": "u"
  },
  "updatedAtMs": <time>,
  "zeta": {
    "a": [
      {
        "c": 2,
        "d": 1
      }
    ],
    "b": 1
  }
}
"#;
        assert_eq!(text.replace(&time, "<time>"), expected);
    }

    #[test]
    fn what_belonged_to_another_issue_does_not_stay() {
        let (_dir, repo) = repo();
        fs::write(path(&repo), r#"{"issue": {"url": "u1", "note": "x"}}"#).expect("write");
        let link = change_link(&repo, |link| link.set_issue(6, "u2", "t", "OPEN"));
        assert!(link.expect("changed").values()["issue"].get("note").is_none());
    }

    #[test]
    fn a_damaged_file_counts_as_empty_and_is_kept() {
        let (_dir, repo) = repo();
        fs::write(path(&repo), "{ half").expect("write");
        assert_eq!(LinkState::read(&repo).expect("readable"), LinkState::default());
        change_link(&repo, |link| link.set_issue(5, "u", "t", "OPEN")).expect("changed");
        assert_eq!(LinkState::read(&repo).expect("readable").issue_number(), Some(5));
        let kept = fs::read_dir(repo.car_dir())
            .expect("list")
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with("github.json.corrupt-"));
        let kept = fs::read_to_string(kept.expect("kept aside").path()).expect("read");
        assert_eq!(kept, "{ half");
    }
}

//! One line of the manifest, and the rule for ids.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::EngineError;

/// Longest id; with a branch in it, it still is a file name everywhere.
const MAX_ID: usize = 120;

/// What a repository of a hub is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A repository of its own.
    #[default]
    Base,
    /// A worktree of another one, made by CAR.
    Worktree,
}

impl Kind {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Worktree => "worktree",
        }
    }
}

/// An entry of the manifest that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoEntry {
    /// Its id as written.
    pub id: String,
    /// Where it is, relative to the hub; may contain `..`.
    pub path: PathBuf,
    /// Whether people want to see it; nothing here depends on it.
    pub enabled: bool,
    /// Kept for the original.
    pub auto_run: bool,
    /// Repository or worktree.
    pub kind: Kind,
    /// Of a worktree: id of the repository it belongs to.
    pub worktree_of: Option<String>,
    /// Of a worktree: its branch.
    pub branch: Option<String>,
}

impl RepoEntry {
    /// A new entry for `path`.
    pub(super) fn new(id: &str, path: PathBuf, kind: Kind) -> Self {
        let id = id.to_owned();
        Self { id, path, enabled: true, auto_run: false, kind, worktree_of: None, branch: None }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let Value::Object(map) = value else { return Err("is no mapping".to_owned()) };
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let id = text("id").filter(|id| !id.trim().is_empty()).ok_or("has no id")?;
        let path = text("path").filter(|path| !path.is_empty()).ok_or("has no path")?;
        if path.contains('\0') {
            return Err("has a path that is none".to_owned());
        }
        let kind = match map.get("kind") {
            None | Some(Value::Null) => Kind::Base,
            Some(Value::String(kind)) if kind == "base" => Kind::Base,
            Some(Value::String(kind)) if kind == "worktree" => Kind::Worktree,
            Some(other) => return Err(format!("has the unknown kind {other}")),
        };
        Ok(Self {
            id,
            path: PathBuf::from(path),
            enabled: map.get("enabled").is_none_or(|value| value != &Value::Bool(false)),
            auto_run: map.get("auto_run") == Some(&Value::Bool(true)),
            kind,
            worktree_of: text("worktree_of").filter(|id| !id.is_empty()),
            branch: text("branch").filter(|branch| !branch.is_empty()),
        })
    }

    /// The entry as the original writes it.
    pub(super) fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(self.id));
        map.insert("path".to_owned(), json!(self.path.to_string_lossy()));
        map.insert("enabled".to_owned(), json!(self.enabled));
        map.insert("auto_run".to_owned(), json!(self.auto_run));
        map.insert("kind".to_owned(), json!(self.kind.name()));
        if let Some(base) = &self.worktree_of {
            map.insert("worktree_of".to_owned(), json!(base));
        }
        if let Some(branch) = &self.branch {
            map.insert("branch".to_owned(), json!(branch));
        }
        Value::Object(map)
    }
}

/// `name` as it may stand in an address: letters, digits, `.`, `_` and `-`, no dot in front.
pub(super) fn slug(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let text: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let text: String = text.trim_matches(['.', '-']).chars().take(MAX_ID).collect();
    if text.is_empty() { "repository".to_owned() } else { text }
}

/// An id a person chose for something new.
///
/// # Errors
/// When it cannot stand in an address.
pub(super) fn checked_id(id: &str) -> Result<&str, EngineError> {
    let id = id.trim();
    if id.is_empty() {
        return Err(EngineError::invalid("Missing repo id"));
    }
    if slug(id) == id {
        return Ok(id);
    }
    Err(EngineError::invalid(format!("`{id}` cannot be the id of a repository")).with_hint(format!(
        "letters, digits, `.`, `_` and `-` work, such as `{}`; --repo-path chooses another directory",
        slug(id)
    )))
}

/// `wanted`, or with a number behind it when that is taken.
pub(super) fn unique(wanted: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(wanted) {
        return wanted.to_owned();
    }
    let numbered = |n: u64| format!("{wanted}-{n}");
    (2..).map(numbered).find(|id| !is_taken(id)).unwrap_or_else(|| numbered(0))
}

/// `path` without `.` and `..`, by its text alone. `root` comes in front of a relative one.
pub(super) fn resolved(root: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in root.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            other => whole.push(other),
        }
    }
    whole
}

/// `target` as the manifest says it: relative to the hub, with `..` where it lies outside.
pub(super) fn relative(root: &Path, target: &Path) -> PathBuf {
    if let Ok(inside) = target.strip_prefix(root) {
        return if inside.as_os_str().is_empty() { PathBuf::from(".") } else { inside.into() };
    }
    let common = root.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    let up = root.components().skip(common).map(|_| Component::ParentDir);
    up.chain(target.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_addresses_and_file_names() {
        for (name, id) in [
            ("a b", "a-b"),
            (".", "repository"),
            ("../x", "x"),
            ("..", "repository"),
            ("v1.2", "v1.2"),
        ] {
            assert_eq!(slug(name), id);
        }
        for bad in ["", ".", "..", "a/b", "a b", ".hidden", "-x"] {
            checked_id(bad).expect_err(bad);
        }
        assert_eq!(checked_id(" ok_1.x ").expect("good"), "ok_1.x");
        assert_eq!(unique("a", |id| ["a", "a-2"].contains(&id)), "a-3");
    }

    #[test]
    fn paths_go_to_the_manifest_and_back() {
        let root = Path::new("/h/hub");
        for path in ["/h/hub/a", "/h/other/b", "/x", "/h/hub"] {
            let relative = relative(root, Path::new(path));
            assert!(relative.is_relative());
            assert_eq!(resolved(root, &relative), Path::new(path));
        }
    }

    #[test]
    fn an_entry_says_what_is_wrong_with_it() {
        let wrong = |value| RepoEntry::parse(&value).expect_err("wrong");
        assert_eq!(wrong(json!("x")), "is no mapping");
        assert_eq!(wrong(json!({ "path": "x" })), "has no id");
        assert_eq!(wrong(json!({ "id": "x", "path": 1 })), "has no path");
        let odd = json!({ "id": "x", "path": "x", "kind": "fork" });
        assert_eq!(wrong(odd), "has the unknown kind \"fork\"");
    }
}

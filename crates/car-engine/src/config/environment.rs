//! The environment of a root: its `.env` files on top of our own process's variables.
//!
//! A root's `.env` reaches that root's own features and children and nothing else: it is never put into this process, so one
//! repository cannot change the token of the server or the secrets of another. `PATH` is never taken from it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{CAR_DIR, dotenv};

/// Variables of a root.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RootEnv {
    vars: BTreeMap<String, String>,
    /// Variables that hold secrets of CAR's own and never reach a child.
    withheld: Vec<String>,
    warnings: Vec<String>,
}

impl RootEnv {
    /// Reads `.env` and `.codex-autorunner/.env` of `root`, the second on top.
    pub fn read(root: &Path) -> Self {
        let mut env = Self::default();
        for path in [root.join(".env"), root.join(CAR_DIR).join(".env")] {
            if let Err(reason) = env.add(&path) {
                env.warnings.push(format!("{} is not used: {reason}", path.display()));
            }
        }
        env
    }

    fn add(&mut self, path: &PathBuf) -> Result<(), String> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let outer = |name: &str| self.vars.get(name).cloned().or_else(|| std::env::var(name).ok());
        let found = dotenv::parse(&text, outer);
        let path = path.display();
        for line in found.unreadable {
            self.warnings.push(format!("line {line} of {path} is not used: write NAME=value"));
        }
        for (name, value) in found.vars {
            if name == "PATH" {
                self.warnings.push(format!("{path} cannot set PATH"));
            } else {
                self.vars.insert(name, value);
            }
        }
        Ok(())
    }

    /// Keeps the variable called `name` from children.
    pub(super) fn withhold(&mut self, name: &str) {
        if !name.is_empty() {
            self.withheld.push(name.to_owned());
        }
    }

    /// The value of a variable: that of the root, else that of this process; an empty one counts as not set.
    pub fn var(&self, name: &str) -> Option<String> {
        let own = self.vars.get(name).cloned().or_else(|| std::env::var(name).ok());
        own.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Variables to set for a child of this root.
    pub fn for_child(&self) -> Vec<(OsString, OsString)> {
        let wanted = |(name, _): &(&String, &String)| !self.withheld.contains(name);
        let vars = self.vars.iter().filter(wanted);
        vars.map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Variables of this process that a child must not get.
    pub fn withheld_from_child(&self) -> Vec<OsString> {
        self.withheld.iter().map(OsString::from).collect()
    }

    /// Values that must not appear in a log or an error: those of variables whose names speak of secrets.
    pub fn secrets(&self) -> Vec<String> {
        let process = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let own = self.vars.iter().map(|(name, value)| (name.clone(), value.clone()));
        let secret = process.chain(own).filter(|(name, _)| is_secret(name));
        secret.map(|(_, value)| value).filter(|value| value.len() >= 6).collect()
    }

    /// What could not be used.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Names only: a value must not reach a log through somebody's `{:?}`.
impl std::fmt::Debug for RootEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootEnv").field("vars", &self.vars.keys()).finish_non_exhaustive()
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "APIKEY", "WEBHOOK", "CREDENTIAL", "PRIVATE_KEY"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).expect("write");
        }
        dir
    }

    #[test]
    fn the_later_file_wins_and_this_process_stays_as_it_is() {
        let dir = root(&[
            (".env", "export CAR_TEST_A=1\nCAR_TEST_B='two words' # note\nPATH=/evil\n"),
            (".codex-autorunner/.env", "CAR_TEST_A=2\n"),
        ]);
        let env = RootEnv::read(dir.path());
        assert_eq!(env.var("CAR_TEST_A").as_deref(), Some("2"));
        assert_eq!(env.var("CAR_TEST_B").as_deref(), Some("two words"));
        assert!(std::env::var("CAR_TEST_A").is_err());
        assert_ne!(env.var("PATH").as_deref(), Some("/evil"));
        assert!(env.for_child().iter().all(|(name, _)| name != "PATH"));
        assert!(env.warnings()[0].ends_with(".env cannot set PATH"), "{:?}", env.warnings());
    }

    #[test]
    fn the_servers_token_does_not_reach_a_child() {
        let dir = root(&[(".env", "MY_TOKEN=abcdefgh\nOTHER=1\n")]);
        let mut env = RootEnv::read(dir.path());
        env.withhold("MY_TOKEN");
        assert_eq!(env.var("MY_TOKEN").as_deref(), Some("abcdefgh"));
        assert_eq!(env.for_child(), [(OsString::from("OTHER"), OsString::from("1"))]);
        assert_eq!(env.withheld_from_child(), ["MY_TOKEN"]);
        assert!(env.secrets().contains(&"abcdefgh".to_owned()));
    }

    #[test]
    fn a_broken_file_is_told_without_its_values() {
        let dir = root(&[(".env", "KEY=\"hunter2 is open\n")]);
        let env = RootEnv::read(dir.path());
        assert_eq!(env.warnings().len(), 1);
        assert!(!env.warnings()[0].contains("hunter2"), "{:?}", env.warnings());
        assert!(env.warnings()[0].starts_with("line 1 of "), "{:?}", env.warnings());
        assert!(!format!("{env:?}").contains("hunter2"));
    }
}

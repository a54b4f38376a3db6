//! A strict fake of GitHub's `gh`: every call with its exact arguments has to be expected.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a program `gh` in it. Dropping it fails the test when there was a call nobody expected, or an
/// expected one did not come.
#[derive(Debug)]
pub struct FakeGh {
    dir: TempDir,
}

/// An expected call; without more it prints nothing, ends with 0, and may come any number of times.
#[derive(Debug)]
pub struct Expected<'a> {
    gh: &'a FakeGh,
    index: usize,
}

impl FakeGh {
    /// A `gh` that expects no call yet.
    ///
    /// # Panics
    ///
    /// When it cannot be set up.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default would hide the work it does")]
    pub fn new() -> Self {
        let gh = Self { dir: TempDir::with_prefix("car-gh-").expect("a temporary directory") };
        gh.save(&[]);
        let script = format!(
            "#!/bin/sh\nexec '{}' '{}' \"$@\"\n",
            program().display(),
            gh.dir.path().display()
        );
        fs::write(gh.program(), script).expect("a script");
        fs::set_permissions(gh.program(), fs::Permissions::from_mode(0o755)).expect("a mode");
        gh
    }

    /// The program, for `github.gh_path`.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.dir.path().join("gh")
    }

    /// `PATH` with this `gh` in front.
    #[must_use]
    pub fn path(&self) -> OsString {
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.dir.path().to_path_buf());
        std::env::join_paths(dirs.chain(std::env::split_paths(&rest))).expect("a path")
    }

    /// Expects a call with exactly these arguments. Of several with the same ones, the first that is not used up answers.
    pub fn on(&self, args: &[&str]) -> Expected<'_> {
        let mut script = self.script();
        script.push(json!({"args": args}));
        self.save(&script);
        Expected { gh: self, index: script.len() - 1 }
    }

    /// The arguments of every call so far.
    ///
    /// # Panics
    ///
    /// When they cannot be read.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<String>> {
        let args = |call: Value| serde_json::from_value(call["args"].clone()).expect("a list");
        self.recorded().into_iter().map(args).collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        let _ = fs::remove_file(self.dir.path().join("calls.jsonl"));
    }

    fn recorded(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.path().join("calls.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a call")).collect()
    }

    fn script(&self) -> Vec<Value> {
        let text = fs::read(self.dir.path().join("script.json")).expect("a script");
        serde_json::from_slice(&text).expect("a list")
    }

    fn save(&self, script: &[Value]) {
        let path = self.dir.path().join("script.json");
        fs::write(path, json!(script).to_string()).expect("the script is written");
    }

    fn complaints(&self) -> Vec<String> {
        let calls = self.recorded();
        let problem =
            |call: &Value| Some(format!("{}: {}", call["problem"].as_str()?, call["args"]));
        let mut complaints: Vec<String> = calls.iter().filter_map(problem).collect();
        for (index, expected) in self.script().iter().enumerate() {
            let n_calls = calls.iter().filter(|call| call["answered_by"] == index).count() as u64;
            if let Some(times) = expected["times"].as_u64().filter(|times| *times != n_calls) {
                complaints.push(format!("{n_calls} of {times} calls came: {}", expected["args"]));
            }
        }
        complaints
    }
}

impl Drop for FakeGh {
    fn drop(&mut self) {
        let complaints = self.complaints();
        assert!(
            complaints.is_empty() || std::thread::panicking(),
            "gh was called wrongly:\n{}",
            complaints.join("\n")
        );
    }
}

impl Expected<'_> {
    /// Prints this on standard output.
    pub fn prints(self, text: &str) -> Self {
        self.set("stdout", json!(text))
    }

    /// Prints this JSON on standard output.
    pub fn answers(self, value: &Value) -> Self {
        self.set("stdout", json!(format!("{value}\n")))
    }

    /// Says this on standard error and ends with this code.
    pub fn fails(self, code: u8, said: &str) -> Self {
        self.set("stderr", json!(said)).set("exit", json!(code))
    }

    /// Has to get exactly this on standard input; nothing otherwise.
    pub fn reads(self, text: &str) -> Self {
        self.set("stdin", json!(text))
    }

    /// Takes this long.
    pub fn takes(self, delay: Duration) -> Self {
        self.set("delay_ms", json!(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Has to come exactly this often.
    pub fn times(self, times: u64) -> Self {
        self.set("times", json!(times))
    }

    fn set(self, key: &str, value: Value) -> Self {
        let mut script = self.gh.script();
        script[self.index][key] = value;
        self.gh.save(&script);
        self
    }
}

/// The built program. Tests of other crates do not build it by themselves, so it is built when it is missing or old.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("this test");
    let target = own.ancestors().find(|dir| dir.ends_with("deps")).and_then(Path::parent);
    let built = target.expect("tests lie in a target directory").join("fake-gh");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/fake-gh.rs");
    let modified = |path: &Path| fs::metadata(path).and_then(|seen| seen.modified()).ok();
    if modified(&built).is_none_or(|time| modified(&source).is_some_and(|source| source > time)) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "car-testkit", "--bin", "fake-gh"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "fake-gh cannot be built");
        // A build that changed nothing leaves the old time, which would only be asked about again.
        let built = fs::File::options().append(true).open(&built).expect("it is there");
        let _ = built.set_modified(std::time::SystemTime::now());
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(gh: &FakeGh, args: &[&str]) -> std::process::Output {
        let mut command = Command::new(gh.program());
        command.env("GH_PROMPT_DISABLED", "1").env("GH_NO_UPDATE_NOTIFIER", "1");
        command.env("NO_COLOR", "1").args(args).stdin(std::process::Stdio::null());
        command.output().expect("it runs")
    }

    #[test]
    fn calls_are_answered_in_order_and_recorded() {
        let gh = FakeGh::new();
        gh.on(&["pr", "view"]).fails(1, "none").times(1);
        gh.on(&["pr", "view"]).prints("one\n");
        assert_eq!(call(&gh, &["pr", "view"]).status.code(), Some(1));
        assert_eq!(call(&gh, &["pr", "view"]).stdout, b"one\n");
        assert_eq!(gh.calls(), [["pr", "view"], ["pr", "view"]]);
    }

    #[test]
    fn an_unexpected_call_and_a_missing_one_fail_the_test() {
        let failed = std::panic::catch_unwind(|| {
            let gh = FakeGh::new();
            gh.on(&["auth", "status"]).times(1);
            assert_eq!(call(&gh, &["auth", "status", "--x"]).status.code(), Some(97));
        });
        let said = failed.expect_err("a panic").downcast::<String>().expect("a message");
        assert!(said.contains("nobody expects this call: [\"auth\",\"status\",\"--x\"]"), "{said}");
        assert!(said.contains("0 of 1 calls came: [\"auth\",\"status\"]"), "{said}");
    }
}

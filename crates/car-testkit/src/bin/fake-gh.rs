//! Stands in for GitHub's `gh`: answers as its script says, remembers every call, refuses what nobody expects.
//!
//! Usage: `fake-gh DIR ARGS…`, through the wrapper that `car_testkit::gh::FakeGh` writes. DIR holds `script.json`, a list of
//! expectations, and gets `calls.jsonl`, one call a line.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

/// Exit code of a call nobody expects; `gh` itself has no such code.
const UNEXPECTED: u8 = 97;
/// What CAR has to set, so that `gh` never asks, never looks for a newer version and prints no colours.
const REQUIRED: [(&str, &str); 3] =
    [("GH_PROMPT_DISABLED", "1"), ("GH_NO_UPDATE_NOTIFIER", "1"), ("NO_COLOR", "1")];

fn main() -> io::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let mut stdin = String::new();
    io::stdin().read_to_string(&mut stdin)?;
    let (problem, reply) = judge(Path::new(&dir), &args, &stdin)?;
    if let Some(problem) = problem {
        writeln!(io::stderr(), "fake gh: {problem}: {args:?}")?;
        return Ok(ExitCode::from(UNEXPECTED));
    }
    std::thread::sleep(Duration::from_millis(reply["delay_ms"].as_u64().unwrap_or(0)));
    io::stdout().write_all(reply["stdout"].as_str().unwrap_or_default().as_bytes())?;
    io::stderr().write_all(reply["stderr"].as_str().unwrap_or_default().as_bytes())?;
    let code = reply["exit"].as_u64().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(0)))
}

/// Records the call, and says what is wrong with it or how to answer.
fn judge(dir: &Path, args: &[String], stdin: &str) -> io::Result<(Option<String>, Value)> {
    let lock = File::create(dir.join("lock"))?;
    lock.lock()?;
    let script: Vec<Value> = serde_json::from_slice(&std::fs::read(dir.join("script.json"))?)?;
    let path = dir.join("calls.jsonl");
    let calls = std::fs::read_to_string(&path).unwrap_or_default();
    let used = |index: usize| {
        let is_it = |line: &&str| {
            serde_json::from_str::<Value>(line).is_ok_and(|call| call["answered_by"] == index)
        };
        calls.lines().filter(is_it).count() as u64
    };
    let found = script.iter().enumerate().find(|(index, expected)| {
        expected["args"] == json!(args)
            && expected["times"].as_u64().is_none_or(|times| used(*index) < times)
    });
    let problem = match found {
        None => Some("nobody expects this call".to_owned()),
        Some((_, expected)) if expected["stdin"].as_str().unwrap_or_default() != stdin => {
            Some(format!("standard input is {stdin:?}, expected {}", expected["stdin"]))
        }
        Some(_) => REQUIRED
            .iter()
            .find(|(name, value)| std::env::var(name).as_deref() != Ok(value))
            .map(|(name, _)| format!("{name} is not set as it must be")),
    };
    let answered_by = found.map(|(index, _)| index).filter(|_| problem.is_none());
    let call = json!({"args": args, "answered_by": answered_by, "problem": problem});
    let mut file = File::options().append(true).create(true).open(&path)?;
    file.write_all(format!("{call}\n").as_bytes())?;
    Ok((problem, found.map(|(_, expected)| expected.clone()).unwrap_or_default()))
}

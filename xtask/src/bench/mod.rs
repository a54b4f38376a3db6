//! What is measured: whole processes of the release build, from the outside. Reports what it saw and nothing else.

mod search;
mod server;
mod status;
mod terminal;
mod usage;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Measures something about the program at a path.
type Measure = fn(&Path) -> Result<()>;

/// What can be measured, by name.
const PARTS: [(&str, Measure); 5] = [
    ("status", status::run),
    ("usage", usage::run),
    ("search", search::run),
    ("server", server::run),
    ("terminal", terminal::run),
];

/// Measures everything, or the parts `CAR_BENCH_PARTS` names.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let car = car(workspace)?;
    let wanted = std::env::var("CAR_BENCH_PARTS").unwrap_or_default();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|part| part == name);
    for (_, measure) in PARTS.into_iter().filter(|(name, _)| is_wanted(name)) {
        measure(&car)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program: that in `CAR_BENCH_PROGRAM`, else the release build.
fn car(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("CAR_BENCH_PROGRAM") {
        return Ok(program.into());
    }
    let car =
        workspace.target().join("release").join(format!("car{}", std::env::consts::EXE_SUFFIX));
    ensure!(car.is_file(), "{} is missing: run `make bench`, it builds it first", car.display());
    Ok(car)
}

/// Runs `car` with `arguments` in `directory`, which is its home, too.
fn timed(car: &Path, arguments: &[&str], directory: &Path) -> Result<Duration> {
    let start = Instant::now();
    let status = Command::new(car)
        .args(arguments)
        .current_dir(directory)
        .env("HOME", directory)
        .env_remove("CODEX_HOME")
        .env_remove("XDG_CACHE_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", car.display()))?;
    ensure!(status.success(), "car {} ended with {status}", arguments.join(" "));
    Ok(start.elapsed())
}

/// A number from the environment.
fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is no number: {text}")),
        Err(_) => Ok(default),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The fastest, the median and the slowest of a set of measurements.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    min: Duration,
    median: Duration,
    max: Duration,
}

impl Summary {
    /// The upper of the two middle values counts as the median of an even number of values.
    fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let median = *times.get(times.len() / 2)?;
        Some(Self { min: *times.first()?, median, max: *times.last()? })
    }

    fn print(&self) {
        println!(
            "min {:.1} ms   median {:.1} ms   max {:.1} ms",
            milliseconds(self.min),
            milliseconds(self.median),
            milliseconds(self.max)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_taken_over_the_sorted_times() {
        let times = [9, 1, 5].map(Duration::from_millis).to_vec();
        let [min, median, max] = [1, 5, 9].map(Duration::from_millis);
        assert_eq!(Summary::of(times), Some(Summary { min, median, max }));
        assert_eq!(Summary::of(Vec::new()), None);
    }
}

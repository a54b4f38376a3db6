//! Wall time of `car status`, the command people and scripts run most.
//!
//! Measures whole processes from the outside, in an empty directory, and reports what it saw and
//! nothing else.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

const RUNS: usize = 50;

/// Runs `car status` [`RUNS`] times and prints the fastest, the median and the slowest run.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let car =
        workspace.target().join("release").join(format!("car{}", std::env::consts::EXE_SUFFIX));
    ensure!(car.is_file(), "{} is missing: run `make bench`, it builds it first", car.display());
    let empty = tempfile::tempdir().context("cannot create an empty directory to run in")?;
    let (_, status) = time(&car, empty.path())?; // also brings the file into the disk cache
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let (elapsed, seen) = time(&car, empty.path())?;
        ensure!(
            seen == status,
            "the runs do not compare: one ended with {status}, one with {seen}"
        );
        times.push(elapsed);
    }
    let summary = Summary::of(times).context("no run was measured")?;
    println!("car status, {RUNS} runs in an empty directory, each ended with {status}");
    println!(
        "min {:.1} ms   median {:.1} ms   max {:.1} ms",
        milliseconds(summary.min),
        milliseconds(summary.median),
        milliseconds(summary.max)
    );
    Ok(ExitCode::SUCCESS)
}

fn time(car: &Path, directory: &Path) -> Result<(Duration, ExitStatus)> {
    let start = Instant::now();
    let status = Command::new(car)
        .arg("status")
        .current_dir(directory)
        .env("HOME", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", car.display()))?;
    Ok((start.elapsed(), status))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The three numbers that describe a set of measurements.
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

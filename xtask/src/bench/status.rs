//! Wall time of `car status`, the command people and scripts run most, in an empty directory.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Summary;

const RUNS: usize = 50;

/// Runs `car status` [`RUNS`] times and prints the fastest, the median and the slowest run.
pub(super) fn run(car: &Path) -> Result<()> {
    let empty = tempfile::tempdir().context("cannot create an empty directory to run in")?;
    let (_, status) = time(car, empty.path())?; // also brings the file into the disk cache
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let (elapsed, seen) = time(car, empty.path())?;
        ensure!(
            seen == status,
            "the runs do not compare: one ended with {status}, one with {seen}"
        );
        times.push(elapsed);
    }
    println!("car status, {RUNS} runs in an empty directory, each ended with {status}");
    Summary::of(times).context("no run was measured")?.print();
    Ok(())
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

//! Terminals: how fast a flood of output and the echo of a key get through, and what memory that takes.
//!
//! Compared in the same run with `ttyd` where it is on `PATH`, and always with the least there can be between a PTY and a
//! WebSocket: one thread for each direction, no journal, no flow control, no model of the screen.
//!
//! `CAR_BENCH_LINES` and `CAR_BENCH_KEYS` say how much.

mod bare;
mod ours;
mod ttyd;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{milliseconds, setting};

/// Waits for a line, then floods.
const FLOOD: &str = "stty -echo; echo ready; read -r go; seq 1 LINES; echo done; read -r end";
/// Gives back what it gets, at once and without the kernel's own echo.
const ECHO: &str = "stty raw -echo; echo ready; exec cat";

/// A terminal behind a socket.
trait Terminal {
    /// Types.
    fn send(&mut self, keys: &[u8]) -> Result<()>;
    /// The next piece of output.
    fn next(&mut self) -> Result<Vec<u8>>;
}

/// What can show a shell script in a terminal.
type Start<'a> = &'a dyn Fn(&str) -> Result<Box<dyn Terminal>>;

pub(super) fn run(car: &Path) -> Result<()> {
    let lines = setting("CAR_BENCH_LINES", 2_000_000)?;
    let keys = setting("CAR_BENCH_KEYS", 1000)?.max(1);
    let home = tempfile::tempdir().context("cannot create a directory for a repository")?;
    let server = ours::Server::start(car, home.path())?;
    println!("a terminal over a WebSocket, seq 1 {lines}, {keys} keys");
    measure("car", &|script| server.terminal(script), lines, keys)?;
    println!("{:<32} {:7.2} MB", "car serve, most memory", server.megabytes()?);
    for (id, megabytes) in server.hosts()? {
        println!("{:<32} {megabytes:7.2} MB", format!("host {}, most memory", &id[id.len() - 4..]));
    }
    match ttyd::program() {
        Some(ttyd) => {
            measure("ttyd", &|script| ttyd::terminal(&ttyd, script), lines, keys)?;
        }
        None => println!("ttyd is not on PATH, so nothing is compared with it"),
    }
    measure("bare PTY and WebSocket", &bare::terminal, lines, keys)
}

fn measure(name: &str, start: Start<'_>, lines: u64, keys: u64) -> Result<()> {
    let flood = FLOOD.replace("LINES", &lines.to_string());
    let (bytes, time) = flooded(start(&flood)?.as_mut())?;
    let speed = bytes as f64 / time.as_secs_f64() / 1_000_000.0;
    println!("{:<32} {speed:7.2} MB/s, {bytes} bytes in {time:.2?}", format!("{name}, flood"));
    let mut times = echoes(start(ECHO)?.as_mut(), keys)?;
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() - 1) * share / 100).copied().unwrap_or_default();
    println!("{:<32} {:7.2} ms", format!("{name}, echo, median"), milliseconds(at(50)));
    println!("{:<32} {:7.2} ms", format!("{name}, echo, p99"), milliseconds(at(99)));
    Ok(())
}

/// Lets it flood, and tells how many bytes came in which time.
fn flooded(terminal: &mut dyn Terminal) -> Result<(usize, Duration)> {
    until(terminal, b"ready\r\n")?;
    let start = Instant::now();
    terminal.send(b"go\n")?;
    let (mut bytes, mut end) = (0, Vec::new());
    while !end.ends_with(b"done\r\n") {
        let piece = terminal.next()?;
        bytes += piece.len();
        end.extend_from_slice(&piece[piece.len().saturating_sub(6)..]);
        end.drain(..end.len().saturating_sub(6));
    }
    Ok((bytes, start.elapsed()))
}

/// The time from each key to its echo.
fn echoes(terminal: &mut dyn Terminal, keys: u64) -> Result<Vec<Duration>> {
    until(terminal, b"ready\n")?;
    let mut times = Vec::new();
    for n in 0..keys {
        let key = b'a' + (n % 26) as u8;
        let start = Instant::now();
        terminal.send(&[key])?;
        until(terminal, &[key])?;
        times.push(start.elapsed());
        // A person does not type faster, and a terminal may do other work between two keys.
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(times)
}

fn until(terminal: &mut dyn Terminal, what: &[u8]) -> Result<()> {
    let mut seen = Vec::new();
    while !seen.windows(what.len()).any(|part| part == what) {
        seen.extend(terminal.next()?);
    }
    Ok(())
}

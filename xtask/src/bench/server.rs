//! A server of a large hub: memory, processor time, and how soon it answers, against the bars set for it.
//!
//! `CAR_BENCH_REPOS`, `CAR_BENCH_CLIENTS`, `CAR_BENCH_LOOPS`, `CAR_BENCH_SECONDS` and `CAR_BENCH_REQUESTS` say how large.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{milliseconds, setting, timed};

const MAX_MEGABYTES: f64 = 80.0;
const MAX_IDLE_PERCENT: f64 = 1.0;
const MAX_P99_MS: f64 = 20.0;
/// What the system counts processor time in, per second; the same on every Linux.
const TICKS: f64 = 100.0;
/// Says a line a second, as an agent at work does.
const AGENT: &str = "while :; do echo working; sleep 1; done";

pub(super) fn run(car: &Path) -> Result<()> {
    let repos = setting("CAR_BENCH_REPOS", 500)?;
    let clients = setting("CAR_BENCH_CLIENTS", 200)?;
    let loops = setting("CAR_BENCH_LOOPS", 20)?.min(repos);
    let pause = Duration::from_secs(setting("CAR_BENCH_SECONDS", 20)?);
    let requests = setting("CAR_BENCH_REQUESTS", 500)?.max(1);
    let home = tempfile::tempdir().context("cannot create a directory for a hub")?;
    make_hub(car, home.path(), repos, loops)?;
    let server = Server::start(car, home.path())?;
    println!("car hub serve, {repos} repositories, {clients} event clients, {loops} loops");
    let listening = (0..clients).map(|_| server.listen()).collect::<Result<Vec<_>>>()?;
    std::thread::sleep(Duration::from_secs(5)); // What follows the start is over by then.
    told("idle processor time", server.busy(pause)?, MAX_IDLE_PERCENT, "% of a core");
    let ids: Vec<_> = (0..loops).map(name).collect();
    let body = json!({"action": "run", "ids": ids}).to_string();
    server.ask("POST", "/hub/bulk", &body)?;
    let at_work = server.busy(pause)?;
    println!("{:<32} {at_work:7.2} % of a core", "processor time with the loops");
    let mut times = Vec::new();
    for _ in 0..requests {
        let start = Instant::now();
        let answer = server.ask("GET", "/hub/repos", "")?;
        times.push(start.elapsed());
        ensure!(answer.starts_with("HTTP/1.1 200"), "GET /hub/repos is refused: {answer:.200}");
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() - 1) * share / 100).copied().unwrap_or_default();
    println!("{:<32} {:7.2} ms", "GET /hub/repos, median", milliseconds(at(50)));
    told("GET /hub/repos, p99", milliseconds(at(99)), MAX_P99_MS, "ms");
    told("resident memory", server.megabytes()?, MAX_MEGABYTES, "MB");
    for client in &listening {
        client.shutdown(Shutdown::Both).ok();
    }
    server.ask("POST", "/hub/bulk", r#"{"action": "stop", "now": true}"#)?;
    Ok(())
}

fn told(what: &str, value: f64, bar: f64, unit: &str) {
    let verdict = if value <= bar { "ok" } else { "OVER" };
    println!("{what:<32} {value:7.2} {unit}   {verdict}, at most {bar} {unit}");
}

fn name(n: u64) -> String {
    format!("repo-{n:03}")
}

/// A hub whose first repositories have an agent that never ends.
fn make_hub(car: &Path, home: &Path, repos: u64, loops: u64) -> Result<()> {
    timed(car, &["init", "--mode", "hub"], home)?;
    let config = "version: 2\nmode: hub\nserver:\n  auth: off\n";
    fs::write(home.join(".codex-autorunner/config.yml"), config)?;
    for n in 0..repos {
        let path = home.join(name(n));
        let made = Command::new("git").args(["init", "--quiet"]).arg(&path).status()?;
        ensure!(made.success(), "git init ended with {made}");
    }
    timed(car, &["hub", "scan"], home)?;
    let agent = json!({"binary": "sh", "args": ["-c", AGENT]});
    let config = json!({"version": 2, "mode": "repo", "codex": agent});
    for n in 0..loops {
        let dir = home.join(name(n)).join(".codex-autorunner");
        fs::write(dir.join("config.yml"), config.to_string())?;
        fs::write(dir.join("TODO.md"), "- [ ] Work\n")?;
    }
    Ok(())
}

/// A server at work; ended when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(car: &Path, home: &Path) -> Result<Self> {
        let mut process = Command::new(car)
            .args(["hub", "serve", "--port", "0"])
            .current_dir(home)
            .env("HOME", home)
            .env_remove("CODEX_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the server")?;
        let said = process.stdout.take().context("it has an output")?;
        let mut server = Self { process, address: String::new() };
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address.to_owned());
        server.address = address.with_context(|| format!("the server says {line}"))?;
        Ok(server)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        let (address, length) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut answer = String::new();
        self.send(method, path, body)?.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// A client that follows the hub and reads all it is told.
    fn listen(&self) -> Result<TcpStream> {
        let stream = self.send("GET", "/api/events?topics=hub", "")?;
        let mut reading = stream.try_clone()?;
        // Ends with its connection.
        std::thread::Builder::new().stack_size(64 << 10).spawn(move || {
            let mut buffer = [0; 8 << 10];
            while reading.read(&mut buffer).is_ok_and(|n| n > 0) {}
        })?;
        Ok(stream)
    }

    /// Processor time it uses in the time `pause`, in percent of a core.
    fn busy(&self, pause: Duration) -> Result<f64> {
        let before = self.ticks()?;
        std::thread::sleep(pause);
        Ok((self.ticks()? - before) / TICKS / pause.as_secs_f64() * 100.0)
    }

    fn ticks(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))
            .context("processor time is read from /proc, which only Linux has")?;
        let (_, fields) = stat.rsplit_once(')').context("a line of numbers")?;
        let spent = fields.split_whitespace().skip(11).take(2);
        Ok(spent.filter_map(|ticks| ticks.parse::<f64>().ok()).sum())
    }

    fn megabytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: f64 = line.context("VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

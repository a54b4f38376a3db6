//! A terminal of `car serve`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::super::timed;
use super::Terminal;

/// A server at work; it and its terminals are ended when it is dropped.
pub(super) struct Server {
    process: Child,
    address: String,
    home: PathBuf,
}

impl Server {
    pub(super) fn start(car: &Path, home: &Path) -> Result<Self> {
        let made = Command::new("git").args(["init", "--quiet"]).arg(home).status()?;
        ensure!(made.success(), "git init ended with {made}");
        timed(car, &["init"], home)?;
        let mut process = Command::new(car)
            .args(["serve", "--port", "0"])
            .current_dir(home)
            .env("HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the server")?;
        let said = process.stdout.take().context("it has an output")?;
        let mut server = Self { process, address: String::new(), home: home.to_owned() };
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address.to_owned());
        server.address = address.with_context(|| format!("the server says {line}"))?;
        Ok(server)
    }

    /// A terminal that runs `script`, which is what Codex is here.
    pub(super) fn terminal(&self, script: &str) -> Result<Box<dyn Terminal>> {
        let codex = json!({"binary": "sh", "terminal_args": ["-c", script]});
        let config =
            json!({"version": 2, "mode": "repo", "codex": codex, "server": {"auth": "off"}});
        let dir = self.home.join(".codex-autorunner");
        fs::write(dir.join("config.yml"), config.to_string())?;
        let started = self.ask("POST", "/api/terminal/sessions", "{}")?;
        let id = started["session_id"].as_str().context("no terminal was started")?;
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        let path = format!("/api/terminal?v=2&session_id={id}&from=0");
        let token = fs::read_to_string(dir.join("server-token"))?;
        let request = tungstenite::http::Request::builder()
            .uri(format!("ws://{}{path}", self.address))
            .header("host", &self.address)
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", tungstenite::handshake::client::generate_key())
            .body(())?;
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Box::new(Socket { socket })),
            Err(error) => bail!("the terminal cannot be opened: {error}"),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let token = fs::read_to_string(self.home.join(".codex-autorunner/server-token"))?;
        let mut stream = TcpStream::connect(&self.address)?;
        let (address, length, token) = (&self.address, body.len(), token.trim());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        serde_json::from_str(body).with_context(|| format!("the server answers {answer}"))
    }

    /// The most memory the server has used.
    pub(super) fn megabytes(&self) -> Result<f64> {
        most_memory(&self.process.id().to_string())
    }

    /// Each terminal, and the most memory its host has used.
    pub(super) fn hosts(&self) -> Result<Vec<(String, f64)>> {
        let mut hosts = Vec::new();
        for (id, pid) in self.host_pids()? {
            // One whose terminal has ended is gone.
            hosts.extend(most_memory(&pid).ok().map(|megabytes| (id, megabytes)));
        }
        Ok(hosts)
    }

    fn host_pids(&self) -> Result<Vec<(String, String)>> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(self.home.join(".codex-autorunner/terminals"))? {
            let path = entry?.path().join("session.json");
            let Ok(text) = fs::read_to_string(path) else { continue };
            let record: Value = serde_json::from_str(&text)?;
            let id = record["id"].as_str().unwrap_or_default().to_owned();
            pids.push((id, record["host"]["pid"].to_string()));
        }
        Ok(pids)
    }
}

fn most_memory(pid: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.context("VmHWM")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        for (id, _) in self.host_pids().unwrap_or_default() {
            // Those that have ended stay as they are.
            let _ = self.ask("POST", &format!("/api/terminal/sessions/{id}/end"), "{}");
        }
        // Both fail when it has ended already, which is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Socket {
    socket: WebSocket<TcpStream>,
}

impl Terminal for Socket {
    fn send(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(keys.to_vec()))?)
    }

    fn next(&mut self) -> Result<Vec<u8>> {
        loop {
            let Message::Binary(message) = self.socket.read()? else { continue };
            let (offset, bytes) = message.split_at_checked(8).context("no offset")?;
            let offset = u64::from_be_bytes(offset.try_into()?) + bytes.len() as u64;
            self.socket
                .send(Message::text(json!({"type": "ack", "offset": offset}).to_string()))?;
            return Ok(bytes.to_vec());
        }
    }
}

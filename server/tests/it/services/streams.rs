//! Streams of a server that ends.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Project, Running, eventually};

/// How many listen; the server must not wait for any of them.
const CLIENTS: usize = 50;

fn port(server: &Running) -> u16 {
    eventually("the server says where it listens", || {
        let said = server.stdout();
        let line = said.lines().find(|line| line.starts_with("Serving"))?;
        line.rsplit(':').next()?.trim_end_matches('/').parse().ok()
    })
}

/// A client that has heard the first event.
fn listen(port: u16, token: &str, path: &str, first: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("read");
    assert!(line.contains("200 OK"), "{path}: {line}");
    while !line.contains(first) {
        line.clear();
        assert!(reader.read_line(&mut line).expect("read") > 0, "an answer");
    }
    reader
}

#[test]
fn a_server_with_open_streams_ends_within_three_seconds() {
    let project = Project::new();
    let server = project.start(&["serve", "--port", "0"]);
    let port = port(&server);
    let token = project.read("server-token");
    let id = project.root().file_name().expect("a name").to_string_lossy().into_owned();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| match n % 3 {
            0 => listen(port, token.trim(), "/api/logs/stream", "200 OK"),
            1 => listen(port, token.trim(), "/api/events?topics=hub,notify", "event: ready"),
            _ => {
                let topics = format!("/api/events?topics=repo:{id},doc:{id}/todo");
                listen(port, token.trim(), &topics, "event: ready")
            }
        })
        .collect();
    let asked = Instant::now();
    server.signal(Signal::SIGTERM);
    server.wait().exits(0);
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    drop(clients);
}

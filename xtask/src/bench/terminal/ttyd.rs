//! A terminal of `ttyd`: messages begin with a letter that says what they are, `0` for input and output.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use super::Terminal;

/// The program, when it is there.
pub(super) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("ttyd")).find(|path| path.is_file())
}

/// A terminal that runs `script`.
pub(super) fn terminal(ttyd: &Path, script: &str) -> Result<Box<dyn Terminal>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let process = Command::new(ttyd)
        .args(["--interface", "127.0.0.1", "--port", &port, "--writable", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start ttyd")?;
    let process = Process(process);
    let address = format!("127.0.0.1:{port}");
    let stream = connect(&address)?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "tty".parse()?);
    let (mut socket, _) =
        tungstenite::client(request, stream).map_err(|error| anyhow!("no socket: {error}"))?;
    socket.send(Message::text(r#"{"AuthToken": "", "columns": 80, "rows": 24}"#))?;
    Ok(Box::new(Socket { socket, _process: process }))
}

/// It does not say when it listens.
fn connect(address: &str) -> Result<TcpStream> {
    for _ in 0..200 {
        if let Ok(stream) = TcpStream::connect(address) {
            return Ok(stream);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(anyhow!("ttyd does not listen at {address}"))
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Socket {
    socket: WebSocket<TcpStream>,
    _process: Process,
}

impl Terminal for Socket {
    fn send(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary([b"0", keys].concat()))?)
    }

    fn next(&mut self) -> Result<Vec<u8>> {
        loop {
            let message = self.socket.read()?.into_data();
            if let Some((b'0', bytes)) = message.split_first() {
                return Ok(bytes.to_vec());
            }
        }
    }
}

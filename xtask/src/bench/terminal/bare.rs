//! The least there can be between a PTY and a WebSocket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use tungstenite::{Message, WebSocket};

use super::Terminal;

/// A terminal that runs `script`, behind a server that serves one client.
pub(super) fn terminal(script: &str) -> Result<Box<dyn Terminal>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let script = script.to_owned();
    // Ends with its client.
    thread::spawn(move || serve(&listener, &script));
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (socket, _) = tungstenite::client(format!("ws://{address}/"), stream)
        .map_err(|error| anyhow!("no socket: {error}"))?;
    Ok(Box::new(Socket(socket)))
}

fn serve(listener: &TcpListener, script: &str) -> Result<()> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let reading = stream.try_clone()?;
    let socket = tungstenite::accept(stream).map_err(|error| anyhow!("no socket: {error}"))?;
    let pty = native_pty_system().openpty(PtySize::default())?;
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", script]);
    let mut child = pty.slave.spawn_command(command)?;
    drop(pty.slave);
    let (mut output, mut input) = (pty.master.try_clone_reader()?, pty.master.take_writer()?);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let mut client =
            WebSocket::from_raw_socket(reading, tungstenite::protocol::Role::Server, None);
        while let Ok(message) = client.read() {
            if input.write_all(&message.into_data()).and_then(|()| input.flush()).is_err() {
                break;
            }
        }
        // Nobody waits for it when the program has ended first.
        let _ = ended.send(());
    });
    let mut socket = socket;
    thread::spawn(move || {
        let mut buffer = [0; 64 << 10];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            if socket.send(Message::binary(buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    end.recv().context("the client is gone")?;
    child.kill()?;
    child.wait()?;
    Ok(())
}

struct Socket(WebSocket<TcpStream>);

impl Terminal for Socket {
    fn send(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.0.send(Message::binary(keys.to_vec()))?)
    }

    fn next(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.read()?.into_data().to_vec())
    }
}

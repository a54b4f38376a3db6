//! The two ways messages travel: WebSocket text frames on a Unix socket, or lines of JSON on a child's pipes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt, sink, stream};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::lines::LineReader;
use crate::program::Group;

/// Largest message taken from Codex. Its largest ones carry a command's whole output or the diff of a turn.
const MAX_MESSAGE: usize = 64 << 20;
/// How long a child may take to end after its input is closed; measured: a tenth of a second.
const CHILD_PATIENCE: Duration = Duration::from_secs(3);

/// Joins the server that listens on `socket`.
pub(super) async fn over_socket(
    socket: &Path,
) -> io::Result<(
    impl Sink<String, Error = io::Error> + use<>,
    impl Stream<Item = io::Result<String>> + use<>,
)> {
    let stream = UnixStream::connect(socket).await?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let joined = client_async_with_config("ws://localhost/", stream, Some(config)).await;
    let (websocket, _) = joined.map_err(io::Error::other)?;
    let (sink, stream) = websocket.split();
    let sink = sink
        .sink_map_err(io::Error::other)
        .with(|text: String| async move { io::Result::Ok(Message::text(text)) });
    let stream = stream.filter_map(|message| async move {
        match message {
            Ok(Message::Text(text)) => Some(Ok(text.as_str().to_owned())),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        }
    });
    Ok((sink, stream))
}

/// A server of our own, heard through its pipes. It ends with us.
pub(super) struct ServerChild {
    child: Child,
    group: Group,
}

/// Starts `codex app-server` as a child in a group of its own.
pub(super) fn over_pipes(
    binary: &Path,
    env: &[(OsString, OsString)],
    cwd: &PathBuf,
) -> io::Result<(
    ServerChild,
    impl Sink<String, Error = io::Error> + use<>,
    impl Stream<Item = io::Result<String>> + use<>,
)> {
    let mut child = Command::new(binary)
        .arg("app-server")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()));
    let missing = || io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let sink = sink::unfold(stdin, |mut stdin: ChildStdin, text: String| async move {
        stdin.write_all(format!("{text}\n").as_bytes()).await?;
        io::Result::Ok(stdin)
    });
    let lines = LineReader::new(stdout, MAX_MESSAGE);
    let stream = stream::unfold(lines, |mut lines| async move {
        let line = lines.next_line().await.transpose()?;
        Some((line.map(|line| line.text), lines))
    });
    Ok((ServerChild { child, group }, sink, stream))
}

impl ServerChild {
    /// Waits for the end, which follows the end of its input; what is left then is killed.
    pub(super) async fn end(mut self) {
        let _ = tokio::time::timeout(CHILD_PATIENCE, self.child.wait()).await;
        drop(self.group);
    }
}

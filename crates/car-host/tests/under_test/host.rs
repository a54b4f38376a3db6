//! A host and nothing else, as `car host` runs it; and processes around one that tests kill.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_host::protocol::ClientFrame;
use car_host::{Sessions, Size, Spec};

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let result = match args.as_slice() {
        [verb, root] if verb == Path::new("start") => start(root),
        [verb, socket] if verb == Path::new("stall") => stall(socket),
        [dir] => car_host::host::run(dir, || say("ready")).map_err(io::Error::other),
        _ => Err(io::Error::other("a session's directory, please")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Starts a session that runs `cat`, says its id and waits to be killed.
fn start(root: &Path) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let spec = Spec {
        host: vec![std::env::current_exe()?.into()],
        repo: root.to_owned(),
        kind: "test".into(),
        title: String::new(),
        argv: vec!["cat".into()],
        cwd: root.to_owned(),
        size: Size::default(),
        env: Vec::new(),
        env_remove: Vec::new(),
    };
    let session = runtime.block_on(Sessions::of(root).start(&spec)).map_err(io::Error::other)?;
    say(&session.record.id);
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// Attaches as one that controls the flow, and never reads.
fn stall(socket: &Path) -> io::Result<()> {
    let mut socket = UnixStream::connect(socket)?;
    let mut attach = Vec::new();
    ClientFrame::Attach { version: 1, answers: false, window: 1000, offset: 0, lines: 0 }
        .encode(&mut attach);
    socket.write_all(&attach)?;
    say("attached");
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

//! One conversation, from the open socket to its close.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use car_domain::terminal::{Hello, ServerFrame, TerminalError, TerminalRole};
use car_engine::terminals::{self, Entering, Heard, Seat, Size};
use car_host::protocol::{FROM_SNAPSHOT, HostFrame};
use car_host::{Attach, Attachment, HostError};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::ApiRepo;
use super::super::events::{Over, Sign};
use super::find::{self, Found};
use super::hear::{Hearing, hear};
use super::socket::SocketQuery;
use super::tell::{Telling, tell};
use super::{ended, tell};

/// Answers that may wait for a client to read them; one that does not is not heard meanwhile.
const MAX_SAID: usize = 64;
/// Bytes a client may be behind unless it says otherwise.
const WINDOW: u32 = 256 << 10;
/// More would be kept for a client in the host's memory, less would stop the flow with every packet.
const WINDOWS: (u32, u32) = (4 << 10, 1 << 20);
/// Lines of history in a snapshot unless the client says otherwise.
const LINES: u32 = 500;
/// Most of them; a host keeps no more.
pub(super) const MAX_LINES: u32 = 2000;
/// Signs of life a client may owe us before it counts as gone.
const MAX_SILENT_BEATS: u32 = 3;
/// How long a client may take to read why the socket is closed.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) type Sink = SplitSink<WebSocket, Message>;
pub(super) type Stream = SplitStream<WebSocket>;

/// Why a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All is said.
    Done,
    /// The server ends; another one will be there.
    Restart,
    /// The browser was logged out.
    LoggedOut,
    /// The same client has a newer connection.
    Replaced,
    /// The client is gone.
    Gone,
}

/// Something to send.
pub(super) enum Said {
    Frame(ServerFrame),
    Ping,
}

/// What both directions know.
pub(super) struct Talk {
    pub(super) is_v2: bool,
    pub(super) session_id: String,
    /// Ids of input whose fate the host has not told, by the host's number.
    asked: Mutex<HashMap<u64, String>>,
    /// Offset of the next byte for the client; [`FROM_SNAPSHOT`] until it is known.
    pub(super) position: AtomicU64,
    pub(super) window: u32,
    pub(super) lines: u32,
}

/// What the telling side wants the host to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Everything before is with an old client, which acknowledges nothing itself.
    pub(super) acked: u64,
    /// Whether the client's terminal answers the program's questions.
    pub(super) answers: bool,
}

impl Talk {
    pub(super) fn asked(&self) -> MutexGuard<'_, HashMap<u64, String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attach(&self, answers: bool) -> Attach {
        let from = match self.position.load(Ordering::Relaxed) {
            FROM_SNAPSHOT => None,
            position => Some(position),
        };
        Attach { from, window: self.window, lines: self.lines, answers }
    }
}

/// Serves a client until one of both goes.
pub(super) async fn serve(
    state: &WebState,
    caller: &Caller,
    repo: &ApiRepo,
    query: &SocketQuery,
    role: Option<TerminalRole>,
    socket: WebSocket,
) {
    let (mut sink, stream) = socket.split();
    let (said, saying) = mpsc::channel(MAX_SAID);
    let was_heard = AtomicBool::new(true);
    let over = Over::new(state, caller.clone());
    let end = {
        let watched = watch_over(state, over, said.clone(), &was_heard);
        let conversation = async {
            let found = match find::find(state, (&repo.id, &repo.repo), query).await {
                Ok(found) => found,
                Err(error) => return refuse(&mut sink, *error).await,
            };
            let who = Entering {
                id: query.client.clone().filter(|id| (1..=64).contains(&id.len())),
                device: caller.name().to_owned(),
                role,
            };
            let seat = state.served.members().enter(&found.session.record.id, who);
            let parts = (&mut sink, stream, (said, saying), &was_heard);
            converse(found, query, &seat, parts).await
        };
        tokio::select! {
            end = watched => end,
            end = conversation => end,
        }
    };
    // Whoever does not read it is cut off.
    let _ = timeout(FAREWELL, sink.send(farewell(end))).await;
}

/// Keeps the connection alive and waits for what ends it from outside.
async fn watch_over(
    state: &WebState,
    mut over: Over,
    said: mpsc::Sender<Said>,
    was_heard: &AtomicBool,
) -> End {
    let mut silent = 0;
    loop {
        match over.sign().await {
            Sign::End if state.cancel.is_cancelled() => return End::Restart,
            Sign::End => return End::LoggedOut,
            Sign::Beat => {
                let heard = was_heard.swap(false, Ordering::Relaxed);
                silent = if heard { 0 } else { silent + 1 };
                if silent >= MAX_SILENT_BEATS {
                    return End::Gone;
                }
                // What waits in a full queue keeps the connection as busy as a ping.
                let _ = said.try_send(Said::Ping);
            }
        }
    }
}

type Channel = (mpsc::Sender<Said>, mpsc::Receiver<Said>);
type Parts<'a> = (&'a mut Sink, Stream, Channel, &'a AtomicBool);

async fn converse(found: Found, query: &SocketQuery, seat: &Seat, parts: Parts<'_>) -> End {
    let (sink, stream, (said, saying), was_heard) = parts;
    let is_v2 = query.v == Some(2);
    let window = query.window.unwrap_or(WINDOW).clamp(WINDOWS.0, WINDOWS.1);
    let lines = query.lines.unwrap_or(if is_v2 { LINES } else { MAX_LINES }).min(MAX_LINES);
    let from = match (query.from, found.is_new) {
        (Some(from), false) => Some(from),
        // Nobody has seen anything of it yet.
        (_, true) => Some(0),
        (None, false) => None,
    };
    let talk = Talk {
        is_v2,
        session_id: found.session.record.id.clone(),
        asked: Mutex::default(),
        position: AtomicU64::new(from.unwrap_or(FROM_SNAPSHOT)),
        window,
        lines,
    };
    let answers = !is_v2 || seat.role() == Some(TerminalRole::Controller);
    let mut session = found.session.clone();
    let attached = session.attach(&talk.attach(answers)).await;
    let (mut attachment, heard) = match first_words(attached).await {
        Ok(first) => first,
        Err(error) => {
            if session.reload().is_ok() && !terminals::is_alive(&session) {
                return ended::tell(sink, &talk, &session, seat, from).await;
            }
            return refuse(sink, host_trouble(&error, &talk.session_id)).await;
        }
    };
    let hello = hello(&found, &attachment.hello, &heard, seat, from);
    if tell::say(sink, &ServerFrame::Hello(Box::new(hello))).await.is_err() {
        return End::Gone;
    }
    if let (Some(cols), Some(rows)) = (query.cols, query.rows)
        && seat.role() == Some(TerminalRole::Controller)
        && attachment.sender.resize(Size { cols, rows }).await.is_err()
    {
        return End::Gone;
    }
    let (wants, wanted) = watch::channel(Wanted { acked: 0, answers });
    let Attachment { frames, sender, .. } = attachment;
    // The original ends the replay also where there is none.
    let named = query.session_id.as_deref().is_some_and(|id| !id.is_empty());
    let mode = query.mode.as_deref().unwrap_or_default();
    let has_replay = !is_v2 && (named || mode == "attach" || mode == "resume" || !found.is_new);
    let telling = Telling {
        talk: &talk,
        sink,
        frames,
        seat,
        heard,
        saying,
        wants,
        has_replay,
        from,
        present: Vec::new(),
    };
    let hearing = Hearing { talk: &talk, stream, sender, seat, said, wanted, was_heard };
    tokio::select! {
        end = tell(telling) => end,
        end = hear(hearing) => end,
    }
}

async fn first_words(
    attached: Result<Attachment, HostError>,
) -> Result<(Attachment, Heard), HostError> {
    let mut attachment = attached?;
    let heard = terminals::heard_first(&mut attachment).await;
    let gone = || HostError::Io(std::io::ErrorKind::UnexpectedEof.into());
    heard.map(|heard| (attachment, heard)).ok_or_else(gone)
}

fn hello(found: &Found, host: &HostFrame, heard: &Heard, seat: &Seat, from: Option<u64>) -> Hello {
    let (oldest, end) = match host {
        HostFrame::Hello { oldest, end, .. } => (*oldest, *end),
        _ => (0, 0),
    };
    let shown = terminals::view(&found.session.record, Some(heard), seat.clients());
    Hello {
        offset: from.filter(|from| (oldest..=end).contains(from)).unwrap_or(end),
        oldest,
        end,
        kept_session_id: found.kept.clone(),
        ..hello_of(&shown, seat)
    }
}

/// What the first frame says of any terminal.
pub(super) fn hello_of(shown: &car_domain::terminal::Terminal, seat: &Seat) -> Hello {
    Hello {
        v: car_domain::terminal::VERSION,
        session_id: shown.session_id.clone(),
        kind: shown.kind.clone(),
        title: shown.title.clone(),
        cols: shown.cols,
        rows: shown.rows,
        offset: 0,
        oldest: 0,
        end: 0,
        role: seat.role().unwrap_or(TerminalRole::Viewer),
        clients: u32::try_from(shown.attached.len()).unwrap_or(u32::MAX),
        activity: shown.activity.clone(),
        kept_session_id: None,
    }
}

fn host_trouble(error: &HostError, session_id: &str) -> TerminalError {
    tracing::warn!(%error, session_id, "a terminal cannot be reached");
    TerminalError {
        code: "unreachable".to_owned(),
        message: error.to_string(),
        hint: Some("try again; if it stays away, end the terminal".to_owned()),
        session_id: Some(session_id.to_owned()),
        current_session_id: None,
    }
}

async fn refuse(sink: &mut Sink, error: TerminalError) -> End {
    match tell::say(sink, &ServerFrame::Error(Box::new(error))).await {
        Ok(()) => End::Done,
        Err(_) => End::Gone,
    }
}

fn farewell(end: End) -> Message {
    let (code, reason) = match end {
        End::Done => (close_code::NORMAL, ""),
        End::Gone => (close_code::AWAY, ""),
        End::Restart => (close_code::RESTART, "the server restarts"),
        End::LoggedOut => (close_code::POLICY, "logged out"),
        // Of the range for applications.
        End::Replaced => (4000, "connected again"),
    };
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

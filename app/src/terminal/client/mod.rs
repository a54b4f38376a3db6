//! What a page knows of the terminal it is attached to, and what it does next. No browser in here: events go in, [`Effect`]s
//! come out.
//!
//! What must stay true:
//! * Every byte of output is shown once and in order, whatever the connection does: who comes back asks for what is missing,
//!   or gets the screen anew.
//! * Every input is written once. It has an id and is sent again until the server says what became of it.
//! * What is said about the connection is so.

mod input;

use std::time::Duration;

use car_domain::Timestamp;
use car_domain::terminal::{
    ClientFrame, Hello, OFFSET_BYTES, ServerFrame, TerminalActivity, TerminalClient, TerminalError,
    TerminalExit, TerminalRole, VERSION,
};

use crate::live::backoff;
use crate::platform::encode_segment;
use input::Inputs;

/// Bytes the server may be ahead of what is shown before the program is slowed down.
const WINDOW: u64 = 256 << 10;
/// Shown bytes after which the server is told.
const ACK_EVERY: u64 = WINDOW / 8;
/// Lines of history a snapshot brings.
const HISTORY: u32 = 2000;
/// Silence after which the server is asked whether it is there, and how long it may take to answer.
const SILENCE: Duration = Duration::from_secs(15);
/// The close code of a server that is done.
const CLOSED_FOR_GOOD: u16 = 1000;

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// Where the connection is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// It is opened for the first time.
    Connecting,
    /// It is open.
    Open,
    /// It was lost; the next try is at this time.
    Lost(Timestamp),
    /// It was lost and is being opened again.
    Retrying,
    /// The program has ended.
    Ended(TerminalExit),
    /// The server said why not.
    Refused(TerminalError),
}

/// What people see of it besides the screen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    /// Where the connection is.
    pub phase: Phase,
    /// What this page may do; unknown before the server said so.
    pub role: Option<TerminalRole>,
    /// Who is attached.
    pub clients: Vec<TerminalClient>,
    /// The title.
    pub title: String,
    /// What is going on.
    pub activity: TerminalActivity,
    /// Its size.
    pub grid: Option<Grid>,
    /// Text that was sent and is not known to be written.
    pub waiting: String,
    /// How long the server took to answer last.
    pub delay: Option<Duration>,
}

impl Status {
    /// What is known before anything was heard.
    pub(crate) fn new(title: String, activity: TerminalActivity, phase: Phase) -> Self {
        Self {
            phase,
            role: None,
            clients: Vec::new(),
            title,
            activity,
            grid: None,
            waiting: String::new(),
            delay: None,
        }
    }

    /// Whether what is typed here reaches the program.
    pub(crate) fn can_type(&self) -> bool {
        self.role != Some(TerminalRole::Viewer)
            && !matches!(self.phase, Phase::Ended(_) | Phase::Refused(_))
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Open a socket with this query; one that is open closes.
    Open(String),
    /// Close the socket.
    Close,
    /// Send this text.
    Send(String),
    /// Show a fresh terminal of this size.
    Reset(Grid),
    /// Show these bytes, and say so: they end at this offset.
    Write(Vec<u8>, u64),
    /// The terminal has this size now.
    Resize(Grid),
    /// Call [`Client::retry`] with this number after that time.
    Retry(Duration, u32),
    /// Tell a person that something was not sent, and give the text back.
    NotSent {
        /// The text.
        text: String,
        /// Why.
        why: String,
    },
}

/// A page's end of the conversation.
#[derive(Debug)]
pub(crate) struct Client {
    session: String,
    /// A name of our own, so that who comes back takes its old place.
    name: String,
    status: Status,
    /// The size of our window.
    window: Grid,
    /// Offset of the next byte of output; none before the first screen.
    offset: Option<u64>,
    /// What the server knows to be shown.
    acked: u64,
    /// The next binary frame is a screen.
    expects_screen: bool,
    inputs: Inputs,
    n_failed: u32,
    /// Counts connections, so that a wait that was overtaken does nothing.
    generation: u32,
    heard_at: Timestamp,
    pinged_at: Option<Timestamp>,
}

impl Client {
    /// A page that will show `session`; `name` must be unlike that of any other.
    pub(crate) fn new(session: String, name: String, status: Status, window: Grid) -> Self {
        Self {
            session,
            inputs: Inputs::new(name.clone()),
            name,
            status,
            window,
            offset: None,
            acked: 0,
            expects_screen: false,
            n_failed: 0,
            generation: 0,
            heard_at: Timestamp::from_millis(0),
            pinged_at: None,
        }
    }

    /// What people see.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Whether our window gives the terminal its size.
    pub(crate) fn is_controller(&self) -> bool {
        self.status.role == Some(TerminalRole::Controller)
    }

    /// Opens a connection, the first or one more.
    pub(crate) fn connect(&mut self, now: Timestamp) -> Vec<Effect> {
        self.generation += 1;
        self.heard_at = now;
        self.pinged_at = None;
        self.expects_screen = false;
        if !matches!(self.status.phase, Phase::Connecting) {
            self.status.phase = Phase::Retrying;
        }
        vec![Effect::Open(self.query())]
    }

    fn query(&self) -> String {
        let mut query = format!(
            "v={VERSION}&mode=attach&session_id={}&client={}&lines={HISTORY}&window={WINDOW}&cols={}&rows={}",
            encode_segment(&self.session),
            encode_segment(&self.name),
            self.window.cols,
            self.window.rows,
        );
        // Who looked on goes on to, even where a server that was started anew knows of nobody who types.
        if self.status.role == Some(TerminalRole::Viewer) {
            query.push_str("&role=viewer");
        }
        if let Some(from) = self.offset {
            query.push_str(&format!("&from={from}"));
        }
        query
    }

    /// Hears a text frame.
    pub(crate) fn text(&mut self, text: &str, now: Timestamp) -> Vec<Effect> {
        self.hear(now);
        // A frame of a newer server is none of our business.
        let Ok(frame) = serde_json::from_str(text) else { return Vec::new() };
        match frame {
            ServerFrame::Hello(hello) => return self.greet(*hello),
            ServerFrame::Snapshot { offset, cols, rows, .. } => {
                self.expects_screen = true;
                self.offset = Some(offset);
                self.acked = offset;
                let grid = Grid { cols, rows };
                self.status.grid = Some(grid);
                return vec![Effect::Reset(grid)];
            }
            ServerFrame::Title { title } => self.status.title = title,
            ServerFrame::Resized { cols, rows } => {
                let grid = Grid { cols, rows };
                self.status.grid = Some(grid);
                return vec![Effect::Resize(grid)];
            }
            ServerFrame::Activity(activity) => self.status.activity = activity,
            ServerFrame::Presence { clients } => {
                if let Some(me) = clients.iter().find(|client| client.you) {
                    self.status.role = Some(me.role);
                }
                self.status.clients = clients;
            }
            ServerFrame::Role { role } => return self.become_role(role),
            ServerFrame::Ack { id, ok, message } => {
                let input = self.inputs.settle(&id);
                self.note_waiting();
                if let Some(text) = input.filter(|_| !ok) {
                    let why = message.unwrap_or_else(|| "The terminal did not take it.".to_owned());
                    return vec![Effect::NotSent { text, why }];
                }
            }
            ServerFrame::Error(error) => self.blame(*error),
            ServerFrame::Exit { code, signal, .. } => {
                self.status.phase = Phase::Ended(TerminalExit { code, signal });
                self.status.waiting.clear();
            }
            ServerFrame::Pong { .. } => {
                if let Some(sent) = self.pinged_at.take() {
                    self.status.delay = Some(now.since(sent));
                }
            }
            ServerFrame::ReplayEnd => {}
        }
        Vec::new()
    }

    fn greet(&mut self, hello: Hello) -> Vec<Effect> {
        self.n_failed = 0;
        let grid = Grid { cols: hello.cols, rows: hello.rows };
        self.status.phase = Phase::Open;
        self.status.title = hello.title;
        self.status.activity = hello.activity;
        self.status.grid = Some(grid);
        let mut effects = vec![Effect::Resize(grid)];
        effects.extend(self.become_role(hello.role));
        // In the order they were typed in, and before anything that is typed now.
        effects.extend(self.inputs.again().map(|frame| send(&frame)));
        self.note_waiting();
        effects
    }

    fn become_role(&mut self, role: TerminalRole) -> Vec<Effect> {
        self.status.role = Some(role);
        // Whoever controls gives the terminal the size of its window.
        match role {
            TerminalRole::Controller if self.status.grid != Some(self.window) => {
                vec![self.tell_size()]
            }
            _ => Vec::new(),
        }
    }

    /// Some errors are about a single frame; one before the greeting means that there will be none.
    fn blame(&mut self, error: TerminalError) {
        if !matches!(self.status.phase, Phase::Open) {
            self.status.phase = Phase::Refused(error);
        }
    }

    /// Hears a binary frame: output.
    pub(crate) fn bytes(&mut self, frame: &[u8], now: Timestamp) -> Vec<Effect> {
        self.hear(now);
        let Some((offset, bytes)) = frame.split_first_chunk::<OFFSET_BYTES>() else {
            return Vec::new();
        };
        let first = u64::from_be_bytes(*offset);
        if std::mem::take(&mut self.expects_screen) {
            self.offset = Some(first);
            return vec![Effect::Write(bytes.to_vec(), first)];
        }
        let next = *self.offset.get_or_insert(first);
        let Some(known) = next.checked_sub(first) else {
            // Something is missing: what comes would spoil the screen, so the screen comes anew.
            return vec![send(&ClientFrame::Snapshot { lines: HISTORY })];
        };
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(bytes.len());
        let new = &bytes[known..];
        if new.is_empty() {
            return Vec::new();
        }
        let end = next + new.len() as u64;
        self.offset = Some(end);
        vec![Effect::Write(new.to_vec(), end)]
    }

    /// Everything before `offset` is shown.
    pub(crate) fn shown(&mut self, offset: u64) -> Vec<Effect> {
        if self.status.phase != Phase::Open || offset < self.acked + ACK_EVERY {
            return Vec::new();
        }
        self.acked = offset;
        vec![send(&ClientFrame::Ack { offset })]
    }

    /// Types `text`. Without a connection it waits for the next one.
    pub(crate) fn input(&mut self, text: &str) -> Vec<Effect> {
        if !self.status.can_type() {
            let why = "This device only looks on.".to_owned();
            return vec![Effect::NotSent { text: text.to_owned(), why }];
        }
        let is_open = self.status.phase == Phase::Open;
        let effects = match self.inputs.add(text) {
            Ok(frames) if is_open => frames.iter().map(send).collect(),
            Ok(_) => Vec::new(),
            Err(why) => vec![Effect::NotSent { text: text.to_owned(), why }],
        };
        self.note_waiting();
        effects
    }

    /// What is on its way waits for nothing; what has no way does.
    fn note_waiting(&mut self) {
        self.status.waiting = match self.status.phase {
            Phase::Open => String::new(),
            _ => self.inputs.waiting(),
        };
    }

    /// Our window has another size.
    pub(crate) fn resize(&mut self, window: Grid) -> Vec<Effect> {
        self.window = window;
        if self.is_controller()
            && self.status.phase == Phase::Open
            && self.status.grid != Some(window)
        {
            return vec![self.tell_size()];
        }
        Vec::new()
    }

    fn tell_size(&self) -> Effect {
        send(&ClientFrame::Resize { cols: self.window.cols, rows: self.window.rows })
    }

    /// Makes this page the controller.
    pub(crate) fn take(&self) -> Vec<Effect> {
        match self.status.phase {
            Phase::Open => vec![send(&ClientFrame::Take)],
            _ => Vec::new(),
        }
    }

    /// The socket closed. `random` is from 0 up to 1.
    pub(crate) fn closed(&mut self, code: u16, now: Timestamp, random: f64) -> Vec<Effect> {
        match &self.status.phase {
            Phase::Ended(_) | Phase::Refused(_) => return Vec::new(),
            Phase::Open if code == CLOSED_FOR_GOOD => {
                let message = "The server closed the connection.".to_owned();
                let hint = Some("Connect again to go on.".to_owned());
                let error = TerminalError { message, hint, ..TerminalError::default() };
                self.status.phase = Phase::Refused(error);
                return Vec::new();
            }
            _ => {}
        }
        let wait = backoff::wait(self.n_failed, random);
        self.n_failed = self.n_failed.saturating_add(1);
        self.status.phase = Phase::Lost(later(now, wait));
        self.note_waiting();
        self.generation += 1;
        vec![Effect::Retry(wait, self.generation)]
    }

    /// The wait number `generation` is over.
    pub(crate) fn retry(&mut self, generation: u32, now: Timestamp) -> Vec<Effect> {
        if generation == self.generation && matches!(self.status.phase, Phase::Lost(_)) {
            return self.connect(now);
        }
        Vec::new()
    }

    /// The page is looked at again, or the machine is back online, or a person wants it: no more waiting.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Vec<Effect> {
        match self.status.phase {
            Phase::Lost(_) | Phase::Refused(_) => self.connect(now),
            Phase::Open => self.ask(now),
            _ => Vec::new(),
        }
    }

    /// Time goes by: a connection that is silent is asked whether it is there, and given up when it does not say so.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        if now.since(self.heard_at) < SILENCE {
            return Vec::new();
        }
        match (&self.status.phase, self.pinged_at) {
            (Phase::Open, None) => self.ask(now),
            (Phase::Open, Some(asked)) if now.since(asked) >= SILENCE => vec![Effect::Close],
            (Phase::Connecting | Phase::Retrying, _) => vec![Effect::Close],
            _ => Vec::new(),
        }
    }

    fn ask(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.pinged_at.is_some() {
            return Vec::new();
        }
        self.pinged_at = Some(now);
        vec![send(&ClientFrame::Ping { at: serde_json::Value::Null })]
    }

    fn hear(&mut self, now: Timestamp) {
        self.heard_at = now;
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_add(wait))
}

fn send(frame: &ClientFrame) -> Effect {
    Effect::Send(serde_json::to_string(frame).unwrap_or_default())
}

#[cfg(test)]
mod tests;

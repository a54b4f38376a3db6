//! Terminals: what lists show of them, and what a server and its clients say to each other on `/api/terminal`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;

/// The version of the conversation that [`ServerFrame`] and [`ClientFrame`] are about.
pub const VERSION: u8 = 2;
/// Bytes in front of the output in a binary frame of the server: the offset of its first byte, big-endian.
pub const OFFSET_BYTES: usize = 8;

/// A terminal as lists and pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Terminal {
    /// Its id.
    pub session_id: String,
    /// What it was started for: `codex`, `resume`, `shell` or `command`.
    pub kind: String,
    /// The title its program gave it, else what it was started with.
    pub title: String,
    /// The command line it was started with.
    pub command: Vec<String>,
    /// How it is.
    pub state: TerminalState,
    /// How its program ended.
    pub exit: Option<TerminalExit>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its program ended.
    pub ended_at: Option<Timestamp>,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// What is going on in it.
    pub activity: TerminalActivity,
    /// Who is attached through this server.
    pub attached: Vec<TerminalClient>,
}

impl Terminal {
    /// Whether its program runs, or is about to.
    pub fn is_alive(&self) -> bool {
        matches!(self.state, TerminalState::Starting | TerminalState::Running)
    }
}

/// How a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// It is being started.
    Starting,
    /// Its program runs.
    Running,
    /// Its program has ended.
    Ended,
    /// Its process died without a word.
    Lost,
}

/// How a program ended: with a code, by a signal, or unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalExit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// What is going on in a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalActivity {
    /// In one word.
    pub state: ActivityState,
    /// When its program wrote last, in milliseconds since 1970; 0 for never.
    pub last_output: u64,
    /// When somebody typed last.
    pub last_input: u64,
    /// How often the bell has rung.
    pub bells: u64,
    /// Name of the program in the foreground; empty when it is not known.
    pub foreground: String,
}

/// Whether a terminal works or waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    /// Its program writes.
    Working,
    /// Its program rang since somebody typed last, and is silent: it wants something, or is done.
    Waiting,
    /// It is silent.
    #[default]
    Idle,
}

/// Somebody who is attached to a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalClient {
    /// Tells attached clients apart.
    pub id: String,
    /// Name of the device.
    pub device: String,
    /// What it may do.
    pub role: TerminalRole,
    /// Whether it is whoever is told.
    pub you: bool,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TerminalRole {
    /// It types, and its window gives the terminal its size. There is one at most.
    Controller,
    /// It looks on.
    Viewer,
}

/// What a server says in text. `docs/terminal.md` tells when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame.
    Hello(Box<Hello>),
    /// The next binary frame is the screen: bytes for a fresh terminal of this size, in place of all output before `offset`.
    Snapshot {
        /// Where output goes on.
        offset: u64,
        /// Columns it was made for.
        cols: u16,
        /// Rows it was made for.
        rows: u16,
        /// Whether it is sent because output that was wanted is no longer there.
        after_gap: bool,
    },
    /// To clients of version 1: what was there before is sent.
    ReplayEnd,
    /// The title.
    Title {
        /// What it is now.
        title: String,
    },
    /// The terminal has another size.
    Resized {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// What is going on.
    Activity(TerminalActivity),
    /// Who is attached.
    Presence {
        /// All of them, in the order they came.
        clients: Vec<TerminalClient>,
    },
    /// The client has another role.
    Role {
        /// Its role now.
        role: TerminalRole,
    },
    /// What became of an `input`.
    Ack {
        /// The input's id.
        id: String,
        /// Whether it is written.
        ok: bool,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Something the client wanted cannot be.
    Error(Box<TerminalError>),
    /// The answer to a ping.
    Pong {
        /// What the ping said.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        at: Value,
    },
    /// The program has ended, and all its output was sent. The last frame.
    Exit {
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// The terminal.
        session_id: String,
    },
}

/// The first frame of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the conversation.
    pub v: u8,
    /// The terminal.
    pub session_id: String,
    /// What it was started for.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Where output that is sent begins; with a snapshot, that says it.
    pub offset: u64,
    /// The oldest offset that can be asked for.
    pub oldest: u64,
    /// Offset of the next byte the program writes.
    pub end: u64,
    /// What the client may do.
    pub role: TerminalRole,
    /// How many are attached, this one included.
    pub clients: u32,
    /// What is going on.
    pub activity: TerminalActivity,
    /// A terminal the client wanted closed before this one was begun. It goes on: only `…/end` ends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_session_id: Option<String>,
}

/// Something that cannot be, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalError {
    /// One word for programs.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The terminal that was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The repository's current terminal, when another one was asked for and is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_session_id: Option<String>,
}

/// What a client says in text. Binary frames are keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Text to type, once however often it is sent with this id.
    Input {
        /// An id nobody else uses.
        id: String,
        /// The text.
        data: String,
    },
    /// Everything before `offset` is shown.
    Ack {
        /// An offset.
        offset: u64,
    },
    /// The controller's window has this size.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// Answered by a pong.
    Ping {
        /// Anything.
        #[serde(default)]
        at: Value,
    },
    /// The client becomes the controller.
    Take,
    /// The client wants the screen anew.
    Snapshot {
        /// Most lines of history.
        #[serde(default)]
        lines: u32,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_have_the_shapes_that_are_documented() {
        let said = |frame: ServerFrame| serde_json::to_value(frame).expect("JSON");
        assert_eq!(said(ServerFrame::ReplayEnd), json!({"type": "replay_end"}));
        assert_eq!(said(ServerFrame::Pong { at: Value::Null }), json!({"type": "pong"}));
        assert_eq!(
            said(ServerFrame::Activity(TerminalActivity::default())),
            json!({"type": "activity", "state": "idle", "last_output": 0, "last_input": 0, "bells": 0, "foreground": ""})
        );
        let error = TerminalError { code: "viewer".into(), ..TerminalError::default() };
        assert_eq!(
            said(ServerFrame::Error(Box::new(error))),
            json!({"type": "error", "code": "viewer", "message": ""})
        );
        let heard: ClientFrame = serde_json::from_value(json!({"type": "take"})).expect("a frame");
        assert_eq!(heard, ClientFrame::Take);
    }
}

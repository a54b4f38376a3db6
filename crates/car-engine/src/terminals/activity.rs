//! What a host says about its terminal, and what that means.

use std::time::Duration;

use car_domain::Timestamp;
use car_domain::terminal::{ActivityState, TerminalActivity};
use car_host::protocol::{Activity, HostFrame};
use car_host::{Attachment, Session, Size};
use tokio::time::timeout;

/// How long a host may take to say how its terminal is when somebody only wants to show it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a host has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The title its program gave the terminal; may be empty.
    pub title: String,
    /// Its size.
    pub size: Size,
    activity: Activity,
    /// How often the bell had rung when somebody typed last.
    bells_before: u64,
}

impl Heard {
    /// What `hello`, the host's first frame, says.
    pub fn new(hello: &HostFrame) -> Self {
        let mut heard = Self {
            title: String::new(),
            size: Size::default(),
            activity: Activity::default(),
            bells_before: 0,
        };
        if let HostFrame::Hello { cols, rows, activity, .. } = hello {
            heard.size = Size { cols: *cols, rows: *rows };
            heard.activity = activity.clone();
            // Whether the bell rang before or after somebody typed was told before we listened.
            heard.bells_before = if activity.last_input == 0 { 0 } else { activity.bells };
        }
        heard
    }

    /// Takes note of a frame; whether it changed something.
    pub fn note(&mut self, frame: &HostFrame) -> bool {
        let before = self.clone();
        match frame {
            HostFrame::Title(title) => self.title.clone_from(title),
            HostFrame::Resized { cols, rows, .. } => {
                self.size = Size { cols: *cols, rows: *rows };
            }
            HostFrame::Activity(activity) => {
                if activity.last_input != self.activity.last_input {
                    self.bells_before = self.activity.bells;
                }
                self.activity = activity.clone();
            }
            _ => {}
        }
        *self != before
    }

    /// Since when it has been silent; `None` while it works, and when somebody typed after it wrote last.
    pub fn quiet_since(&self) -> Option<Timestamp> {
        let Activity { last_output, last_input, is_active, .. } = &self.activity;
        if *is_active || *last_output == 0 || last_output < last_input {
            return None;
        }
        i64::try_from(*last_output).ok().map(Timestamp::from_millis)
    }

    /// What is going on.
    pub fn activity(&self) -> TerminalActivity {
        let Activity { last_output, last_input, bells, is_active, foreground } = &self.activity;
        let state = if *is_active {
            ActivityState::Working
        } else if last_output >= last_input && *bells > self.bells_before {
            ActivityState::Waiting
        } else {
            ActivityState::Idle
        };
        TerminalActivity {
            state,
            last_output: *last_output,
            last_input: *last_input,
            bells: *bells,
            foreground: foreground.clone(),
        }
    }
}

/// Asks the host of `session` how its terminal is; `None` when it does not say in time, or has ended.
pub async fn hear(session: &Session) -> Option<Heard> {
    timeout(PATIENCE, async {
        let mut attachment = session.connect().await.ok()?;
        heard_first(&mut attachment).await
    })
    .await
    .ok()?
}

/// What a host says first, hello and its title; `None` when it is gone.
pub async fn heard_first(attachment: &mut Attachment) -> Option<Heard> {
    let mut heard = Heard::new(&attachment.hello);
    let title = attachment.next().await.ok()??;
    heard.note(&title);
    Some(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(last_output: u64, last_input: u64, bells: u64, is_active: bool) -> HostFrame {
        let foreground = "codex".to_owned();
        HostFrame::Activity(Activity { last_output, last_input, bells, is_active, foreground })
    }

    #[test]
    fn a_terminal_waits_when_it_rang_after_somebody_typed_and_is_silent() {
        let hello = HostFrame::Hello {
            version: 1,
            oldest: 0,
            end: 0,
            cols: 80,
            rows: 24,
            has_ended: false,
            activity: Activity::default(),
        };
        let mut heard = Heard::new(&hello);
        let mut after = |frame| {
            heard.note(&frame);
            heard.activity().state
        };
        assert_eq!(after(activity(10, 0, 0, true)), ActivityState::Working);
        assert_eq!(after(activity(10, 0, 0, false)), ActivityState::Idle);
        assert_eq!(after(activity(20, 20, 1, false)), ActivityState::Waiting, "in the same moment");
        assert_eq!(after(activity(31, 30, 1, true)), ActivityState::Working);
        assert_eq!(after(activity(31, 30, 1, false)), ActivityState::Idle);
        assert_eq!(after(activity(40, 30, 2, false)), ActivityState::Waiting);
    }
}

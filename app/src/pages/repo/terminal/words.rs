//! What a terminal is and does, in words and shapes.

use car_domain::Timestamp;
use car_domain::format;
use car_domain::terminal::{
    ActivityState, Terminal, TerminalClient, TerminalExit, TerminalRole, TerminalState,
};

use crate::terminal::client::{Phase, Status};

/// Shape and word of what a terminal does.
pub(super) fn activity_words(terminal: &Terminal) -> (&'static str, &'static str) {
    match (terminal.state, terminal.activity.state) {
        (TerminalState::Starting, _) => ("waiting", "Starting"),
        (TerminalState::Running, ActivityState::Working) => ("running", "Working"),
        (TerminalState::Running, ActivityState::Waiting) => ("stalled", "Waits for you"),
        (TerminalState::Running, ActivityState::Idle) => ("idle", "Idle"),
        (TerminalState::Ended, _) if is_well(terminal.exit) => ("finished", "Ended"),
        (TerminalState::Ended, _) => ("failed", "Ended"),
        (TerminalState::Lost, _) => ("failed", "Lost"),
    }
}

fn is_well(exit: Option<TerminalExit>) -> bool {
    exit.is_some_and(|exit| exit.code == Some(0))
}

/// How a program ended, as a sentence.
pub(super) fn exit_words(exit: TerminalExit) -> String {
    match (exit.code, exit.signal) {
        (Some(0), _) => "The program has ended.".to_owned(),
        (Some(code), _) => format!("The program has ended with code {code}."),
        (None, Some(signal)) => format!("The program was ended by signal {signal}."),
        (None, None) => "The program has ended; nobody saw how.".to_owned(),
    }
}

/// What a terminal was started for.
pub(super) fn kind_words(kind: &str) -> &'static str {
    match kind {
        "codex" => "Codex",
        "resume" => "Codex, resumed",
        "shell" => "Shell",
        _ => "Command",
    }
}

/// What the title of the page begins with.
pub(super) fn subject(status: &Status) -> String {
    let title = &status.title;
    match (&status.phase, status.activity.state) {
        (Phase::Ended(_), _) => format!("Ended · {title}"),
        (Phase::Lost(_) | Phase::Retrying, _) => format!("Connection lost · {title}"),
        (_, ActivityState::Working) => format!("Working · {title}"),
        (_, ActivityState::Waiting) => format!("Waits for you · {title}"),
        (_, ActivityState::Idle) => title.clone(),
    }
}

/// When the next try is, of a connection that was lost.
pub(super) fn lost_words(phase: &Phase, now: Timestamp) -> Option<String> {
    match phase {
        Phase::Lost(at) => {
            let wait = at.since(now).as_millis().div_ceil(1000);
            Some(match wait {
                0 => "Connection lost, trying again".to_owned(),
                seconds => format!("Connection lost, trying again in {seconds} s"),
            })
        }
        Phase::Retrying => Some("Connection lost, trying again".to_owned()),
        _ => None,
    }
}

/// Who types and who looks on, as this device sees it.
pub(super) fn presence_words(clients: &[TerminalClient]) -> String {
    let is_controller = |client: &&TerminalClient| client.role == TerminalRole::Controller;
    let controller = clients.iter().find(is_controller);
    let n_viewers = clients.iter().filter(|client| client.role == TerminalRole::Viewer).count();
    let who = match controller {
        Some(client) if client.you => "This device types and sets the size".to_owned(),
        Some(client) => format!("{} types and sets the size", client.device),
        None => "Nobody types".to_owned(),
    };
    let others: Vec<&str> = clients
        .iter()
        .filter(|client| client.role == TerminalRole::Viewer && !client.you)
        .map(|client| client.device.as_str())
        .collect();
    match (n_viewers, others.as_slice()) {
        (0, _) | (_, []) => who,
        (_, [one]) => format!("{who}, {one} looks on"),
        (_, [first, rest @ ..]) => format!("{who}, {first} and {} more look on", rest.len()),
    }
}

/// Since when a terminal is there, or not any more.
pub(super) fn age_words(terminal: &Terminal, now: Timestamp) -> String {
    match terminal.ended_at {
        Some(ended) => format!("ended {} ago", format::coarse(now.since(ended))),
        None => format!("started {} ago", format::coarse(now.since(terminal.created_at))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(device: &str, role: TerminalRole, you: bool) -> TerminalClient {
        TerminalClient { id: device.into(), device: device.into(), role, you }
    }

    #[test]
    fn presence_says_who_types() {
        let mine = client("Laptop", TerminalRole::Controller, true);
        let phone = client("Phone", TerminalRole::Viewer, false);
        let tablet = client("Tablet", TerminalRole::Viewer, false);
        assert_eq!(
            presence_words(std::slice::from_ref(&mine)),
            "This device types and sets the size"
        );
        assert_eq!(
            presence_words(&[mine, phone.clone(), tablet]),
            "This device types and sets the size, Phone and 1 more look on"
        );
        let me = client("Me", TerminalRole::Viewer, true);
        let other = client("Laptop", TerminalRole::Controller, false);
        assert_eq!(presence_words(&[me.clone(), other]), "Laptop types and sets the size");
        assert_eq!(presence_words(&[me, phone]), "Nobody types, Phone looks on");
    }

    #[test]
    fn a_lost_connection_counts_down() {
        let at = Timestamp::from_millis;
        let words = |now| lost_words(&Phase::Lost(at(3_000)), at(now)).unwrap_or_default();
        assert_eq!(words(0), "Connection lost, trying again in 3 s");
        assert_eq!(words(2_500), "Connection lost, trying again in 1 s");
        assert_eq!(words(4_000), "Connection lost, trying again");
        assert_eq!(lost_words(&Phase::Open, at(0)), None);
    }

    #[test]
    fn every_end_is_told() {
        let words = |code, signal| exit_words(TerminalExit { code, signal });
        assert_eq!(words(Some(0), None), "The program has ended.");
        assert_eq!(words(Some(3), None), "The program has ended with code 3.");
        assert_eq!(words(None, Some(9)), "The program was ended by signal 9.");
        assert_eq!(words(None, None), "The program has ended; nobody saw how.");
    }
}

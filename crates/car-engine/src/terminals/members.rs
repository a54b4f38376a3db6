//! Who is attached to which terminal through this server, and who of them is its controller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use car_domain::terminal::{TerminalClient, TerminalRole};
use tokio::sync::watch;

/// All rooms: one for each terminal somebody was ever attached to.
#[derive(Clone, Debug, Default)]
pub struct Members {
    rooms: Arc<Mutex<HashMap<String, watch::Sender<Vec<Member>>>>>,
    /// Counts changes anywhere.
    changed: watch::Sender<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    seat: u64,
    id: String,
    device: String,
    role: TerminalRole,
}

/// Somebody who wants to be attached.
#[derive(Clone, Debug, Default)]
pub struct Entering {
    /// What it calls itself. Who comes back under its name takes the place of what is left of its last connection.
    pub id: Option<String>,
    /// Name of its device.
    pub device: String,
    /// The role it wants; without one it is the controller if nobody is.
    pub role: Option<TerminalRole>,
}

/// A place among those who are attached; given back when dropped.
#[derive(Debug)]
pub struct Seat {
    members: Members,
    session: String,
    seat: u64,
    room: watch::Receiver<Vec<Member>>,
}

/// Tells when something changes among those who are attached to any terminal.
#[derive(Debug)]
pub struct Changes(watch::Receiver<u64>);

impl Changes {
    /// Waits for the next change.
    pub async fn next(&mut self) {
        // The sender lives as long as a seat does.
        let _ = self.0.changed().await;
    }
}

impl Members {
    /// Lets somebody in.
    pub fn enter(&self, session: &str, who: Entering) -> Seat {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let seat = NEXT.fetch_add(1, Ordering::Relaxed);
        let Entering { id, device, role } = who;
        let id = id.unwrap_or_else(|| format!("c{seat}"));
        let mut rooms = self.rooms();
        let room = rooms.entry(session.to_owned()).or_default();
        room.send_modify(|members| {
            let is_old = |member: &Member| member.id == id && member.device == device;
            let inherited = members.iter().find(|member| is_old(member)).map(|old| old.role);
            members.retain(|member| !is_old(member));
            let is_led = members.iter().any(|member| member.role == TerminalRole::Controller);
            let role = match (role, inherited) {
                (Some(role), _) => role,
                (None, Some(TerminalRole::Controller)) => TerminalRole::Controller,
                (None, _) if is_led => TerminalRole::Viewer,
                (None, _) => TerminalRole::Controller,
            };
            members.push(Member { seat, id, device, role });
            if role == TerminalRole::Controller {
                lead(members, seat);
            }
        });
        let room = room.subscribe();
        self.changed.send_modify(|count| *count += 1);
        Seat { members: self.clone(), session: session.to_owned(), seat, room }
    }

    /// Who is attached to `session`.
    pub fn of(&self, session: &str) -> Vec<TerminalClient> {
        let rooms = self.rooms();
        rooms.get(session).map(|room| shown(&room.borrow(), 0)).unwrap_or_default()
    }

    /// What tells of changes in any room from now on.
    pub fn changes(&self) -> Changes {
        Changes(self.changed.subscribe())
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Vec<Member>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, session: &str, change: impl FnOnce(&mut Vec<Member>)) {
        let mut rooms = self.rooms();
        let Some(room) = rooms.get(session) else { return };
        room.send_modify(change);
        if room.borrow().is_empty() {
            rooms.remove(session);
        }
        self.changed.send_modify(|count| *count += 1);
    }
}

/// One leads, the others look on.
fn lead(members: &mut [Member], seat: u64) {
    for member in members {
        let leads = member.seat == seat;
        member.role = if leads { TerminalRole::Controller } else { TerminalRole::Viewer };
    }
}

fn shown(members: &[Member], seat: u64) -> Vec<TerminalClient> {
    let shown = |member: &Member| TerminalClient {
        id: member.id.clone(),
        device: member.device.clone(),
        role: member.role,
        you: member.seat == seat,
    };
    members.iter().map(shown).collect()
}

impl Seat {
    /// Its role; `None` when it lost its place to a newer connection of the same client.
    pub fn role(&self) -> Option<TerminalRole> {
        let members = self.room.borrow();
        members.iter().find(|member| member.seat == self.seat).map(|member| member.role)
    }

    /// Whether somebody is the controller.
    pub fn is_led(&self) -> bool {
        self.room.borrow().iter().any(|member| member.role == TerminalRole::Controller)
    }

    /// Becomes the controller.
    pub fn take(&self) {
        self.members.change(&self.session, |members| lead(members, self.seat));
    }

    /// Who is attached.
    pub fn clients(&self) -> Vec<TerminalClient> {
        shown(&self.room.borrow(), self.seat)
    }

    /// What tells of changes from now on.
    pub fn changes(&self) -> Changes {
        self.members.changes()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seat = self.seat;
        self.members.change(&self.session, |members| members.retain(|member| member.seat != seat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TerminalRole::{Controller, Viewer};

    fn who(id: Option<&str>, role: Option<TerminalRole>) -> Entering {
        Entering { id: id.map(str::to_owned), device: "a phone".to_owned(), role }
    }

    #[test]
    fn one_is_the_controller_until_another_takes_over() {
        let members = Members::default();
        let first = members.enter("s", who(None, None));
        let second = members.enter("s", who(None, None));
        assert_eq!((first.role(), second.role()), (Some(Controller), Some(Viewer)));
        second.take();
        assert_eq!((first.role(), second.role()), (Some(Viewer), Some(Controller)));
        drop(second);
        assert!(!first.is_led());
        let third = members.enter("s", who(None, None));
        assert_eq!((first.role(), third.role()), (Some(Viewer), Some(Controller)));
        let listed = third.clients();
        assert_eq!(listed.iter().map(|client| client.you).collect::<Vec<_>>(), [false, true]);
        drop((first, third));
        assert!(members.of("s").is_empty() && members.rooms().is_empty());
    }

    #[test]
    fn who_comes_back_takes_its_old_place() {
        let members = Members::default();
        let lost = members.enter("s", who(Some("tab"), None));
        let other = members.enter("s", who(None, None));
        let back = members.enter("s", who(Some("tab"), None));
        assert_eq!(
            (lost.role(), back.role(), other.role()),
            (None, Some(Controller), Some(Viewer))
        );
        drop(lost);
        assert_eq!((back.role(), members.of("s").len()), (Some(Controller), 2));
        let viewer = members.enter("s", who(Some("tab"), Some(Viewer)));
        assert_eq!((viewer.role(), viewer.is_led()), (Some(Viewer), false));
    }
}

//! Telling processes apart and finding everything a process started.

use std::thread;
use std::time::{Duration, Instant};

use car_domain::state::ProcessId;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Identity of a running process; `None` when there is none with this pid.
pub fn process_id(pid: i32) -> Option<ProcessId> {
    if cfg!(target_os = "linux") {
        return stat(pid).map(|stat| ProcessId { pid, start_ticks: stat.start_ticks });
    }
    exists(pid).then_some(ProcessId { pid, start_ticks: 0 })
}

/// Whether exactly this process still runs. A zombie does not, and neither does a later process with the same pid.
pub fn is_alive(process: ProcessId) -> bool {
    if cfg!(target_os = "linux") {
        return stat(process.pid).is_some_and(|stat| {
            !matches!(stat.state, 'Z' | 'X')
                && (process.start_ticks == 0 || process.start_ticks == stat.start_ticks)
        });
    }
    exists(process.pid)
}

/// Waits until exactly this process is gone; `false` when it is still there after `patience`.
pub async fn wait_until_gone(process: ProcessId, patience: Duration) -> bool {
    if !is_alive(process) {
        return true;
    }
    tokio::time::timeout(patience, gone(process)).await.is_ok()
}

/// Linux tells the end of any process through a descriptor that becomes readable.
#[cfg(target_os = "linux")]
async fn gone(process: ProcessId) {
    let Some(pid) = rustix::process::Pid::from_raw(process.pid) else { return };
    let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::NONBLOCK) else {
        return look_until_gone(process).await;
    };
    // The pid may have been given to another process before the descriptor was opened.
    if !is_alive(process) {
        return;
    }
    #[expect(
        deprecated,
        reason = "the new name is unsafe; this descriptor is owned and stays open"
    )]
    let fd = tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE);
    match fd {
        Ok(fd) => drop(fd.readable().await),
        Err(_) => look_until_gone(process).await,
    }
}

#[cfg(not(target_os = "linux"))]
async fn gone(process: ProcessId) {
    look_until_gone(process).await;
}

/// Where the system has no event for the end of a process that is no child: look again and again.
async fn look_until_gone(process: ProcessId) {
    while is_alive(process) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Asks exactly this process to end; does nothing when it is gone.
pub fn terminate(process: ProcessId) {
    if is_alive(process) {
        signal(process.pid, Signal::SIGTERM);
    }
}

/// Ends exactly this process at once; does nothing when it is gone.
pub fn kill_now(process: ProcessId) {
    if is_alive(process) {
        signal(process.pid, Signal::SIGKILL);
    }
}

/// Sends `signal`; a process that is gone is no error.
pub fn signal(pid: i32, signal: Signal) {
    // Every failure means there is nothing we could still signal: gone, or not ours any more.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Every living descendant of `root`, without `root`. Only Linux tells; elsewhere the list is empty.
pub fn descendants(root: i32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let stats: Vec<(i32, Stat)> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'))
        .collect();
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (pid, stat) in &stats {
            if stat.parent == parent && !found.contains(pid) {
                found.push(*pid);
                parents.push(*pid);
            }
        }
    }
    found
}

/// Every living member of a process group; `None` where the system does not tell.
pub fn group_members(group: i32) -> Option<Vec<i32>> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_member = |pid: &i32| {
        stat(*pid).is_some_and(|stat| stat.group == group && !matches!(stat.state, 'Z' | 'X'))
    };
    Some(pids.filter(is_member).collect())
}

/// KILL to every descendant of this process until none is left; one may fork between the look and the signal.
pub fn kill_descendants(patience: Duration) {
    let me = Pid::this().as_raw();
    let until = Instant::now() + patience;
    loop {
        let left = descendants(me);
        if left.is_empty() || Instant::now() > until {
            return;
        }
        for pid in left {
            signal(pid, Signal::SIGKILL);
        }
        thread::yield_now();
    }
}

/// Makes this process the parent of every descendant whose own parent ends.
#[cfg(target_os = "linux")]
pub fn become_subreaper() {
    // Without it (a kernel before 3.4) detached grandchildren are not found; everything else works.
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

#[cfg(not(target_os = "linux"))]
pub fn become_subreaper() {}

struct Stat {
    state: char,
    parent: i32,
    group: i32,
    start_ticks: u64,
}

/// Fields 3, 4, 5 and 22 of `/proc/<pid>/stat`. Field 2, the name, may hold anything, so counting starts behind its last `)`.
fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let start_ticks = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, parent, group, start_ticks })
}

fn exists(pid: i32) -> bool {
    pid > 0 && matches!(kill(Pid::from_raw(pid), None), Ok(()) | Err(Errno::EPERM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_namesake_from_another_time_is_not() {
        let me = process_id(std::process::id() as i32).expect("alive");
        assert!(is_alive(me));
        if cfg!(target_os = "linux") {
            assert!(!is_alive(ProcessId { start_ticks: me.start_ticks + 1, ..me }));
        }
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_an_event() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat exists");
        let process = process_id(child.id() as i32).expect("alive");
        assert!(!wait_until_gone(process, Duration::ZERO).await);
        terminate(process);
        assert!(wait_until_gone(process, Duration::from_secs(30)).await);
        child.wait().expect("reaped");
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().expect("true exists");
        let pid = child.id() as i32;
        let was = process_id(pid);
        while process_id(pid).is_some_and(is_alive) {
            std::thread::yield_now();
        }
        assert!(!was.is_some_and(is_alive));
        child.wait().expect("reaped");
    }
}

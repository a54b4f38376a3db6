//! Processes a test starts and watches.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use car_domain::state::ProcessId;
use car_testkit::process::Finished;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Shown, eventually};

/// A `car` at work in the background. Its output goes to files, so it never waits for a reader. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    output: TempDir,
    redactions: Vec<(String, &'static str)>,
}

impl Running {
    pub(super) fn start(command: &mut Command, redactions: Vec<(String, &'static str)>) -> Self {
        let output = TempDir::with_prefix("car-output-").expect("a temporary directory");
        let file = |name: &str| File::create(output.path().join(name)).expect("a file for output");
        let child = command
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .process_group(0)
            .spawn()
            .expect("car starts");
        Self { child, output, redactions }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().expect("a process id fits a pid_t")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it still runs");
    }

    /// What it has written to standard output.
    pub(crate) fn stdout(&self) -> String {
        self.written("stdout")
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the system tells").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Shown {
        let status = self.wait_for_status();
        let (stdout, stderr) = (self.written("stdout"), self.written("stderr"));
        let redactions = std::mem::take(&mut self.redactions);
        Shown::new(Finished { code: status.code(), stdout, stderr }, redactions)
    }

    /// Ends it as nothing can prevent, and takes its remains away.
    #[track_caller]
    pub(crate) fn kill_9(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait_for_status();
    }

    /// The most memory it has used so far, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kib * 1024
    }

    #[track_caller]
    fn wait_for_status(&mut self) -> ExitStatus {
        eventually("car ends", || self.child.try_wait().expect("the system tells"))
    }

    fn written(&self, name: &str) -> String {
        let bytes = fs::read(self.output.path().join(name)).expect("the output can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether exactly this process still runs; what waits to be reaped does not.
pub(crate) fn is_alive(process: ProcessId) -> bool {
    car_agent::is_alive(process)
}

/// The processes of an agent that [`Tree::STUBBORN`] or [`Tree::MEEK`] started.
pub(crate) struct Tree {
    processes: Vec<(&'static str, ProcessId)>,
}

impl Tree {
    /// An agent with a child and a grandchild in a session of its own; all three ignore TERM, HUP and INT.
    pub(crate) const STUBBORN: &str = r#"trap "" TERM HUP INT
        mkdir -p pids
        (setsid sh -c 'echo $$ > pids/detached; exec sleep 1000' &)
        sh -c 'echo $$ > pids/child; exec sleep 1000' &
        echo working
        echo $$ > pids/agent
        while :; do wait; done"#;
    /// The same tree, ended by the first signal.
    pub(crate) const MEEK: &str = r#"mkdir -p pids
        (setsid sh -c 'echo $$ > pids/detached; exec sleep 1000' &)
        sh -c 'echo $$ > pids/child; exec sleep 1000' &
        echo working
        echo $$ > pids/agent
        wait"#;

    /// Waits until all three are at work in `root`.
    #[track_caller]
    pub(crate) fn of(root: &Path) -> Self {
        let find = |name| {
            let path: PathBuf = root.join("pids").join(name);
            let pid = eventually("the agent's processes are at work", || {
                fs::read_to_string(&path).ok()?.strip_suffix('\n')?.parse().ok()
            });
            (name, car_agent::process_id(pid).expect("it is alive"))
        };
        Self { processes: ["agent", "child", "detached"].map(find).to_vec() }
    }

    /// Those that are still alive.
    pub(crate) fn left(&self) -> Vec<&'static str> {
        let alive = self.processes.iter().filter(|(_, process)| is_alive(*process));
        alive.map(|(name, _)| *name).collect()
    }

    /// Waits until none is alive.
    #[track_caller]
    pub(crate) fn until_gone(&self) {
        eventually("the agent's processes are gone", || self.left().is_empty().then_some(()));
    }
}

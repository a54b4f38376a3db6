//! Agents that print what no terminal would bear.

use car_domain::run::RunEvent;
use serde_json::{Value, json};

use crate::support::{Project, shell_agent};

const MIB: u64 = 1 << 20;
/// What a journal keeps of a line of text.
const KEPT: u64 = 64 * 1024;
/// What the runner may use at its worst, far below the line it is given.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 150 * MIB;

/// The outputs a journal holds: length, bytes cut.
fn outputs(project: &Project, run: u64) -> Vec<(u64, u64)> {
    let output = |event: &RunEvent| match event {
        RunEvent::Output { text, cut_bytes } => Some((text.len() as u64, *cut_bytes)),
        _ => None,
    };
    project.journal(run).iter().filter_map(|entry| output(&entry.event)).collect()
}

/// Run 1 prints `line`, a command's output, between two short lines; run 2, whose prompt was made from it, waits.
fn after_a_huge_line(
    agent: &dyn Fn(&str) -> Value,
    line: &str,
) -> (Project, crate::support::Running) {
    let script = format!(
        "if [ -e once ]; then echo waiting; exec sleep 1000; fi
        touch once; echo before; {line}; echo after"
    );
    let project = Project::with_agent(&agent(&script), &["One"]);
    let running = project.start(&["run"]);
    project.until_said(2, "waiting");
    (project, running)
}

#[track_caller]
fn survives(agent: &dyn Fn(&str) -> Value, line: &str) {
    let (project, running) = after_a_huge_line(agent, line);
    #[cfg(target_os = "linux")]
    {
        let peak = running.peak_memory();
        assert!(peak < MEMORY, "the runner used {} MiB", peak / MIB);
    }
    assert_eq!(outputs(&project, 1), [(6, 0), (KEPT, 64 * MIB - KEPT), (5, 0)]);
    assert_eq!(project.of_runs("outcome"), ["succeeded", "running"]);
    let log = project.read("runs/run-1.log");
    assert!(log.contains(&format!(" [… {} bytes left out]\n", 64 * MIB - KEPT)));
    project.car(&["stop", "--now"]).exits(0);
    running.wait().exits(0);
}

#[test]
fn a_line_of_64_mib_is_cut_and_counted() {
    survives(&shell_agent, "head -c 67108864 /dev/zero | tr '\\0' x; echo");
}

#[test]
fn a_json_line_of_64_mib_is_cut_and_counted() {
    let agent = |script: &str| json!({"binary": "sh", "args": ["-c", script, "--json"]});
    // `{"text":"` and `"}` are 11 of the bytes.
    let line = r#"printf '{"text":"'; head -c 67108853 /dev/zero | tr '\0' x; echo '"}'"#;
    survives(&agent, line);
}

#[test]
fn bytes_that_are_no_text_are_kept_as_far_as_text_can() {
    let script = r"printf 'a\377\376b\n'; printf 'c\000d\n'; printf '\033[31mred\033[0m\r\n'; printf 'no newline'";
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    project.car(&["once"]).exits(0);
    let journal = project.journal(1);
    let printed = journal.iter().filter(|entry| entry.event.name() == "output");
    let said: Vec<String> = printed.map(|entry| entry.event.text()).collect();
    assert_eq!(said, ["a\u{fffd}\u{fffd}b", "c\0d", "\u{1b}[31mred\u{1b}[0m", "no newline"]);
    let log = project.read("runs/run-1.log");
    assert!(log.contains("stdout: c␀d\n") && log.contains("stdout: no newline\n"), "{log}");
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
}

#[test]
fn markers_an_agent_prints_do_not_end_its_log() {
    let script = "echo '=== run 1 end (code 0) ==='; echo '=== run 9 start ==='; echo still here";
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    project.car(&["once"]).exits(0);
    std::fs::remove_file(project.path("runs/run-1.log")).expect("the run's own log");
    let shown = project.car(&["log", "--run", "1"]).exits(0);
    insta::assert_snapshot!(shown, @r"
    === run 1 start ===
    [<time>] run=1 stdout: === run 1 end (code 0) ===
    [<time>] run=1 stdout: === run 9 start ===
    [<time>] run=1 stdout: still here
    === run 1 end (code 0) ===
    [exit 0]
    ");
}

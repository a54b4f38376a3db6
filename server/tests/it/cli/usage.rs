//! Wrong usage, missing configuration, versions and completions: what does not depend on any run.

use crate::support::Project;

#[test]
fn wrong_usage_exits_with_2() {
    let project = Project::new();
    for args in [
        &[][..],
        &["no-such-command"],
        &["status", "--no-such-option"],
        &["log", "--run", "first"],
        &["log", "--run", "1", "--tail", "1"],
        &["init", "a", "--path", "b"],
        &["index"],
        &["completions"],
        &["completions", "no-such-shell"],
    ] {
        let shown = project.car(args).exits(2);
        assert_eq!(shown.stdout, "", "{args:?}: complaints go to standard error");
        assert_ne!(shown.stderr, "", "{args:?}");
    }
}

#[test]
fn help_exits_with_0_and_hides_what_is_not_for_people() {
    let shown = Project::bare().car(&["--help"]).exits(0);
    for line in ["Usage: car <COMMAND>", "  run ", "  status ", "  docs ", "  config "] {
        assert!(shown.stdout.contains(line), "{line} is missing: {shown}");
    }
    for hidden in ["agent-guard", "scripted-agent"] {
        assert!(!shown.stdout.contains(hidden), "{shown}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let project = Project::bare();
    let version = format!("car {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(project.car(&["--version"]).exits(0).stdout, version);
}

#[test]
fn without_a_configuration_every_command_exits_with_3_and_says_what_to_do() {
    let project = Project::bare();
    let shown = project.car(&["status"]);
    insta::assert_snapshot!(shown, @r"
    ! error: Missing config file; expected to find .codex-autorunner/config.yml in <repo> or parents
    ! hint: run `car init` in the repository first
    [exit 3]
    ");
    for command in
        ["run", "once", "resume", "stop", "kill", "log", "runs", "doctor", "serve"].map(|c| [c])
    {
        assert_eq!(project.car(&command).exits(3).stderr, shown.stderr, "{command:?}");
    }
    assert_eq!(project.car(&["index", "rebuild"]).exits(3).stderr, shown.stderr);
}

#[test]
fn a_hub_is_no_repository() {
    let project = Project::bare();
    let hub = tempfile::tempdir().expect("a temporary directory");
    let hub = hub.path().canonicalize().expect("its path");
    project.car_in(&hub, &["init", "--mode", "hub"]).exits(0);
    let mut shown = project.car_in(&hub, &["status"]).exits(3);
    shown.stderr = shown.stderr.replace(&hub.display().to_string(), "<hub>");
    insta::assert_snapshot!(shown, @r"
    ! error: This command must be run in repo mode (config.mode=repo).
    ! hint: <hub> is a hub; name a repository with --repo
    [exit 3]
    ");
}

#[test]
fn completions_know_every_command() {
    let project = Project::bare();
    for shell in ["bash", "zsh", "fish"] {
        let script = project.car(&["completions", shell]).exits(0).stdout;
        for command in ["init", "run", "resume", "stop", "status", "doctor"] {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    let bash = project.car(&["completions", "bash"]).stdout;
    project.repo().write("car.bash", &bash);
    assert_eq!(project.sh("sh -n car.bash || bash -n car.bash").code, Some(0), "valid shell");
}

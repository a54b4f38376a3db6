//! The configuration on the command line.

use crate::support::Project;

#[test]
fn every_value_is_shown_with_its_origin() {
    let project = Project::new();
    project.repo().write("codex-autorunner.yml", "runner: {sleep_seconds: 9}\n");
    let shown = project.car(&["config", "show", "--origin"]).exits(0);
    let line = |key: &str| shown.stdout.lines().find(|line| line.starts_with(key));
    let sleep = line("runner.sleep_seconds").expect("shown");
    assert!(sleep.ends_with("9  # codex-autorunner.yml"), "{sleep}");
    assert!(line("codex.binary").is_some_and(|line| line.ends_with("# built-in")));
    let json = project.car(&["config", "show", "--json"]).exits(0).json();
    assert_eq!(json["runner"]["sleep_seconds"], 9);
    assert_eq!(json["hub"], serde_json::Value::Null);
}

#[test]
fn all_problems_are_listed_and_the_exit_code_is_3() {
    let project = Project::new();
    project.write("config.yml", "runer: {}\nrunner: {sleep_seconds: x}\ncodex: {args: y}\n");
    insta::assert_snapshot!(project.car(&["config", "validate"]), @r"
    ! error: runner.sleep_seconds must be an integer
    ! error: codex.args must be a list
    ! warning: runer is not a known key; did you mean `runner`?
    [exit 3]
    ");
    insta::assert_snapshot!(project.car(&["status"]), @r"
    ! error: runner.sleep_seconds must be an integer
    ! hint: fix the value in <repo>/.codex-autorunner/config.yml
    [exit 3]
    ");
}

#[test]
fn a_repositorys_env_file_reaches_its_agent_and_cannot_change_path() {
    let project = Project::new();
    project.repo().write(".env", "CAR_TEST_GREETING=hello\nPATH=/nowhere\nMY_TOKEN=secret-token\n");
    let agent = "echo \"$CAR_TEST_GREETING,${MY_TOKEN-none}\"; ls / >/dev/null && echo found";
    let config = serde_json::json!({
        "codex": crate::support::shell_agent(agent),
        "server": {"auth_token_env": "MY_TOKEN"},
    });
    project.write("config.yml", &config.to_string());
    project.todo(&["a"]);
    project.car(&["once"]).exits(0);
    let said: Vec<String> = project.journal(1).iter().map(|entry| entry.event.text()).collect();
    assert!(said.contains(&"hello,none".to_owned()), "{said:?}");
    assert!(said.contains(&"found".to_owned()), "{said:?}");
}

#[test]
fn the_schema_is_printed_for_editors() {
    let schema = Project::bare().car(&["config", "schema"]).exits(0).json();
    assert_eq!(schema["properties"]["runner"]["properties"]["sleep_seconds"]["type"], "integer");
}

#[test]
fn a_value_is_set_and_taken_out_and_what_does_not_fit_is_refused() {
    let project = Project::new();
    let before = project.read("config.yml");
    insta::assert_snapshot!(project.car(&["config", "set", "runner.sleep_seconds", "9"]), @r"
    runner.sleep_seconds  9  # .codex-autorunner/config.yml
    [exit 0]
    ");
    assert!(project.read("config.yml").starts_with(&before));
    insta::assert_snapshot!(project.car(&["config", "set", "runner.sleep_second", "9"]), @r"
    ! error: runner.sleep_second is not a known key
    ! hint: did you mean `sleep_seconds`?
    [exit 1]
    ");
    project.car(&["config", "unset", "runner.sleep_seconds"]).exits(0);
    assert_eq!(project.read("config.yml"), before);
}

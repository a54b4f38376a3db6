//! Terminals as `state.json` knows them, without a server.

use serde_json::json;

use crate::support::Project;

#[test]
fn known_terminals_are_listed_and_taken_out_without_a_server() {
    let project = Project::new();
    // Nothing listens on port 1.
    project.write("config.yml", "server: {port: 1}");
    let root = project.root().display().to_string();
    let state = json!({
        "status": "idle",
        "sessions": {"abc": {"repo_path": root, "created_at": "x", "last_seen_at": null, "status": "active"}},
        "repo_to_session": {root.as_str(): "abc"},
    });
    project.write("state.json", &state.to_string());
    let status = project.car(&["status"]).exits(0).stdout;
    assert!(status.contains("Terminal session: abc (status=active, last_seen=None)\n"), "{status}");
    insta::assert_snapshot!(project.car(&["sessions"]), @r"
    Sessions (state): 1
    - abc: repo=<repo> status=active last_seen=unknown alive=unknown
    [exit 0]
    ");
    let listed = project.car(&["sessions", "--json"]).exits(0).json();
    assert_eq!(listed["source"], "state");
    assert_eq!(listed["sessions"][0]["alive"], serde_json::Value::Null);
    let shown = project.car(&["stop-session", "--session", "other"]).exits(1);
    assert!(shown.stderr.starts_with("error: Session not found (server unavailable)"), "{shown}");
    let shown = project.car(&["stop-session"]).exits(0);
    assert_eq!(shown.stdout, "Stopped session abc (state only)\n");
    let listed = project.car(&["sessions", "--json"]).exits(0).json();
    assert_eq!(listed["sessions"], json!([]));
    assert_eq!(listed["repo_to_session"], json!({}));
}

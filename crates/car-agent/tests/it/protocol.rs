//! Our protocol against the schema of the installed Codex: every method, member and value we use exists there, and what we send
//! is complete.
//!
//! Each sample of something Codex says holds exactly the members our types read: it must read and write back unchanged.

use car_agent::app_server::protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::schema::Schemas;

/// A request of ours as it goes over the wire.
fn wire<M: Method>(params: &M) -> Value {
    json!({"id": 0, "method": M::NAME, "params": serde_json::to_value(params).expect("JSON")})
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn turn_start(sandbox_policy: SandboxPolicy, approval_policy: ApprovalPolicy) -> TurnStart {
    let settings = CollaborationSettings {
        model: "m".into(),
        reasoning_effort: some("high"),
        developer_instructions: None,
    };
    TurnStart {
        thread_id: "t".into(),
        input: vec![Input::text("hi"), Input::LocalImage { path: "/i.png".into() }],
        cwd: "/".into(),
        approval_policy,
        sandbox_policy,
        model: some("m"),
        effort: some("low"),
        output_schema: Some(json!({"type": "object"})),
        collaboration_mode: Some(CollaborationMode { mode: "plan".into(), settings }),
        client_user_message_id: some("c"),
    }
}

fn requests() -> Vec<Value> {
    let thread_id = || "t".to_owned();
    let config = || Map::from_iter([("a.b".to_owned(), json!(1))]);
    let workspace = SandboxPolicy::WorkspaceWrite {
        writable_roots: vec!["/w".into()],
        network_access: true,
        exclude_tmpdir_env_var: false,
        exclude_slash_tmp: false,
    };
    let client_info = ClientInfo { name: "car".into(), title: some("CAR"), version: "1".into() };
    let capabilities = Capabilities { experimental_api: true, request_attestation: false };
    let review =
        |target| wire(&ReviewStart { thread_id: thread_id(), target, delivery: "inline".into() });
    vec![
        wire(&Initialize { client_info, capabilities }),
        wire(&ThreadStart {
            cwd: Some("/".into()),
            approval_policy: Some(ApprovalPolicy::Never),
            sandbox: Some(SandboxMode::WorkspaceWrite),
            model: some("m"),
            config: config(),
            developer_instructions: some("d"),
        }),
        wire(&ThreadResume {
            thread_id: thread_id(),
            cwd: Some("/".into()),
            config: config(),
            exclude_turns: true,
        }),
        wire(&ThreadList {
            cursor: some("c"),
            limit: Some(1),
            cwd: Some("/".into()),
            source_kinds: Some(["cli", "vscode", "exec", "appServer"].map(str::to_owned).to_vec()),
            sort_key: some("updated_at"),
        }),
        wire(&ThreadRead { thread_id: thread_id(), include_turns: false }),
        wire(&ThreadLoadedList { cursor: some("c") }),
        wire(&ThreadTurnsList { thread_id: thread_id(), cursor: some("c"), limit: Some(1) }),
        wire(&ThreadItemsList {
            thread_id: thread_id(),
            turn_id: some("u"),
            cursor: some("c"),
            limit: Some(1),
        }),
        wire(&ThreadSetName { thread_id: thread_id(), name: "n".into() }),
        wire(&ThreadUnsubscribe { thread_id: thread_id() }),
        wire(&ThreadCompactStart { thread_id: thread_id() }),
        wire(&turn_start(SandboxPolicy::ReadOnly { network_access: false }, ApprovalPolicy::Never)),
        wire(&turn_start(workspace, ApprovalPolicy::OnRequest)),
        wire(&turn_start(SandboxPolicy::DangerFullAccess, ApprovalPolicy::Untrusted)),
        wire(&TurnSteer {
            thread_id: thread_id(),
            expected_turn_id: "u".into(),
            input: vec![Input::text("hi")],
            client_user_message_id: some("c"),
        }),
        wire(&TurnInterrupt { thread_id: thread_id(), turn_id: "u".into() }),
        wire(&ModelList { cursor: some("c"), limit: 1 }),
        wire(&SkillsList { cwds: vec!["/".into()] }),
        wire(&McpServerStatusList { cursor: some("c"), limit: 1 }),
        wire(&ExperimentalFeatureList { cursor: some("c"), limit: 1 }),
        wire(&ConfigValueWrite {
            key_path: "features.x".into(),
            value: json!(true),
            merge_strategy: "replace".into(),
        }),
        wire(&FeedbackUpload {
            classification: "bug".into(),
            reason: some("r"),
            thread_id: some("t"),
            include_logs: false,
        }),
        wire(&AccountLogout),
        wire(&RateLimitsRead),
        wire(&CommandExec {
            command: vec!["true".into()],
            cwd: "/".into(),
            timeout_ms: 1,
            output_bytes_cap: 1,
            sandbox_policy: SandboxPolicy::DangerFullAccess,
        }),
        review(ReviewTarget::UncommittedChanges),
        review(ReviewTarget::BaseBranch { branch: "main".into() }),
        review(ReviewTarget::Commit { sha: "a".into(), title: some("b") }),
        review(ReviewTarget::Custom { instructions: "look".into() }),
    ]
}

fn thread(status: &Value) -> Value {
    json!({
        "id": "t", "preview": "p", "name": "n", "cwd": "/", "createdAt": 1, "updatedAt": 2,
        "status": status, "model": "m", "originator": "car", "path": "/r.jsonl",
    })
}

fn turn(status: &str, items: &Value) -> Value {
    json!({
        "id": "u", "items": items, "status": status,
        "error": {"message": "e", "additionalDetails": "d"}, "startedAt": 1, "completedAt": 2,
    })
}

fn items() -> Vec<Value> {
    let command = |status: &str| {
        json!({
            "type": "commandExecution", "id": "i", "command": "ls", "cwd": "/", "status": status,
            "aggregatedOutput": "o", "exitCode": 0,
        })
    };
    let edit = |status: &str, kind: Value| {
        let change = json!({"path": "/a", "kind": kind, "diff": "d"});
        json!({"type": "fileChange", "id": "i", "changes": [change], "status": status})
    };
    vec![
        json!({"type": "userMessage", "id": "i", "content": [{"type": "text", "text": "x"}], "clientId": "c"}),
        json!({"type": "agentMessage", "id": "i", "text": "x"}),
        json!({"type": "reasoning", "id": "i", "summary": ["x"]}),
        command("inProgress"),
        command("completed"),
        command("failed"),
        command("declined"),
        edit("inProgress", json!({"type": "add"})),
        edit("completed", json!({"type": "delete"})),
        edit("declined", json!({"type": "update", "move_path": "/b"})),
        json!({"type": "enteredReviewMode", "id": "i", "review": "r"}),
        json!({"type": "exitedReviewMode", "id": "i", "review": "r"}),
        json!({"type": "contextCompaction", "id": "i"}),
    ]
}

fn notifications() -> Vec<Value> {
    let told = |method: &str, params: Value| json!({"method": method, "params": params});
    let delta = |method: &str| {
        told(method, json!({"threadId": "t", "turnId": "u", "itemId": "i", "delta": "d"}))
    };
    let count = json!({
        "inputTokens": 1, "cachedInputTokens": 2, "outputTokens": 3, "reasoningOutputTokens": 4,
    });
    let flags = json!(["waitingOnApproval", "waitingOnUserInput"]);
    let mut all = vec![
        told("thread/started", json!({"thread": thread(&json!({"type": "idle"}))})),
        told(
            "thread/tokenUsage/updated",
            json!({"threadId": "t", "turnId": "u", "tokenUsage": {"total": count, "last": count}}),
        ),
        told("turn/started", json!({"threadId": "t", "turn": turn("inProgress", &json!([]))})),
        told("turn/diff/updated", json!({"threadId": "t", "turnId": "u", "diff": "d"})),
        delta("item/agentMessage/delta"),
        delta("item/reasoning/summaryTextDelta"),
        delta("item/commandExecution/outputDelta"),
        told("serverRequest/resolved", json!({"threadId": "t", "requestId": 0})),
        told(
            "error",
            json!({
                "threadId": "t", "turnId": "u", "willRetry": true,
                "error": {"message": "e", "additionalDetails": "d"},
            }),
        ),
        told("warning", json!({"threadId": "t", "message": "m"})),
    ];
    for status in [
        json!({"type": "notLoaded"}),
        json!({"type": "idle"}),
        json!({"type": "systemError"}),
        json!({"type": "active", "activeFlags": flags}),
    ] {
        all.push(told("thread/status/changed", json!({"threadId": "t", "status": status})));
    }
    for status in ["completed", "interrupted", "failed"] {
        let turn = turn(status, &json!(items()));
        all.push(told("turn/completed", json!({"threadId": "t", "turn": turn})));
    }
    for item in items() {
        let params = json!({"threadId": "t", "turnId": "u", "item": item});
        all.push(told("item/started", params.clone()));
        all.push(told("item/completed", params));
    }
    all
}

fn asks() -> Vec<Value> {
    let ask = |method: &str, more: Value| {
        let mut params = json!({"threadId": "t", "turnId": "u", "itemId": "i"});
        let more = more.as_object().expect("a map").clone();
        params.as_object_mut().expect("a map").extend(more);
        json!({"method": method, "params": params})
    };
    let decisions = json!([
        "accept",
        "acceptForSession",
        {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["ls"]}},
        {"applyNetworkPolicyAmendment":
            {"network_policy_amendment": {"host": "h", "action": "allow"}}},
        "decline",
        "cancel",
    ]);
    let question = json!({
        "id": "q", "header": "h", "question": "?", "isOther": true, "isSecret": false,
        "options": [{"label": "Yes", "description": "y"}],
    });
    vec![
        ask(
            "item/commandExecution/requestApproval",
            json!({
                "startedAtMs": 1, "approvalId": "a", "reason": "r", "command": "ls", "cwd": "/",
                "availableDecisions": decisions,
            }),
        ),
        ask(
            "item/fileChange/requestApproval",
            json!({"startedAtMs": 1, "reason": "r", "grantRoot": "/"}),
        ),
        ask(
            "item/permissions/requestApproval",
            json!({"startedAtMs": 1, "reason": "r", "permissions": {"network": {"enabled": true}}}),
        ),
        ask("item/tool/requestUserInput", json!({"questions": [question]})),
        json!({"method": "mcpServer/elicitation/request", "params":
            {"threadId": "t", "turnId": "u", "serverName": "s", "message": "m"}}),
    ]
}

#[test]
fn what_we_say_to_codex_is_known_there_and_complete() {
    let schemas = Schemas::of_installed_codex();
    let requests_schema = schemas.file("ClientRequest");
    for request in requests() {
        requests_schema.assert_fits(&request, true);
    }
    let accept = json!({"decision": "accept"});
    schemas.file("CommandExecutionRequestApprovalResponse").assert_fits(&accept, true);
    schemas.file("FileChangeRequestApprovalResponse").assert_fits(&accept, true);
    let granted = json!({"permissions": {"network": {"enabled": true}}, "scope": "session"});
    schemas.file("PermissionsRequestApprovalResponse").assert_fits(&granted, true);
    let answers = json!({"answers": {"q": {"answers": ["Yes"]}}});
    schemas.file("ToolRequestUserInputResponse").assert_fits(&answers, true);
    for action in ["decline", "cancel"] {
        let answer = json!({"action": action, "content": null, "_meta": null});
        schemas.file("McpServerElicitationRequestResponse").assert_fits(&answer, true);
    }
}

#[test]
fn what_codex_says_by_itself_is_what_we_read() {
    let schemas = Schemas::of_installed_codex();
    let schema = schemas.file("ServerNotification");
    for sample in notifications() {
        schema.assert_fits(&sample, false);
        let method = sample["method"].as_str().expect("a method").to_owned();
        let read = Notification::read(method, sample["params"].clone());
        assert!(!matches!(read, Notification::Other { .. }), "{sample:#}");
        assert_eq!(serde_json::to_value(read).expect("JSON"), sample);
    }
    let schema = schemas.file("ServerRequest");
    for sample in asks() {
        schema.assert_fits(&sample, false);
        let method = sample["method"].as_str().expect("a method").to_owned();
        let read = Ask::read(method, sample["params"].clone());
        assert!(!matches!(read, Ask::Other { .. }), "{sample:#}");
        assert_eq!(serde_json::to_value(read).expect("JSON"), sample);
    }
}

/// A reply that fits `file` of the schema and is read whole.
#[track_caller]
fn reply<T: Serialize + DeserializeOwned>(schemas: &Schemas, file: &str, sample: &Value) {
    schemas.file(&format!("v2/{file}")).assert_fits(sample, false);
    let read: T = serde_json::from_value(sample.clone()).expect("readable");
    assert_eq!(serde_json::to_value(read).expect("JSON"), *sample);
}

#[test]
fn what_codex_answers_is_what_we_read() {
    let schemas = Schemas::of_installed_codex();
    let thread = thread(&json!({"type": "idle"}));
    let turn = turn("inProgress", &json!(items()));
    let mode = json!({"mode": "default", "settings":
        {"model": "m", "reasoning_effort": "low", "developer_instructions": "d"}});
    let mut opened = json!({"thread": thread, "model": "m", "reasoningEffort": "low"});
    reply::<ThreadOpened>(&schemas, "ThreadStartResponse", &opened);
    opened["collaborationMode"] = mode;
    reply::<ThreadOpened>(&schemas, "ThreadResumeResponse", &opened);
    let threads = json!({"data": [thread], "nextCursor": "c"});
    reply::<ThreadPage>(&schemas, "ThreadListResponse", &threads);
    reply::<ThreadReadReply>(&schemas, "ThreadReadResponse", &json!({"thread": thread}));
    let loaded = json!({"data": ["t"], "nextCursor": "c"});
    reply::<LoadedThreads>(&schemas, "ThreadLoadedListResponse", &loaded);
    let turns = json!({"data": [turn], "nextCursor": "c"});
    reply::<TurnPage>(&schemas, "ThreadTurnsListResponse", &turns);
    let entry = json!({"turnId": "u", "item": items()[1]});
    let page = json!({"data": [entry], "nextCursor": "c"});
    reply::<ItemPage>(&schemas, "ThreadItemsListResponse", &page);
    reply::<TurnStarted>(&schemas, "TurnStartResponse", &json!({"turn": turn}));
    let review = json!({"turn": turn, "reviewThreadId": "t"});
    reply::<ReviewStarted>(&schemas, "ReviewStartResponse", &review);
}

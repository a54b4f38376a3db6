//! Turns: what they say while they work, and what is done to them.

use std::time::Duration;

use car_domain::conversation::{ThreadActivity, TurnStatus};
use car_domain::run::{RunEvent, Usage};
use car_engine::ErrorKind;
use car_engine::conversation::{ReviewTarget, SandboxPolicy, TurnEvent, TurnRequest};
use car_testkit::model::{Turn, Usage as Reported};
use serde_json::json;

use super::setting::{Setting, all, outcome, steps, until};

fn usage(reported: Reported) -> Usage {
    Usage {
        input_tokens: reported.input,
        cached_input_tokens: reported.cached,
        output_tokens: reported.output,
        reasoning_output_tokens: reported.reasoning,
    }
}

#[tokio::test]
async fn a_turn_streams_its_message_and_tells_every_step_and_its_tokens() {
    let script = vec![
        Turn::new().reasoning("**Looking**").shell("echo hi").message("It says hi."),
        Turn::new().message("Again."),
    ];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("What does it say?")).await.expect("started");
    let thread_id = turn.thread_id().to_owned();
    let (events, outcome) = all(&mut turn).await;

    assert_eq!(outcome.status, TurnStatus::Completed);
    assert_eq!(outcome.final_message.as_deref(), Some("It says hi."));
    let reported = setting.model.usage_reported()[0].usage;
    assert_eq!((outcome.usage, outcome.thread_usage), (usage(reported), usage(reported)));
    assert_eq!(events[0], TurnEvent::Started);
    let deltas: String = events
        .iter()
        .filter_map(|event| match event {
            TurnEvent::MessageDelta { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(deltas, "It says hi.");
    let names: Vec<_> =
        steps(&events).iter().map(RunEvent::name).filter(|name| *name != "notice").collect();
    let expected =
        ["turn.started", "reasoning", "command.started", "command.finished", "message", "usage"];
    assert_eq!(names, expected);

    let request = TurnRequest { thread_id: Some(thread_id), ..setting.request("And now?") };
    let mut second = door.turn(request).await.expect("started");
    let second = super::setting::outcome(&mut second).await;
    let total = setting.model.usage_reported()[0].usage;
    assert_eq!(second.thread_usage, usage(total));
    assert_eq!(second.usage, usage(total).since(&usage(reported)));
    setting.model.assert_clean();
}

#[tokio::test]
async fn the_sandbox_the_schema_and_the_roots_variables_reach_the_turn() {
    let write = |file: &str| Turn::new().shell(format!("echo $COLOUR > {file}")).message("{}");
    let setting = Setting::new(vec![write("a.txt"), write("b.txt")]).await;
    let mut setup = setting.setup();
    setup.env.push(("COLOUR".into(), "green".into()));
    let door = car_engine::conversation::Conversations::new(setup);

    let mut turn = door.turn(setting.request("Write")).await.expect("started");
    assert_eq!(outcome(&mut turn).await.status, TurnStatus::Completed);
    assert!(!setting.root().join("a.txt").exists(), "read-only means read-only");

    let sandbox = SandboxPolicy::WorkspaceWrite { writable_roots: Vec::new(), network: false };
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let request = TurnRequest {
        thread_id: Some(turn.thread_id().to_owned()),
        sandbox,
        output_schema: Some(schema.clone()),
        model: Some("another-model".into()),
        ..setting.request("Write again")
    };
    let mut turn = door.turn(request).await.expect("started");
    outcome(&mut turn).await;
    assert_eq!(setting.repo.read("b.txt"), "green\n");
    let last = setting.model.requests().pop().expect("asked");
    assert_eq!(last.model, "another-model");
    assert_eq!(last.body["text"]["format"]["schema"], schema);
    setting.model.assert_clean();
}

#[tokio::test]
async fn a_message_steers_the_running_turn_and_a_second_turn_is_refused() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("With tests.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;

    let request =
        TurnRequest { thread_id: Some(turn.thread_id().to_owned()), ..setting.request("Other") };
    let refused = door.turn(request).await.expect_err("busy");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    turn.steer("And tests").await.expect("steered");
    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.final_message.as_deref(), Some("With tests."));
    assert!(steps(&events).contains(&RunEvent::Steered { text: "And tests".into() }));
    let late = turn.steer("Too late").await.expect_err("over");
    assert_eq!(late.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_interrupted_turn_ends_and_the_conversation_goes_on() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("Three.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    turn.interrupt().await.expect("interrupted");
    assert_eq!(outcome(&mut turn).await.status, TurnStatus::Interrupted);
    turn.interrupt().await.expect("a second time is no error");

    let thread_id = turn.thread_id().to_owned();
    let request = TurnRequest { thread_id: Some(thread_id.clone()), ..setting.request("Go on") };
    let mut next = door.turn(request).await.expect("started");
    assert_eq!(outcome(&mut next).await.final_message.as_deref(), Some("Three."));
    let (info, turns) = door.thread(&thread_id, 10).await.expect("known");
    assert_eq!(info.activity, ThreadActivity::Idle);
    let told: Vec<_> = turns.iter().map(|turn| (turn.prompt.as_str(), turn.status)).collect();
    assert_eq!(
        told,
        [("Count", Some(TurnStatus::Interrupted)), ("Go on", Some(TurnStatus::Completed))]
    );
}

#[tokio::test]
async fn a_silent_turn_is_ended_and_says_so() {
    let setting = Setting::new(vec![Turn::new().hang()]).await;
    let limit = Duration::from_millis(500);
    let request = TurnRequest { stall_after: Some(limit), ..setting.request("Hang") };
    let mut turn = setting.door().turn(request).await.expect("started");
    let (events, outcome) = all(&mut turn).await;
    assert!(events.contains(&TurnEvent::Stalled(limit)), "{events:?}");
    assert_eq!(outcome.status, TurnStatus::Interrupted);
    let why = outcome.error.expect("a reason");
    assert!(why.starts_with("Nothing was heard from Codex for "), "{why}");
}

#[tokio::test]
async fn what_the_model_refuses_fails_the_turn_with_its_words() {
    let body = r#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let setting = Setting::new(vec![Turn::new().fail(400, body)]).await;
    let mut turn = setting.door().turn(setting.request("Hello")).await.expect("started");
    let outcome = outcome(&mut turn).await;
    assert_eq!(outcome.status, TurnStatus::Failed);
    assert!(outcome.error.expect("a reason").contains("no such model"));
}

#[tokio::test]
async fn a_review_and_a_compaction_are_turns_like_any_other() {
    let script = vec![
        Turn::new().message("Hello."),
        Turn::new().message("Looks good."),
        Turn::new().message("We said hello."),
    ];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("Hello")).await.expect("started");
    outcome(&mut turn).await;

    let custom = ReviewTarget::Custom("Look at the README".into());
    let mut review = door.review(turn.thread_id(), custom).await.expect("started");
    let (events, outcome) = all(&mut review).await;
    assert_eq!(outcome.final_message.as_deref(), Some("Looks good."));
    let is_review = |step: &RunEvent| step.text().starts_with("Review of Look at the README");
    assert!(steps(&events).iter().any(is_review), "{events:?}");

    let mut compaction = door.compact(turn.thread_id()).await.expect("started");
    let (events, outcome) = all(&mut compaction).await;
    assert_eq!(outcome.status, TurnStatus::Completed);
    let is_compaction = |step: &RunEvent| step.text().contains("replaced by a summary");
    assert!(steps(&events).iter().any(is_compaction), "{events:?}");
}

#[tokio::test]
async fn an_unknown_thread_is_said_to_be_unknown() {
    let setting = Setting::new(Vec::new()).await;
    let door = setting.door();
    let unknown = "01a20ed5-94ae-7c93-b4a3-7c2e0d519beb".to_owned();
    let request = TurnRequest { thread_id: Some(unknown), ..setting.request("Hello") };
    let error = door.turn(request).await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let threads = door.threads(None, 10).await.expect("listed");
    assert_eq!(threads, []);
}

#[tokio::test]
async fn a_turn_is_found_again_with_all_that_was_said_in_it_and_with_what_joined_it() {
    let script = vec![
        Turn::new().half_message("One ", "two"),
        Turn::new().message("With tests.").shell("echo hi").message("Done."),
    ];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let request = TurnRequest { client_id: Some("first".to_owned()), ..setting.request("Count") };
    let mut turn = door.turn(request).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    let thread_id = turn.thread_id().to_owned();
    turn.control().steer("And tests", Some("second")).await.expect("steered");
    setting.model.release();
    outcome(&mut turn).await;
    let found = door.find_turn(&thread_id, "first").await.expect("asked").expect("found");
    assert_eq!(found.messages, ["With tests.", "Done."]);
    assert!(door.has_message(&thread_id, "second").await.expect("asked"));
    assert!(!door.has_message(&thread_id, "third").await.expect("asked"));
}

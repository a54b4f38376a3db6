//! What the agent asks, and what a decision does.

use std::collections::BTreeMap;

use car_domain::conversation::{Decision, RequestSubject, TurnStatus};
use car_domain::run::RunEvent;
use car_engine::ErrorKind;
use car_engine::conversation::{TurnEvent, TurnRequest};
use car_testkit::model::Turn;

use super::setting::{Setting, all, asked, outcome, steps};

#[tokio::test]
async fn an_accepted_command_runs_and_who_decided_is_told() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Greet")).await.expect("started");
    let request = asked(&mut turn).await;
    let RequestSubject::Command { command, cwd } = &request.subject else { panic!("{request:?}") };
    assert!(command.contains("echo hi"), "{command}");
    assert_eq!(cwd.as_deref(), Some(setting.root().to_str().expect("UTF-8")));
    assert_eq!(request.reason.as_deref(), Some("To greet"));
    assert_eq!((&*request.thread_id, &*request.turn_id), (turn.thread_id(), turn.turn_id()));

    let refused = door.answer(&request.id, Decision::AcceptForSession, "anna", None).await;
    let refused = refused.expect_err("not offered");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(refused.hint().as_deref(), Some("it offers: accept, always, cancel"));

    let note = Some("harmless");
    let answer = door.answer(&request.id, Decision::Accept, "anna", note).await.expect("answered");
    assert_eq!((&*answer.by, answer.note.as_deref()), ("anna", note));
    let again = door.answer(&request.id, Decision::Accept, "ben", None).await.expect("the same");
    assert_eq!(again, answer);
    let late = door.answer(&request.id, Decision::Cancel, "ben", None).await.expect_err("late");
    assert!(late.to_string().starts_with("anna has decided already at "), "{late}");

    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.final_message.as_deref(), Some("Greeted."));
    let (request_id, answer) = (request.id.clone(), Some(answer));
    assert!(events.contains(&TurnEvent::Resolved { request_id, answer }), "{events:?}");
    let ran =
        |step: &RunEvent| matches!(step, RunEvent::CommandFinished { exit_code: Some(0), .. });
    assert!(steps(&events).iter().any(ran));
    setting.model.assert_clean();
}

#[tokio::test]
async fn a_declined_edit_is_not_made_and_the_agent_goes_on() {
    let script = vec![Turn::new().add_file("new.txt", "hello").message("As you like.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Write")).await.expect("started");
    let request = asked(&mut turn).await;
    let RequestSubject::Files { changes } = &request.subject else { panic!("{request:?}") };
    assert_eq!(changes.len(), 1);
    assert!(changes[0].path.ends_with("new.txt"), "{changes:?}");
    assert_eq!((&*changes[0].kind, &*changes[0].diff), ("add", "hello\n"));
    door.answer(&request.id, Decision::Decline, "anna", None).await.expect("answered");
    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.status, TurnStatus::Completed);
    assert!(!setting.root().join("new.txt").exists());
    let declined = |step: &RunEvent| matches!(step, RunEvent::FilesChanged { status, .. } if status == "declined");
    assert!(steps(&events).iter().any(declined), "{events:?}");
}

#[tokio::test]
async fn an_accepted_edit_is_made_and_its_diff_is_told() {
    let script = vec![Turn::new().add_file("new.txt", "hello").message("Written.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Write")).await.expect("started");
    let request = asked(&mut turn).await;
    door.answer(&request.id, Decision::Accept, "anna", None).await.expect("answered");
    let (events, _) = all(&mut turn).await;
    assert_eq!(setting.repo.read("new.txt"), "hello\n");
    let diff =
        |event: &TurnEvent| matches!(event, TurnEvent::Diff(diff) if diff.contains("+hello"));
    assert!(events.iter().any(diff), "{events:?}");
}

#[tokio::test]
async fn cancelling_ends_the_turn() {
    let setting = Setting::new(vec![Turn::new().escalated("echo hi", "To greet")]).await;
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Greet")).await.expect("started");
    let request = asked(&mut turn).await;
    door.answer(&request.id, Decision::Cancel, "anna", None).await.expect("answered");
    assert_eq!(outcome(&mut turn).await.status, TurnStatus::Interrupted);
}

#[tokio::test]
async fn interrupting_closes_what_was_asked() {
    let setting = Setting::new(vec![Turn::new().escalated("echo hi", "To greet")]).await;
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Greet")).await.expect("started");
    let request = asked(&mut turn).await;
    turn.interrupt().await.expect("interrupted");
    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.status, TurnStatus::Interrupted);
    let closed = TurnEvent::Resolved { request_id: request.id.clone(), answer: None };
    assert!(events.contains(&closed), "{events:?}");
    let late = door.answer(&request.id, Decision::Accept, "anna", None).await.expect_err("gone");
    assert_eq!(late.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_question_is_answered_and_the_model_hears_it() {
    let script = vec![Turn::new().question("Really?").message("Then I do.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let request = TurnRequest { may_ask_questions: true, ..setting.asking("Do it") };
    let mut turn = door.turn(request).await.expect("started");
    let request = asked(&mut turn).await;
    let RequestSubject::Questions { questions } = &request.subject else { panic!("{request:?}") };
    assert_eq!((&*questions[0].text, questions[0].options.len()), ("Really?", 2));
    let answers = BTreeMap::from([("q1".to_owned(), vec!["Yes".to_owned()])]);
    let decision = Decision::Answers(answers);
    door.answer(&request.id, decision, "anna", None).await.expect("answered");
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Then I do."));
    let heard = setting.model.requests().pop().expect("asked").tool_outputs;
    assert!(heard[0].output.contains("Yes"), "{heard:?}");
}

//! One conversation, several programs: each `door()` is what a process of its own has.

use car_domain::conversation::{Decision, RequestSubject, TurnStatus};
use car_domain::run::RunEvent;
use car_engine::ErrorKind;
use car_engine::conversation::{RequestNews, TurnEvent, TurnRequest};
use car_testkit::model::Turn;

use super::setting::{Setting, all, asked, outcome, steps, until};

#[tokio::test]
async fn what_is_asked_at_one_door_is_answered_at_another_and_closes_at_both() {
    let script = vec![Turn::new().add_file("new.txt", "hello").message("Written.")];
    let setting = Setting::new(script).await;
    let (web, phone) = (setting.door(), setting.door());
    let (before, mut watch) = phone.watch_requests().await.expect("watched");
    assert_eq!(before, []);
    let mut turn = web.turn(setting.asking("Write")).await.expect("started");
    let request = asked(&mut turn).await;

    assert_eq!(watch.next().await, RequestNews::Opened(request.clone()));
    let answer =
        phone.answer(&request.id, Decision::Accept, "phone", None).await.expect("answered");
    let closed =
        RequestNews::Closed { request_id: request.id.clone(), answer: Some(answer.clone()) };
    assert_eq!(watch.next().await, closed);
    let (events, _) = all(&mut turn).await;
    let resolved = TurnEvent::Resolved { request_id: request.id.clone(), answer: Some(answer) };
    assert!(events.contains(&resolved), "{events:?}");
    let late = web.answer(&request.id, Decision::Decline, "web", None).await.expect_err("late");
    assert!(late.to_string().starts_with("phone has decided already"), "{late}");
}

#[tokio::test]
async fn two_who_decide_at_once_decide_once() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let setting = Setting::new(script).await;
    let (web, phone) = (setting.door(), setting.door());
    let mut turn = web.turn(setting.asking("Greet")).await.expect("started");
    let request = asked(&mut turn).await;
    assert_eq!(phone.requests().await.expect("listed"), std::slice::from_ref(&request));
    let (a, b) = tokio::join!(
        web.answer(&request.id, Decision::Accept, "web", None),
        phone.answer(&request.id, Decision::Cancel, "phone", None)
    );
    let winner = match (a, b) {
        (Ok(answer), Err(error)) | (Err(error), Ok(answer)) => {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            answer
        }
        both => panic!("one and only one decides: {both:?}"),
    };
    let expected = match winner.decision {
        Decision::Accept => TurnStatus::Completed,
        _ => TurnStatus::Interrupted,
    };
    assert_eq!(outcome(&mut turn).await.status, expected);
}

#[tokio::test]
async fn a_turn_is_followed_from_its_beginning_by_another_program() {
    let script = vec![Turn::new().shell("echo hi").half_message("One ", "two")];
    let setting = Setting::new(script).await;
    let (web, phone) = (setting.door(), setting.door());
    let mut turn = web.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    let mut followed = phone.follow(turn.thread_id()).await.expect("known").expect("running");
    assert_eq!(followed.turn_id(), turn.turn_id());
    setting.model.release();
    let (events, outcome) = all(&mut followed).await;
    assert_eq!(outcome.final_message.as_deref(), Some("One two"));
    let steps = steps(&events);
    let ran = |step: &&RunEvent| matches!(step, RunEvent::CommandFinished { .. });
    assert_eq!(steps.iter().filter(ran).count(), 1, "{steps:?}");
    let said = |step: &&RunEvent| matches!(step, RunEvent::Message { .. });
    assert_eq!(steps.iter().filter(said).count(), 1, "{steps:?}");
    assert!(phone.follow(turn.thread_id()).await.expect("known").is_none(), "it is over");
}

#[tokio::test]
async fn a_program_that_dies_loses_neither_its_question_nor_its_turn() {
    let script = vec![Turn::new().add_file("new.txt", "hello").half_message("Wri", "tten.")];
    let setting = Setting::new(script).await;
    let dying = setting.door();
    let mut turn = dying.turn(setting.asking("Write")).await.expect("started");
    let request = asked(&mut turn).await;
    let thread_id = turn.thread_id().to_owned();
    // All that is left of a killed process is a closed socket.
    drop((turn, dying));

    let next = setting.door();
    let waiting = next.requests().await.expect("listed");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0], request, "the same id, and still the files");
    assert!(matches!(&waiting[0].subject, RequestSubject::Files { changes } if changes.len() == 1));
    next.answer(&request.id, Decision::Accept, "next", None).await.expect("answered");
    let mut turn = next.follow(&thread_id).await.expect("known").expect("running");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    drop((turn, next));

    let last = setting.door();
    let mut turn = last.follow(&thread_id).await.expect("known").expect("running");
    setting.model.release();
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Written."));
    assert_eq!(setting.repo.read("new.txt"), "hello\n");
    setting.model.assert_clean();
}

#[tokio::test]
async fn a_turn_that_ends_while_nobody_listens_is_read_back() {
    let setting = Setting::new(vec![Turn::new().half_message("One ", "two")]).await;
    let dying = setting.door();
    let mut turn = dying.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    let thread_id = turn.thread_id().to_owned();
    drop((turn, dying));
    let next = setting.door();
    let mut turn = next.follow(&thread_id).await.expect("known").expect("running");
    setting.model.release();
    outcome(&mut turn).await;
    let (info, turns) = setting.door().thread(&thread_id, 5).await.expect("known");
    assert_eq!(info.title, "Count");
    assert_eq!(turns[0].answer.as_deref(), Some("One two"));
    assert_eq!(turns[0].status, Some(TurnStatus::Completed));
}

#[tokio::test]
async fn an_empty_thread_belongs_to_the_program_that_began_it_until_its_first_turn() {
    let script = vec![Turn::new().message("Hello."), Turn::new().message("Again.")];
    let setting = Setting::new(script).await;
    let (begun, other) = (setting.door(), setting.door());
    let thread_id = begun.start(setting.root()).await.expect("started");
    let request = TurnRequest { thread_id: Some(thread_id.clone()), ..setting.request("Hello") };
    let unknown = other.turn(request.clone()).await.expect_err("without a turn");
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{unknown}");
    let mut turn = begun.turn(request.clone()).await.expect("started");
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Hello."));
    let mut turn = other.turn(request).await.expect("started");
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Again."));
    let threads = other.threads(Some(setting.root()), 10).await.expect("listed");
    assert_eq!(threads.len(), 1);
    assert_eq!(threads[0].id, thread_id);
}

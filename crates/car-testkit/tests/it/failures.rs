//! What can go wrong between Codex and a model.

use std::sync::Arc;

use car_testkit::model::{FakeModel, Turn};
use car_testkit::repo::TempRepo;

use crate::codex_exec::exec;

#[tokio::test]
async fn a_refused_request_fails_the_run_with_the_body_as_its_message() {
    let body = r#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let model = FakeModel::start(vec![Turn::new().fail(400, body)]).await;
    let run = exec(&model, &TempRepo::new(), "hello");

    assert_eq!(run.code, Some(1));
    let failed = run.events("turn.failed");
    assert_eq!(failed[0]["error"]["message"], body);
    assert_eq!(model.usage_reported(), []);
    model.assert_clean();
}

#[tokio::test]
async fn a_rate_limit_that_passes_does_not_fail_the_run() {
    let model = FakeModel::start(vec![Turn::new().rate_limited(1, 0).message("at last")]).await;
    let run = exec(&model, &TempRepo::new(), "hello");

    assert_eq!(run.code, Some(0));
    assert_eq!(run.messages(), ["at last"]);
    assert_eq!(model.requests().len(), 2);
    assert_eq!(run.usage(), model.usage_reported());
    model.assert_clean();
}

#[tokio::test]
async fn a_cut_answer_costs_nothing_and_is_asked_for_again() {
    let turn = Turn::new().message("half").cut().message("whole");
    let model = FakeModel::start(vec![turn]).await;
    let run = exec(&model, &TempRepo::new(), "hello");

    assert_eq!(run.code, Some(0));
    assert_eq!(run.messages(), ["half", "whole"]);
    assert_eq!(run.events("error").len(), 1);
    assert_eq!(run.usage(), model.usage_reported());
    model.assert_clean();
}

#[tokio::test]
async fn a_hanging_answer_waits_for_its_release() {
    let turn = Turn::new().hang().message("sorry, I was away");
    let model = Arc::new(FakeModel::start(vec![turn]).await);
    let asked = Arc::clone(&model);
    let run = tokio::task::spawn_blocking(move || exec(&asked, &TempRepo::new(), "hello"));
    model.until_requests(1).await;

    assert_eq!(model.usage_reported(), []);
    assert!(!run.is_finished());
    model.release();
    let run = run.await.expect("a run");
    assert_eq!(run.messages(), ["sorry, I was away"]);
    model.assert_clean();
}

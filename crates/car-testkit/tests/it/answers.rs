//! Turns that end well.

use car_testkit::model::{FakeModel, Request, ThreadUsage, Turn, Usage};
use car_testkit::repo::TempRepo;

use crate::codex_exec::exec;

#[tokio::test]
async fn a_message_reaches_codex_and_its_prompt_reaches_us() {
    let model = FakeModel::start(|request: &Request| {
        Turn::new().message(format!("You said: {}", request.user_text.trim()))
    })
    .await;
    let run = exec(&model, &TempRepo::new(), "good morning\n");

    assert_eq!(run.code, Some(0));
    assert_eq!(run.messages(), ["You said: good morning"]);
    assert_eq!(run.usage(), model.usage_reported());
    let requests = model.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].user_text, "good morning\n");
    assert_eq!(requests[0].model, "fake-model");
    assert_eq!(requests[0].thread_id, run.events[0]["thread_id"]);
    assert_eq!(model.finish(), [""; 0]);
}

#[tokio::test]
async fn a_shell_call_is_run_and_its_output_comes_back() {
    let turn = Turn::new()
        .reasoning("**Looking around**\n\nWhich files are there?")
        .shell("cat README.md; exit 3")
        .message("done");
    let model = FakeModel::start(vec![turn]).await;
    let run = exec(&model, &TempRepo::new(), "look");

    assert_eq!(run.code, Some(0));
    let thoughts = run.items("reasoning");
    assert_eq!(thoughts[0]["text"], "**Looking around**\n\nWhich files are there?");
    let commands = run.items("command_execution");
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0]["exit_code"], 3);
    assert_eq!(commands[0]["aggregated_output"], "# A repository for tests\n");
    assert_eq!(run.messages(), ["done"]);
    let requests = model.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].tool_outputs, []);
    assert_eq!(requests[1].tool_outputs.len(), 1);
    assert!(requests[1].tool_outputs[0].output.contains("Process exited with code 3"));
    model.assert_clean();
}

#[tokio::test]
async fn the_usage_codex_prints_is_the_sum_of_what_we_reported() {
    let given = Usage { input: 70_000, cached: 60_000, output: 900, reasoning: 400 };
    let turn = Turn::new().shell("true").using(given).shell("true").message("done");
    let model = FakeModel::start(vec![turn, Turn::new().message("again")]).await;
    let repo = TempRepo::new();
    let first = exec(&model, &repo, "one");
    let second = exec(&model, &repo, "two");

    let mut sum = given;
    sum += Usage::of_answer(2);
    sum += Usage::of_answer(3);
    let [of_first, of_second] = <[ThreadUsage; 2]>::try_from(model.usage_reported()).expect("two");
    assert_eq!(of_first.usage, sum);
    assert_eq!(of_second.usage, Usage::of_answer(4));
    assert_eq!(first.usage(), [of_first]);
    assert_eq!(second.usage(), [of_second]);
    model.assert_clean();
}

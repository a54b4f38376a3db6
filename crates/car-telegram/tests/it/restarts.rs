//! The bot and Codex end at the worst moments.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::Fault;

use super::setting::{ANNA, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_goes_on_while_the_bot_is_gone_and_is_answered_once() {
    let mut setting = Setting::new(vec![Turn::new().half_message("One ", "two.")]).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.kill().await;
    setting.start().await;
    setting.model.release();
    setting.heard("One two.").await;
    setting.heard("Completed · ").await;
    assert_eq!(setting.answers().iter().filter(|text| text.contains("One two.")).count(), 1);
    assert_eq!(setting.model.requests().len(), 1, "it was not started twice");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_ended_while_the_bot_was_gone_is_answered() {
    let mut setting = Setting::new(vec![Turn::new().half_message("One ", "two.")]).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.kill().await;
    let door = setting.door();
    let threads = door.threads(None, 5).await.expect("listed");
    let turn = door.follow(&threads[0].id).await.expect("followed");
    setting.model.release();
    if let Some(turn) = turn {
        turn.finish().await.expect("ended");
    }
    setting.start().await;
    setting.heard("One two.").await;
    assert_eq!(setting.model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_can_be_given_after_a_restart() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let mut setting = Setting::new(script).await;
    setting.say("Greet");
    let request = setting.heard("Codex wants to run a command").await;
    setting.kill().await;
    setting.start().await;
    setting.telegram.press(&request, ANNA, "Allow");
    setting.heard("Allowed by Anna").await;
    setting.heard("Greeted.").await;
    let shown = setting.answers().iter().filter(|text| text.contains("echo hi")).count();
    assert_eq!(shown, 1, "it is not shown twice: {:?}", setting.answers());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_goes_on_at_the_part_where_it_stopped() {
    let paragraphs: Vec<String> =
        (0..12).map(|n| format!("Paragraph {n}. {}", "Some words. ".repeat(100))).collect();
    let mut setting = Setting::new(vec![Turn::new().message(paragraphs.join("\n\n"))]).await;
    // The card, the first part; the second part arrives without an answer, and then nothing more.
    let wait = Fault::TooMany(3);
    setting.telegram.change(|world| {
        world.fail("sendmessage", &[Fault::TooMany(1), Fault::TooMany(1), wait]);
    });
    setting.say("Much");
    setting.heard("Paragraph 0.").await;
    setting.telegram.change(|world| world.fail("sendmessage", &[Fault::CutAfter, wait]));
    setting.heard("Paragraph 5.").await;
    setting.kill().await;
    setting.start().await;
    setting.heard("Paragraph 11.").await;
    let all = setting.answers().join("\n");
    for n in 0..12 {
        assert_eq!(all.matches(&format!("Paragraph {n}.")).count(), 1, "paragraph {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_codex_that_dies_in_the_middle_is_said_and_the_next_message_works() {
    let script = |request: &Request| match request.user_text.as_str() {
        "Count" => Turn::new().half_message("One ", "two."),
        text => Turn::new().message(format!("Heard {text}")),
    };
    let setting = Setting::new(script).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.kill_codex();
    setting.heard("⏹ Stopped").await;
    setting.say("Still there?");
    setting.heard("Heard Still there?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_command_is_not_run_twice() {
    let mut setting = Setting::idle(Vec::new()).await;
    setting.configure("  shell: {enabled: true}\n  defaults: {sandbox_policy: dangerFullAccess}\n");
    setting.start().await;
    let marks = setting.root().join("marks.txt");
    let pipe = setting.root().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    setting.say("!echo once >> marks.txt; echo begun > pipe; sleep 60");
    let begun = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe));
    begun.await.expect("no panic").expect("begun");
    setting.kill().await;
    setting.start().await;
    setting.heard("I was restarted in the middle of this").await;
    assert_eq!(std::fs::read_to_string(marks).expect("there"), "once\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_answered_after_a_restart() {
    let script = vec![Turn::new().question("Really?").message("Then I do.")];
    let mut setting = Setting::new(script).await;
    setting.say("/plan on");
    setting.heard("plans first").await;
    setting.say("Do it");
    let question = setting.heard("Really?").await;
    setting.kill().await;
    setting.start().await;
    setting.telegram.reply(setting.place, ANNA, question.id, "Yes");
    setting.heard("Answered (Yes) by Anna").await;
    setting.heard("Then I do.").await;
    assert_eq!(setting.answers().iter().filter(|text| text.contains("Then I do.")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_joined_a_turn_is_not_asked_again_after_a_crash() {
    let script = vec![
        Turn::new().half_message("One ", "two"),
        Turn::new().message("With tests."),
        Turn::new().message("All done."),
    ];
    let mut setting = Setting::idle(script).await;
    setting.configure("  while_busy: queue\n");
    setting.start().await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.kill().await;
    // As the bot would have left it, had it ended between Codex's answer and its own note of it.
    let door = setting.door();
    let threads = door.threads(None, 5).await.expect("listed");
    let turn = door.follow(&threads[0].id).await.expect("followed").expect("it runs");
    turn.control().steer("And tests", Some("a-name-of-ours")).await.expect("added");
    setting.add_held_turn("And tests", "a-name-of-ours").await;
    setting.start().await;
    setting.model.release();
    setting.heard("With tests.").await;
    setting.say("And now?");
    setting.heard("All done.").await;
    let asked: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.user_text).collect();
    assert_eq!(asked, ["Count", "And tests", "And now?"]);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_was_cut_off_while_the_bot_was_gone_says_so() {
    let script = vec![Turn::new().half_message("One ", "two."), Turn::new().message("Again.")];
    let mut setting = Setting::new(script).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.kill().await;
    setting.kill_codex();
    setting.start().await;
    setting.heard("⏹ Stopped: It ended early while the bot was away").await;
    setting.say("Once more");
    setting.heard("Again.").await;
}

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

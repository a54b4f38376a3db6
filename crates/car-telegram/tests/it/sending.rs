//! Messages arrive once, whatever goes wrong on the way.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::Fault;

use super::setting::{ANNA, Setting};

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_cut_connections_neither_lose_nor_repeat_a_message() {
    let setting = Setting::new(echo).await;
    setting.telegram.change(|world| {
        world.fail("sendmessage", &[Fault::CutAfter, Fault::CutBefore, Fault::CutAfter]);
    });
    setting.say("one");
    setting.heard("Heard one").await;
    setting.say("two");
    setting.heard("Heard two").await;
    setting.heard("Completed · ").await;
    for words in ["Heard one", "Heard two"] {
        let n = setting.answers().iter().filter(|text| text.contains(words)).count();
        assert_eq!(n, 1, "{:?}", setting.answers());
    }
    let cards = setting.answers().iter().filter(|text| text.contains("Completed · ")).count();
    let open = setting.answers().iter().filter(|text| text.contains("Working")).count();
    assert_eq!((cards, open), (2, 0), "{:?}", setting.answers());
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_telegram_asks_for_is_kept() {
    let setting = Setting::new(echo).await;
    setting.telegram.change(|world| world.fail("sendmessage", &[Fault::TooMany(1)]));
    setting.say("one");
    setting.heard("Heard one").await;
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_telegram_cannot_parse_comes_as_plain_text() {
    let setting = Setting::new(vec![Turn::new().message("It is **bold**.")]).await;
    setting.telegram.change(|world| {
        world.fail("sendmessage", &[Fault::Refuse(400, "Bad Request: can't parse entities: odd")]);
    });
    setting.say("/ids");
    let plain = setting.heard("Chat 7").await;
    assert!(!plain.source.contains("<code>"), "{}", plain.source);
    setting.say("go");
    setting.heard("It is bold.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_chat_is_given_up_and_the_others_go_on() {
    let setting = Setting::new(echo).await;
    setting.telegram.change(|world| {
        world.add_group(-50);
        world.chats.get_mut(&-50).expect("there").is_blocked = true;
    });
    let group = car_testkit::telegram::Place { chat: -50, topic: 0 };
    setting.telegram.say(group, ANNA, "one");
    setting.say("two");
    setting.heard("Heard two").await;
    let well = || car_telegram::health(setting.root(), std::time::Duration::from_secs(5));
    setting.until("a refusal", |world| (world.requests["sendmessage"] >= 3).then_some(())).await;
    let health = well().await.expect("well");
    assert!(health.given_up >= 1, "{health:?}");
}

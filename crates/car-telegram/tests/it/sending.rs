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

#[tokio::test(flavor = "multi_thread")]
async fn what_telegram_refuses_is_sent_in_a_simpler_form_and_never_silently_dropped() {
    let code = "let x = 1;\n".repeat(600);
    let script = vec![
        Turn::new().message(format!("Look:\n\n```rust\n{code}```\n\nThat is **all**.")),
        Turn::new().message("It is **bold**."),
    ];
    let setting = Setting::new(script).await;
    let rights = "Bad Request: not enough rights to send documents to the chat";
    setting.telegram.change(|world| world.fail("senddocument", &[Fault::Refuse(400, rights)]));
    setting.say("Code");
    let told = setting.heard("code-1.rs could not be sent").await;
    assert!(told.text.contains("not enough rights"), "{}", told.text);
    setting.heard("That is all.").await;
    setting.telegram.change(|world| {
        world.fail("sendmessage", &[Fault::Refuse(400, "Bad Request: something new")]);
    });
    setting.say("/ids");
    setting.heard("Chat 7").await;
    let health = car_telegram::health(setting.root(), std::time::Duration::from_secs(5)).await;
    assert_eq!(health.expect("well").given_up, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_topic_is_given_up_and_the_others_of_its_group_go_on() {
    let script = |request: &Request| match request.user_text.as_str() {
        "Count" => Turn::new().half_message("One ", "two."),
        text => Turn::new().message(format!("Heard {text}")),
    };
    let setting = Setting::new(script).await;
    let chat = -1_001_000_000_000;
    let topic = |topic| car_testkit::telegram::Place { chat, topic };
    setting.telegram.change(|world| world.add_forum(chat, &[11, 12]));
    setting.telegram.say(topic(11), ANNA, "Count");
    setting.model.until_requests(1).await;
    setting.telegram.change(|world| world.delete_topic(topic(11)));
    setting.model.release();
    setting.telegram.say(topic(12), ANNA, "twelve");
    setting.heard_in(topic(12), "Heard twelve").await;
    setting.until_given_up(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_was_lost_is_found_among_what_people_wrote_meanwhile() {
    let setting = Setting::new(vec![Turn::new().message("Once only.")]).await;
    let group = car_testkit::telegram::Place { chat: -50, topic: 0 };
    setting.telegram.change(|world| {
        world.add_group(group.chat);
        world.fail("sendmessage", &[Fault::TooMany(1), Fault::CutAfter]);
    });
    setting.say("go");
    // All chats but supergroups share one row of numbers.
    for n in 0..5 {
        setting.telegram.say(group, super::setting::BEN, &format!("noise {n}"));
    }
    setting.heard("Once only.").await;
    setting.heard("Completed · ").await;
    let cards = setting.answers().iter().filter(|text| text.contains("Working")).count();
    assert_eq!(cards, 0, "{:?}", setting.answers());
}

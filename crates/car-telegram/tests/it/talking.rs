//! People talk with Codex.

use car_testkit::model::{Request, Turn};

use super::setting::{ANNA, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_as_a_reply_with_time_and_tokens() {
    let script = vec![Turn::new().shell("echo hi").message("It says **hi** & <more>.")];
    let setting = Setting::new(script).await;
    let asked = setting.say("What does it say?");
    let answer = setting.heard("It says hi & <more>.").await;
    assert_eq!(answer.reply_to, Some(asked));
    assert!(
        answer.source.starts_with("It says <b>hi</b> &amp; &lt;more&gt;."),
        "{}",
        answer.source
    );
    assert!(answer.text.contains(" tokens in, "), "{}", answer.text);
    let card = setting.heard("Completed · ").await;
    assert!(card.text.contains("1 command"), "{}", card.text);
    assert!(card.buttons.is_empty(), "nothing can be stopped any more");
    assert!(setting.telegram.look(|world| world.n_actions) > 0, "it showed that it was writing");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_message_goes_on_with_the_conversation_and_new_begins_another() {
    let script = |request: &Request| Turn::new().message(format!("Heard {}", request.user_text));
    let setting = Setting::new(script).await;
    setting.say("one");
    setting.heard("Heard one").await;
    setting.say("two");
    setting.heard("Heard two").await;
    setting.say("/new");
    setting.heard("begins a new conversation").await;
    setting.say("three");
    setting.heard("Heard three").await;
    let threads: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.thread_id).collect();
    assert_eq!(threads[0], threads[1]);
    assert_ne!(threads[1], threads[2]);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_long_message_are_one_prompt() {
    let script = |request: &Request| Turn::new().message(format!("Heard {}", request.user_text));
    let setting = Setting::new(script).await;
    setting.telegram.change(|_| ());
    setting.say("first half");
    setting.say("second half");
    setting.heard("Heard first half\nsecond half").await;
    assert_eq!(setting.model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_turn_and_says_so() {
    let setting = Setting::new(vec![Turn::new().half_message("One ", "two")]).await;
    setting.say("Count");
    let card = setting
        .until("a card", |world| {
            world.of_bot(setting.place).into_iter().find(|m| m.button("Stop").is_some()).cloned()
        })
        .await;
    setting.model.until_requests(1).await;
    setting.telegram.press(&card, ANNA, "Stop");
    setting.heard("⏹ Stopped").await;
    setting.heard("Interrupted · ").await;
    setting.say("/interrupt");
    setting.heard("Nothing is at work here.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_refuses_is_said_and_the_topic_goes_on() {
    let body = r#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let script = vec![Turn::new().fail(400, body), Turn::new().message("Better.")];
    let setting = Setting::new(script).await;
    setting.say("Hello");
    let failed = setting.heard("⚠ Codex failed").await;
    assert!(failed.text.contains("no such model"), "{}", failed.text);
    setting.say("Again");
    setting.heard("Better.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_during_a_turn_is_asked_about_once_and_then_joins() {
    let script = vec![
        Turn::new().half_message("One ", "two"),
        Turn::new().message("With tests."),
        Turn::new().half_message("Three ", "four"),
        Turn::new().message("And docs."),
    ];
    let setting = Setting::new(script).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.say("And tests");
    let question = setting.heard("What shall I do with this message?").await;
    setting.telegram.press(&question, ANNA, "Add to the work");
    setting.heard("Added to the present work").await;
    setting.heard("With tests.").await;
    assert_eq!(setting.model.requests().last().expect("asked").user_text, "And tests");

    setting.say("Go on");
    setting.model.until_requests(3).await;
    setting.say("And docs");
    setting.heard("Added to the present work.").await;
    setting.heard("And docs.").await;
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_or_takes_over_where_that_was_chosen() {
    let script = vec![
        Turn::new().half_message("One ", "two"),
        Turn::new().message("Queued answer."),
        Turn::new().half_message("Three ", "four"),
        Turn::new().message("Replacing answer."),
    ];
    let setting = Setting::new(script).await;
    setting.say("/busy queue");
    setting.heard("handled as queue").await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.say("Then this");
    setting.heard("Queued: it comes after").await;
    setting.model.release();
    setting.heard("One two").await;
    setting.heard("Queued answer.").await;

    setting.say("/busy replace");
    setting.heard("handled as replace").await;
    setting.say("Count on");
    setting.model.until_requests(3).await;
    setting.say("No, this");
    setting.heard("being stopped for this").await;
    setting.heard("⏹ Stopped").await;
    setting.heard("Replacing answer.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_message_begins_its_turn_anew() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("Corrected.")];
    let setting = Setting::new(script).await;
    let id = setting.say("Cuont");
    setting.model.until_requests(1).await;
    setting.telegram.edit(setting.place, ANNA, id, "Count");
    setting.heard("⏹ Stopped").await;
    setting.heard("Corrected.").await;
    let last = setting.model.requests().pop().expect("asked");
    assert!(last.user_text.contains("It says now:\n\nCount"), "{}", last.user_text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_comes_in_parts_with_its_code_as_a_file() {
    let prose = "A sentence of some words. ".repeat(250);
    let code = "let x = 1;\n".repeat(600);
    let text = format!("{prose}\n\n```rust\n{code}```\n\nThe end.");
    let setting = Setting::new(vec![Turn::new().message(text)]).await;
    setting.say("Much");
    setting.heard("The end.").await;
    let file = setting.telegram.look(|world| {
        world.of_bot(setting.place).into_iter().find_map(|message| message.document.clone())
    });
    let (name, content) = file.expect("a file");
    assert_eq!((name.as_str(), content.len()), ("code-1.rs", code.trim_end().len()));
    let parts = setting.answers();
    assert!(parts.iter().filter(|text| text.starts_with("A sentence")).count() >= 2, "{parts:?}");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_topics_work_at_the_same_time_and_do_not_mix() {
    let script = |request: &Request| Turn::new().message(format!("Heard {}", request.user_text));
    let setting = Setting::new(script).await;
    let chat = -1_001_000_000_000;
    setting.telegram.change(|world| world.add_forum(chat, &[11, 12]));
    let topic = |topic| car_testkit::telegram::Place { chat, topic };
    setting.telegram.say(topic(11), ANNA, "eleven");
    setting.telegram.say(topic(12), ANNA, "twelve");
    setting.heard_in(topic(11), "Heard eleven").await;
    setting.heard_in(topic(12), "Heard twelve").await;
    let threads: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.thread_id).collect();
    assert_ne!(threads[0], threads[1]);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sticker_before_a_text_swallows_nothing() {
    let script = |request: &Request| Turn::new().message(format!("Heard {}", request.user_text));
    let setting = Setting::new(script).await;
    setting.telegram.send_sticker(setting.place, ANNA);
    setting.say("and this");
    setting.heard("I can read text, pictures, voice and files, but not this.").await;
    setting.heard("Heard and this").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_said_is_stopped_before_it_begins() {
    let script = |request: &Request| Turn::new().message(format!("Heard {}", request.user_text));
    let mut setting = Setting::idle(script).await;
    setting.gather = std::time::Duration::from_secs(20);
    setting.start().await;
    setting.say("Delete everything");
    setting.say("/stop");
    setting.heard("⏹ Stopped").await;
    setting.say("esc");
    setting.heard("Nothing is at work here.").await;
    assert_eq!(setting.model.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_can_still_be_changed() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("Corrected.")];
    let mut setting = Setting::idle(script).await;
    setting.configure("  while_busy: queue\n");
    setting.start().await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    let id = setting.say("Sopt");
    setting.heard("Queued: it comes after").await;
    setting.telegram.edit(setting.place, ANNA, id, "Stop");
    setting.say("/status");
    setting.heard("At work").await;
    setting.model.release();
    setting.heard("One two").await;
    setting.heard("Corrected.").await;
    let last = setting.model.requests().pop().expect("asked");
    assert!(last.user_text.contains("It says now:\n\nStop"), "{}", last.user_text);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_nobody_answered_is_settled_when_its_message_is_next() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("Three.")];
    let setting = Setting::new(script).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.say("And on");
    setting.heard("What shall I do with this message?").await;
    setting.model.release();
    setting.heard("Three.").await;
    let settled = setting.heard("It is its turn now.").await;
    assert!(settled.buttons.is_empty());
}

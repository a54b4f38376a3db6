//! Who is heard, and what becomes of an update.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::{Fault, Person, TOKEN};

use super::setting::{ANNA, BEN, Setting};

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_heard_until_they_bring_a_code() {
    let mut setting = Setting::idle(echo).await;
    setting.configure_all("", "");
    setting.start().await;
    setting.say("Hello");
    setting.say("/start");
    setting.heard("This bot is private.").await;
    setting.say("/start WRONG-CODE");
    let code = car_telegram::pair(setting.root(), None).await.expect("a code");
    assert_eq!(code.role, car_engine::config::TelegramRole::Admin);
    assert!(code.link.expect("a link").starts_with("https://t.me/car_test_bot?start="));
    setting.say(&format!("/start {}", code.code.to_lowercase()));
    setting.heard("Welcome, you are admin now.").await;
    setting.say("Hello again");
    setting.heard("Heard Hello again").await;
    assert_eq!(setting.model.requests().len(), 1, "what a stranger said is nobody's business");

    let bens = setting.telegram.change(|world| world.add_private(BEN.id));
    setting.telegram.say(bens, BEN, &format!("/start {}", code.code));
    setting.heard_in(bens, "This bot is private.").await;
    let people = car_telegram::paired(setting.root()).await.expect("a list");
    assert_eq!(people.len(), 1);
    car_telegram::unpair(setting.root(), ANNA.id).await.expect("shut out");
    setting.say("And now?");
    setting.telegram.say(bens, BEN, "/help");
    let ignored = |world: &car_testkit::telegram::World| {
        (world.requests.get("getupdates").copied().unwrap_or(0) > 6).then_some(())
    };
    setting.until("more polls", ignored).await;
    assert_eq!(setting.model.requests().len(), 1);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_another_chat_takes_no_right_away() {
    let mut setting = Setting::idle(echo).await;
    setting.configure_all("", "");
    let group = car_testkit::telegram::Place { chat: -50, topic: 0 };
    setting.telegram.change(|world| world.add_group(group.chat));
    setting.start().await;
    let code = car_telegram::pair(setting.root(), None).await.expect("a code");
    setting.say(&format!("/start {}", code.code));
    setting.heard("Welcome, you are admin now.").await;
    let code = car_telegram::pair(setting.root(), None).await.expect("a code");
    assert_eq!(code.role, car_engine::config::TelegramRole::Operator);
    setting.telegram.say(group, ANNA, &format!("/start {}", code.code));
    setting.heard_in(group, "Welcome, you are admin now.").await;
    let people = car_telegram::paired(setting.root()).await.expect("a list");
    assert_eq!((people.len(), people[0].role.as_str()), (1, "admin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_and_user_must_both_be_allowed_and_topics_where_they_are_required() {
    let mut setting = Setting::idle(echo).await;
    setting.configure("  require_topics: true\n");
    setting.start().await;
    let forum = -1_001_000_000_000;
    setting.telegram.change(|world| {
        world.add_forum(forum, &[5]);
        world.add_forum(-1_002_000_000_000, &[5])
    });
    let at = |chat, topic| car_testkit::telegram::Place { chat, topic };
    setting.telegram.say(at(forum, 0), ANNA, "no topic");
    setting.telegram.say(at(-1_002_000_000_000, 5), ANNA, "another chat");
    setting.telegram.say(at(forum, 5), Person { id: 99, name: "Eve" }, "another user");
    setting.telegram.say(at(forum, 5), ANNA, "right");
    setting.heard_in(at(forum, 5), "Heard right").await;
    assert_eq!(setting.model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_that_waited_while_nobody_ran_are_handled_once_each() {
    let mut setting = Setting::idle(echo).await;
    setting.say("/status");
    setting.say("one");
    setting.start().await;
    setting.heard("Heard one").await;
    setting.stop().await;
    setting.say("two");
    setting.start().await;
    setting.heard("Heard two").await;
    let texts: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.user_text).collect();
    assert_eq!(texts, ["one", "two"]);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_goes_on_after_failures_and_another_poller() {
    let mut setting = Setting::idle(echo).await;
    let conflict = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    let webhook = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    setting.telegram.change(|world| {
        world.fail("getupdates", &[Fault::Refuse(409, conflict), Fault::Refuse(409, webhook)]);
        world.fail("getupdates", &[Fault::TooMany(1), Fault::CutBefore, Fault::CutAfter]);
        world.fail("getme", &[Fault::CutBefore]);
    });
    setting.start().await;
    setting.say("one");
    setting.heard("Heard one").await;
    assert_eq!(setting.model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bot_with_the_same_token_is_refused() {
    let setting = Setting::new(echo).await;
    setting.say("one");
    setting.heard("Heard one").await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let error = car_telegram::run(setting.options(), cancel).await.expect_err("refused");
    assert_eq!(error.kind(), car_engine::ErrorKind::Conflict);
    let health = car_telegram::health(setting.root(), std::time::Duration::from_secs(5))
        .await
        .expect("well");
    assert!(health.is_running && health.users == 1 && health.name == "car_test_bot");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_in_no_error_whatever_telegram_says() {
    let setting = Setting::idle(echo).await;
    let ask = || car_telegram::health(setting.root(), std::time::Duration::from_secs(2));
    let said = "Bad Request: bot1234567890:AAtestTESTtestTESTtestTESTtestTEST_-x is odd";
    setting.telegram.change(|world| {
        world.fail("getme", &[Fault::Refuse(400, said), Fault::CutBefore, Fault::CutAfter]);
    });
    for _ in 0..3 {
        let error = ask().await.expect_err("refused");
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(!text.contains(TOKEN) && !text.contains("AAtest"), "{text}");
    }
    let settings = car_telegram::Settings::read(setting.root()).expect("readable");
    assert!(!format!("{settings:?}").contains("AAtest"));
    ask().await.expect("well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_becomes_a_supergroup_goes_on_under_its_new_id() {
    let setting = Setting::new(echo).await;
    setting.telegram.change(|world| world.add_group(-50));
    let old = car_testkit::telegram::Place { chat: -50, topic: 0 };
    setting.telegram.say(old, ANNA, "one");
    setting.heard_in(old, "Heard one").await;
    setting.telegram.change(|world| world.migrate(-50, -1_003_000_000_000));
    let new = car_testkit::telegram::Place { chat: -1_003_000_000_000, topic: 0 };
    setting.telegram.say(old, ANNA, "two");
    setting.heard_in(new, "Heard two").await;
    setting.telegram.say(new, ANNA, "three");
    setting.heard_in(new, "Heard three").await;
    let threads: std::collections::BTreeSet<String> =
        setting.model.requests().into_iter().map(|request| request.thread_id).collect();
    assert_eq!(threads.len(), 1, "the conversation goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_at_work_ends_in_the_supergroup_its_group_has_become() {
    let script = vec![Turn::new().half_message("One ", "two."), Turn::new().message("Three.")];
    let setting = Setting::new(script).await;
    let old = car_testkit::telegram::Place { chat: -50, topic: 0 };
    let new = car_testkit::telegram::Place { chat: -1_003_000_000_000, topic: 0 };
    setting.telegram.change(|world| world.add_group(old.chat));
    setting.telegram.say(old, ANNA, "Count");
    setting.model.until_requests(1).await;
    setting.telegram.change(|world| {
        world.migrate(old.chat, new.chat);
        world.tell_migration(ANNA, old.chat, new.chat);
    });
    setting.telegram.say(new, ANNA, "/status");
    let status = setting.heard_in(new, "At work").await;
    let card = setting.heard_in(new, "Working").await;
    assert_ne!(status.id, card.id, "a card of its own");
    setting.model.release();
    setting.heard_in(new, "One two.").await;
    setting.telegram.say(new, ANNA, "And on");
    setting.heard_in(new, "Three.").await;
    let n = setting.telegram.look(|world| {
        world.of_bot(new).into_iter().filter(|message| message.text.contains("One two.")).count()
    });
    assert_eq!(n, 1);
    let requests = setting.model.requests();
    assert_eq!(requests.len(), 2, "nothing is asked twice");
    assert_eq!(requests[0].thread_id, requests[1].thread_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_nobody_knows_holds_nothing_up_and_numbers_may_begin_anew() {
    let mut setting = Setting::new(echo).await;
    setting.telegram.change(car_testkit::telegram::World::push_unknown);
    setting.say("one");
    setting.heard("Heard one").await;
    setting.stop().await;
    // A quiet week: Telegram goes on with any number, the stored one counts no more.
    setting.forget_when_updates_came().await;
    setting.telegram.change(|world| world.renumber_updates(17));
    setting.say("two");
    setting.start().await;
    setting.heard("Heard two").await;
    assert_eq!(setting.model.requests().len(), 2);
}

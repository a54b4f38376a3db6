//! What Codex asks, and who may decide.

use car_testkit::model::Turn;
use car_testkit::telegram::Message;

use super::setting::{ANNA, BEN, Setting};

const TWO_PEOPLE: &str = "  allowed_chat_ids: [7, 8, -50]\n  allowed_user_ids: [7, 8]\n  roles: {\"7\": admin, \"8\": viewer}\n";

async fn asked(setting: &Setting) -> Message {
    setting.heard("Codex wants to run a command").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_the_button_and_then_runs() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let setting = Setting::new(script).await;
    setting.say("Greet");
    let request = asked(&setting).await;
    assert!(request.text.contains("echo hi"), "{}", request.text);
    assert!(request.text.contains("Reason: To greet"), "{}", request.text);
    let root = setting.root().canonicalize().expect("a path");
    assert!(request.text.contains(root.to_str().expect("UTF-8")), "{}", request.text);
    // Nothing waits behind the turn that waits.
    setting.say("/status");
    setting.heard("Waiting for a decision: 1").await;
    setting.telegram.press(&request, ANNA, "Allow");
    setting.heard("Allowed by Anna").await;
    setting.heard("Greeted.").await;
    let closed = setting.heard("Allowed by Anna").await;
    assert!(closed.buttons.is_empty());
    let audit = car_telegram::audit(setting.root(), 50).await.expect("a record");
    let decided = audit.iter().find(|entry| entry.action == "decided").expect("recorded");
    assert_eq!((decided.user_id, decided.user_name.as_str()), (ANNA.id, "Anna"));
    assert!(decided.detail.starts_with("accept: "), "{}", decided.detail);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_its_files_and_is_not_made_when_declined() {
    let script = vec![Turn::new().add_file("new.txt", "hello").message("As you like.")];
    let mut setting = Setting::idle(script).await;
    setting.configure("  defaults: {sandbox_policy: readOnly}\n");
    setting.start().await;
    setting.say("Write");
    let request = setting.heard("Codex wants to change files").await;
    assert!(
        request.text.contains("new.txt") && request.text.contains("+hello"),
        "{}",
        request.text
    );
    setting.telegram.press(&request, ANNA, "Decline");
    setting.heard("Declined by Anna").await;
    setting.heard("As you like.").await;
    assert!(!setting.root().join("new.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_a_button_or_in_own_words() {
    let script = vec![
        Turn::new().question("Really?").message("Then I do."),
        Turn::new().question("Sure?").message("Then I wait."),
    ];
    let setting = Setting::new(script).await;
    setting.say("/plan on");
    setting.heard("plans first").await;
    setting.say("Do it");
    let question = setting.heard("Codex asks\nReally?").await;
    setting.telegram.press(&question, ANNA, "Yes");
    setting.heard("Answered (Yes) by Anna").await;
    setting.heard("Then I do.").await;
    setting.say("Do more");
    // The card says it as well, earlier.
    let question = setting.heard("Codex asks\nSure?").await;
    setting.telegram.reply(setting.place, ANNA, question.id, "No");
    setting.heard("Answered (No) by Anna").await;
    setting.heard("Then I wait.").await;
    let heard = setting.model.requests().pop().expect("asked").tool_outputs;
    assert!(heard[0].output.contains("No"), "{heard:?}");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_deciding_means_no_after_a_reminder() {
    let script = vec![Turn::new().escalated("echo hi", "To greet")];
    let mut setting = Setting::idle(script).await;
    setting.configure("  requests: {timeout_seconds: 2, remind_seconds: 1}\n");
    setting.start().await;
    setting.say("Greet");
    let request = asked(&setting).await;
    let reminder = setting.heard("still waits for a decision").await;
    assert_eq!(reminder.reply_to, Some(request.id));
    setting.heard("Declined: nobody decided in time").await;
    setting.heard("⏹ Stopped").await;
    setting.telegram.press_data(&request, ANNA, request.button("Allow").expect("a button"));
    setting
        .until("a toast", |world| world.toasts.iter().any(|t| t.contains("decided")).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_cannot_decide_and_a_button_belongs_to_its_message() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let mut setting = Setting::idle(script).await;
    setting.configure_all(TWO_PEOPLE, "");
    setting.start().await;
    let bens = setting.telegram.change(|world| world.add_private(BEN.id));
    setting.say("Greet");
    let request = asked(&setting).await;
    let data = request.button("Allow").expect("a button").to_owned();

    setting.telegram.press(&request, BEN, "Allow");
    let refused = |toast: &String| toast.contains("you have to be operator; you are viewer");
    setting.until("a refusal", |world| world.toasts.iter().any(refused).then_some(())).await;

    // The same data from another chat decides nothing.
    setting.telegram.say(bens, BEN, "/ids");
    let elsewhere = setting.heard_in(bens, "Chat 8").await;
    setting.telegram.press_data(&elsewhere, ANNA, &data);
    let gone = |toast: &String| toast.contains("decided already");
    setting.until("a refusal", |world| world.toasts.iter().any(gone).then_some(())).await;

    setting.telegram.press(&request, ANNA, "Allow");
    setting.heard("Greeted.").await;
    setting.telegram.press_data(&request, ANNA, &data);
    setting.until("both refusals", |world| (world.toasts.len() >= 4).then_some(())).await;
    let decided = car_telegram::audit(setting.root(), 50).await.expect("a record");
    assert_eq!(decided.iter().filter(|entry| entry.action == "decided").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_another_door_closes_the_buttons() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let setting = Setting::new(script).await;
    setting.say("Greet");
    asked(&setting).await;
    let door = setting.door();
    let request = door.requests().await.expect("asked").pop().expect("a request");
    let accept = car_domain::conversation::Decision::Accept;
    door.answer(&request.id, accept, "cli", None).await.expect("answered");
    let closed = setting.heard("Allowed by cli").await;
    assert!(closed.buttons.is_empty());
    setting.heard("Greeted.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_decides_only_in_its_own_repository_and_counts_once() {
    let script = |_: &car_testkit::model::Request| {
        Turn::new().escalated("echo mark >> marks.txt", "To mark").message("Marked.")
    };
    let mut setting = Setting::idle(script).await;
    setting.make_hub(&["one", "two"]).await;
    let chat = -1_001_000_000_000;
    setting.telegram.change(|world| world.add_forum(chat, &[11, 12]));
    setting.start().await;
    let topic = |topic| car_testkit::telegram::Place { chat, topic };
    let marks = |repo: &str| {
        std::fs::read_to_string(setting.root().join(repo).join("marks.txt")).unwrap_or_default()
    };
    let mut requests = Vec::new();
    for (n, repo) in [(11, "one"), (12, "two")] {
        setting.telegram.say(topic(n), ANNA, &format!("/bind {repo}"));
        setting.heard_in(topic(n), "Bound to").await;
        setting.telegram.say(topic(n), ANNA, "Mark");
        requests.push(setting.heard_in(topic(n), "Codex wants to run a command").await);
    }
    let data = requests[1].button("Allow").expect("a button").to_owned();
    // The second one's button below the first one's message, and then twice where it belongs.
    setting.telegram.press_data(&requests[0], ANNA, &data);
    setting.until("a refusal", |world| (world.toasts.len() == 1).then_some(())).await;
    assert_eq!((marks("one"), marks("two")), (String::new(), String::new()));
    setting.telegram.press_data(&requests[1], ANNA, &data);
    setting.telegram.press_data(&requests[1], ANNA, &data);
    setting.heard_in(topic(12), "Marked.").await;
    setting.until("all toasts", |world| (world.toasts.len() == 3).then_some(())).await;
    assert_eq!((marks("one"), marks("two")), (String::new(), "mark\n".to_owned()));
    setting.telegram.press(&requests[0], ANNA, "Allow");
    setting.heard_in(topic(11), "Marked.").await;
    assert_eq!((marks("one"), marks("two")), ("mark\n".to_owned(), "mark\n".to_owned()));
    let audit = car_telegram::audit(setting.root(), 50).await.expect("a record");
    assert_eq!(audit.iter().filter(|entry| entry.action == "decided").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_change_comes_as_a_file() {
    let line = "a long line ".repeat(400);
    let script = vec![Turn::new().add_file("new.txt", &line).message("As you like.")];
    let mut setting = Setting::idle(script).await;
    setting.configure("  defaults: {sandbox_policy: readOnly}\n");
    setting.start().await;
    setting.say("Write");
    let request = setting.heard("Codex wants to change files").await;
    let file = setting
        .until("the changes", |world| {
            world.of_bot(setting.place).into_iter().find_map(|message| message.document.clone())
        })
        .await;
    assert!(file.0 == "changes.diff" && file.1.len() > 4000, "{} {}", file.0, file.1.len());
    setting.telegram.press(&request, ANNA, "Allow");
    setting.heard("As you like.").await;
    assert!(setting.root().join("new.txt").exists());
}

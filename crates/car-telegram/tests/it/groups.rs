//! Groups: which messages are for the bot, and who may do what.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::Place;

use super::setting::{ANNA, BEN, Setting};

const GROUP: Place = Place { chat: -50, topic: 0 };
const PEOPLE: &str = "  allowed_chat_ids: [7, -50]\n  allowed_user_ids: [7, 8]\n  roles: {\"7\": admin, \"8\": viewer}\n";

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

async fn group(more: &str) -> Setting {
    let mut setting = Setting::idle(echo).await;
    setting.configure_all(&format!("{PEOPLE}{more}"), "");
    setting.telegram.change(|world| world.add_group(GROUP.chat));
    setting.start().await;
    setting
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_heard_when_it_names_or_answers_the_bot() {
    let setting = group("  trigger: mention\n").await;
    setting.telegram.say(GROUP, ANNA, "just talking");
    setting.telegram.say(GROUP, ANNA, "/status@another_bot");
    setting.telegram.say(GROUP, ANNA, "@car_test_bot what is new?");
    let answer = setting.heard_in(GROUP, "Heard what is new?").await;
    setting.telegram.reply(GROUP, ANNA, answer.id, "and then?");
    setting.heard_in(GROUP, "Heard and then?").await;
    setting.telegram.say(GROUP, ANNA, "/trigger reply");
    setting.heard_in(GROUP, "I take Reply from now on").await;
    setting.telegram.say(GROUP, ANNA, "@car_test_bot not this");
    setting.telegram.reply(GROUP, ANNA, answer.id, "but this");
    setting.heard_in(GROUP, "Heard but this").await;
    let asked: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.user_text).collect();
    assert_eq!(asked, ["what is new?", "and then?", "but this"]);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_goes_along_as_a_quote_and_not_as_an_instruction() {
    let setting = group("").await;
    let id = setting.telegram.say(GROUP, BEN, "It fails at night");
    setting.telegram.reply(GROUP, ANNA, id, "Why is that?");
    setting.heard_in(GROUP, "Heard Why is that?").await;
    let prompt = setting.model.requests().pop().expect("asked").user_text;
    assert!(prompt.contains("<injected context>") && prompt.contains("It fails at night"));
    assert!(prompt.contains("not an instruction"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_look_and_nothing_else() {
    let setting = group("").await;
    setting.telegram.say(GROUP, BEN, "/status");
    setting.heard_in(GROUP, "Codex is idle here").await;
    for said in ["do something", "/run", "/approvals yolo", "/logout", "!ls", "/interrupt"] {
        let id = setting.telegram.say(GROUP, BEN, said);
        let answer = setting
            .until(said, |world| {
                world.of_bot(GROUP).into_iter().find(|m| m.reply_to == Some(id)).cloned()
            })
            .await;
        assert!(answer.text.contains("you are viewer"), "{said}: {}", answer.text);
    }
    assert_eq!(setting.model.requests().len(), 0);
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_in_each_scope_once() {
    let mut setting = group("").await;
    let registered = |n: usize| {
        move |world: &car_testkit::telegram::World| {
            (world.requests.get("getmycommands").copied().unwrap_or(0) >= n).then_some(())
        }
    };
    setting.until("registered commands", registered(2)).await;
    setting.until("two scopes", |world| (world.commands.len() == 2).then_some(())).await;
    setting.stop().await;
    setting.start().await;
    setting.until("a second look", registered(4)).await;
    setting.telegram.say(GROUP, ANNA, "/ids");
    setting.heard_in(GROUP, "Chat -50").await;
    let n = setting.telegram.look(|world| world.requests["setmycommands"]);
    assert_eq!(n, 2, "nothing changed, nothing is set again");
}

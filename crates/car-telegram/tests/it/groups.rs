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
    setting.heard_in(GROUP, "messages that answer me from now on").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_works_but_may_not_take_the_bars_down() {
    let more = "  roles: {\"7\": admin, \"8\": operator}\n  shell: {enabled: true}\n";
    let mut setting = Setting::idle(echo).await;
    setting.configure_all(
        &format!("  allowed_chat_ids: [-50]\n  allowed_user_ids: [7, 8]\n{more}"),
        "",
    );
    setting.telegram.change(|world| world.add_group(GROUP.chat));
    setting.start().await;
    for said in ["/approvals full-access", "/approvals never", "/logout", "!ls", "/trigger all"] {
        let id = setting.telegram.say(GROUP, BEN, said);
        let answer = setting
            .until(said, |world| {
                world.of_bot(GROUP).into_iter().find(|m| m.reply_to == Some(id)).cloned()
            })
            .await;
        assert!(answer.text.contains("you have to be admin"), "{said}: {}", answer.text);
    }
    setting.telegram.say(GROUP, BEN, "/approvals");
    let list = setting.heard_in(GROUP, "What shall it be?").await;
    let full = list.buttons.iter().flatten().find(|(name, _)| name.starts_with("full-access"));
    setting.telegram.press(&list, BEN, &full.expect("a button").0.clone());
    setting.heard_in(GROUP, "you have to be admin; you are operator").await;
    setting.telegram.say(GROUP, BEN, "do something");
    setting.heard_in(GROUP, "Heard do something").await;
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_belongs_to_whoever_asked_and_an_album_needs_the_name_only_once() {
    let mut setting = Setting::idle(vec![Turn::new().message("Two pictures.")]).await;
    setting.configure_all(
        "  allowed_chat_ids: [-50]\n  allowed_user_ids: [7, 8]\n  trigger: mention\n",
        "",
    );
    setting.telegram.change(|world| world.add_group(GROUP.chat));
    setting.start().await;
    setting.telegram.say(GROUP, ANNA, "/approvals");
    let list = setting.heard_in(GROUP, "What shall it be?").await;
    let label = list.buttons[0][0].0.clone();
    setting.telegram.press(&list, BEN, &label);
    let theirs = |toast: &String| toast.contains("somebody else's");
    setting.until("a refusal", |world| world.toasts.iter().any(theirs).then_some(())).await;
    setting.telegram.press(&list, ANNA, &label);
    setting.heard_in(GROUP, "may reach read-only").await;

    let photo = |caption| car_testkit::telegram::Photo {
        bytes: super::media::PNG,
        caption,
        album: Some("album"),
    };
    setting.telegram.send_photo(GROUP, ANNA, photo(Some("@car_test_bot what is this?")));
    setting.telegram.send_photo(GROUP, ANNA, photo(None));
    setting.heard_in(GROUP, "Two pictures.").await;
    let body = setting.model.requests()[0].body.to_string();
    assert_eq!(body.matches("input_image").count(), 2, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_for_other_scopes_and_languages_where_that_is_configured() {
    let scopes = "  command_registration:\n    scopes: [all_private_chats, {type: all_chat_administrators, language_code: de}, nonsense]\n";
    let setting = group(scopes).await;
    setting.until("two scopes", |world| (world.commands.len() == 2).then_some(())).await;
    let names: Vec<String> =
        setting.telegram.look(|world| world.commands.keys().cloned().collect());
    assert_eq!(names, ["all_chat_administrators/de", "all_private_chats/"]);
}

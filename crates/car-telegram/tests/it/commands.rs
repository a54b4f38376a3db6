//! Every command: what is said, and what comes back.

use std::collections::BTreeSet;

use car_testkit::model::{Request, Turn};

use super::setting::{ANNA, Setting};

/// What is said, and words of the answer.
const TRANSCRIPT: [(&str, &str); 52] = [
    ("/start", "Write what you want done"),
    ("/help", "/approvals: When Codex asks"),
    ("/ids", "allowed_user_ids: [7]"),
    ("/status", "Codex is idle here"),
    ("/debug", "turns at work: 0"),
    ("/bind", "there is nothing to choose"),
    ("/bind .", "Bound to"),
    ("/bind /etc", "topics may not be bound to /etc"),
    ("/bind nowhere", "there is no directory"),
    ("/new", "The next message begins a new conversation"),
    ("/resume", "no conversation here yet"),
    ("/resume 01a20ed5-94ae-7c93-b4a3-7c2e0d519beb", "Codex knows no such conversation"),
    ("/model gpt-x high", "Model gpt-x, effort high"),
    ("/model gpt-x enormous", "enormous is no effort"),
    ("/model clear", "its own model again"),
    ("/approvals read-only", "asks on-request, may reach read-only"),
    ("/approvals untrusted workspace-write", "asks untrusted, may reach workspace-write"),
    ("/approvals yolo", "Codex may do everything on this machine"),
    ("/approvals safe", "asks on-request, may reach workspace-write"),
    ("/approvals nonsense", "nonsense is nothing I know here"),
    ("/plan on", "plans first"),
    ("/plan off", "gets to work at once"),
    ("/busy", "handled as ask"),
    ("/busy queue", "handled as queue"),
    ("/busy nonsense", "nonsense is no choice"),
    ("/trigger", "I take all messages"),
    ("/trigger mention", "messages that name me or answer me from now on"),
    ("/interrupt", "Nothing is at work here"),
    ("ctrl-c", "Nothing is at work here"),
    ("/stop", "Nothing is at work: neither"),
    ("/run", "the process ended before it was ready"),
    ("/once", "the process ended before it was ready"),
    ("/runs", "There were no runs yet"),
    ("/tail", "Idle"),
    ("/todo", "of 2 done"),
    ("/diff", "What is not committed"),
    ("/diff 99", "⚠"),
    ("/diff nonsense", "no number of a run"),
    ("/files", "You sent 0, 0 wait"),
    ("/files inbox", "You sent: nothing"),
    ("/files send nothing.txt", "No file nothing.txt waits"),
    ("/files clear all", "0 files removed"),
    ("/files nonsense", "nothing I can do with files"),
    ("/mention", "There is no file named"),
    ("/mention ../../etc/passwd", "⚠"),
    ("/review base", "There is no branch named"),
    ("/review custom", "There is nothing to look for"),
    ("/compact", "There is no conversation to be shortened"),
    ("/rollout", "There is no conversation yet"),
    ("/feedback", "There is nothing to report"),
    ("/update", "CAR does not update itself"),
    ("!ls", "Shell commands are turned off"),
];
/// Commands whose answers other tests look at.
const ELSEWHERE: [&str; 5] = ["init", "skills", "mcp", "experimental", "logout"];

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_answers_the_message_it_came_in() {
    let setting = Setting::new(echo).await;
    setting.repo.write(".codex-autorunner/TODO.md", "- [x] one\n- [ ] two\n");
    for (said, expected) in TRANSCRIPT {
        let id = setting.say(said);
        let answer = setting
            .until(said, |world| {
                world.of_bot(setting.place).into_iter().find(|m| m.reply_to == Some(id)).cloned()
            })
            .await;
        assert!(answer.text.contains(expected), "{said}: {}", answer.text);
    }
    assert_eq!(setting.model.requests().len(), 0);

    let mut tested: BTreeSet<&str> = TRANSCRIPT
        .iter()
        .filter_map(|(said, _)| said.strip_prefix('/')?.split(' ').next())
        .collect();
    tested.extend(ELSEWHERE);
    let menu: Vec<String> = setting.telegram.look(|world| {
        let commands = world.commands["default/"].as_array().expect("a list");
        commands.iter().map(|c| c["command"].as_str().expect("a name").to_owned()).collect()
    });
    let untested: Vec<&String> =
        menu.iter().filter(|name| !tested.contains(name.as_str())).collect();
    assert!(menu.len() > 30 && untested.is_empty(), "{untested:?}");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_codex_offers_is_listed_and_changes_are_confirmed() {
    let setting = Setting::new(echo).await;
    setting.say("/skills");
    setting.say("/mcp");
    setting.heard("Codex has no tool servers.").await;
    setting.say("/experimental");
    let features = setting.heard("/experimental enable NAME").await;
    let name = features.text.split(['\n', ' ']).find(|word| word.contains('_')).expect("a feature");
    setting.say(&format!("/experimental enable {name}"));
    let question = setting.heard("for everybody who uses this Codex?").await;
    setting.telegram.press(&question, ANNA, "Cancel");
    setting.heard("(closed)").await;
    setting.say("/experimental enable no_such_feature");
    setting.heard("Codex has no feature no_such_feature").await;
    setting.say("/logout");
    let question = setting.heard("Log Codex out").await;
    setting.telegram.press(&question, ANNA, "Yes, log out");
    setting.heard("Codex is logged out.").await;
    setting.say("/nonsense");
    setting.heard("I do not know /nonsense").await;
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_and_its_effort_are_chosen_from_lists_and_hold_for_the_next_turn() {
    let setting = Setting::new(echo).await;
    setting.say("/model");
    let list = setting.heard("Model (Codex's own at present)").await;
    let (label, _) = list.buttons[0][0].clone();
    setting.telegram.press(&list, ANNA, &label);
    let efforts = setting.heard("Effort of ").await;
    let model = efforts.text.trim_start_matches("Effort of ").to_owned();
    let (effort, _) = efforts.buttons[0][0].clone();
    setting.telegram.press(&efforts, ANNA, &effort);
    setting.heard(&format!("Model {model}, effort {effort}")).await;
    setting.say("go");
    setting.heard("Heard go").await;
    let request = setting.model.requests().pop().expect("asked");
    assert_eq!(request.model, model);
    assert_eq!(request.body["reasoning"]["effort"], effort.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_files_and_summaries_are_turns() {
    let setting = Setting::new(|request: &Request| {
        let text = &request.user_text;
        let word = if text.contains("one line of code") { "Saw the file." } else { "Done so." };
        Turn::new().message(word)
    })
    .await;
    setting.repo.write("src.txt", "one line of code\n");
    setting.say("/mention src.txt What is it?");
    setting.heard("Saw the file.").await;
    let texts = |n: usize| {
        move |world: &car_testkit::telegram::World| {
            let place = car_testkit::telegram::Place { chat: 7, topic: 0 };
            let all = world.of_bot(place);
            (all.iter().filter(|m| m.text.contains("Done so.")).count() >= n).then_some(())
        }
    };
    setting.say("/review custom Look at src.txt");
    setting.until("a review", texts(1)).await;
    setting.say("/review commit");
    let list = setting.heard("Which commit shall be reviewed?").await;
    let (label, _) = list.buttons[0][0].clone();
    setting.telegram.press(&list, ANNA, &label);
    setting.heard("is being reviewed").await;
    setting.until("a second review", texts(2)).await;
    setting.say("/compact");
    setting
        .until("a summary", |world| {
            let place = car_testkit::telegram::Place { chat: 7, topic: 0 };
            let cards = world.of_bot(place);
            (cards.iter().filter(|m| m.text.contains("Completed · ")).count() >= 4).then_some(())
        })
        .await;
    setting.say("/rollout");
    setting.heard(".jsonl").await;
    setting.say("/init");
    setting
        .until("AGENTS.md is asked for", |_| {
            let asked = setting.model.requests();
            asked
                .last()
                .is_some_and(|request| request.user_text.contains("AGENTS.md"))
                .then_some(())
        })
        .await;
    setting.heard("Done so.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_conversation_is_taken_up_again() {
    let setting = Setting::new(echo).await;
    setting.say("one");
    setting.heard("Heard one").await;
    setting.say("/new");
    setting.heard("begins a new conversation").await;
    setting.say("two");
    setting.heard("Heard two").await;
    setting.say("/resume");
    let list = setting.heard("Which conversation?").await;
    let label = list.buttons.iter().flatten().find(|(label, _)| label.starts_with("one"));
    setting.telegram.press(&list, ANNA, &label.expect("the first one").0.clone());
    setting.heard("Going on with one").await;
    setting.say("three");
    setting.heard("Heard three").await;
    let threads: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.thread_id).collect();
    assert_eq!(threads[0], threads[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_command_runs_where_it_is_allowed() {
    let mut setting = Setting::idle(echo).await;
    setting.configure("  shell: {enabled: true}\n  defaults: {sandbox_policy: dangerFullAccess}\n");
    setting.start().await;
    setting.say("!echo $((6*7)); echo oops >&2; exit 3");
    let shown = setting.heard("$ echo $((6*7))").await;
    for words in ["42", "[stderr]\noops", "(exit 3)"] {
        assert!(shown.text.contains(words), "{}", shown.text);
    }
    setting.say("!seq 1 5000");
    let file = setting
        .until("a file", |world| {
            world.of_bot(setting.place).into_iter().find_map(|message| message.document.clone())
        })
        .await;
    assert!(file.0 == "shell-output.txt" && file.1.ends_with(b"5000\n"), "{}", file.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_quiet_is_refused_while_codex_works() {
    let setting = Setting::new(vec![Turn::new().half_message("One ", "two")]).await;
    setting.say("Count");
    setting.model.until_requests(1).await;
    setting.say("/bind .");
    setting.heard("/bind cannot be used while Codex is at work here").await;
    setting.say("/status");
    setting.heard("At work").await;
    setting.model.release();
    setting.heard("One two").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_a_hub_is_bound_from_a_list_of_pages() {
    let mut setting = Setting::idle(echo).await;
    let names: Vec<String> = (0..12).map(|n| format!("repo{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    setting.make_hub(&names).await;
    setting.start().await;
    setting.say("Hello");
    setting.heard("This topic is not bound to a repository").await;
    setting.say("/bind");
    let list = setting.heard("Which repository is this topic about?").await;
    assert!(list.button("repo00").is_some() && list.button("repo11").is_none());
    setting.telegram.press(&list, ANNA, "More…");
    let page = setting
        .until("the second page", |world| {
            let list = world.said(setting.place, "Which repository")?;
            list.button("repo11").is_some().then_some(list)
        })
        .await;
    setting.telegram.press(&page, ANNA, "repo11");
    setting.heard("Bound to repo11").await;
    setting.say("Hello");
    setting.heard("Heard Hello").await;
    setting.say("/bind repo03");
    setting.heard("Bound to repo03").await;
    setting.say("And here?");
    setting.heard("Heard And here?").await;
    let threads: Vec<String> =
        setting.model.requests().into_iter().map(|request| request.thread_id).collect();
    assert_ne!(threads[0], threads[1], "another repository is another conversation");
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_and_branches_are_reviewed() {
    let setting = Setting::new(vec![
        Turn::new().message("Changes are fine."),
        Turn::new().message("The branch is fine."),
    ])
    .await;
    setting.repo.write("new.txt", "hello\n");
    setting.say("/review");
    setting.heard("Changes are fine.").await;
    setting.repo.git(&["branch", "other"]);
    setting.say("/review base other");
    setting.heard("The branch is fine.").await;
}

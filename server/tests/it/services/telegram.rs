//! The Telegram bot as people start it: alone, and inside of a server.

use car_testkit::telegram::{FakeTelegram, Fault, Person, Place, TOKEN};
use serde_json::{Value, json};

use crate::support::{Project, eventually, scripted_agent, shell_agent};

const ANNA: Person = Person { id: 7, name: "Anna" };

fn project(telegram: &FakeTelegram, codex: &Value) -> Project {
    let project = Project::new();
    let config = json!({
        "version": 2,
        "mode": "repo",
        "codex": codex,
        "runner": {"sleep_seconds": 0, "grace_seconds": 1},
        "telegram_bot": {"enabled": true, "api_url": telegram.api_url()},
    });
    project.write("config.yml", &config.to_string());
    // A home of its own: there is one bot of a token for each.
    let home = project.root().display();
    project.write(".env", &format!("CAR_TELEGRAM_BOT_TOKEN={TOKEN}\nHOME={home}\n"));
    project
}

/// Lets Anna in with a code from the command line.
async fn paired(telegram: &FakeTelegram, project: &Project, place: Place) {
    let code = project.car(&["telegram", "pair"]).exits(0).stdout;
    telegram.say(place, ANNA, &format!("/start {}", code.trim()));
    telegram.until("a welcome", |world| world.said(place, "you are admin now")).await;
}

#[tokio::test]
async fn a_person_is_let_in_by_a_code_and_runs_the_loop_from_the_chat() {
    let telegram = FakeTelegram::start();
    let place = telegram.change(|world| world.add_private(ANNA.id));
    let project = project(&telegram, &scripted_agent());
    project.todo(&["One", "Two"]);
    let bot = project.start(&["telegram", "start"]);
    paired(&telegram, &project, place).await;
    telegram.say(place, ANNA, "/once");
    telegram.until("a start", |world| world.said(place, "One run of")).await;
    eventually("the run ends", || (!project.runs().is_empty()).then_some(()));
    eventually("the loop ends", || project.state().runner_pid.is_none().then_some(()));
    telegram.say(place, ANNA, "/runs");
    telegram.until("the run", |world| world.said(place, "1 succeeded")).await;
    telegram.say(place, ANNA, "/todo");
    telegram.until("the list", |world| world.said(place, "of 2 done")).await;

    let health = project.car(&["telegram", "health", "--json"]).exits(0).json();
    assert_eq!((&health["is_running"], &health["users"]), (&json!(true), &json!(1)));
    let refused = project.car(&["telegram", "start"]).exits(1);
    assert!(refused.stderr.contains("a Telegram bot with this token runs already"));
    let audit = project.car(&["telegram", "audit"]).exits(0).stdout;
    assert!(audit.contains("once") && audit.contains("Anna (7)"), "{audit}");
    project.car(&["telegram", "remove", "7"]).exits(0);
    assert_eq!(project.car(&["telegram", "people", "--json"]).exits(0).json(), json!([]));
    bot.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = bot.wait();
    assert!(!ended.stderr.contains("AAtest"), "{}", ended.stderr);
    let health = project.car(&["telegram", "health", "--json"]).exits(0).json();
    assert_eq!(health["is_running"], json!(false));
    telegram.assert_clean();
}

#[tokio::test]
async fn the_server_runs_the_bot_and_a_bot_that_cannot_run_stops_no_server() {
    let telegram = FakeTelegram::start();
    let place = telegram.change(|world| world.add_private(ANNA.id));
    let project = project(&telegram, &scripted_agent());
    let server = project.start(&["serve", "--port", "0"]);
    eventually("the server listens", || server.stdout().contains("Serving").then_some(()));
    paired(&telegram, &project, place).await;
    server.signal(nix::sys::signal::Signal::SIGTERM);
    server.wait();

    project.write(".env", "");
    let server = project.start(&["serve", "--port", "0"]);
    eventually("the server listens", || server.stdout().contains("Serving").then_some(()));
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = server.wait();
    assert!(ended.stderr.contains("the Telegram bot does not run"), "{}", ended.stderr);
    let alone = project.car(&["telegram", "start"]).exits(3);
    assert!(alone.stderr.contains("CAR_TELEGRAM_BOT_TOKEN is not set"), "{}", alone.stderr);
}

#[tokio::test]
async fn a_loop_is_started_watched_and_stopped_from_the_chat() {
    let telegram = FakeTelegram::start();
    let place = telegram.change(|world| world.add_private(ANNA.id));
    let project = project(&telegram, &shell_agent("echo at work; sleep 600"));
    project.todo(&["One"]);
    let _bot = project.start(&["telegram", "start"]);
    paired(&telegram, &project, place).await;
    telegram.say(place, ANNA, "/run");
    telegram.until("a start", |world| world.said(place, "The loop of")).await;
    eventually("the loop runs", || project.state().runner_pid);
    telegram.say(place, ANNA, "/run");
    telegram.until("a refusal", |world| world.said(place, "⚠")).await;
    telegram.say(place, ANNA, "/status");
    telegram.until("its state", |world| world.said(place, "0 of 1 done")).await;
    telegram.say(place, ANNA, "/tail");
    telegram.until("its log", |world| world.said(place, ": Running")).await;
    telegram.say(place, ANNA, "/stop");
    telegram.until("an answer", |world| world.said(place, "stops after the present run")).await;
    telegram.say(place, ANNA, "/stop now");
    telegram.until("its end", |world| world.said(place, "The loop was ended.")).await;
    eventually("the loop ends", || project.state().runner_pid.is_none().then_some(()));
    let audit = project.car(&["telegram", "audit"]).exits(0).stdout;
    assert!(audit.contains("  run  ") && audit.contains("  stop  "), "{audit}");
    telegram.assert_clean();
}

#[tokio::test]
async fn not_even_the_most_talkative_log_tells_the_token() {
    let telegram = FakeTelegram::start();
    let place = telegram.change(|world| world.add_private(ANNA.id));
    let project = project(&telegram, &scripted_agent()).env(vec![("RUST_LOG", "trace".into())]);
    telegram.change(|world| {
        world.fail("getme", &[Fault::CutBefore]);
        world.fail("getupdates", &[Fault::CutBefore, Fault::CutAfter]);
        world.fail("sendmessage", &[Fault::CutBefore, Fault::CutAfter]);
    });
    let bot = project.start(&["telegram", "start"]);
    paired(&telegram, &project, place).await;
    telegram.say(place, ANNA, "/ids");
    telegram.until("an answer", |world| world.said(place, "Chat 7")).await;
    bot.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = bot.wait();
    assert!(ended.stderr.contains("TRACE"), "it is talkative: {}", ended.stderr);
    let secret = TOKEN.split(':').next_back().expect("a secret part");
    let told = ended.stderr.lines().find(|line| line.contains(secret));
    assert_eq!(told, None);
}

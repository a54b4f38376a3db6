//! Messages to Discord and Telegram about how loops end.

use std::path::Path;

use car_testkit::messaging::{FakeMessaging, Reply, Service};
use serde_json::{Value, json};

use crate::support::{Project, eventually, scripted_agent, shell_agent};

/// A project that notifies both services.
fn project(services: &FakeMessaging, codex: &Value, items: &[&str]) -> Project {
    let project = Project::new();
    let config = json!({
        "version": 2,
        "mode": "repo",
        "codex": codex,
        "runner": {"sleep_seconds": 0, "grace_seconds": 1},
        "notifications": {"telegram": {"api_url": services.api_url(), "thread_id": 7}},
    });
    project.write("config.yml", &config.to_string());
    let (webhook, token, chat) = (services.webhook_url(), services.token(), services.chat_id());
    project.write(
        ".env",
        &format!(
            "CAR_DISCORD_WEBHOOK_URL={webhook}\nCAR_TELEGRAM_BOT_TOKEN={token}\nCAR_TELEGRAM_CHAT_ID={chat}\n"
        ),
    );
    project.todo(items);
    project
}

/// Messages of one service, each with its topic.
fn texts(services: &FakeMessaging, service: Service) -> Vec<(String, Option<i64>)> {
    let accepted = services.accepted().into_iter().filter(|message| message.service == service);
    accepted.map(|message| (message.text, message.thread_id)).collect()
}

/// Every file below `dir` that holds one of `secrets`, but for the `.env` they come from.
fn files_with(dir: &Path, secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, secrets));
        } else if path.file_name().is_some_and(|name| name != ".env") {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            if secrets.iter().any(|secret| text.contains(secret)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_failed_run_is_told_once_to_each_although_services_fail_and_the_server_is_killed() {
    let services = FakeMessaging::start(
        &[Reply::TooMany(2), Reply::Status(500), Reply::Drop],
        &[Reply::Status(502), Reply::TooMany(3), Reply::Status(500)],
    );
    let project = project(&services, &shell_agent("exit 3"), &["One"]);
    let server = project.start(&["serve", "--port", "0"]);
    eventually("the server listens", || server.stdout().contains("Serving").then_some(()));
    let run = project.car(&["run"]).exits(4);
    services.until_requests(2).await;
    server.kill_9();

    let (mut outputs, name) = (vec![run.stdout, run.stderr], project.root().file_name());
    let name = name.expect("a name").to_string_lossy().into_owned();
    let expected = format!("CAR run 1 failed (exit 3) in {name}");
    let server = project.start(&["serve", "--port", "0"]);
    services.until_accepted(2).await;
    let list = eventually("the receipts are written", || {
        let list = project.car(&["notify", "list", "--json"]).exits(0);
        let json = list.json();
        outputs.push(list.stdout);
        (json["receipts"].as_array().expect("a list").len() == 2).then_some(json)
    });
    outputs.push(server.stdout());
    outputs.push({
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.wait().stderr
    });
    assert_eq!(list["pending"], json!([]));
    assert!(list["receipts"][0]["attempts"].as_u64().expect("a number") >= 2, "{list}");
    assert_eq!(texts(&services, Service::Discord), [(expected.clone(), None)]);
    assert_eq!(texts(&services, Service::Telegram), [(expected, Some(7))]);
    services.assert_clean();

    let secrets = [services.token(), "secretWebhookPart"];
    assert_eq!(files_with(project.root(), &secrets), [""; 0]);
    for output in outputs {
        assert!(!secrets.iter().any(|secret| output.contains(secret)), "{output}");
    }
}

#[test]
fn every_way_a_loop_ends_is_told_by_the_runner_itself() {
    let services = FakeMessaging::start(&[], &[]);
    let project = project(&services, &scripted_agent(), &["One", "Two"]);
    project.car(&["once"]).exits(0);
    project.car(&["run"]).exits(0);
    project.todo(&[]);
    project.car(&["run"]).exits(0);
    let name = project.root().file_name().expect("a name").to_string_lossy().into_owned();
    let told: Vec<String> = texts(&services, Service::Discord)
        .into_iter()
        .map(|(text, _)| text.replace(&name, "NAME"))
        .collect();
    assert_eq!(
        told,
        [
            "CAR loop ended (run limit, 1 run) in NAME",
            "CAR run 3 complete (summary finalized, exit 0) in NAME",
            "CAR loop ended (no tasks in TODO, 0 runs) in NAME",
        ]
    );
    services.assert_clean();
}

#[test]
fn a_runner_found_dead_is_told_once_by_whoever_finds_it() {
    let services = FakeMessaging::start(&[], &[]);
    let project = project(&services, &shell_agent("echo working; sleep 1000"), &["One"]);
    let running = project.start(&["run"]);
    project.until_said(1, "working");
    running.kill_9();
    project.car(&["kill"]).exits(0);
    project.car(&["kill"]).exits(0);
    let told = texts(&services, Service::Discord);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0.starts_with("CAR loop interrupted during run 1"), "{told:?}");
    services.assert_clean();
}

#[test]
fn a_test_says_what_each_service_answered_without_repeating_its_secrets() {
    let services = FakeMessaging::start(&[], &[Reply::Status(401)]);
    let project = project(&services, &scripted_agent(), &[]);
    insta::assert_snapshot!(project.car(&["notify", "test"]), @r"
    discord: delivered
    telegram: refused (HTTP 401 Unauthorized: refused for bot[REDACTED])
    ! error: not every receiver got the message
    ! hint: check the token, the chat and the address; `car notify send` tries again what is pending
    [exit 1]
    ");
    project.write(".env", "");
    insta::assert_snapshot!(project.car(&["notify", "test"]), @r"
    ! error: No receiver of notifications is set up
    ! hint: set CAR_DISCORD_WEBHOOK_URL, or CAR_TELEGRAM_BOT_TOKEN and CAR_TELEGRAM_CHAT_ID, for example in .codex-autorunner/.env
    [exit 3]
    ");
}

//! What a user may rely on about messages, short of real processes.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use car_testkit::messaging::{FakeMessaging, Reply, Service};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;

fn repo(services: &FakeMessaging, notifications: &Value) -> (TempDir, Repo) {
    let dir = tempfile::tempdir().expect("temp dir");
    let car = dir.path().join(".codex-autorunner");
    fs::create_dir_all(&car).expect("dir");
    let mut config = json!({"notifications": {"telegram": {"api_url": services.api_url()}}});
    merge(&mut config["notifications"], notifications);
    fs::write(car.join("config.yml"), config.to_string()).expect("write");
    let env = format!(
        "CAR_DISCORD_WEBHOOK_URL={}\nCAR_TELEGRAM_BOT_TOKEN={}\nCAR_TELEGRAM_CHAT_ID={}\nTOPIC=5\n",
        services.webhook_url(),
        services.token(),
        services.chat_id()
    );
    fs::write(car.join(".env"), env).expect("write");
    let repo = Repo::open(dir.path()).expect("valid");
    (dir, repo)
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().expect("a map") {
        match value {
            Value::Object(_) if into[key].is_object() => merge(&mut into[key], value),
            _ => into[key] = value.clone(),
        }
    }
}

fn notice(repo: &Repo) -> Notice {
    Notice::test(repo, Event::RunError)
}

fn statuses(repo: &Repo) -> BTreeSet<(Channel, &'static str)> {
    let receipts = overview(repo).expect("readable").receipts;
    receipts.iter().map(|receipt| (receipt.channel, receipt.status.name())).collect()
}

#[tokio::test]
async fn a_message_outlives_failures_and_is_delivered_once() {
    let services = FakeMessaging::start(&[Reply::Status(500)], &[Reply::TooMany(1), Reply::Drop]);
    let (_dir, repo) = repo(&services, &json!({}));
    assert_eq!(announce(&repo, &notice(&repo)).expect("written"), 2);
    let once = deliver(repo.root(), &CancellationToken::new()).await.expect("tried");
    assert_eq!((once.delivered, once.pending), (0, 2));
    assert!(once.next_at.is_some());
    let all = deliver_all(repo.root(), Duration::from_secs(30)).await.expect("tried");
    assert_eq!((all.delivered, all.pending), (2, 0));
    assert_eq!(services.accepted().len(), 2);
    assert_eq!(services.n_requests(), 5);
    services.assert_clean();
}

#[tokio::test]
async fn what_a_service_refuses_is_not_sent_again_and_its_secret_stays_out() {
    let services = FakeMessaging::start(&[Reply::Status(404)], &[Reply::Status(400)]);
    let (_dir, repo) = repo(&services, &json!({}));
    announce(&repo, &notice(&repo)).expect("written");
    deliver(repo.root(), &CancellationToken::new()).await.expect("tried");
    let refused = BTreeSet::from([(Channel::Discord, "refused"), (Channel::Telegram, "refused")]);
    assert_eq!(statuses(&repo), refused);
    let text = format!("{:?}", overview(&repo).expect("readable"));
    assert!(text.contains("HTTP 400") && !text.contains(services.token()), "{text}");
}

#[tokio::test]
async fn a_service_that_hangs_does_not_hold_up_the_other() {
    let services = FakeMessaging::start(&[Reply::Hang], &[]);
    let (_dir, repo) = repo(&services, &json!({}));
    announce(&repo, &notice(&repo)).expect("written");
    let cancel = CancellationToken::new();
    let sending = deliver(repo.root(), &cancel);
    let (delivery, accepted) = tokio::join!(sending, services.until_accepted(1));
    assert_eq!(accepted[0].service, Service::Telegram);
    assert_eq!(delivery.expect("tried").pending, 1);
    let pending = overview(&repo).expect("readable").pending;
    assert_eq!(pending[0].last_error.as_deref(), Some("no answer within 5 s"));
}

#[tokio::test]
async fn a_sender_that_died_after_the_answer_repeats_nothing() {
    let services = FakeMessaging::start(&[], &[]);
    let (_dir, repo) = repo(&services, &json!({"telegram": {"enabled": false}}));
    announce(&repo, &notice(&repo)).expect("written");
    let outbox = Outbox::of(repo.root());
    let id = outbox.messages().expect("readable")[0].id.clone();
    outbox.mark_sent(&id).expect("marked");
    deliver(repo.root(), &CancellationToken::new()).await.expect("finished");
    assert_eq!(statuses(&repo), BTreeSet::from([(Channel::Discord, "delivered")]));
    assert!(outbox.sent().expect("readable").is_empty());
    assert_eq!(services.n_requests(), 0);
}

#[tokio::test]
async fn only_one_process_sends_and_takes_along_what_others_write_meanwhile() {
    let services = FakeMessaging::start(&[], &[]);
    let (_dir, repo) = repo(&services, &json!({}));
    announce(&repo, &notice(&repo)).expect("written");
    let lock = Outbox::of(repo.root()).lock().expect("free");
    let busy = deliver(repo.root(), &CancellationToken::new()).await.expect("looked");
    assert!(busy.is_busy);
    assert_eq!(services.n_requests(), 0);
    drop(lock);
    let (root, cancel) = (repo.root(), CancellationToken::new());
    let (a, b) = tokio::join!(deliver(root, &cancel), deliver(root, &cancel));
    assert_eq!(a.expect("sent").delivered + b.expect("sent").delivered, 2);
    assert_eq!(services.accepted().len(), 2);
}

#[test]
fn the_same_end_of_the_same_run_is_told_once() {
    let services = FakeMessaging::start(&[], &[]);
    let (_dir, repo) = repo(&services, &json!({}));
    let notice = Notice::interrupted(&repo, 3, true);
    assert_eq!(announce(&repo, &notice).expect("written"), 2);
    assert_eq!(announce(&repo, &notice).expect("known"), 0);
}

#[test]
fn events_that_nobody_wants_make_no_message() {
    let services = FakeMessaging::start(&[], &[]);
    for (config, wanted) in [
        (json!({}), true),
        (json!({"events": ["run_error"]}), true),
        (json!({"events": ["all"], "enabled": true}), true),
        (json!({"events": ["run_finished", "no_such_event"]}), false),
        (json!({"events": []}), false),
        (json!({"enabled": false}), false),
        (json!({"discord": {"enabled": false}, "telegram": {"enabled": false}}), false),
    ] {
        let (_dir, repo) = repo(&services, &config);
        let written = announce(&repo, &notice(&repo)).expect("looked");
        assert_eq!(written > 0, wanted, "{config}");
    }
}

#[test]
fn the_topic_is_that_of_the_path_then_the_fixed_one_then_the_variables() {
    let services = FakeMessaging::start(&[], &[]);
    let topic = |telegram: Value| {
        let (_dir, repo) = repo(&services, &json!({"telegram": telegram}));
        Targets::of(&repo).thread_id(Channel::Telegram)
    };
    assert_eq!(topic(json!({})), None);
    assert_eq!(topic(json!({"thread_id_env": "TOPIC"})), Some(5));
    assert_eq!(topic(json!({"thread_id_env": "TOPIC", "thread_id": 6})), Some(6));
    let map = json!({"/elsewhere": 8, ".": 7});
    assert_eq!(topic(json!({"thread_id": 6, "thread_id_map": map})), Some(7));
}

#[test]
fn the_oldest_messages_make_room_when_nothing_can_be_delivered() {
    let services = FakeMessaging::start(&[], &[]);
    let (_dir, repo) = repo(&services, &json!({"telegram": {"enabled": false}}));
    for run in 1..=203 {
        announce(&repo, &Notice::interrupted(&repo, run, true)).expect("written");
    }
    let overview = overview(&repo).expect("readable");
    assert_eq!((overview.pending.len(), overview.receipts.len()), (200, 3));
    assert!(overview.receipts.iter().all(|receipt| receipt.status == Status::Dropped));
}

//! The original's bot is replaced by this one.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::Place;
use car_testkit::whisper::{FakeWhisper, Hearing};
use serde_json::json;

use super::setting::Setting;

const FORUM: i64 = -1_001_000_000_000;
/// The topic in which everything was going on.
const TOPIC: Place = Place { chat: FORUM, topic: 5 };

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

fn ago(hours: i64) -> String {
    let at = car_engine::now().as_millis() - hours * 3_600_000;
    car_domain::Timestamp::from_millis(at).whole_seconds().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_topics_and_settings_are_taken_over_but_no_full_access_nobody_chose() {
    let mut setting = Setting::idle(echo).await;
    let other = car_testkit::repo::TempRepo::new();
    setting.configure(&format!("  bind_roots: [\"{}\"]\n", other.path().display()));
    setting.telegram.change(|world| world.add_forum(FORUM, &[5]));
    let key = |path: &std::path::Path| {
        let path = path.display().to_string().replace('/', "%2F");
        format!("{FORUM}:5:repo%40{path}")
    };
    let topic = |path: &std::path::Path, model: &str| {
        json!({ "repo_id": "repo", "workspace_path": path, "workspace_id": "0123456789ab",
            "active_thread_id": null, "thread_ids": ["t1"], "model": model,
            "thread_summaries": { "t1": { "user_preview": "Before", "last_used_at": ago(1) } },
            "approval_mode": "yolo", "approval_policy": "never",
            "sandbox_policy": { "type": "dangerFullAccess" }, "last_active_at": ago(1),
            "pending_compact_seed": "We were counting." })
    };
    let state = json!({
        "version": 5, "last_update_id_global": 5,
        "topics": {
            key(other.path()): topic(other.path(), "another-model"),
            key(setting.root()): topic(setting.root(), "old-model"),
        },
        "topic_scopes": { format!("{FORUM}:5"): format!("repo@{}", setting.root().display()) },
        "pending_approvals": {}, "outbox": {}, "pending_voice": {},
    });
    setting.repo.write(".codex-autorunner/telegram_state.json", &state.to_string());
    setting.start().await;
    setting.telegram.say(TOPIC, super::setting::ANNA, "one");
    setting.heard_in(TOPIC, "Heard We were counting.").await;
    let first = setting.model.requests().remove(0);
    assert_eq!(first.model, "old-model", "of two repositories the last one counts");
    setting.telegram.say(TOPIC, super::setting::ANNA, "two");
    setting.heard_in(TOPIC, "Heard two").await;
    setting.telegram.say(TOPIC, super::setting::ANNA, "/status");
    setting.heard_in(TOPIC, "Asks: on-request, may reach: workspace-write").await;
    setting.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_arrives_unless_it_is_old() {
    let whisper = FakeWhisper::start(vec![Hearing::Text("Count on".to_owned())]);
    let mut setting = Setting::idle(echo).await;
    setting.configure_voice(&whisper);
    setting.telegram.change(|world| world.files.insert("voice7".into(), b"OggS".to_vec()));
    let message = |text: &str, hours: i64| {
        json!({ "record_id": "r", "chat_id": 7, "thread_id": null, "reply_to_message_id": null,
            "placeholder_message_id": null, "text": text, "created_at": ago(hours), "attempts": 1 })
    };
    let approval = json!({ "request_id": "0", "turn_id": "u", "chat_id": 7, "thread_id": null,
        "message_id": 3, "prompt": "run", "created_at": ago(1), "topic_key": "7:root" });
    let state = json!({
        "version": 5, "topics": {}, "topic_scopes": {},
        "outbox": { "a": message("A **late** answer", 1), "b": message("A stale answer", 90),
            "c": { "nothing": "that can be read" } },
        "pending_voice": { "v": { "record_id": "v", "chat_id": 7, "thread_id": null, "message_id": 4,
            "file_id": "voice7", "file_size": 4, "mime_type": "audio/ogg", "created_at": ago(1) } },
        "pending_approvals": { "0": approval },
    });
    setting.repo.write(".codex-autorunner/telegram_state.json", &state.to_string());
    setting.start().await;
    setting.heard("A late answer").await;
    setting.heard("1 request of Codex ended without a decision").await;
    setting.heard("Heard Count on").await;
    setting.stop().await;
    setting.start().await;
    setting.say("/ids");
    setting.heard("Chat 7").await;
    let all = setting.answers().join("\n");
    assert_eq!(all.matches("A late answer").count(), 1, "{all}");
    assert!(!all.contains("stale"), "{all}");
    assert_eq!(setting.model.requests().len(), 1);
}

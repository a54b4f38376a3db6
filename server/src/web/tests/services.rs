//! What somebody who uses voice, images, notifications and housekeeping over HTTP may rely on.

use std::os::unix::fs::PermissionsExt;

use axum::body::Body;
use axum::http::StatusCode;
use car_testkit::messaging::{FakeMessaging, Reply};
use car_testkit::whisper::{FakeWhisper, Hearing};
use futures::stream;
use serde_json::{Value, json};

use super::{Answer, Web, request};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// A form with one file, or another field before it.
fn form(field: &str, name: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nignored\r\n--x\r\nContent-Disposition: form-data; \
         name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--x--\r\n");
    body
}

async fn send(web: &Web, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let request = request("POST", path).header("content-type", kind).body(body.into());
    web.ask(request.expect("valid")).await
}

async fn upload(web: &Web, path: &str, body: impl Into<Body>) -> Answer {
    send(web, path, "multipart/form-data; boundary=x", body).await
}

/// A body of unknown length that never ends.
fn endless(begin: Vec<u8>) -> Body {
    let rest = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0; 64 << 10]));
    Body::from_stream(stream::StreamExt::chain(stream::iter([Ok(begin)]), rest))
}

async fn web_with(service: &FakeWhisper, key: &str) -> Web {
    let provider = json!({"base_url": service.base_url(), "api_key_env": "CAR_TEST_VOICE_KEY"});
    let config = json!({"voice": {"providers": {"openai_whisper": provider}}});
    let web = Web::with_config(&config).await;
    web.repo().write(".codex-autorunner/.env", &format!("CAR_TEST_VOICE_KEY={key}\n"));
    web
}

#[tokio::test]
async fn speech_comes_as_a_form_or_as_it_is() {
    let service =
        FakeWhisper::start(vec![Hearing::Text("Hallo.".into()), Hearing::Text("Hi.".into())]);
    let web = web_with(&service, FakeWhisper::KEY).await;
    let config = web.get("/api/voice/config").await;
    assert_eq!(
        (&config.json()["enabled"], &config.json()["has_api_key"]),
        (&json!(true), &json!(true))
    );
    assert!(!config.text.contains(FakeWhisper::KEY));
    let body = form("file", "clip.webm", "video/webm;codecs=opus", &[7; 100_000]);
    let heard = upload(&web, "/api/voice/transcribe?language=de", body).await;
    assert_eq!(heard.json(), json!({"status": "ok", "text": "Hallo.", "warnings": []}));
    let heard = send(&web, "/api/voice/transcribe", "audio/wav", vec![8; 10]).await;
    assert_eq!(heard.json()["text"], "Hi.");
    let asked = service.heard();
    assert_eq!(
        (asked[0].file_name.as_str(), asked[0].content_type.as_str()),
        ("clip.webm", "audio/webm")
    );
    assert_eq!((asked[0].audio.len(), asked[0].fields["language"].as_str()), (100_000, "de"));
    assert_eq!(asked[1].audio, vec![8; 10]);
    service.assert_clean();
}

#[tokio::test]
async fn each_way_without_a_text_has_its_own_status_and_code() {
    let service = FakeWhisper::start(vec![Hearing::Status(401), Hearing::TooMany(7)]);
    let web = web_with(&service, FakeWhisper::KEY).await;
    let said = |answer: Answer| (answer.status.as_u16(), answer.json()["code"].clone());
    let path = "/api/voice/transcribe";
    assert_eq!(said(send(&web, path, "audio/wav", Vec::new()).await), (400, json!("empty_audio")));
    let other = form("sound", "a.wav", "audio/wav", b"x");
    assert_eq!(said(upload(&web, path, other).await), (400, json!("empty_audio")));
    assert_eq!(
        said(send(&web, path, "audio/wav", endless(vec![1])).await),
        (413, json!("audio_too_large"))
    );
    let begin =
        form("file", "a.wav", "audio/wav", b"").strip_suffix(b"\r\n--x--\r\n").map(<[u8]>::to_vec);
    let large = upload(&web, path, endless(begin.expect("a form"))).await;
    assert_eq!(said(large), (413, json!("audio_too_large")));
    assert_eq!(said(send(&web, path, "audio/wav", vec![1]).await), (401, json!("unauthorized")));
    let busy = send(&web, path, "audio/wav", vec![1]).await;
    assert_eq!(busy.headers["retry-after"], "7");
    assert_eq!(said(busy), (429, json!("rate_limited")));
    let without = web_with(&service, "").await;
    assert_eq!(said(send(&without, path, "audio/wav", vec![1]).await), (503, json!("missing_key")));
    let off = Web::with_config(&json!({"voice": {"enabled": false}})).await;
    assert_eq!(said(send(&off, path, "audio/wav", vec![1]).await), (400, json!("disabled")));
}

#[tokio::test]
async fn an_image_reaches_the_repository_and_its_path_is_told() {
    let web = Web::new().await;
    let stored = upload(&web, "/api/terminal/image", form("file", "x.png", "image/png", PNG)).await;
    let said = stored.json();
    assert_eq!((stored.status, &said["status"]), (StatusCode::OK, &json!("ok")), "{said}");
    let path = said["path"].as_str().expect("text");
    let name = said["filename"].as_str().expect("text");
    assert_eq!(path, format!(".codex-autorunner/uploads/terminal-images/{name}"));
    assert_eq!(said.get("abs_path"), None);
    let file = web.repo().path().join(path);
    assert_eq!(std::fs::read(&file).expect("there"), PNG);
    assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    let asked = form("file", "x", "text/plain", PNG);
    let asked = upload(&web, "/api/terminal/image?include_abs_paths=1", asked).await.json();
    let own = web.repo().path().to_str().expect("text").to_owned();
    assert!(asked["abs_path"].as_str().expect("text").starts_with(&own), "{asked}");
}

#[tokio::test]
async fn what_is_no_image_or_too_large_is_refused_and_not_stored() {
    let web = Web::new().await;
    let path = "/api/terminal/image";
    let svg = form("file", "x.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    assert_eq!(upload(&web, path, svg).await.status, StatusCode::BAD_REQUEST);
    let empty = form("file", "x.png", "image/png", b"");
    assert_eq!(upload(&web, path, empty).await.json()["detail"], "empty upload");
    let begin =
        form("file", "x.png", "image/png", PNG).strip_suffix(b"\r\n--x--\r\n").map(<[u8]>::to_vec);
    let large = upload(&web, path, endless(begin.expect("a form"))).await;
    assert_eq!(
        (large.status, &large.json()["detail"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("image too large"))
    );
    let torn = &form("file", "x.png", "image/png", PNG)[..172];
    assert_eq!(upload(&web, path, torn.to_vec()).await.status, StatusCode::BAD_REQUEST);
    let other = form("image", "x.png", "image/png", PNG);
    assert_eq!(upload(&web, path, other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send(&web, path, "image/png", PNG).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!web.repo().path().join(".codex-autorunner/uploads").exists());
}

#[tokio::test]
async fn a_test_message_is_sent_and_its_fate_told() {
    let services = FakeMessaging::start(&[], &[Reply::Status(400)]);
    let web =
        Web::with_config(&json!({"notifications": {"telegram": {"api_url": services.api_url()}}}))
            .await;
    let none = web.send("POST", "/api/notifications/test", &json!({})).await;
    assert_eq!(none.status, StatusCode::CONFLICT, "{}", none.text);
    web.repo().write(
        ".codex-autorunner/.env",
        &format!(
            "CAR_DISCORD_WEBHOOK_URL={}\nCAR_TELEGRAM_BOT_TOKEN={}\nCAR_TELEGRAM_CHAT_ID={}\n",
            services.webhook_url(),
            services.token(),
            services.chat_id()
        ),
    );
    let tested = web.send("POST", "/api/notifications/test", &json!({"event": "run_error"})).await;
    let said = tested.json();
    assert_eq!((tested.status, &said["event"]), (StatusCode::OK, &json!("run_error")));
    let fate = |channel: &str| {
        let results = said["results"].as_array().expect("a list");
        results.iter().find(|result| result["channel"] == channel).expect("told")["status"].clone()
    };
    assert_eq!(fate("discord"), "delivered");
    assert_ne!(fate("telegram"), "delivered");
    assert!(!tested.text.contains(services.token()), "{said}");
    let unknown = web.send("POST", "/api/notifications/test", &json!({"event": "tea"})).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn housekeeping_is_looked_at_before_it_is_done() {
    let web = Web::with_config(&json!({"housekeeping": {"min_file_age_seconds": 0}})).await;
    let file = web.repo().path().join(".codex-autorunner/github_context/issue-1.md");
    web.repo().write(".codex-autorunner/github_context/issue-1.md", "old");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(40 * 86_400);
    std::fs::File::options()
        .append(true)
        .open(&file)
        .and_then(|file| file.set_modified(old))
        .expect("aged");
    let deleted = |report: &Value| {
        let rules = report["rules"].as_array().expect("a list");
        rules.iter().map(|rule| rule["deleted_count"].as_u64().expect("a number")).sum::<u64>()
    };
    let look = web.get("/api/housekeeping").await.json();
    assert_eq!((deleted(&look), &look["dry_run"], file.exists()), (1, &json!(true), true));
    assert!(look.get("root").is_none(), "no path of the machine");
    let done = web.send("POST", "/api/housekeeping", &json!({})).await.json();
    assert_eq!((deleted(&done), &done["dry_run"], file.exists()), (1, &json!(false), false));
}

#[tokio::test]
async fn settings_are_shown_with_their_origin_and_changed_in_their_file() {
    let web = Web::new().await;
    let shown = web.get("/api/config").await.json();
    let value = json!({"value": 5, "origin": "built-in"});
    assert_eq!(shown["values"]["runner.sleep_seconds"], value);
    let own = || {
        std::fs::read_to_string(web.repo().path().join(".codex-autorunner/config.yml"))
            .expect("read")
    };
    let before = own();
    let change = json!({"set": {"runner.sleep_seconds": 9, "codex.model": "o4"}});
    let changed = web.send("PATCH", "/api/config", &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let value = json!({"value": 9, "origin": ".codex-autorunner/config.yml"});
    assert_eq!(changed.json()["values"]["runner.sleep_seconds"], value);
    assert!(own().starts_with(&before), "what people wrote stays");
    let wrong = json!({"set": {"runner.sleep_seconds": "x"}, "unset": ["codex.model"]});
    assert_eq!(web.send("PATCH", "/api/config", &wrong).await.status, StatusCode::BAD_REQUEST);
    let unset = json!({"unset": ["codex.model", "runner.sleep_seconds"]});
    web.send("PATCH", "/api/config", &unset).await;
    assert_eq!(own(), before);
}

#[tokio::test]
async fn settings_need_a_confirmation_of_who_one_is() {
    let web = Web::closed().await;
    let declared = super::super::api::class::declared(&super::super::api::document());
    let class =
        declared.into_iter().find(|(method, path, _)| method == "PATCH" && path == "/api/config");
    assert_eq!(
        class.and_then(|(_, _, class)| class),
        Some(super::super::api::class::Class::Dangerous)
    );
    let without = web.send("PATCH", "/api/config", &json!({})).await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_explained_and_can_be_repaired() {
    let web = Web::new().await;
    web.repo().write(".codex-autorunner/config.yml", "runner:\n  sleep_seconds: soon\n");
    assert_eq!(web.get("/api/docs").await.status, StatusCode::CONFLICT);
    let shown = web.get("/api/config").await.json();
    assert_eq!(shown["problems"], json!(["runner.sleep_seconds must be an integer"]));
    let repair = json!({"set": {"runner.sleep_seconds": 3}});
    assert_eq!(web.send("PATCH", "/api/config", &repair).await.status, StatusCode::OK);
    assert_eq!(web.get("/api/docs").await.status, StatusCode::OK);
}

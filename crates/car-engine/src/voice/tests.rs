//! What a user may rely on about speech.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use car_testkit::whisper::{FakeWhisper, Hearing};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::Repo;

fn repo(service: &FakeWhisper, voice: &Value, key: &str) -> (TempDir, Repo) {
    let dir = tempfile::tempdir().expect("temp dir");
    let car = dir.path().join(".codex-autorunner");
    fs::create_dir_all(&car).expect("dir");
    let mut config = json!({"voice": {"providers": {"openai_whisper": {
        "base_url": service.base_url(), "api_key_env": "CAR_TEST_VOICE_KEY", "timeout_s": 2.0,
    }}}});
    let all = config["voice"].as_object_mut().expect("a map");
    all.extend(voice.as_object().expect("a map").clone());
    fs::write(car.join("config.yml"), config.to_string()).expect("write");
    fs::write(car.join(".env"), format!("CAR_TEST_VOICE_KEY={key}\n")).expect("write");
    let repo = Repo::open(dir.path()).expect("valid");
    (dir, repo)
}

async fn say(repo: &Repo, audio: Vec<u8>, speech: &Speech) -> Result<Transcript, VoiceError> {
    let chunks: Vec<Result<Vec<u8>, Infallible>> =
        audio.chunks(1 << 20).map(|chunk| Ok(chunk.to_vec())).collect();
    transcribe(&repo.config().voice, repo.env(), futures::stream::iter(chunks), speech).await
}

async fn reason(hearing: Vec<Hearing>, voice: &Value, key: &str) -> (VoiceError, usize) {
    let service = FakeWhisper::start(hearing);
    let (_dir, repo) = repo(&service, voice, key);
    let error = say(&repo, vec![1, 2, 3], &Speech::default()).await.expect_err("no text");
    assert!(!error.message.contains(FakeWhisper::KEY), "{error}");
    (error, service.heard().len())
}

#[tokio::test]
async fn speech_becomes_text_with_the_words_of_the_request_first() {
    let service = FakeWhisper::start(vec![Hearing::Text(" Hallo. ".into())]);
    let quoted = format!("'\"`{}`\"'", FakeWhisper::KEY);
    let (_dir, repo) = repo(&service, &json!({}), &quoted.replace(['\'', '"'], ""));
    let speech = Speech {
        file_name: Some("clip.webm".into()),
        content_type: Some("video/webm;codecs=opus".into()),
        language: Some("de".into()),
    };
    let text = say(&repo, vec![7; 100_000], &speech).await.expect("a text");
    assert_eq!((text.text.as_str(), text.warnings.len()), ("Hallo.", 0));
    let heard = service.heard();
    assert_eq!(
        (heard[0].file_name.as_str(), heard[0].content_type.as_str()),
        ("clip.webm", "audio/webm")
    );
    assert_eq!(heard[0].audio, vec![7; 100_000]);
    assert_eq!(heard[0].fields["language"], "de");
    assert_eq!(heard[0].fields["model"], "whisper-1");
    assert_eq!(heard[0].fields["temperature"], "0");
    service.assert_clean();
}

#[tokio::test]
async fn every_failure_says_what_to_do() {
    let key = FakeWhisper::KEY;
    for (hearing, voice, key, expected, asked) in [
        (Hearing::Status(401), json!({}), key, VoiceReason::Unauthorized, 1),
        (Hearing::Status(403), json!({}), key, VoiceReason::Forbidden, 1),
        (Hearing::Status(400), json!({}), key, VoiceReason::InvalidAudio, 1),
        (Hearing::Status(413), json!({}), key, VoiceReason::AudioTooLarge, 1),
        (Hearing::Status(500), json!({}), key, VoiceReason::ProviderError, 1),
        (Hearing::Hang, json!({}), key, VoiceReason::Timeout, 1),
        (Hearing::Drop, json!({"enabled": false}), key, VoiceReason::Disabled, 0),
        (Hearing::Drop, json!({"provider": "other"}), key, VoiceReason::UnknownProvider, 0),
        (Hearing::Drop, json!({"enabled": true}), "", VoiceReason::MissingKey, 0),
    ] {
        let (error, n) = reason(vec![hearing.clone()], &voice, key).await;
        assert_eq!((error.reason, n), (expected, asked), "{hearing:?}: {error}");
        if [VoiceReason::MissingKey, VoiceReason::Unauthorized].contains(&expected) {
            assert!(error.message.contains("CAR_TEST_VOICE_KEY"), "{error}");
        }
    }
    let (error, _) = reason(vec![Hearing::TooMany(7)], &json!({}), key).await;
    assert_eq!(
        (error.reason, error.retry_after),
        (VoiceReason::RateLimited, Some(Duration::from_secs(7)))
    );
}

#[tokio::test]
async fn only_a_broken_connection_is_tried_once_more() {
    let (error, n) = reason(vec![Hearing::Drop, Hearing::Drop], &json!({}), FakeWhisper::KEY).await;
    assert_eq!((error.reason, n), (VoiceReason::Unreachable, 2));
    let service = FakeWhisper::start(vec![Hearing::Drop, Hearing::Text("x".into())]);
    let (_dir, repo) = repo(&service, &json!({}), FakeWhisper::KEY);
    let text = say(&repo, vec![1], &Speech::default()).await.expect("a text");
    assert_eq!(text.warnings, ["provider_error_retry"]);
}

#[tokio::test]
async fn too_much_sound_is_refused_while_it_comes() {
    let service = FakeWhisper::start(Vec::new());
    let (_dir, repo) = repo(&service, &json!({}), FakeWhisper::KEY);
    let endless = futures::stream::repeat_with(|| Ok::<_, Infallible>(vec![0_u8; 1 << 20]));
    let speech = Speech::default();
    let error = transcribe(&repo.config().voice, repo.env(), endless, &speech).await;
    let error = error.expect_err("too much");
    assert_eq!((error.reason, error.reason.http_status()), (VoiceReason::AudioTooLarge, 413));
    let empty = say(&repo, Vec::new(), &speech).await.expect_err("nothing");
    assert_eq!(empty.reason, VoiceReason::EmptyAudio);
    assert!(service.heard().is_empty());
}

#[test]
fn off_means_off_and_auto_means_that_there_is_a_key() {
    let service = FakeWhisper::start(Vec::new());
    for (voice, key, enabled, warns) in [
        (json!({}), FakeWhisper::KEY, true, false),
        (json!({}), "", false, true),
        (json!({"enabled": false}), FakeWhisper::KEY, false, false),
        (json!({"enabled": true}), "", true, true),
    ] {
        let (_dir, repo) = repo(&service, &voice, key);
        let told = settings(&repo.config().voice, repo.env());
        assert_eq!((told.enabled, told.warn_on_remote_api), (enabled, warns), "{voice} {key}");
        assert_eq!(told.api_key_env, "CAR_TEST_VOICE_KEY");
    }
}

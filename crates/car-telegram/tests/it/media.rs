//! Pictures, voice and files, in both directions.

use car_testkit::model::{Request, Turn};
use car_testkit::telegram::Photo;
use car_testkit::whisper::{FakeWhisper, Hearing};

use super::setting::{ANNA, Setting};

pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8,
    0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E',
    b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

fn echo(request: &Request) -> Turn {
    Turn::new().message(format!("Heard {}", request.user_text))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_is_one_turn_with_all_its_pictures() {
    let setting = Setting::new(vec![Turn::new().message("Two pictures.")]).await;
    let photo = |caption| Photo { bytes: PNG, caption, album: Some("album-1") };
    setting.telegram.send_photo(setting.place, ANNA, photo(Some("What is this?")));
    setting.telegram.send_photo(setting.place, ANNA, photo(None));
    setting.heard("Two pictures.").await;
    let requests = setting.model.requests();
    assert_eq!(requests.len(), 1);
    let body = requests[0].body.to_string();
    assert_eq!(body.matches("input_image").count(), 2, "{body}");
    assert!(body.contains("What is this?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_note_is_written_down_shown_and_answered() {
    let whisper = FakeWhisper::start(vec![
        Hearing::TooMany(0),
        Hearing::Text("Please count to three".to_owned()),
    ]);
    let mut setting = Setting::idle(echo).await;
    setting.configure_voice(&whisper);
    setting.start().await;
    setting.telegram.send_voice(setting.place, ANNA, b"OggS-some-sound");
    setting.heard("🎙 Please count to three").await;
    setting.heard("Heard Please count to three").await;
    assert_eq!(whisper.heard().last().expect("asked").audio, b"OggS-some-sound");
    whisper.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_reaches_the_agent_and_what_it_puts_out_comes_back() {
    let script = |request: &Request| {
        let text = &request.user_text;
        let path = text
            .split("put them into ")
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .unwrap_or("nowhere")
            .to_owned();
        Turn::new().shell(format!("echo done > {path}/report.txt")).message("See the report.")
    };
    let setting = Setting::new(script).await;
    setting.telegram.send_file(setting.place, ANNA, "no tes.txt", b"hello", Some("Summarise"));
    setting.heard("See the report.").await;
    let report = setting
        .until("the report", |world| {
            world.of_bot(setting.place).into_iter().find_map(|message| message.document.clone())
        })
        .await;
    assert_eq!(report, ("report.txt".to_owned(), b"done\n".to_vec()));
    let prompt = setting.model.requests()[0].user_text.clone();
    assert!(prompt.starts_with("Summarise") && prompt.contains("no_tes-"), "{prompt}");
    setting.say("/files outbox");
    let list = setting.heard("Were sent").await;
    assert!(list.text.contains("Wait to be sent: nothing"), "{}", list.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_unknown_is_refused_in_words() {
    let mut setting = Setting::idle(echo).await;
    setting.configure("  media: {max_file_bytes: 10}\n");
    setting.start().await;
    setting.telegram.send_file(setting.place, ANNA, "big.bin", &[1; 100], None);
    setting.heard("Files may have at most").await;
    let photo = Photo { bytes: b"no picture at all", caption: None, album: None };
    setting.telegram.send_photo(setting.place, ANNA, photo);
    setting.heard("is no picture I know").await;
    assert_eq!(setting.model.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_words_is_described_and_a_picture_sent_as_a_file_is_a_picture() {
    let setting = Setting::new(vec![Turn::new().message("A."), Turn::new().message("B.")]).await;
    let photo = Photo { bytes: PNG, caption: None, album: None };
    setting.telegram.send_photo(setting.place, ANNA, photo);
    setting.heard("A.").await;
    setting.telegram.send_file(setting.place, ANNA, "shot.png", PNG, Some("And this?"));
    setting.heard("B.").await;
    let requests = setting.model.requests();
    for request in &requests {
        assert!(request.body.to_string().contains("input_image"), "{}", request.body);
    }
    let usual = car_engine::config::Config::default().telegram_bot.media.image_prompt;
    assert!(requests[0].user_text.starts_with(&usual), "{}", requests[0].user_text);
    assert!(requests[1].user_text.starts_with("And this?"), "{}", requests[1].user_text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_note_nobody_can_write_down_is_answered_with_the_reason() {
    let whisper = FakeWhisper::start(vec![Hearing::Status(401)]);
    let mut setting = Setting::idle(echo).await;
    setting.configure_voice(&whisper);
    setting.start().await;
    let id = setting.telegram.send_voice(setting.place, ANNA, b"OggS-some-sound");
    let failed = setting.heard("⚠ Codex failed").await;
    assert_eq!(failed.reply_to, Some(id));
    assert!(failed.text.contains("you can write it instead"), "{}", failed.text);
    setting.say("Hello");
    setting.heard("Heard Hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_note_is_heard_again_after_a_restart_and_answered_once() {
    let whisper =
        FakeWhisper::start(vec![Hearing::Hang, Hearing::Text("Please count to three".to_owned())]);
    let mut setting = Setting::idle(echo).await;
    setting.configure_voice(&whisper);
    setting.start().await;
    setting.telegram.send_voice(setting.place, ANNA, b"OggS-some-sound");
    setting.heard("Listening").await;
    setting.kill().await;
    setting.start().await;
    setting.heard("Heard Please count to three").await;
    let heard = |text: &String| text.contains("Heard Please count to three");
    assert_eq!(setting.answers().iter().filter(|text| heard(text)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_can_be_stopped() {
    let whisper = FakeWhisper::start(vec![Hearing::Hang]);
    let mut setting = Setting::idle(echo).await;
    setting.configure_voice(&whisper);
    setting.start().await;
    setting.telegram.send_voice(setting.place, ANNA, b"OggS-some-sound");
    let card = setting.heard("Listening").await;
    setting.telegram.press(&card, ANNA, "Stop");
    setting.heard("⏹ Stopped").await;
    assert_eq!(setting.model.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_puts_out_and_is_too_large_is_named() {
    let script = |request: &Request| {
        let text = &request.user_text;
        let path = text.split("put them into ").nth(1).and_then(|rest| rest.split(';').next());
        let path = path.unwrap_or("nowhere").to_owned();
        Turn::new().shell(format!("seq 1 200 > {path}/numbers.txt")).message("There.")
    };
    let mut setting = Setting::idle(script).await;
    setting.configure("  media: {max_file_bytes: 100}\n");
    setting.start().await;
    setting.say("Put all numbers into the outbox");
    setting.heard("numbers.txt is not sent: it has").await;
}

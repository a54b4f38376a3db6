//! What Codex is told: the words, what was spoken, what was sent along, and where to find what they speak of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use car_engine::config::CAR_DIR;
use car_engine::voice::{Speech, VoiceReason, transcribe};
use car_engine::{EngineError, ErrorKind, Repo, blocking, github, injected_context};
use car_store::TurnRow;
use tokio::sync::watch;

use super::with_quote;
use crate::api::Trouble;
use crate::bot::Bot;
use crate::files::{Folder, store_image};
use crate::intake::{Media, MediaKind};
use crate::outbox::letter_to;
use crate::payload::{Letter, Priority};
use crate::render;

/// Tries to fetch a file or to have it written down.
const MAX_TRIES: u32 = 6;
/// Links to GitHub that are looked at.
const MAX_LINKS: usize = 3;
/// Words that speak of the work documents.
const DOCUMENT_WORDS: [&str; 8] =
    ["codex-autorunner", "autorunner", "todo", "progress", "opinions", "spec", "summary", "docs"];
/// Words that speak of files to be sent.
const FILE_WORDS: [&str; 5] = ["outbox", "inbox", "attach", "attachment", "upload"];

/// What a turn is started with.
pub(super) struct Prepared {
    pub(super) prompt: String,
    pub(super) images: Vec<PathBuf>,
}

/// Prepares a turn. `tell` hears what it is at. Dropped at any moment, nothing is lost.
pub(super) async fn prepare(
    bot: &Bot,
    turn: &TurnRow,
    workspace: &Path,
    text: &str,
    media: &[Media],
    quote: Option<&str>,
    tell: &watch::Sender<&'static str>,
) -> Result<Prepared, EngineError> {
    let config = &bot.settings.bot().media;
    let folder = Folder::of(workspace, turn.place());
    let (mut words, mut images, mut notes) = (text.to_owned(), Vec::new(), Vec::new());
    for media in media {
        let max = match media.kind {
            MediaKind::Image => config.max_image_bytes,
            MediaKind::Voice => config.max_voice_bytes,
            MediaKind::File => config.max_file_bytes,
        };
        tell.send_replace("Fetching what was sent");
        let bytes = fetch(bot, media, max, tell).await?;
        match media.kind {
            MediaKind::Image => {
                images.push(store_image(workspace, media.name.as_deref(), bytes).await?);
            }
            MediaKind::Voice => {
                tell.send_replace("Listening");
                let said = listen(bot, media, bytes, tell).await?;
                show_transcript(bot, turn, &said).await?;
                words = [words.as_str(), &said].map(str::trim).join("\n\n").trim().to_owned();
                notes.push(
                    "The text was spoken and written down by a program; words may be wrong."
                        .to_owned(),
                );
            }
            MediaKind::File => {
                let (folder, name) = (folder.clone(), media.name.clone().unwrap_or_default());
                let shown = name.clone();
                let path = blocking(move || {
                    folder.make()?;
                    folder.store(&name, &bytes)
                })
                .await?;
                let size = car_domain::format::bytes(media.size);
                let mime = media.mime.as_deref().unwrap_or("unknown");
                notes.push(format!(
                    "A file was sent along: {shown:?} ({size}, {mime}), stored as {}.",
                    path.display()
                ));
            }
        }
    }
    if words.trim().is_empty() {
        words = match media.first().map(|media| media.kind) {
            Some(MediaKind::Image) => config.image_prompt.clone(),
            Some(MediaKind::File) => "Look at the file I have sent.".to_owned(),
            _ => return Err(EngineError::invalid("there is nothing to say to Codex")),
        };
    }
    notes.extend(pointers(bot, workspace, &folder, &words, media).await);
    let mut prompt = with_quote(&words, quote);
    for note in notes {
        prompt.push_str("\n\n");
        // What GitHub says comes in such a block already.
        if note.starts_with("<injected context>") {
            prompt.push_str(&note);
        } else {
            prompt.push_str(&injected_context(&note));
        }
    }
    Ok(Prepared { prompt, images })
}

/// Where to find what the words speak of.
async fn pointers(
    bot: &Bot,
    workspace: &Path,
    folder: &Folder,
    words: &str,
    media: &[Media],
) -> Vec<String> {
    let mut notes = Vec::new();
    let lower = words.to_lowercase();
    // Whole words only: "special" does not speak of SPEC.
    let spoken: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| !w.is_empty()).collect();
    let about = workspace.join(CAR_DIR).join("ABOUT_CAR.md");
    if DOCUMENT_WORDS.iter().any(|word| spoken.contains(word))
        && tokio::fs::try_exists(&about).await.unwrap_or(false)
    {
        notes.push(format!(
            "The work documents of this repository are described in {CAR_DIR}/ABOUT_CAR.md."
        ));
    }
    let is_about_files = media.iter().any(|media| media.kind == MediaKind::File)
        || FILE_WORDS.iter().any(|word| spoken.contains(word));
    if is_about_files && bot.settings.bot().media.enabled && bot.settings.bot().media.files {
        let made = folder.clone();
        if blocking(move || made.make()).await.is_ok() {
            let max = car_domain::format::bytes(bot.settings.bot().media.max_file_bytes);
            notes.push(format!(
                "Files that were sent to you are in {}. To send files to the person, put them into {}; \
                 each may have at most {max}.",
                folder.inbox(),
                folder.pending()
            ));
        }
    }
    let links = github::find_links(words);
    let path = workspace.to_path_buf();
    if !links.is_empty()
        && let Ok(repo) = blocking(move || Repo::open(&path)).await
    {
        for link in links.into_iter().take(MAX_LINKS) {
            match github::context_file(&repo, link).await {
                Ok(context) => notes.extend(context.hint),
                Err(error) => tracing::info!(%error, "nothing is told about a GitHub link"),
            }
        }
    }
    notes
}

async fn fetch(
    bot: &Bot,
    media: &Media,
    max: u64,
    tell: &watch::Sender<&'static str>,
) -> Result<Vec<u8>, EngineError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let trouble = match bot.telegram.fetch(&media.file_id, max).await {
            Ok(Some(bytes)) => return Ok(bytes),
            Ok(None) => {
                let max = car_domain::format::bytes(max);
                return Err(EngineError::new(
                    ErrorKind::TooLarge,
                    format!("the file is larger than {max}"),
                ));
            }
            Err(trouble) => trouble,
        };
        let pause = match &trouble {
            Trouble::RetryAfter(after) => *after,
            Trouble::Uncertain(_) | Trouble::NotSent(_) => backoff(tries),
            _ => return Err(trouble.into()),
        };
        if tries >= MAX_TRIES {
            return Err(trouble.into());
        }
        tell.send_replace("The file does not come; trying again");
        wait(bot, pause).await?;
    }
}

async fn listen(
    bot: &Bot,
    media: &Media,
    bytes: Vec<u8>,
    tell: &watch::Sender<&'static str>,
) -> Result<String, EngineError> {
    let settings = &bot.settings;
    let speech =
        Speech { file_name: media.name.clone(), content_type: media.mime.clone(), language: None };
    let mut tries = 0;
    loop {
        tries += 1;
        let sound = futures::stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
        let error = match transcribe(&settings.config.voice, &settings.env, sound, &speech).await {
            Ok(transcript) if transcript.text.trim().is_empty() => {
                return Err(EngineError::invalid("nothing was said in the voice note"));
            }
            Ok(transcript) => return Ok(transcript.text),
            Err(error) => error,
        };
        let passes = matches!(
            error.reason,
            VoiceReason::Unreachable | VoiceReason::Timeout | VoiceReason::RateLimited
        );
        if !passes || tries >= MAX_TRIES {
            return Err(EngineError::from(error).with_hint("you can write it instead"));
        }
        tell.send_replace("The voice note is not written down yet; trying again");
        let pause = error.retry_after.unwrap_or_else(|| backoff(tries));
        wait(bot, pause.min(Duration::from_secs(60))).await?;
    }
}

/// Shows what was understood, so that a misunderstanding is seen.
async fn show_transcript(bot: &Bot, turn: &TurnRow, said: &str) -> Result<(), EngineError> {
    let shown = render::head(said, render::MAX_UNITS - 100);
    let html = format!("🎙 <i>{}</i>", render::escape(shown));
    let letter = Letter { html: Some(html), ..Letter::plain(format!("🎙 {shown}")) };
    let letter = letter.reply_to(turn.reply_to).silent();
    let key = format!("heard:{}", turn.id);
    bot.outbox.send(&[letter_to(turn.place(), key, letter, Priority::First)], &[]).await
}

fn backoff(tries: u32) -> Duration {
    Duration::from_millis(500) * 2_u32.pow(tries.min(6))
}

async fn wait(bot: &Bot, pause: Duration) -> Result<(), EngineError> {
    tokio::select! {
        () = bot.cancel.cancelled() => Err(EngineError::new(ErrorKind::Unavailable, "the bot ends")),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

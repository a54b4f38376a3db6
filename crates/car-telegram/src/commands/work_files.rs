//! `/files`: what people sent, and what Codex made for them.

use car_domain::format::bytes;
use car_engine::{EngineError, blocking};

use super::Call;
use crate::files::{Folder, Listed};
use crate::workspace;

/// Files of a folder that are listed.
const MAX_LISTED: usize = 50;

pub(super) async fn files(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let folder = Folder::of(&path, call.bound.place);
    let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
    let list = |part: &'static str| {
        let folder = folder.clone();
        blocking(move || folder.list(part))
    };
    match words[..] {
        [] => {
            let counts = [
                list("inbox").await?.len(),
                list("outbox/pending").await?.len(),
                list("outbox/sent").await?.len(),
            ];
            call.say(&format!(
                "You sent {}, {} wait to be sent to you, {} were sent. `/files inbox` and `/files outbox` list them, \
                 `/files send NAME` sends one, `/files clear inbox|outbox|all` removes them.",
                counts[0], counts[1], counts[2]
            ))
            .await
        }
        ["inbox"] => call.say(&listed("You sent", &list("inbox").await?)).await,
        ["outbox"] => {
            let pending = listed("Wait to be sent", &list("outbox/pending").await?);
            let sent = listed("Were sent", &list("outbox/sent").await?);
            call.say(&format!("{pending}\n\n{sent}")).await
        }
        ["clear", which] => {
            let parts: &[&'static str] = match which {
                "inbox" => &["inbox"],
                "outbox" => &["outbox/pending", "outbox/sent"],
                "all" => &["inbox", "outbox/pending", "outbox/sent"],
                _ => return Err(usage()),
            };
            let mut n = 0;
            for part in parts {
                let (folder, part) = (folder.clone(), *part);
                n += blocking(move || folder.clear(part)).await?;
            }
            call.record("files cleared", which).await?;
            call.say(&format!("{} removed.", car_domain::format::count(n as u64, "file", "files")))
                .await
        }
        ["send", name] => {
            let (max, place, name) =
                (call.bot.settings.bot().media.max_file_bytes, call.bound.place, name.to_owned());
            let shown = name.clone();
            let messages = blocking(move || folder.outgoing(place, max, Some(&name))).await?;
            if messages.is_empty() {
                return Err(EngineError::not_found(format!("No file {shown} waits to be sent"))
                    .with_hint("/files outbox lists those that do"));
            }
            call.bot.outbox.send(&messages, &[call.incoming.update_id]).await
        }
        _ => Err(usage()),
    }
}

fn usage() -> EngineError {
    EngineError::invalid("That is nothing I can do with files").with_hint(
        "/files, /files inbox, /files outbox, /files send NAME, /files clear inbox|outbox|all",
    )
}

fn listed(title: &str, files: &[Listed]) -> String {
    if files.is_empty() {
        return format!("{title}: nothing");
    }
    let lines: Vec<String> = files
        .iter()
        .take(MAX_LISTED)
        .map(|file| format!("- `{}` {}", file.name.replace('`', "'"), bytes(file.size)))
        .collect();
    format!("{title}:\n\n{}", lines.join("\n"))
}

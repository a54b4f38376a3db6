//! A terminal's output as a recording for asciinema's player: asciicast, version 2.
//!
//! The journal knows the order of bytes and not their times, so the recording plays them at an even pace.

use std::io::Write;

use car_host::Session;
use serde_json::json;

use crate::served::blocking;
use crate::{EngineError, Repo};

/// Bytes shown at once.
const PIECE: usize = 2048;
/// Seconds between two pieces.
const PACE: f64 = 0.05;
/// A file of the journal may be replaced by a newer one while it is read.
const TRIES: usize = 3;

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Its lines.
    pub text: Vec<u8>,
    /// Bytes that were written before its beginning, and are no longer there.
    pub missing: u64,
}

/// What is kept of the output of terminal `id`, as a recording.
///
/// # Errors
/// When there is no such terminal, or its journal cannot be read.
pub async fn recording(repo: &Repo, id: &str) -> Result<Recording, EngineError> {
    let session = super::get(repo, id).await?;
    blocking(move || {
        let (missing, bytes) = output(&session)?;
        Ok(Recording { text: cast(&session, &bytes), missing })
    })
    .await
}

fn output(session: &Session) -> Result<(u64, Vec<u8>), EngineError> {
    let mut tries = 1;
    loop {
        match session.output() {
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(_) => tries += 1,
            Ok(output) => return Ok(output),
        }
    }
}

fn cast(session: &Session, bytes: &[u8]) -> Vec<u8> {
    let record = &session.record;
    let head = json!({
        "version": 2,
        "width": record.size.cols,
        "height": record.size.rows,
        "timestamp": record.created_at.as_millis() / 1000,
        "title": record.title,
        "env": {"TERM": "xterm-256color"},
    });
    let mut text = format!("{head}\n").into_bytes();
    let (mut at, mut time) = (0, 0.0_f64);
    while at < bytes.len() {
        let until = end_of_piece(bytes, at);
        let data = String::from_utf8_lossy(&bytes[at..until]);
        let event = json!([(time * 1000.0).round() / 1000.0, "o", data]);
        // Writing to memory does not fail.
        let _ = writeln!(text, "{event}");
        at = until;
        time += PACE;
    }
    text
}

/// Where a piece ends without cutting a character.
fn end_of_piece(bytes: &[u8], at: usize) -> usize {
    let until = (at + PIECE).min(bytes.len());
    let is_cut = |until: &usize| bytes.get(*until).is_some_and(|byte| byte & 0xc0 == 0x80);
    (0..4).map(|back| until - back).find(|until| *until > at && !is_cut(until)).unwrap_or(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_cut() {
        let text = "ä".repeat(PIECE).into_bytes();
        let mut at = 0;
        while at < text.len() {
            let until = end_of_piece(&text, at);
            assert!(until > at && std::str::from_utf8(&text[at..until]).is_ok());
            at = until;
        }
        assert_eq!(end_of_piece(&[0x80; 5000], 0), PIECE, "what is no text is cut anywhere");
    }
}

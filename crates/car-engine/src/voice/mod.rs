//! Speech to text over a service compatible with OpenAI's transcriptions, with a key of one's own.
//!
//! Sound goes through and is neither kept nor logged. Every way it can fail has its own reason, so that a person reads what to
//! do and not "provider error".

mod content_type;
mod error;
mod settings;
#[cfg(test)]
mod tests;
mod whisper;

pub use error::{VoiceError, VoiceReason};
pub use settings::{PushToTalk, VoiceSettings, settings};
pub use whisper::{MAX_AUDIO_BYTES, Speech, Transcript, transcribe};

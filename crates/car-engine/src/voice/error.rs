//! Why there is no text.

use std::fmt;
use std::time::Duration;

use crate::{EngineError, ErrorKind};

/// Why there is no text, for doors that answer with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceReason {
    /// Voice is switched off.
    Disabled,
    /// No service of the configured name is known.
    UnknownProvider,
    /// There is no key.
    MissingKey,
    /// There is no sound.
    EmptyAudio,
    /// There is too much sound.
    AudioTooLarge,
    /// The sound could not be read from whoever sent it.
    UnreadableAudio,
    /// The service cannot use the sound.
    InvalidAudio,
    /// The service does not know the key.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// The service wants to be asked less often.
    RateLimited,
    /// The service did not answer in time.
    Timeout,
    /// The service cannot be reached.
    Unreachable,
    /// The service failed, or answered what nobody understands.
    ProviderError,
}

impl VoiceReason {
    /// Its name, as the original's where it had one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::UnknownProvider => "unknown_provider",
            Self::MissingKey => "missing_key",
            Self::EmptyAudio => "empty_audio",
            Self::AudioTooLarge => "audio_too_large",
            Self::UnreadableAudio => "unreadable_audio",
            Self::InvalidAudio => "invalid_audio",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::ProviderError => "provider_error",
        }
    }

    /// The HTTP status a door answers with.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Disabled | Self::EmptyAudio | Self::UnreadableAudio | Self::InvalidAudio => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::AudioTooLarge => 413,
            Self::RateLimited => 429,
            Self::MissingKey | Self::UnknownProvider => 503,
            Self::Timeout => 504,
            Self::Unreachable | Self::ProviderError => 502,
        }
    }
}

/// Why there is no text, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceError {
    /// For programs.
    pub reason: VoiceReason,
    /// For people.
    pub message: String,
    /// When to try again, if the service says so.
    pub retry_after: Option<Duration>,
}

impl VoiceError {
    pub(super) fn new(reason: VoiceReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry_after: None }
    }
}

impl fmt::Display for VoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for VoiceError {}

impl From<VoiceError> for EngineError {
    fn from(error: VoiceError) -> Self {
        let kind = match error.reason {
            VoiceReason::Disabled | VoiceReason::UnknownProvider | VoiceReason::MissingKey => {
                ErrorKind::Config
            }
            VoiceReason::EmptyAudio
            | VoiceReason::AudioTooLarge
            | VoiceReason::UnreadableAudio
            | VoiceReason::InvalidAudio => ErrorKind::Invalid,
            VoiceReason::Unauthorized | VoiceReason::Forbidden => ErrorKind::Unauthenticated,
            VoiceReason::RateLimited => ErrorKind::RateLimited,
            VoiceReason::Timeout => ErrorKind::Timeout,
            VoiceReason::Unreachable => ErrorKind::Unavailable,
            VoiceReason::ProviderError => ErrorKind::Other,
        };
        Self::new(kind, error.message)
    }
}

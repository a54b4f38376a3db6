//! One transcription: the sound goes as one part of a form, as it comes in, and is counted on the way.

use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use super::content_type::content_type;
use super::error::{VoiceError, VoiceReason};
use super::settings::api_key;
use crate::Redactor;
use crate::config::{RootEnv, Switch, VoiceConfig, VoiceProviderConfig};

/// What the service takes at most.
pub const MAX_AUDIO_BYTES: usize = 25 << 20;
/// The only kind of service.
const PROVIDER: &str = "openai_whisper";
/// Unless the configuration names another address.
const OPENAI: &str = "https://api.openai.com";
/// Bytes of an answer; the text of 25 MB of speech is far smaller.
const MAX_ANSWER: usize = 4 << 20;
/// Characters of a refusal that are told.
const MAX_DETAIL: usize = 300;

/// What is known about the sound.
#[derive(Clone, Debug, Default)]
pub struct Speech {
    /// Name of its file.
    pub file_name: Option<String>,
    /// What its sender calls it.
    pub content_type: Option<String>,
    /// Language as a code; above the configuration's.
    pub language: Option<String>,
}

/// The text, and what to know about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The text; empty when nothing was said.
    pub text: String,
    /// E.g. `provider_error_retry`.
    pub warnings: Vec<String>,
}

/// Has speech written down. Reads `audio` to its end or to the limit and keeps it only until the answer has come.
///
/// # Errors
/// With its reason, for every way it can fail. A failed connection is tried once more.
pub async fn transcribe<B, E>(
    config: &VoiceConfig,
    env: &RootEnv,
    audio: impl Stream<Item = Result<B, E>>,
    speech: &Speech,
) -> Result<Transcript, VoiceError>
where
    B: AsRef<[u8]>,
    E: std::fmt::Display,
{
    let provider = config.chosen_provider();
    if config.enabled == Switch::Off {
        return Err(VoiceError::new(VoiceReason::Disabled, "Voice is disabled"));
    }
    if config.provider != PROVIDER {
        let text = format!("`{}` is no known voice.provider; there is {PROVIDER}", config.provider);
        return Err(VoiceError::new(VoiceReason::UnknownProvider, text));
    }
    let Some(key) = api_key(config, env) else {
        let text = format!("There is no API key for voice; set {}", provider.api_key_env);
        return Err(VoiceError::new(VoiceReason::MissingKey, text));
    };
    let audio = bounded(audio).await?;
    let client = Client::builder()
        .timeout(provider.timeout())
        // A redirect would carry the key and the speech to somebody else.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| VoiceError::new(VoiceReason::ProviderError, error.to_string()))?;
    let redactor = Redactor::of(env).with(&key);
    let request = Request { client, provider, key, redactor, audio: audio.into(), speech };
    match request.send().await {
        Err(error) if error.reason == VoiceReason::Unreachable => {
            let warnings = vec!["provider_error_retry".to_owned()];
            request.send().await.map(|text| Transcript { text, warnings })
        }
        result => result.map(|text| Transcript { text, warnings: Vec::new() }),
    }
}

/// Stops reading as soon as it is too much.
async fn bounded<B: AsRef<[u8]>, E: std::fmt::Display>(
    audio: impl Stream<Item = Result<B, E>>,
) -> Result<Vec<u8>, VoiceError> {
    let mut audio = std::pin::pin!(audio);
    let mut bytes = Vec::new();
    while let Some(chunk) = audio.next().await {
        let chunk = chunk.map_err(|error| {
            let text = format!("The audio cannot be read: {error}");
            VoiceError::new(VoiceReason::UnreadableAudio, text)
        })?;
        let chunk = chunk.as_ref();
        if bytes.len() + chunk.len() > MAX_AUDIO_BYTES {
            let text = format!(
                "The audio is larger than {} MB; record a shorter clip and try again.",
                MAX_AUDIO_BYTES >> 20
            );
            return Err(VoiceError::new(VoiceReason::AudioTooLarge, text));
        }
        bytes.extend_from_slice(chunk);
    }
    if bytes.is_empty() {
        return Err(VoiceError::new(VoiceReason::EmptyAudio, "No audio received"));
    }
    Ok(bytes)
}

struct Request<'a> {
    client: Client,
    provider: VoiceProviderConfig,
    key: String,
    redactor: Redactor,
    /// Shared by both attempts.
    audio: std::sync::Arc<[u8]>,
    speech: &'a Speech,
}

impl Request<'_> {
    async fn send(&self) -> Result<String, VoiceError> {
        let base = self.provider.base_url.as_deref().unwrap_or(OPENAI).trim_end_matches('/');
        let url = format!("{base}/v1/audio/transcriptions");
        let sent = self.client.post(url).bearer_auth(&self.key).multipart(self.form()?).send();
        let response = sent.await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = self.body(response).await?;
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            let said = json["error"]["message"].as_str().unwrap_or_default();
            return Err(VoiceError { retry_after, ..self.refusal(status, said) });
        }
        match json["text"].as_str() {
            Some(text) => Ok(text.trim().to_owned()),
            None => Err(VoiceError::new(
                VoiceReason::ProviderError,
                "The transcription service answered without a text",
            )),
        }
    }

    fn form(&self) -> Result<Form, VoiceError> {
        let name = self.speech.file_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = name.unwrap_or("audio.webm");
        let kind = content_type(self.speech.content_type.as_deref(), name);
        let chunks: Vec<Result<Vec<u8>, std::convert::Infallible>> =
            self.audio.chunks(64 << 10).map(|chunk| Ok(chunk.to_vec())).collect();
        let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
        let file = Part::stream_with_length(body, self.audio.len() as u64)
            .file_name(name.to_owned())
            .mime_str(&kind)
            .map_err(|_| {
                let text = format!("`{kind}` is no content type");
                VoiceError::new(VoiceReason::InvalidAudio, text)
            })?;
        let form = Form::new()
            .part("file", file)
            .text("model", self.provider.model.clone())
            .text("temperature", self.provider.temperature.to_string());
        let language = self.speech.language.as_deref().or(self.provider.language.as_deref());
        Ok(match language.map(str::trim).filter(|language| !language.is_empty()) {
            Some(language) => form.text("language", language.to_owned()),
            None => form,
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, VoiceError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                let text = "The transcription service's answer is too long";
                return Err(VoiceError::new(VoiceReason::ProviderError, text));
            }
        }
        Ok(body)
    }

    fn failed(&self, error: &reqwest::Error) -> VoiceError {
        if error.is_timeout() {
            let seconds = self.provider.timeout().as_secs();
            let text = format!("The transcription service did not answer within {seconds} s");
            return VoiceError::new(VoiceReason::Timeout, text);
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let why = self.redactor.redact(&cause.to_string()).into_owned();
        let text = format!("The transcription service cannot be reached: {why}");
        let reason =
            if error.is_builder() { VoiceReason::ProviderError } else { VoiceReason::Unreachable };
        VoiceError::new(reason, text)
    }

    fn refusal(&self, status: StatusCode, said: &str) -> VoiceError {
        let variable = &self.provider.api_key_env;
        let said = self.redactor.redact(said);
        let said = car_domain::text::headline(&said, MAX_DETAIL);
        let detail = if said.is_empty() { String::new() } else { format!(" ({said})") };
        let (reason, text) = match status.as_u16() {
            401 => {
                (VoiceReason::Unauthorized, format!("The API key is rejected; check {variable}"))
            }
            403 => (
                VoiceReason::Forbidden,
                format!("The API key may not transcribe; check {variable}"),
            ),
            400 => (
                VoiceReason::InvalidAudio,
                "The service cannot use the audio; record again or in another format".to_owned(),
            ),
            413 => (
                VoiceReason::AudioTooLarge,
                "The audio is too large for the service; record a shorter clip".to_owned(),
            ),
            429 => (
                VoiceReason::RateLimited,
                "The service is asked too often; wait a moment and try again".to_owned(),
            ),
            _ => {
                (VoiceReason::ProviderError, format!("The transcription service failed: {status}"))
            }
        };
        VoiceError::new(reason, format!("{text}{detail}"))
    }
}

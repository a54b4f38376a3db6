//! Handing one message to a service, and understanding its answer.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::Message;
use super::targets::{Channel, Targets};
use crate::{EngineError, ErrorKind, Redactor};

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes read of an answer.
const MAX_ANSWER: usize = 16 << 10;
/// Characters of an answer that are told.
const MAX_DETAIL: usize = 300;

/// What a service said to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    /// Try again, at the earliest after that time when the service names one.
    Later {
        why: String,
        after: Option<Duration>,
    },
    /// Trying again would not help.
    Never(String),
}

/// A connection to the services.
pub(super) struct Transport {
    client: reqwest::Client,
    targets: Targets,
    redactor: Redactor,
}

impl Transport {
    pub(super) fn new(targets: Targets, redactor: Redactor) -> Result<Self, EngineError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect would carry the message, and for Telegram the token, to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                EngineError::new(ErrorKind::Other, "cannot prepare to send").with_source(error)
            })?;
        Ok(Self { client, targets, redactor })
    }

    /// Whether messages to `channel` can be sent at present.
    pub(super) fn reaches(&self, channel: Channel) -> bool {
        self.targets.channels().contains(&channel)
    }

    /// Sends a message once. Nothing in the answer holds a secret.
    pub(super) async fn send(&self, message: &Message) -> Answer {
        let (url, body) = match (message.channel, &self.targets) {
            (Channel::Discord, Targets { discord: Some(url), .. }) => {
                // Names of repositories and reasons are foreign text; they must not call anybody.
                let body = json!({ "content": message.text, "allowed_mentions": { "parse": [] } });
                (url.clone(), body)
            }
            (Channel::Telegram, Targets { telegram: Some(chat), .. }) => {
                let mut body = json!({ "chat_id": chat.chat_id, "text": message.text });
                if let Some(thread) = message.thread_id {
                    body["message_thread_id"] = thread.into();
                }
                (format!("{}/bot{}/sendMessage", chat.api_url, chat.token), body)
            }
            (channel, _) => {
                let why = format!("{} is not set up any more", channel.name());
                return Answer::Later { why, after: None };
            }
        };
        let answer = match self.client.post(url).json(&body).send().await {
            Ok(response) => understood(message.channel, response).await,
            Err(error) if error.is_builder() => Answer::Never("its address is no URL".to_owned()),
            Err(error) => Answer::Later { why: self.spoken(&error), after: None },
        };
        match answer {
            Answer::Accepted => Answer::Accepted,
            Answer::Later { why, after } => Answer::Later { why: self.clean(&why), after },
            Answer::Never(why) => Answer::Never(self.clean(&why)),
        }
    }

    fn spoken(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {} s", TIMEOUT.as_secs());
        }
        // The outermost text names the URL, the innermost the reason.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        format!("cannot be reached: {}", self.redactor.redact(&cause.to_string()))
    }

    fn clean(&self, text: &str) -> String {
        let text = self.redactor.redact(text);
        car_domain::text::headline(&text, MAX_DETAIL)
    }
}

async fn understood(channel: Channel, response: Response) -> Answer {
    let status = response.status();
    let header = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let body = bounded_body(response).await;
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = json["description"].as_str().or(json["message"].as_str()).unwrap_or_default();
    let why =
        if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
    if status.is_success() {
        let is_refused = channel == Channel::Telegram && json["ok"] == Value::Bool(false);
        return if is_refused { Answer::Never(why) } else { Answer::Accepted };
    }
    let in_body = json["retry_after"].as_f64().or(json["parameters"]["retry_after"].as_f64());
    let after = in_body.or(header).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let is_passing = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error();
    if is_passing { Answer::Later { why, after } } else { Answer::Never(why) }
}

/// The beginning of the body; what cannot be read is left out, the status says enough.
async fn bounded_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            break;
        }
    }
    body
}

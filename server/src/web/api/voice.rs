//! Speech to text.

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use car_engine::Repo;
use car_engine::voice::{
    MAX_AUDIO_BYTES, Speech, Transcript, VoiceError, VoiceReason, VoiceSettings, settings,
    transcribe,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::ApiRepo;

/// Room for what is around the sound in a form; how much sound is taken the engine says.
const MAX_BODY_BYTES: usize = MAX_AUDIO_BYTES + (4 << 20);

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(config))
        .routes(routes!(hear))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

#[derive(Deserialize, IntoParams)]
struct HearQuery {
    /// Language of the speech as a code such as `en`; as configured otherwise.
    language: Option<String>,
}

/// What was said.
#[derive(Serialize, ToSchema)]
struct Heard {
    /// Always `ok`.
    status: &'static str,
    /// The text; empty when nothing was said.
    text: String,
    /// Such as `provider_error_retry`.
    warnings: Vec<String>,
}

/// What clients need to know about voice
#[utoipa::path(
    get,
    path = "/api/voice/config",
    tag = "voice",
    responses((status = 200, body = VoiceSettings)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn config(ApiRepo { repo, .. }: ApiRepo) -> Json<VoiceSettings> {
    Json(settings(&repo.config().voice, repo.env()))
}

/// Write down what is said
///
/// The sound is the field `file` of a form, or the body itself; 25 MB at most. It is neither kept nor logged.
#[utoipa::path(
    post,
    path = "/api/voice/transcribe",
    tag = "voice",
    params(HearQuery),
    request_body(content = String, content_type = "multipart/form-data", description = "A form with the sound as `file`"),
    responses(
        (status = 200, body = Heard),
        (status = 400, description = "Voice is disabled, no sound came, or the service cannot use it; `code` says which"),
        (status = 401, description = "The service does not know the key"),
        (status = 403, description = "The key may not do this"),
        (status = 413, description = "It is too much sound, which is noticed while it comes"),
        (status = 429, description = "The service wants to be asked less often"),
        (status = 502, description = "The service cannot be reached, or failed"),
        (status = 503, description = "There is no key"),
        (status = 504, description = "The service did not answer in time"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn hear(
    ApiRepo { repo, .. }: ApiRepo,
    query: Result<Query<HearQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Heard>, Response> {
    let Query(HearQuery { language }) = query.map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.body_text()).into_response()
    })?;
    let speech = Speech { language, ..Speech::default() };
    let heard = match is_form(request.headers()) {
        true => from_form(&repo, speech, request).await,
        false => {
            let sound = request.into_body().into_data_stream();
            transcribe(&repo.config().voice, repo.env(), sound, &speech).await
        }
    };
    let Transcript { text, warnings } = heard.map_err(|error| refused(&error))?;
    Ok(Json(Heard { status: "ok", text, warnings }))
}

async fn from_form(
    repo: &Repo,
    speech: Speech,
    request: Request,
) -> Result<Transcript, VoiceError> {
    let (voice, env) = (&repo.config().voice, repo.env());
    let form = Multipart::from_request(request, &()).await;
    if let Ok(mut form) = form {
        while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
            if field.name() != Some("file") {
                continue;
            }
            let file_name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let speech = Speech { file_name, content_type, ..speech };
            let mut failure = None;
            let sound = field.inspect_err(|error| failure = Some(unreadable(error)));
            let heard = transcribe(voice, env, sound, &speech).await;
            // Why no more came is known better here.
            return heard.map_err(|error| failure.unwrap_or(error));
        }
    }
    // Without sound, so that whatever is wrong before it is told as always.
    transcribe(voice, env, futures::stream::empty::<Result<Vec<u8>, MultipartError>>(), &speech)
        .await
}

fn unreadable(error: &MultipartError) -> VoiceError {
    let (reason, message) = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => (
            VoiceReason::AudioTooLarge,
            "The audio is too large; record a shorter clip.".to_owned(),
        ),
        _ => {
            let text = format!("Unable to read audio upload: {}", error.body_text());
            (VoiceReason::UnreadableAudio, text)
        }
    };
    VoiceError { reason, message, retry_after: None }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("multipart/form-data")
}

fn refused(error: &VoiceError) -> Response {
    let status = StatusCode::from_u16(error.reason.http_status());
    let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let problem = Problem::new(status, error.message.clone()).with_code(error.reason.name());
    match error.retry_after {
        Some(wait) => ([(RETRY_AFTER, wait.as_secs().to_string())], problem).into_response(),
        None => problem.into_response(),
    }
}

//! What requests bring: bodies, queries, and the parts of an address. Whatever cannot be read is refused with a problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::super::WebState;
use super::super::problem::Problem;

/// A JSON object. No body is an empty object, as with the original; unknown members are ignored. What is not JSON is refused
/// with the place of the mistake.
pub(in crate::web) struct JsonBody<T>(pub(in crate::web) T);

impl<T: DeserializeOwned> FromRequest<WebState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).cloned();
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.into_response().status();
            let sentence = match status {
                StatusCode::PAYLOAD_TOO_LARGE => "The body of the request is too large.",
                _ => "The body of the request did not arrive.",
            };
            Problem::new(status, sentence)
        })?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !is_json(&kind) {
            let problem =
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be JSON.");
            return Err(problem.with_hint("send it with `Content-Type: application/json`"));
        }
        parse(&bytes).map(Self)
    }
}

/// The query of an address. Unknown parameters are ignored, as with the original; one that cannot be read is refused by name.
pub(in crate::web) struct ApiQuery<T>(pub(in crate::web) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(value)| Self(value))
            .map_err(|error| invalid(format!("{}.", error.body_text())))
    }
}

/// The parts of an address in braces.
pub(in crate::web) struct ApiPath<T>(pub(in crate::web) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value))
            .map_err(|error| invalid(format!("The address cannot be read: {}.", error.body_text())))
    }
}

/// 422: it can be read, and makes no sense.
pub(in crate::web) fn invalid(sentence: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence)
}

/// How many of something are wanted; `usual` and most are given. What is no number of things is refused, too much is cut down.
pub(in crate::web) fn limited(
    wanted: Option<i64>,
    (usual, most): (u32, u32),
) -> Result<u32, Problem> {
    match wanted {
        None => Ok(usual),
        Some(wanted) if wanted < 1 => Err(invalid("`limit` has to be 1 or more.")),
        Some(wanted) => Ok(u32::try_from(wanted).unwrap_or(most).min(most)),
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        let at = if place == "." { String::new() } else { format!(" at `{place}`") };
        format!("The body cannot be read{at}: {}.", error.inner())
    });
    let value = parsed.and_then(|value| {
        reader.end().map_err(|error| format!("The body cannot be read: {error}.")).map(|()| value)
    });
    value.map_err(invalid)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Wanted {
        once: bool,
    }

    #[test]
    fn a_body_that_cannot_be_read_says_where() {
        let said = |text: &str| {
            parse::<Wanted>(text.as_bytes()).map_err(|problem| problem.detail().to_owned())
        };
        assert!(said(r#"{"once": true, "unknown": 1}"#).is_ok());
        let wrong = said(r#"{"once": "yes"}"#).expect_err("no bool");
        assert!(wrong.contains("at `once`"), "{wrong}");
        assert!(said("{\"once\": true} {").is_err());
        assert!(said("[]").is_err());
    }

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json; charset=utf-8"));
        assert!(is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain"));
        assert!(!is_json(""));
    }
}

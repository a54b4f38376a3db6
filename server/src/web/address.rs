//! From the address a client used to the path the router knows.
//!
//! Two prefixes are taken off before anything else looks: the base path under which a proxy shows us, and `/repos/{id}` in
//! front of a repository's API, which becomes a [`RepoId`]. So every route exists once.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HOST, LOCATION};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::WebState;
use super::problem::Problem;

const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
/// What a bookmark without the base path may name, as the original has it; it is sent on.
const KNOWN: [&str; 6] = ["/api", "/hub", "/repos", "/static", "/health", "/system"];
/// What of a repository is served below its own prefix; everything else there is a page.
const OF_A_REPO: [&str; 4] = ["/api", "/static", "/health", "/system"];

/// The repository that `/repos/{id}` named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RepoId(pub(super) String);

/// Where a path lies when everything is served below a base path.
#[derive(Debug, PartialEq, Eq)]
enum Place<'p> {
    /// Here, at this path.
    Here(&'p str),
    /// The client has to go to this path.
    Elsewhere(String),
    /// Not ours.
    Nowhere,
}

/// Takes the prefixes off, or sends the client to where the base path is.
pub(super) async fn resolve(
    State(state): State<WebState>,
    mut request: Request,
    next: Next,
) -> Response {
    // HTTP/2 names the host elsewhere.
    if !request.headers().contains_key(HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path();
    let place =
        if is_stripped(&request, &state) { Place::Here(path) } else { place_of(&state.base, path) };
    let inside = match place {
        Place::Here(path) => path.to_owned(),
        Place::Elsewhere(target) => {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            let location = [(LOCATION, format!("{target}{query}"))];
            return (StatusCode::PERMANENT_REDIRECT, location).into_response();
        }
        Place::Nowhere => {
            let problem = Problem::new(StatusCode::NOT_FOUND, "There is nothing at this address.");
            return problem.with_hint(format!("this server is at {}/", state.base)).into_response();
        }
    };
    let (path, repo) = match repo_prefix(&inside) {
        Some((id, rest)) => (rest.to_owned(), Some(RepoId(id))),
        None => (inside, None),
    };
    if path != request.uri().path() && !set_path(&mut request, &path) {
        return Problem::new(StatusCode::BAD_REQUEST, "The address cannot be read.")
            .into_response();
    }
    if let Some(repo) = repo {
        request.extensions_mut().insert(repo);
    }
    below(&state.base, next.run(request).await)
}

/// A place that is named without the base path gets it.
fn below(base: &str, mut response: Response) -> Response {
    let named = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
    let place = named.filter(|place| place.starts_with('/') && !place.starts_with("//"));
    let place = place.and_then(|place| format!("{base}{place}").parse().ok());
    if let Some(place) = place.filter(|_| !base.is_empty()) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// Whether a proxy we trust took the base path off already, and says so.
fn is_stripped(request: &Request, state: &WebState) -> bool {
    let said = request.headers().get(FORWARDED_PREFIX).map(axum::http::HeaderValue::as_bytes);
    let said = said.map(|said| said.strip_suffix(b"/").unwrap_or(said));
    said == Some(state.base.as_bytes())
        && super::edge::comes_from_proxy(request, &state.served.config().server)
}

fn place_of<'p>(base: &str, path: &'p str) -> Place<'p> {
    if base.is_empty() {
        return Place::Here(path);
    }
    match path.strip_prefix(base) {
        Some("") => Place::Elsewhere(format!("{base}/")),
        Some(rest) if rest.starts_with('/') => Place::Here(rest),
        _ if path == "/" || KNOWN.iter().any(|known| is_below(path, known)) => {
            Place::Elsewhere(format!("{base}{path}"))
        }
        _ => Place::Nowhere,
    }
}

/// The id and the rest of `/repos/{id}/api/…`; nothing for pages.
fn repo_prefix(path: &str) -> Option<(String, &str)> {
    let (id, rest) = path.strip_prefix("/repos/")?.split_once('/')?;
    let rest = &path[path.len() - rest.len() - 1..];
    OF_A_REPO.iter().any(|known| is_below(rest, known)).then(|| (decoded(id), rest))
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Percent signs of a path's part undone. A plus sign is a plus sign here.
fn decoded(part: &str) -> String {
    super::auth::form_decoded(&part.replace('+', "%2B"))
}

fn set_path(request: &mut Request<Body>, path: &str) -> bool {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    match Uri::from_parts(parts) {
        Ok(uri) => {
            *request.uri_mut() = uri;
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_a_base_path_old_bookmarks_are_sent_on_and_the_rest_is_not_ours() {
        let moved = |path: &str| Place::Elsewhere(path.to_owned());
        for (path, expected) in [
            ("/car", moved("/car/")),
            ("/car/", Place::Here("/")),
            ("/car/api/state", Place::Here("/api/state")),
            ("/", moved("/car/")),
            ("/api/state", moved("/car/api/state")),
            ("/health", moved("/car/health")),
            ("/healthy", Place::Nowhere),
            ("/carpet", Place::Nowhere),
            ("/login", Place::Nowhere),
        ] {
            assert_eq!(place_of("/car", path), expected, "{path}");
        }
        assert_eq!(place_of("", "/car"), Place::Here("/car"));
    }

    #[test]
    fn the_api_of_a_repository_is_told_from_its_pages() {
        let id = |path| repo_prefix(path).map(|(id, rest)| (id, rest.to_owned()));
        assert_eq!(id("/repos/a/api/state"), Some(("a".into(), "/api/state".into())));
        assert_eq!(id("/repos/a%2Fb+c/health"), Some(("a/b+c".into(), "/health".into())));
        for page in ["/repos/a", "/repos/a/", "/repos/a/runs", "/repos/a/apis", "/repos"] {
            assert_eq!(id(page), None, "{page}");
        }
    }
}

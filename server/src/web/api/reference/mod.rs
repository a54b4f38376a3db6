//! The description of the API as a page, for people. It needs no script and nothing from elsewhere.

mod operation;
mod shape;

use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use leptos::prelude::*;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use operation::Operation;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(reference))
}

/// This description as a page
#[utoipa::path(
    get,
    path = "/api/reference",
    tag = "server",
    responses((status = 200, description = "HTML", content_type = "text/html")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn reference(State(state): State<WebState>) -> Response {
    let document = serde_json::to_value(state.document.as_ref()).unwrap_or_default();
    let body = page(&document, &state.base);
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(format!("<!DOCTYPE html>{body}"))).into_response()
}

fn page(document: &Value, base: &str) -> String {
    let operations = operation::all(document);
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    let group = |tag: &Value| {
        let name = tag["name"].as_str().unwrap_or_default().to_owned();
        let listed: Vec<_> = operations.iter().filter(|one| one.tag == name).cloned().collect();
        let about = tag["description"].as_str().unwrap_or_default().to_owned();
        (!listed.is_empty()).then(|| view! { <Group name about listed/> })
    };
    let at = |path: &str| format!("{base}{path}");
    let contents = tags.iter().filter_map(|tag| tag["name"].as_str()).map(|name| {
        let name = name.to_owned();
        view! { <a href=format!("#{name}")>{name.clone()}</a> }
    });
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="dark light"/>
                <title>"HTTP API · CAR"</title>
                <link rel="icon" href=at("/favicon.svg") type="image/svg+xml"/>
                <link rel="stylesheet" href=at("/pkg/car.css")/>
            </head>
            <body>
                <main class="reference" id="main">
                    <header class="reference__head">
                        <h1>"HTTP API"</h1>
                        <p>{document["info"]["description"].as_str().unwrap_or_default().to_owned()}</p>
                        <Rules/>
                        <nav class="reference__contents" aria-label="Contents">
                            {contents.collect_view()}
                            <a href=at("/api/openapi.json")>"OpenAPI document"</a>
                        </nav>
                    </header>
                    {tags.iter().map(group).collect_view()}
                </main>
            </body>
        </html>
    }
    .to_html()
}

/// What holds for every route.
#[component]
fn Rules() -> impl IntoView {
    view! {
        <dl class="reference__rules">
            <dt>"Login"</dt>
            <dd>
                <code>"Authorization: Bearer TOKEN"</code>
                "; the token is in " <code>".codex-autorunner/server-token"</code>
                " of the served directory. Pages of CAR use the cookie of their session and send "
                <code>"X-CAR-Request: 1"</code> " with every write."
            </dd>
            <dt>"Errors"</dt>
            <dd>
                <code>"application/problem+json"</code> " with " <code>"status"</code> ", " <code>"code"</code> ", "
                <code>"detail"</code> " (a sentence) and " <code>"hint"</code> " (what to do)."
            </dd>
            <dt>"Repeating"</dt>
            <dd>
                "Send " <code>"Idempotency-Key"</code>
                " with a write, and a repetition within a day gets the same answer without being done again."
            </dd>
            <dt>"Classes"</dt>
            <dd>
                <b>"read"</b> " shows, " <b>"write"</b> " changes, " <b>"dangerous"</b>
                " asks a browser to confirm who it is first (" <code>"POST /api/confirm"</code> ")."
            </dd>
        </dl>
    }
}

/// The routes of one tag.
#[component]
fn Group(
    /// The tag.
    name: String,
    /// What they are about.
    about: String,
    /// The routes.
    listed: Vec<Operation>,
) -> impl IntoView {
    let title = {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default()
            + letters.as_str()
    };
    view! {
        <section class="reference__group" id=name.clone() aria-labelledby=format!("{name}-title")>
            <h2 id=format!("{name}-title")>{title}</h2>
            <p class="muted">{about}</p>
            {listed.into_iter().map(Operation::view).collect_view()}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_on_the_page_and_nothing_comes_from_elsewhere() {
        let document = serde_json::to_value(super::super::document()).expect("JSON");
        let html = page(&document, "/car");
        let n_routes: usize = document["paths"]
            .as_object()
            .expect("paths")
            .values()
            .map(|item| item.as_object().map_or(0, serde_json::Map::len))
            .sum();
        assert_eq!(html.matches("<details").count(), n_routes);
        assert!(!html.contains("http://") && !html.contains("https://"), "no address of others");
        assert!(html.contains("href=\"/car/pkg/car.css\""));
    }
}

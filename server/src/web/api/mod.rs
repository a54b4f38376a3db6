//! The HTTP API: every path of the original, and what it lacked.
//!
//! A route is declared once, by `#[utoipa::path]` on its handler: path, parameters, answers, and its class
//! ([`class`]) in the extension `x-car-class`. The router, the document at `/api/openapi.json`, and who may call what are all
//! made from that. Paths of a repository are written without `/repos/{id}`; [`super::address`] takes the prefix off, and
//! [`ApiRepo`] says which repository is meant. Handlers are a few lines over the engine and own no rule.

mod changes;
pub(super) mod class;
mod confirm;
mod devices;
mod docs;
mod document;
mod events;
mod github;
mod housekeeping;
mod hub;
mod idempotency;
mod input;
mod logs;
mod notifications;
mod reference;
mod repo;
mod requests;
mod run;
mod runs;
mod sessions;
mod settings;
mod state;
mod system;
mod terminal;
mod terminal_image;
mod usage;
mod voice;

use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use super::WebState;
pub(super) use class::Class;
pub(super) use confirm::Confirmations;
pub(super) use input::{ApiPath, ApiQuery, JsonBody, invalid, limited};
pub(super) use repo::{ApiRepo, ApiScope};

/// What the document says about itself; paths and schemas come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "CAR",
        description = "Coding agents in a loop: runs, documents, conversations, hubs. In a hub, the paths of a repository \
                       begin with `/repos/{id}`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "repository", description = "What a repository is doing"),
        (name = "loop", description = "Starting, stopping and steering the loop of a repository"),
        (name = "runs", description = "What runs did, said and changed"),
        (name = "usage", description = "Tokens"),
        (name = "conversations", description = "What agents ask"),
        (name = "documents", description = "TODO, PROGRESS, OPINIONS, SPEC, SUMMARY: texts, versions, and talking about them"),
        (name = "github", description = "Issues and pull requests, through `gh`"),
        (name = "hub", description = "A directory of repositories: the list, loops, worktrees, jobs"),
        (name = "notifications", description = "Messages to Discord and Telegram"),
        (name = "terminal", description = "Terminals"),
        (name = "voice", description = "Speech to text"),
        (name = "server", description = "The server itself"),
    )
)]
struct About;

/// The description of the API.
pub(super) fn document() -> Document {
    document::with_ids(routes().into_openapi())
}

/// Every route of the API, behind what each request to it has to pass.
pub(super) fn router(state: &WebState) -> Router<WebState> {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(state.clone(), idempotency::check))
        .route_layer(middleware::from_fn_with_state(state.clone(), confirm::check))
}

fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::with_openapi(About::openapi())
        .merge(confirm::routes())
        .merge(devices::routes())
        .merge(document::routes())
        .merge(reference::routes())
        .merge(docs::routes())
        .merge(github::routes())
        .merge(housekeeping::routes())
        .merge(hub::routes())
        .merge(notifications::routes())
        .merge(events::routes())
        .merge(settings::routes())
        .merge(state::routes())
        .merge(terminal::routes())
        .merge(terminal_image::routes())
        .merge(voice::routes())
        .merge(run::routes())
        .merge(runs::routes())
        .merge(logs::routes())
        .merge(changes::routes())
        .merge(requests::routes())
        .merge(sessions::routes())
        .merge(usage::routes())
        .merge(system::routes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_says_what_calling_it_can_do() {
        let undeclared: Vec<_> = class::declared(&document())
            .into_iter()
            .filter(|(_, _, class)| class.is_none())
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        assert_eq!(undeclared, Vec::<String>::new());
    }

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = serde_json::to_value(document()).expect("JSON");
        let items = document["paths"].as_object().expect("paths").values();
        let operations = items.flat_map(|item| item.as_object().expect("operations").values());
        let mut ids: Vec<_> =
            operations.map(|one| one["operationId"].as_str().expect("an id")).collect();
        ids.sort_unstable();
        assert_eq!(ids.iter().find(|id| ids.iter().filter(|other| other == id).count() > 1), None);
    }

    #[test]
    fn the_description_is_what_the_last_release_said_or_was_changed_on_purpose() {
        insta::assert_json_snapshot!("openapi", document());
    }
}

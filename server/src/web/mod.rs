//! The web server: pages, server functions, the event stream, static files.
//!
//! One router; what a request may do is decided in [`edge`] before anything else sees it.

mod assets;
mod edge;
mod events;
mod health;
mod options;
mod policy;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::App;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware;
use axum::routing::get;
use car_engine::Served;
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;

/// How long requests may take to end when the server does.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// What handlers share.
#[derive(Clone, FromRef)]
pub(crate) struct WebState {
    options: LeptosOptions,
    served: Arc<Served>,
    cancel: CancellationToken,
}

/// Serves `served` on `listener` until `cancel`.
pub(crate) async fn serve(
    listener: TcpListener,
    served: Arc<Served>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let tracker = TaskTracker::new();
    served.watch(&tracker, &cancel);
    let router = router(served, cancel.clone())?;
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
    let deadline = async {
        cancel.cancelled().await;
        tokio::time::sleep(SHUTDOWN_PATIENCE).await;
    };
    tokio::select! {
        served = serving => served.context("cannot accept connections")?,
        () = deadline => tracing::warn!("requests that did not end were cut off"),
    }
    tracker.close();
    tracker.wait().await;
    Ok(())
}

/// Every route of the server.
pub(crate) fn router(served: Arc<Served>, cancel: CancellationToken) -> anyhow::Result<Router> {
    let options = options::leptos_options()?;
    let state = WebState { options, served, cancel };
    let context = {
        let served = state.served.clone();
        move || {
            provide_context(served.clone());
            policy::protect_page();
        }
    };
    let shell = {
        let options = state.options.clone();
        move || app::shell(options.clone())
    };
    Ok(Router::new()
        .route("/health", get(health::health))
        .route("/api/events", get(events::events))
        .leptos_routes_with_context(
            &state,
            generate_route_list(App),
            context.clone(),
            shell.clone(),
        )
        .layer(CompressionLayer::new())
        // Not compressed here: release builds bring compressed files, and debug builds would spend seconds on each.
        .fallback(assets::asset_or(state.clone(), context, shell))
        .layer(middleware::from_fn_with_state(state.clone(), edge::check))
        .with_state(state))
}

//! The web server: pages, server functions, the event stream, static files.
//!
//! One router. [`address`] takes prefixes off, [`edge`] refuses requests of other sites, [`auth`] asks who one is; only then
//! anything else sees a request.

mod address;
mod api;
mod assets;
mod auth;
mod cookie;
mod edge;
mod listen;
mod login;
mod options;
mod policy;
mod problem;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::App;
use axum::Router;
use axum::extract::FromRef;
use axum::extract::connect_info::Connected;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use axum::serve::{IncomingStream, Listener};
use car_engine::Served;
use car_engine::idempotency::Answers;
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;

use api::{Class, Confirmations};
pub(crate) use auth::Gate;
use listen::{Connection, PlainListener, TlsListener};
pub(crate) use listen::{Tls, unix_socket};

/// How long requests may take to end when the server does.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// What handlers share.
#[derive(Clone, FromRef)]
pub(crate) struct WebState {
    options: LeptosOptions,
    served: Arc<Served>,
    gate: Gate,
    cancel: CancellationToken,
    /// Prefix of every address, as `/car`; empty when there is none.
    base: Arc<str>,
    /// The description of the HTTP API.
    document: Arc<utoipa::openapi::OpenApi>,
    /// What calling each of its routes can do.
    classes: Arc<HashMap<(Method, String), Class>>,
    confirmations: Arc<Confirmations>,
    /// Answers to requests that brought a key.
    answers: Arc<Answers>,
    /// Owns work that goes on when its client goes away.
    tracker: TaskTracker,
}

/// How and to whom a root is served.
pub(crate) struct Service {
    /// What is served.
    pub(crate) served: Arc<Served>,
    /// Who is let in.
    pub(crate) gate: Gate,
    /// Prefix of every address, as `/car`; empty for none.
    pub(crate) base_path: String,
}

/// Where the server listens.
pub(crate) struct Listeners {
    /// For browsers.
    pub(crate) tcp: TcpListener,
    /// What they speak there, when it is TLS.
    pub(crate) tls: Option<Tls>,
    /// For programs of the owner on this machine.
    pub(crate) socket: Option<UnixListener>,
}

/// Serves until `cancel`.
pub(crate) async fn serve(
    service: Service,
    listeners: Listeners,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let tracker = TaskTracker::new();
    service.served.watch(&tracker, &cancel);
    let router = router(service, tracker.clone(), cancel.clone())?;
    let Listeners { tcp, tls, socket } = listeners;
    let local = socket.map(|socket| accept(socket, router.clone(), cancel.clone()));
    let serving = async {
        let local = futures::future::OptionFuture::from(local);
        let public = async {
            match tls {
                Some(tls) => accept(TlsListener::new(tcp, tls), router, cancel.clone()).await,
                None => accept(PlainListener(tcp), router, cancel.clone()).await,
            }
        };
        tokio::try_join!(public, async { local.await.unwrap_or(Ok(())) })
    };
    let deadline = async {
        cancel.cancelled().await;
        tokio::time::sleep(SHUTDOWN_PATIENCE).await;
    };
    tokio::select! {
        served = serving => drop(served.context("cannot accept connections")?),
        () = deadline => tracing::warn!("requests that did not end were cut off"),
    }
    tracker.close();
    tracker.wait().await;
    Ok(())
}

async fn accept<L>(listener: L, router: Router, cancel: CancellationToken) -> std::io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
    Connection: for<'a> Connected<IncomingStream<'a, L>>,
{
    let service = router.into_make_service_with_connect_info::<Connection>();
    axum::serve(listener, service).with_graceful_shutdown(cancel.cancelled_owned()).await
}

/// Every route of the server.
fn router(
    service: Service,
    tracker: TaskTracker,
    cancel: CancellationToken,
) -> anyhow::Result<Router> {
    let options = options::leptos_options()?;
    let document = api::document();
    let Service { served, gate, base_path } = service;
    let base = base_path.into();
    let state = WebState {
        options,
        answers: Arc::new(Answers::of(served.root())),
        served,
        gate,
        cancel,
        base,
        classes: Arc::new(api::class::table(&document)),
        document: Arc::new(document),
        confirmations: Arc::default(),
        tracker,
    };
    let context = {
        let (served, base) = (state.served.clone(), state.base.clone());
        let access = match &state.gate {
            Gate::Closed(access) => Some(access.clone()),
            Gate::Open => None,
        };
        move || {
            if let Some(access) = access.clone() {
                provide_context(access);
            }
            provide_context(served.clone());
            provide_context(app::BasePath(base.clone()));
            provide_context(app::Build(assets::build()));
            policy::protect_page();
        }
    };
    let shell = {
        let options = state.options.clone();
        move || app::shell(options.clone())
    };
    let mut router = api::router(&state);
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    let inside = router
        .leptos_routes_with_context(
            &state,
            generate_route_list(App),
            context.clone(),
            shell.clone(),
        )
        .layer(CompressionLayer::new())
        // Not compressed here: release builds bring compressed files, and debug builds would spend seconds on each.
        .fallback(assets::asset_or(context, shell))
        .layer(middleware::from_fn_with_state(state.clone(), auth::check))
        .layer(middleware::from_fn_with_state(state.clone(), edge::check))
        .with_state(state.clone());
    // Outside of the router that knows the paths: what a layer does to an address comes too late for the router it lies in.
    let resolve = middleware::from_fn_with_state(state, address::resolve);
    Ok(Router::new().fallback_service(inside).layer(resolve))
}

/// The addresses that are neither pages nor server functions nor files. One list, so that tests see every one of them.
fn routes() -> [(&'static str, MethodRouter<WebState>); 4] {
    [
        ("/login", get(login::page).post(login::submit)),
        ("/logout", post(login::logout)),
        ("/offline", get(worker::page)),
        ("/sw.js", get(worker::script)),
    ]
}

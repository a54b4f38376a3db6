//! `car serve`

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use car_engine::Served;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{CliError, CommandResult, RepoArg, logging, own_program, ui};
use crate::web;

/// Serve the repository, or the hub, to browsers
#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Address to listen on; only loopback
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 for any free one
    #[arg(long)]
    port: Option<u16>,
}

pub(super) fn run(args: &ServeArgs) -> CommandResult {
    let root = car_engine::find_root_config(args.repo.path())?;
    serve_until_signal(&root, args.host.as_deref(), args.port, |served, address| {
        let what = if served.is_hub() { "hub" } else { "repo" };
        ui::out(&format!("Serving {what} on http://{address}"));
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Serves `root` until INT or TERM; `ready` hears the address when connections are accepted.
pub(super) fn serve_until_signal(
    root: &Path,
    host: Option<&str>,
    port: Option<u16>,
    ready: impl FnOnce(&Served, SocketAddr),
) -> Result<(), CliError> {
    logging::start();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let served = Served::open(root, own_program())?;
        let host = host.unwrap_or(&served.config().server.host).to_owned();
        let port = port.unwrap_or(served.config().server.port);
        let listener = listen(&host, port).await?;
        let address = listener
            .local_addr()
            .map_err(|error| CliError::other(format!("cannot learn the address: {error}")))?;
        let cancel = CancellationToken::new();
        cancel_on_signal(&cancel)?;
        ready(&served, address);
        web::serve(listener, served, cancel)
            .await
            .map_err(|error| CliError::other(format!("the server failed: {error:#}")))
    })
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, CliError> {
    let failed = |error| {
        CliError::other(format!("cannot listen on {host}:{port}: {error}"))
            .with_hint("is another server running? choose another one with --port, 0 for any")
    };
    let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
    let is_loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    if is_loopback {
        return Ok(listener);
    }
    Err(CliError::other(
        "Refusing to bind to a non-loopback host without server.auth_token_env set.",
    )
    .with_hint(
        "use --host 127.0.0.1 and reach it through SSH or a VPN; logins come with a later version",
    ))
}

fn cancel_on_signal(cancel: &CancellationToken) -> Result<(), CliError> {
    let failed = |error| CliError::other(format!("cannot listen to signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let cancel = cancel.clone();
    // Ends with the process; there is nothing to tidy up in it.
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(())
}

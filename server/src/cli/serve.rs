//! `car serve`

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use car_engine::access::{Access, CODE_LIFETIME, PairingCode};
use car_engine::config::{AuthMode, Mode, ServerConfig, load_with_env};
use car_engine::hub::{Hub, Reporter};
use car_engine::{RunningServer, Served};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{CliError, CommandResult, RepoArg, logging, own_program, ui};
use crate::web::{self, Gate};

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
    serve(&root, args.host.as_deref(), args.port)
}

/// Serves `root` and says where.
pub(super) fn serve(root: &Path, host: Option<&str>, port: Option<u16>) -> CommandResult {
    serve_until_signal(root, host, port, |serving| {
        let what = if serving.served.is_hub() { "hub" } else { "repo" };
        ui::out(&format!("Serving {what} on http://{}", serving.address));
        serving.tell_how_to_log_in();
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A server that accepts connections.
pub(super) struct Serving<'a> {
    pub(super) served: &'a Served,
    pub(super) address: SocketAddr,
    /// A code for the first browser; absent when nobody has to log in.
    code: Option<PairingCode>,
}

impl Serving<'_> {
    /// Where a browser begins; works once and for a few minutes when there is a login.
    pub(super) fn link(&self) -> String {
        login_link(self.address, self.code.as_ref())
    }

    fn tell_how_to_log_in(&self) {
        if self.code.is_some() {
            let minutes = CODE_LIFETIME.as_secs() / 60;
            ui::out(&format!("Log in:  {}", self.link()));
            ui::say(&format!(
                "The link works once, within {minutes} minutes. `car open` makes a new one, `car pair` one for a phone."
            ));
        } else {
            ui::say(&format!(
                "{}warning:{} nobody has to log in (server.auth: off); every program on this machine can run commands as you.",
                ui::style::YELLOW,
                ui::style::RESET
            ));
        }
    }
}

/// The address of the login page with a code filled in, or of the first page.
pub(super) fn login_link(address: impl std::fmt::Display, code: Option<&PairingCode>) -> String {
    match code {
        Some(code) => format!("http://{address}/login?code={}", code.plain()),
        None => format!("http://{address}/"),
    }
}

/// Serves `root` until INT or TERM; `ready` hears the address when connections are accepted.
pub(super) fn serve_until_signal(
    root: &Path,
    host: Option<&str>,
    port: Option<u16>,
    ready: impl FnOnce(&Serving<'_>),
) -> Result<(), CliError> {
    logging::start();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        prepare_hub(root).await?;
        let served = Served::open(root, own_program())?;
        let host = host.unwrap_or(&served.config().server.host).to_owned();
        let port = port.unwrap_or(served.config().server.port);
        let listener = listen(&host, port, &served.config().server).await?;
        let address = listener
            .local_addr()
            .map_err(|error| CliError::other(format!("cannot learn the address: {error}")))?;
        let cancel = CancellationToken::new();
        cancel_on_signal(&cancel)?;
        let (gate, code) = gate(root, &served).await?;
        let _told = RunningServer::announce(root, address)?;
        ready(&Serving { served: &served, address, code });
        web::serve(listener, served, gate, cancel)
            .await
            .map_err(|error| CliError::other(format!("the server failed: {error:#}")))
    })
}

/// In a hub: finds repositories and takes over loops that live. Trouble with it is no reason not to serve.
async fn prepare_hub(root: &Path) -> Result<(), CliError> {
    if load_with_env(root)?.0.mode != Mode::Hub {
        return Ok(());
    }
    let hub = Hub::open(root, own_program())?;
    if let Err(error) = hub.scan(&Reporter::default()).await {
        tracing::warn!(%error, "the hub was not searched");
    }
    if let Err(error) = hub.adopt().await {
        tracing::warn!(%error, "loops that were at work were not looked at");
    }
    Ok(())
}

/// Who is let in, and a code for the first browser.
async fn gate(root: &Path, served: &Served) -> Result<(Gate, Option<PairingCode>), CliError> {
    if served.config().server.auth == AuthMode::Off {
        return Ok((Gate::Open, None));
    }
    let (config, env) = load_with_env(root)?;
    let access = Access::open(root, &config, &env)?;
    let code = access.new_code().await?;
    Ok((Gate::Closed(Arc::new(access)), Some(code)))
}

async fn listen(host: &str, port: u16, config: &ServerConfig) -> Result<TcpListener, CliError> {
    let failed = |error| {
        CliError::other(format!("cannot listen on {host}:{port}: {error}"))
            .with_hint("is another server running? choose another one with --port, 0 for any")
    };
    let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
    if listener.local_addr().is_ok_and(|address| address.ip().is_loopback()) {
        return Ok(listener);
    }
    if config.auth == AuthMode::Off {
        return Err(CliError::config(
            "Refusing to bind to a non-loopback host with server.auth: off",
        )
        .with_hint("set server.auth: on"));
    }
    if config.trusted_proxies.is_empty() {
        return Err(CliError::config(
            "Refusing to bind to a non-loopback host without TLS: logins would cross the network readable",
        )
        .with_hint(
            "put a proxy with TLS in front and name its address in server.trusted_proxies, or stay on \
             127.0.0.1 and reach it through SSH or a VPN",
        ));
    }
    Ok(listener)
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

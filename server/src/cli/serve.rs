//! `car serve`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use car_engine::access::{Access, CODE_LIFETIME, PairingCode};
use car_engine::config::{
    AuthMode, ServerConfig, base_path_problem, load_with_env, normal_base_path,
};
use car_engine::{RunningServer, Served, ServerPlace};
use car_telegram::BotOptions;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{CliError, CommandResult, RepoArg, logging, own_program, ui};
use crate::web::{self, Gate, Listeners, Service, Tls, unix_socket};

/// Serve the repository, or the hub, to browsers
#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    repo: RepoArg,
    #[command(flatten)]
    listen: ListenArgs,
}

/// Where a server listens, when not where the configuration says
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ListenArgs {
    /// Address to listen on; off loopback only with TLS or a declared proxy
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 for any free one
    #[arg(long)]
    port: Option<u16>,
    /// Path in front of every address, for a server behind a proxy
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
    /// Also listen at this Unix socket, which only you can use
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Certificate chain for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl ListenArgs {
    /// On this port of the usual address.
    pub(super) fn on_port(port: u16) -> Self {
        Self { port: Some(port), ..Self::default() }
    }

    async fn bind(&self, config: &ServerConfig) -> Result<Listeners, CliError> {
        let host = self.host.as_deref().unwrap_or(&config.host);
        let failed = |error: anyhow::Error| CliError::other(format!("{error:#}"));
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(Tls::read(cert, key).map_err(failed)?),
            _ => None,
        };
        let tcp = listen(host, self.port.unwrap_or(config.port), config, tls.is_some()).await?;
        let socket = self.socket.as_deref().map(unix_socket).transpose().map_err(failed)?;
        Ok(Listeners { tcp, tls, socket })
    }

    fn place(&self, listeners: &Listeners, base_path: &str) -> Result<ServerPlace, CliError> {
        let failed = |error| CliError::other(format!("cannot learn the address: {error}"));
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Ok(ServerPlace {
            address: listeners.tcp.local_addr().map_err(failed)?,
            base_path: base_path.to_owned(),
            is_tls: listeners.tls.is_some(),
            socket: self.socket.as_ref().map(absolute),
        })
    }
}

pub(super) fn run(args: &ServeArgs) -> CommandResult {
    let root = car_engine::find_root_config(args.repo.path())?;
    serve(&root, &args.listen)
}

/// Serves `root` and says where.
pub(super) fn serve(root: &Path, listen: &ListenArgs) -> CommandResult {
    serve_until_signal(root, listen, |serving| {
        let what = if serving.served.is_hub() { "hub" } else { "repo" };
        ui::out(&format!("Serving {what} on {}", serving.place.url()));
        serving.tell_how_to_log_in();
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A server that accepts connections.
pub(super) struct Serving<'a> {
    pub(super) served: &'a Served,
    place: &'a ServerPlace,
    /// A code for the first browser; absent when nobody has to log in.
    code: Option<PairingCode>,
}

impl Serving<'_> {
    /// Where a browser begins; works once and for a few minutes when there is a login.
    pub(super) fn link(&self) -> String {
        login_link(&self.place.url(), self.code.as_ref())
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
pub(super) fn login_link(url: &str, code: Option<&PairingCode>) -> String {
    match code {
        Some(code) => format!("{url}/login?code={}", code.plain()),
        None => format!("{url}/"),
    }
}

/// Serves `root` until INT or TERM; `ready` hears the address when connections are accepted.
pub(super) fn serve_until_signal(
    root: &Path,
    listen: &ListenArgs,
    ready: impl FnOnce(&Serving<'_>),
) -> Result<(), CliError> {
    logging::start();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let served = Served::open(root, own_program())?;
        served.adopt().await;
        let config = &served.config().server;
        let base_path = listen.base_path.as_ref().unwrap_or(&config.base_path);
        if let Some(problem) = base_path_problem(base_path) {
            return Err(CliError::config(problem));
        }
        let base_path = normal_base_path(base_path);
        let listeners = listen.bind(config).await?;
        let place = listen.place(&listeners, &base_path)?;
        let cancel = CancellationToken::new();
        cancel_on_signal(&cancel)?;
        let (gate, code) = gate(root, &served).await?;
        let _told = RunningServer::announce(root, &place)?;
        ready(&Serving { served: &served, place: &place, code });
        let bot = telegram_bot(&served, &cancel);
        let service = Service { served, gate, base_path };
        let result = web::serve(service, listeners, cancel.clone()).await;
        // Also when the server failed.
        cancel.cancel();
        if let Some(bot) = bot {
            // A panic of the bot has been told already.
            let _ = bot.await;
        }
        result.map_err(|error| CliError::other(format!("the server failed: {error:#}")))
    })
}

/// Runs the Telegram bot beside the server where it is enabled. A bot that cannot run stops no server.
fn telegram_bot(served: &Served, cancel: &CancellationToken) -> Option<JoinHandle<()>> {
    if !served.config().telegram_bot.enabled {
        return None;
    }
    let options = BotOptions::new(served.root(), own_program());
    let cancel = cancel.child_token();
    Some(tokio::spawn(async move {
        if let Err(error) = car_telegram::run(options, cancel).await {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            tracing::error!("the Telegram bot does not run: {error}{hint}");
        }
    }))
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

async fn listen(
    host: &str,
    port: u16,
    config: &ServerConfig,
    is_tls: bool,
) -> Result<TcpListener, CliError> {
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
    if !is_tls && config.trusted_proxies.is_empty() {
        return Err(CliError::config(
            "Refusing to bind to a non-loopback host without TLS: logins would cross the network readable",
        )
        .with_hint(
            "give a certificate with --tls-cert and --tls-key, put a proxy with TLS in front and name its address in \
             server.trusted_proxies, or stay on 127.0.0.1 and reach it through SSH or a VPN",
        ));
    }
    Ok(listener)
}

pub(super) fn cancel_on_signal(cancel: &CancellationToken) -> Result<(), CliError> {
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

//! `car open`, `car pair`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use car_engine::RunningServer;
use car_engine::access::{Access, CODE_LIFETIME, PairingCode};
use car_engine::config::{AuthMode, load_with_env};
use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode;

use super::error::CliError;
use super::serve::login_link;
use super::{CommandResult, block_on, ui};

/// Programs that open an address in the owner's browser.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Open the running server in your browser, logged in
#[derive(Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    root: RootArg,
    /// Only print the link
    #[arg(long)]
    print: bool,
}

/// Make a code and a QR code that log a phone in
#[derive(Args)]
#[command(after_help = "Example: car pair --url https://car.example.net")]
pub(crate) struct PairArgs {
    #[command(flatten)]
    root: RootArg,
    /// Address under which the phone reaches the server
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Which served directory a command is about
#[derive(Args)]
pub(super) struct RootArg {
    /// The served repository or hub, or a directory in it
    #[arg(long, alias = "path", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
}

impl RootArg {
    pub(super) fn find(&self) -> Result<PathBuf, CliError> {
        Ok(car_engine::find_root_config(&self.repo)?)
    }
}

pub(super) fn open(args: &OpenArgs) -> CommandResult {
    let root = args.root.find()?;
    let server = running(&root)?;
    let link = login_link(&server.place.url(), new_code(&root)?.as_ref());
    ui::out(&link);
    if !args.print && !block_on(open_browser(&link))? {
        ui::say("No browser could be opened; open the link yourself.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn open_browser(link: &str) -> Result<bool, CliError> {
    for opener in OPENERS {
        let mut program = car_agent::Program::new(opener, "/").args([link]);
        program.timeout = Duration::from_secs(10);
        if program.run().await.is_ok_and(|finished| finished.is_success()) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn pair(args: &PairArgs) -> CommandResult {
    let root = args.root.find()?;
    let server = running(&root)?;
    let Some(code) = new_code(&root)? else {
        return Err(CliError::other("nobody has to log in here (server.auth: off)"));
    };
    let link = match &args.url {
        Some(url) => format!("{}/login?code={}", url.trim_end_matches('/'), code.plain()),
        None => login_link(&server.place.url(), Some(&code)),
    };
    if let Ok(picture) = QrCode::new(&link) {
        ui::out(&picture.render::<unicode::Dense1x2>().quiet_zone(true).build());
    }
    ui::out(&format!("Code:  {code}"));
    ui::out(&format!("Link:  {link}"));
    let minutes = CODE_LIFETIME.as_secs() / 60;
    ui::say(&format!("Both work once, within {minutes} minutes."));
    if args.url.is_none() && server.place.address.ip().is_loopback() {
        ui::say(
            "This server listens on this machine only. A phone needs a way to it, such as a VPN or a proxy; \
             give its address with --url.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn running(root: &Path) -> Result<RunningServer, CliError> {
    RunningServer::of(root).ok_or_else(|| {
        CliError::other(format!("no server runs for {}", root.display()))
            .with_hint("start it with `car serve`")
    })
}

fn new_code(root: &Path) -> Result<Option<PairingCode>, CliError> {
    let (config, env) = load_with_env(root)?;
    if config.server.auth == AuthMode::Off {
        return Ok(None);
    }
    let access = Access::open(root, &config, &env)?;
    block_on(async { Ok(Some(access.new_code().await?)) })
}

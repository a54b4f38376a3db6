//! `car devices`, `car audit`

use std::process::ExitCode;

use car_domain::Timestamp;
use car_engine::access::{Access, Peer};
use car_engine::config::load_with_env;
use clap::{Args, Subcommand};
use serde_json::json;

use super::open::RootArg;
use super::{CliError, CommandResult, block_on, ui};

/// List the browsers that are logged in, or log one out
#[derive(Args)]
pub(crate) struct DevicesArgs {
    #[command(subcommand)]
    command: Option<DevicesCommand>,
    #[command(flatten)]
    root: RootArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum DevicesCommand {
    /// Log a browser out
    Revoke {
        /// The device, as `car devices` names it
        id: String,
    },
}

/// Show who did what on the server, newest first
#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    root: RootArg,
    /// At most this many lines
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn devices(args: &DevicesArgs) -> CommandResult {
    let access = access(&args.root)?;
    if let Some(DevicesCommand::Revoke { id }) = &args.command {
        block_on(async { Ok(access.revoke(id, "command line", &Peer::default()).await?) })?;
        ui::out(&format!("Logged out {id}"));
        return Ok(ExitCode::SUCCESS);
    }
    let devices = block_on(async { Ok(access.devices().await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!(devices)));
    } else if devices.is_empty() {
        ui::say("No browser is logged in. `car open` opens one.");
    }
    for device in devices.iter().filter(|_| !args.json) {
        let used = whole(device.last_used_at);
        let address = device.address.as_deref().unwrap_or("-");
        ui::out(&format!("{}  {used}  {address:15}  {}", device.id, device.name));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn audit(args: &AuditArgs) -> CommandResult {
    let access = access(&args.root)?;
    let entries = block_on(async { Ok(access.audit(args.limit).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!(entries)));
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &entries {
        let (at, address) = (whole(entry.at), entry.address.as_deref().unwrap_or("-"));
        let line =
            format!("{at}  {:20}  {address:15}  {:13}  {}", entry.who, entry.action, entry.detail);
        ui::out(line.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn whole(at: Timestamp) -> Timestamp {
    at.whole_seconds()
}

fn access(root: &RootArg) -> Result<Access, CliError> {
    let root = root.find()?;
    let (config, env) = load_with_env(&root)?;
    Ok(Access::open(&root, &config, &env)?)
}

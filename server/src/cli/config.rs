//! `car config`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_engine::config::{Examined, Setting, SettingsChange, change, examine, schema, settings};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::{CommandResult, ui};

/// Show, check and change the configuration
#[derive(Args)]
#[command(
    after_help = "Examples:\n  car config show --origin | grep runner\n  car config set runner.sleep_seconds 10"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print every value that holds
    Show {
        #[command(flatten)]
        root: RootArg,
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look for wrong values and unknown keys
    Validate {
        #[command(flatten)]
        root: RootArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a value in the root's own config.yml; comments and layout stay
    Set {
        #[command(flatten)]
        root: RootArg,
        /// The key, with dots between its names
        key: String,
        /// The value: JSON, or text
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take a value out of the root's own config.yml
    Unset {
        #[command(flatten)]
        root: RootArg,
        /// The key, with dots between its names
        key: String,
    },
    /// Print the JSON schema, for editors
    Schema,
}

/// Which repository or hub a command is about
#[derive(Args)]
struct RootArg {
    /// The repository or hub, or a directory in it
    #[arg(long, alias = "path", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
}

impl RootArg {
    fn examine(&self) -> Result<(PathBuf, Examined), CliError> {
        let root = car_engine::find_root_config(&self.repo)?;
        let examined = examine(&root)?;
        Ok((root, examined))
    }
}

pub(super) fn run(args: &ConfigArgs) -> CommandResult {
    match &args.command {
        ConfigCommand::Show { root, origin, json } => show(root, *origin, *json),
        ConfigCommand::Validate { root, json } => validate(root, *json),
        ConfigCommand::Set { root, key, value } => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.as_str()));
            let set = BTreeMap::from([(key.clone(), value)]);
            write(root, key, &SettingsChange { set, ..SettingsChange::default() })
        }
        ConfigCommand::Unset { root, key } => {
            let unset = vec![key.clone()];
            write(root, key, &SettingsChange { unset, ..SettingsChange::default() })
        }
        ConfigCommand::Schema => {
            ui::out(&format!("{:#}", schema()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show(root: &RootArg, origin: bool, json: bool) -> CommandResult {
    let (root, examined) = root.examine()?;
    if let Some(problem) = examined.problems.first() {
        return Err(
            CliError::config(problem.clone()).with_hint("`car config validate` lists all problems")
        );
    }
    let place = |text: String| text.replace(&format!("{}/", root.display()), "");
    if json {
        let mut all = Map::new();
        for (key, (value, from)) in &examined.values {
            let value = if origin {
                json!({ "value": value, "origin": place(from.to_string()) })
            } else {
                value.clone()
            };
            insert(&mut all, key, value);
        }
        ui::out(&format!("{:#}", Value::Object(all)));
        return Ok(ExitCode::SUCCESS);
    }
    let width = examined.values.keys().map(String::len).max().unwrap_or(0);
    for (key, (value, from)) in &examined.values {
        let from = if origin { format!("  # {}", place(from.to_string())) } else { String::new() };
        ui::out(&format!("{key:width$}  {value}{from}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(root: &RootArg, key: &str, wanted: &SettingsChange) -> CommandResult {
    let root = car_engine::find_root_config(&root.repo)?;
    change(&root, wanted)?;
    let values = settings(&root)?.values;
    let inside = format!("{key}.");
    for (name, Setting { value, origin }) in
        values.iter().filter(|(name, _)| *name == key || name.starts_with(&inside))
    {
        ui::out(&format!("{name}  {value}  # {origin}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a value with a dotted key into maps in maps.
fn insert(map: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            map.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = map.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn validate(root: &RootArg, json: bool) -> CommandResult {
    let (root, examined) = root.examine()?;
    let is_valid = examined.problems.is_empty();
    if json {
        let report = json!({
            "root": root,
            "valid": is_valid,
            "problems": examined.problems,
            "warnings": examined.warnings,
        });
        ui::out(&format!("{report:#}"));
    } else {
        print_findings(&root, &examined);
    }
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn print_findings(root: &Path, examined: &Examined) {
    for problem in &examined.problems {
        ui::say(&format!("{}error:{} {problem}", ui::style::RED, ui::style::RESET));
    }
    for warning in &examined.warnings {
        ui::say(&format!("{}warning:{} {warning}", ui::style::YELLOW, ui::style::RESET));
    }
    if examined.problems.is_empty() {
        ui::out(&format!("The configuration of {} is valid", root.display()));
    }
}

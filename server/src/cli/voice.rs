//! `car voice`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_engine::voice::{self, Speech};
use car_engine::{EngineError, Repo};
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::error::CliError;
use super::{CommandResult, RepoArg, block_on, ui};

/// Bytes read from a file at once.
const BLOCK: usize = 64 << 10;

/// Turn speech into text
#[derive(Args)]
#[command(after_help = "Example: car voice transcribe note.webm --language en")]
pub(crate) struct VoiceArgs {
    #[command(subcommand)]
    command: VoiceCommand,
}

#[derive(Subcommand)]
enum VoiceCommand {
    /// Show what browsers and the bot are told about voice
    Config {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what is said in a sound file
    Transcribe {
        #[command(flatten)]
        repo: RepoArg,
        /// The file: webm, ogg, wav, mp3 or m4a, at most 25 MB
        file: PathBuf,
        /// Language as a code such as `en`
        #[arg(long)]
        language: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: &VoiceArgs) -> CommandResult {
    match &args.command {
        VoiceCommand::Config { repo, json } => config(&repo.open()?, *json),
        VoiceCommand::Transcribe { repo, file, language, json } => {
            transcribe(&repo.open()?, file, language.as_deref(), *json)
        }
    }
}

fn config(repo: &Repo, as_json: bool) -> CommandResult {
    let settings = voice::settings(&repo.config().voice, repo.env());
    let json = json!(settings);
    if as_json {
        ui::out(&format!("{json:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in json.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(inner) => {
                for (key, value) in inner {
                    ui::out(&format!("{name}.{key}: {value}"));
                }
            }
            None => ui::out(&format!("{name}: {}", value.to_string().trim_matches('"'))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn transcribe(repo: &Repo, path: &Path, language: Option<&str>, as_json: bool) -> CommandResult {
    let speech = Speech {
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        content_type: None,
        language: language.map(str::to_owned),
    };
    let transcript = block_on(async {
        let file = tokio::fs::File::open(path)
            .await
            .map_err(|error| CliError::other(format!("cannot open {}: {error}", path.display())))?;
        let audio = futures::stream::try_unfold(file, |mut file| async move {
            let mut block = vec![0; BLOCK];
            let n = file.read(&mut block).await?;
            block.truncate(n);
            Ok::<_, std::io::Error>((n > 0).then_some((block, file)))
        });
        let text = voice::transcribe(&repo.config().voice, repo.env(), audio, &speech).await;
        Ok(text.map_err(EngineError::from)?)
    })?;
    for warning in &transcript.warnings {
        ui::say(&format!("warning: {warning}"));
    }
    if as_json {
        let json = json!({ "text": transcript.text, "warnings": transcript.warnings });
        ui::out(&format!("{json:#}"));
    } else {
        ui::out(&transcript.text);
    }
    Ok(ExitCode::SUCCESS)
}

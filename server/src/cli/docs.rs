//! `car docs`

use std::io::Read;
use std::process::ExitCode;

use car_domain::Timestamp;
use car_domain::docs::{DocKind, DocVersion, Document};
use car_engine::{DocWrite, Docs, Expected};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::error::CliError;
use super::{CommandResult, RepoArg, ui};

/// Read, write and restore the documents
#[derive(Args)]
#[command(after_help = "Examples:\n  car docs show todo\n  car docs history spec\n  \
                        car docs restore spec 3f2a91c0")]
pub(crate) struct DocsArgs {
    #[command(subcommand)]
    command: DocsCommand,
}

#[derive(Subcommand)]
enum DocsCommand {
    /// List the documents
    List {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a document
    Show {
        #[command(flatten)]
        doc: DocArg,
        /// An older version, as the first characters of it
        #[arg(long = "at", value_name = "VERSION")]
        at: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a document from standard input
    Write {
        #[command(flatten)]
        doc: DocArg,
        /// Only when this is the present version, `missing` for no file
        #[arg(long, value_name = "VERSION")]
        if_version: Option<String>,
    },
    /// List the versions of a document, newest first
    History {
        #[command(flatten)]
        doc: DocArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what changed between two versions, or since one
    Diff {
        #[command(flatten)]
        doc: DocArg,
        /// The older version
        from: String,
        /// The newer version; without it the present text
        to: Option<String>,
    },
    /// Make an older version the present one
    Restore {
        #[command(flatten)]
        doc: DocArg,
        /// The version, as the first characters of it
        #[arg(value_name = "VERSION")]
        to: String,
    },
}

/// A document of a repository
#[derive(Args)]
struct DocArg {
    /// todo, progress, opinions, spec, summary or snapshot
    #[arg(value_name = "DOCUMENT", value_parser = parse_kind)]
    kind: DocKind,
    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn parse_kind(name: &str) -> Result<DocKind, String> {
    DocKind::parse(name).ok_or_else(|| {
        let names: Vec<&str> = DocKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("choose one of {}", names.join(", "))
    })
}

pub(super) fn run(args: &DocsArgs) -> CommandResult {
    match &args.command {
        DocsCommand::List { repo, json } => list(repo.open()?.docs(), *json)?,
        DocsCommand::Show { doc, at, json } => {
            show(doc.repo.open()?.docs(), doc.kind, at.as_deref(), *json)?;
        }
        DocsCommand::Write { doc, if_version } => {
            write(doc.repo.open()?.docs(), doc.kind, if_version.as_deref())?;
        }
        DocsCommand::History { doc, json } => history(doc.repo.open()?.docs(), doc.kind, *json)?,
        DocsCommand::Diff { doc, from, to } => {
            diff(doc.repo.open()?.docs(), doc.kind, from, to.as_deref())?;
        }
        DocsCommand::Restore { doc, to } => {
            let restored = doc.repo.open()?.docs().restore(doc.kind, to)?;
            ui::out(&format!("Restored {} to version {}", doc.kind, short(&restored.version)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(docs: Docs<'_>, json: bool) -> Result<(), CliError> {
    let all =
        DocKind::ALL.map(|kind| docs.read(kind)).into_iter().collect::<Result<Vec<_>, _>>()?;
    if json {
        let list: Vec<Value> = all.iter().map(|document| as_json(document, false)).collect();
        ui::out(&format!("{:#}", Value::from(list)));
        return Ok(());
    }
    for document in &all {
        let lines = document.text.lines().count();
        let size = if document.exists() { format!("{lines} lines") } else { "missing".to_owned() };
        let at = ui::or_none(document.modified_at.map(Timestamp::whole_seconds));
        ui::out(&format!("{:9} {size:>12}  {at:20}  {}", document.kind.name(), document.path));
    }
    Ok(())
}

fn as_json(document: &Document, with_text: bool) -> Value {
    let mut value = json!({
        "kind": document.kind,
        "path": document.path,
        "exists": document.exists(),
        "version": document.version,
        "modified_at": document.modified_at,
    });
    if with_text {
        value["text"] = document.text.clone().into();
    }
    value
}

fn show(docs: Docs<'_>, kind: DocKind, version: Option<&str>, json: bool) -> Result<(), CliError> {
    let mut document = docs.read(kind)?;
    if let Some(name) = version {
        let version = docs.find_version(kind, name)?;
        document.text = text_of(docs, kind, &version.version)?;
        document.version = version.version;
        document.modified_at = Some(version.at);
    }
    if json {
        ui::out(&format!("{:#}", as_json(&document, true)));
    } else {
        ui::raw_out(&document.text);
    }
    Ok(())
}

fn text_of(docs: Docs<'_>, kind: DocKind, version: &str) -> Result<String, CliError> {
    let bytes = docs.version_bytes(kind, version)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(docs: Docs<'_>, kind: DocKind, if_version: Option<&str>) -> Result<(), CliError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        CliError::other(format!("cannot read standard input: {error}"))
            .with_hint("documents are UTF-8 text")
    })?;
    let expected = match if_version {
        Some(Document::MISSING) => Document::MISSING.to_owned(),
        Some(name) => full_version(docs, kind, name)?,
        None => String::new(),
    };
    let expected =
        if if_version.is_some() { Expected::Version(&expected) } else { Expected::Anything };
    match docs.write(kind, &text, expected, "command line")? {
        DocWrite::Written(documents) => {
            let version = documents.first().map(|document| short(&document.version).to_owned());
            ui::out(&format!("Wrote {kind}, version {}", version.unwrap_or_default()));
            Ok(())
        }
        DocWrite::Stale(current) => Err(CliError::other(format!(
            "{} is not the version you have seen: it is {} now",
            kind.title(),
            short(&current.version)
        ))
        .with_hint(format!("`car docs show {kind}` prints the present text; nothing was written"))),
    }
}

/// The present version or one of the history.
fn full_version(docs: Docs<'_>, kind: DocKind, name: &str) -> Result<String, CliError> {
    let current = docs.read(kind)?.version;
    if name.len() >= 4 && current.starts_with(name) {
        return Ok(current);
    }
    Ok(docs.find_version(kind, name)?.version)
}

fn history(docs: Docs<'_>, kind: DocKind, json: bool) -> Result<(), CliError> {
    let mut versions: Vec<DocVersion> = docs.history(kind)?;
    versions.reverse();
    if json {
        ui::out(&format!("{:#}", json!(versions)));
    } else if versions.is_empty() {
        ui::say("No versions are kept yet.");
    }
    for version in versions.iter().filter(|_| !json) {
        let DocVersion { version, at, author, bytes } = version;
        let at = at.whole_seconds();
        ui::out(&format!("{}  {at}  {bytes:>9} bytes  {author}", short(version)));
    }
    Ok(())
}

fn diff(docs: Docs<'_>, kind: DocKind, from: &str, to: Option<&str>) -> Result<(), CliError> {
    let old = docs.find_version(kind, from)?.version;
    let new_text = match to {
        Some(to) => text_of(docs, kind, &docs.find_version(kind, to)?.version)?,
        None => docs.text(kind)?,
    };
    let diff =
        car_engine::unified_diff(&text_of(docs, kind, &old)?, &new_text, docs.configured(kind));
    ui::raw_out(&ui::coloured_diff(&diff));
    Ok(())
}

/// A version as people write it.
fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}

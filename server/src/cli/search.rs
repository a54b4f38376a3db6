//! `car search`

use std::path::PathBuf;
use std::process::ExitCode;

use car_domain::search::{SearchHit, SearchPlace};
use car_engine::search::{SearchQuery, search};
use car_engine::usage::UsageRange;
use car_engine::{Repo, RunIndex, Served, find_root_config};
use clap::Args;
use serde_json::json;

use super::ui::style::{BOLD, DIM, RESET};
use super::{CommandResult, block_on, ui};

/// Search what the runs said and did, and the documents
///
/// All words must occur. "A phrase" stands in quotes, begin* finds words that begin so.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  car search rate limit\n  car search '\"connection refused\"' --run 12\n  \
                        car search migrat* --type document"
)]
pub(crate) struct SearchArgs {
    /// What to search for
    #[arg(value_name = "QUERY", required = true)]
    query: Vec<String>,
    /// The repository or the hub, or a directory in it
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// Only this run
    #[arg(long, value_name = "N")]
    run: Option<u64>,
    /// Only events of this type, such as message, command.finished or notice; or document
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Not before this time, such as 2025-12-01 or 2025-12-01T12:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SearchArgs) -> CommandResult {
    let root = find_root_config(&args.repo)?;
    let served = Served::open(&root, Vec::new())?;
    let repos = if served.is_hub() {
        let mut repos = Vec::new();
        for (id, root) in served.roots() {
            match Repo::open(&root) {
                Ok(repo) => repos.push((id, repo)),
                Err(error) => ui::say(&format!("{id} is left out: {error}")),
            }
        }
        repos
    } else {
        let repo = Repo::find(&args.repo)?;
        vec![(super::index::repo_id(&repo), repo)]
    };
    let query = SearchQuery {
        text: args.query.join(" "),
        run: args.run,
        kind: args.kind.clone(),
        since: UsageRange::parse(args.since.as_deref(), None)?.since,
        limit: args.limit,
    };
    let hits = block_on(async {
        let index = RunIndex::new(&root);
        let hits = search(&index, &repos, &query).await?;
        index.close().await;
        Ok(hits)
    })?;
    if args.json {
        ui::out(&format!("{:#}", json!(hits)));
    } else if hits.is_empty() {
        ui::say("Nothing found.");
    } else {
        for hit in &hits {
            show(hit, served.is_hub());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(hit: &SearchHit, with_repo: bool) {
    let repo = if with_repo { format!("{}  ", hit.repo) } else { String::new() };
    let at = hit.at.map(|at| at.whole_seconds().to_string()).unwrap_or_default();
    let place = match &hit.place {
        SearchPlace::Event { run, seq, kind } => format!("run {run} #{seq}  {kind}"),
        SearchPlace::Document { document, line, .. } => {
            format!("{}:{line}  document", document.to_uppercase())
        }
    };
    ui::out(&format!("{repo}{BOLD}{place}{RESET}  {DIM}{at}{RESET}"));
    for line in marked(hit).lines().filter(|line| !line.trim().is_empty()) {
        ui::out(&format!("    {line}"));
    }
}

/// The snippet with what was found in bold, without control characters that came from an agent.
fn marked(hit: &SearchHit) -> String {
    let mut text = String::new();
    for (position, c) in hit.snippet.chars().enumerate() {
        if hit.marks.iter().any(|(from, _)| *from == position) {
            text.push_str(BOLD);
        }
        if hit.marks.iter().any(|(_, to)| *to == position) {
            text.push_str(RESET);
        }
        if !c.is_control() || c == '\n' {
            text.push(c);
        }
    }
    text.push_str(RESET);
    text
}

//! `car usage`

mod progress;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_domain::usage::{UsageBucket, UsageGroup, UsageSegment, UsageSeries};
use car_engine::config::{self, Mode};
use car_engine::usage::{TokenUsage, UsageRange, cache_dir, codex_home};
use car_engine::{Repo, RunIndex, Served, find_root_config};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::{CommandResult, block_on, ui};

/// Most runs that are looked at one by one.
const MAX_RUNS: u32 = 1000;

/// Show how many tokens Codex used here
///
/// Reads what the Codex CLI writes about its sessions. The numbers of a repository are those of all sessions in it, also of those
/// somebody held by hand.
#[derive(Args)]
#[command(after_help = "Examples:\n  car usage --since 2025-12-01\n  car usage --by model\n  \
                        car usage --series day --segment part --json")]
pub(crate) struct UsageArgs {
    /// The repository or the hub, or a directory in it
    #[arg(long, visible_alias = "path", value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// Where Codex keeps its sessions; without it CODEX_HOME, or ~/.codex
    #[arg(long, value_name = "PATH")]
    codex_home: Option<PathBuf>,
    /// Not before this time, such as 2025-12-01 or 2025-12-01T12:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Split by model, day or run
    #[arg(long, value_name = "WHAT", conflicts_with = "series")]
    by: Option<By>,
    /// Show it over time
    #[arg(long, value_name = "STEP")]
    series: Option<Step>,
    /// Lines of --series: none, model, token_type, model_token, part, model_part; of a hub none, repo
    #[arg(long, value_name = "WHAT", requires = "series", default_value = "none")]
    segment: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Model,
    Day,
    Run,
}

#[derive(Clone, Copy, ValueEnum)]
enum Step {
    Hour,
    Day,
    Week,
}

/// What the question is about.
enum Place {
    Repo(Box<Repo>),
    Hub(PathBuf, Vec<(String, PathBuf)>),
}

/// Beside the sums: a split or a series.
enum More {
    Nothing,
    Groups(By, Vec<UsageGroup>),
    Series(UsageSeries),
}

pub(super) fn run(args: &UsageArgs) -> CommandResult {
    let root = find_root_config(&args.repo)?;
    let (found, env) = config::load_with_env(&root)?;
    let range = UsageRange::parse(args.since.as_deref(), args.until.as_deref())?;
    let place = match found.mode {
        Mode::Repo => Place::Repo(Box::new(Repo::find(&args.repo)?)),
        Mode::Hub => {
            let repos = Served::open(&root, Vec::new())?.roots();
            Place::Hub(root, repos)
        }
    };
    let home = args.codex_home.clone().unwrap_or_else(|| codex_home(&env));
    let usage = TokenUsage::new(&home, &cache_dir(&env));
    block_on(async {
        progress::refresh(&usage).await?;
        let shown = show(args, &place, &usage, range).await;
        usage.close().await;
        shown
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn show(
    args: &UsageArgs,
    place: &Place,
    usage: &TokenUsage,
    range: UsageRange,
) -> Result<(), CliError> {
    let more = more(args, place, usage, range).await?;
    match place {
        Place::Repo(repo) => {
            let summary = usage.of_repo(repo.root(), range).await?;
            if args.json {
                let mut value = head(args, "repo", ("repo", repo.root()), usage.home());
                value.insert("usage".to_owned(), json!(summary));
                print_json(value, &more);
                return Ok(());
            }
            text::repo(repo.root(), usage.home(), &summary);
        }
        Place::Hub(root, repos) => {
            let hub = usage.of_hub(root, repos, range).await?;
            if args.json {
                let mut value = head(args, "hub", ("hub_root", root), usage.home());
                value.insert("repos".to_owned(), by_id(&hub.repos));
                value.insert("unmatched".to_owned(), json!(hub.unmatched));
                value.insert("removed".to_owned(), by_id(&hub.removed));
                print_json(value, &more);
                return Ok(());
            }
            text::hub(root, usage.home(), &hub);
        }
    }
    match &more {
        More::Nothing => {}
        More::Groups(by, groups) => text::groups(&by.heading(), groups),
        More::Series(series) => text::series(series),
    }
    Ok(())
}

async fn more(
    args: &UsageArgs,
    place: &Place,
    usage: &TokenUsage,
    range: UsageRange,
) -> Result<More, CliError> {
    let repos = match place {
        Place::Repo(repo) => vec![(repo.name(), repo.root().to_path_buf())],
        Place::Hub(_, repos) => repos.clone(),
    };
    let groups = match (args.by, place) {
        (None, _) => None,
        (Some(By::Model), _) => Some(usage.by_model(&repos, range).await?),
        (Some(By::Day), _) => Some(usage.by_day(&repos, range).await?),
        (Some(By::Run), Place::Repo(repo)) => Some(by_run(repo, usage, range).await?),
        (Some(By::Run), Place::Hub(..)) => {
            return Err(CliError::other("Runs belong to a repository.")
                .with_hint("name one of the hub with --repo"));
        }
    };
    if let (Some(by), Some(groups)) = (args.by, groups) {
        return Ok(More::Groups(by, groups));
    }
    let Some(step) = args.series else { return Ok(More::Nothing) };
    let bucket = match step {
        Step::Hour => UsageBucket::Hour,
        Step::Day => UsageBucket::Day,
        Step::Week => UsageBucket::Week,
    };
    let segment = |allowed: &[UsageSegment]| {
        UsageSegment::parse(&args.segment, allowed).map_err(|text| {
            let names: Vec<&str> = allowed.iter().map(|segment| segment.name()).collect();
            CliError::other(text).with_hint(format!("choose one of {}", names.join(", ")))
        })
    };
    let series = match place {
        Place::Repo(repo) => {
            let segment = segment(&UsageSegment::OF_REPO)?;
            usage.repo_series(repo.root(), range, bucket, segment).await?
        }
        Place::Hub(root, repos) => {
            let segment = segment(&UsageSegment::OF_HUB)?;
            usage.hub_series(root, repos, range, bucket, segment).await?
        }
    };
    Ok(More::Series(series))
}

/// The runs that began in the range, newest first.
async fn by_run(
    repo: &Repo,
    usage: &TokenUsage,
    range: UsageRange,
) -> Result<Vec<UsageGroup>, CliError> {
    let index = RunIndex::new(repo.root());
    let mut runs = index.newest(&super::index::repo_id(repo), repo, MAX_RUNS).await?;
    index.close().await;
    runs.retain(|run| {
        let began = run.started_at;
        range.since.is_none_or(|since| began.is_some_and(|at| at >= since))
            && range.until.is_none_or(|until| began.is_some_and(|at| at <= until))
    });
    Ok(usage.of_runs(&runs).await?)
}

impl By {
    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Day => "day",
            Self::Run => "run",
        }
    }

    fn heading(self) -> String {
        self.name().to_uppercase()
    }
}

fn head(args: &UsageArgs, mode: &str, root: (&str, &Path), home: &Path) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("mode".to_owned(), mode.into());
    map.insert(root.0.to_owned(), root.1.display().to_string().into());
    map.insert("codex_home".to_owned(), home.display().to_string().into());
    map.insert("since".to_owned(), json!(args.since));
    map.insert("until".to_owned(), json!(args.until));
    map
}

fn by_id<T: serde::Serialize>(list: &[(String, T)]) -> Value {
    list.iter().map(|(id, summary)| (id.clone(), json!(summary))).collect::<Map<_, _>>().into()
}

fn print_json(mut value: Map<String, Value>, more: &More) {
    match more {
        More::Nothing => {}
        More::Groups(by, groups) => {
            value.insert("by".to_owned(), by.name().into());
            value.insert("groups".to_owned(), json!(groups));
        }
        More::Series(series) => {
            if let Value::Object(series) = json!(series) {
                value.extend(series);
            }
        }
    }
    ui::out(&format!("{:#}", Value::from(value)));
}

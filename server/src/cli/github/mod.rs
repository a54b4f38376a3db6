//! `car github`

mod spec;
mod sync;

use std::process::ExitCode;

use car_domain::github::{GithubStatus, PrStatus, PullRequest};
use car_engine::Repo;
use car_engine::github::{Github, context_file, link_issue};
use clap::{Args, Subcommand};
use serde_json::json;

use super::error::CliError;
use super::{CommandResult, RepoArg, block_on, ui};

/// Work with issues and pull requests through GitHub's `gh` program
#[derive(Args)]
#[command(
    after_help = "Examples:\n  car github link 12\n  car github spec https://github.com/o/r/issues/12\n  \
                        car github sync --dry-run\n  car github sync --ready --yes"
)]
pub(crate) struct GithubArgs {
    #[command(subcommand)]
    command: GithubCommand,
}

#[derive(Subcommand)]
enum GithubCommand {
    /// Show what is known of the repository on GitHub
    Status {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Link an issue with the repository
    Link {
        /// Number of the issue, or the address of its page
        issue: String,
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Spec(spec::SpecArgs),
    /// Write a file about an issue or a pull request for the agent to read
    Context {
        /// Address of its page
        url: String,
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the pull request of the branch
    Pr {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Sync(sync::SyncArgs),
}

pub(super) fn run(args: &GithubArgs) -> CommandResult {
    match &args.command {
        GithubCommand::Status { repo, json } => status(&repo.open()?, *json),
        GithubCommand::Link { issue, repo, json } => link(&repo.open()?, issue, *json),
        GithubCommand::Spec(args) => spec::run(args),
        GithubCommand::Context { url, repo, json } => context(&repo.open()?, url, *json),
        GithubCommand::Pr { repo, json } => pull_request(&repo.open()?, *json),
        GithubCommand::Sync(args) => sync::run(args),
    }
}

fn status(repo: &Repo, json: bool) -> CommandResult {
    let status = block_on(async { Ok(Github::new().status(repo).await?) })?;
    if json {
        ui::out(&format!("{:#}", json!(status)));
    } else {
        ui::out(&status_text(&status));
    }
    Ok(ExitCode::SUCCESS)
}

fn status_text(status: &GithubStatus) -> String {
    let gh = match (status.enabled, status.gh.available, status.gh.authenticated) {
        (false, ..) => "switched off (github.enabled)",
        (true, false, _) => "not installed",
        (true, true, false) => "not logged in (run `gh auth login`)",
        (true, true, true) => "logged in",
    };
    let mut lines = vec![format!("gh: {gh}")];
    if let Some(repo) = &status.repo {
        let base = repo.default_branch.as_deref();
        let base = base.map(|base| format!(", main branch {base}")).unwrap_or_default();
        lines.push(format!("Repository: {} ({}){base}", repo.name_with_owner, repo.url));
    }
    let tree = if status.git.clean { "everything committed" } else { "uncommitted changes" };
    lines.push(format!("Branch: {} ({tree})", status.git.branch));
    if let Some(issue) = status.link.get("issue") {
        let text = |key: &str| issue[key].as_str().unwrap_or_default();
        lines.push(format!("Issue: #{} {} ({})", issue["number"], text("title"), text("url")));
    }
    if status.gh.authenticated {
        lines.push(format!("Pull request: {}", pr_text(status.pr.as_ref())));
    }
    lines.extend(status.problem.as_ref().map(|problem| format!("Problem: {problem}")));
    lines.join("\n")
}

fn pr_text(pr: Option<&PullRequest>) -> String {
    let Some(pr) = pr else { return "none".to_owned() };
    let number = pr.number.map(|number| format!("#{number} ")).unwrap_or_default();
    let draft = if pr.is_draft { ", draft" } else { "" };
    let title = pr.title.as_deref().unwrap_or_default();
    format!("{number}{title} ({}{draft}) {}", pr.state.to_lowercase(), pr.url)
}

fn link(repo: &Repo, issue: &str, json: bool) -> CommandResult {
    let linked = block_on(async { Ok(link_issue(repo, issue).await?) })?;
    if json {
        ui::out(&format!("{:#}", json!({"status": "ok", "link": linked.link.values()})));
    } else {
        ui::out(&format!("Linked #{} {} ({})", linked.number, linked.title, linked.url));
    }
    Ok(ExitCode::SUCCESS)
}

fn context(repo: &Repo, url: &str, json: bool) -> CommandResult {
    let context = block_on(async { Ok(context_file(repo, url).await?) })?;
    if json {
        ui::out(&format!("{:#}", json!(context)));
        return Ok(ExitCode::SUCCESS);
    }
    match (&context.path, &context.hint) {
        (Some(path), Some(hint)) => {
            ui::out(hint);
            ui::say(&format!("Wrote {path}"));
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            let reason = context.reason.unwrap_or_else(|| "Nothing was written".to_owned());
            Err(CliError::other(reason))
        }
    }
}

fn pull_request(repo: &Repo, json: bool) -> CommandResult {
    let status = block_on(async { Ok(Github::new().status(repo).await?) })?;
    if json {
        ui::out(&format!("{:#}", json!(PrStatus::from(status))));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(problem) = &status.problem {
        return Err(CliError::other(problem.clone()));
    }
    if !status.gh.authenticated {
        let said = status_text(&status);
        return Err(CliError::other(said.lines().next().unwrap_or_default()));
    }
    ui::out(&pr_text(status.pr.as_ref()));
    if let Some(links) = &status.pr_links {
        ui::out(&format!("Files: {}\nChecks: {}", links.files, links.checks));
    }
    Ok(ExitCode::SUCCESS)
}

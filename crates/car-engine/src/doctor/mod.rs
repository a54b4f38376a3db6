//! Checking that everything a loop needs is there, and that the server keeps strangers out.

mod security;

use std::path::PathBuf;

use car_agent::{AgentCommand, search_path};

use crate::Repo;
use crate::runner::standing;

pub use security::attack;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// What is wrong; absent when all is well.
    pub problem: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Checks `repo`, whose configuration is valid already.
pub async fn check(repo: &Repo) -> Vec<Check> {
    vec![git(repo).await, documents(repo), agent(repo), writable(repo), state(repo)]
}

fn fine(name: &'static str, found: impl Into<String>) -> Check {
    Check { name, found: found.into(), problem: None, hint: None }
}

fn trouble(name: &'static str, problem: impl Into<String>, hint: &str) -> Check {
    let problem = Some(problem.into());
    Check { name, found: String::new(), problem, hint: Some(hint.to_owned()) }
}

async fn git(repo: &Repo) -> Check {
    match car_git::find_root(repo.root()) {
        None => trouble(
            "git",
            format!("{} is in no git repository", repo.root().display()),
            "run `git init` in it",
        ),
        Some(root) => {
            let commit = car_git::head(&root).await.unwrap_or_else(|| "no commit yet".to_owned());
            let branch = car_git::branch(&root).unwrap_or_else(|| "detached".to_owned());
            fine("git", format!("{} ({branch}, {commit})", root.display()))
        }
    }
}

fn documents(repo: &Repo) -> Check {
    let docs = &repo.config().docs;
    let missing: Vec<&str> =
        [("todo", &docs.todo), ("progress", &docs.progress), ("opinions", &docs.opinions)]
            .into_iter()
            .filter(|(_, path)| !repo.root().join(path).is_file())
            .map(|(name, _)| name)
            .collect();
    if missing.is_empty() {
        return fine("documents", "all there");
    }
    let problem = format!("Missing doc files: {}", missing.join(", "));
    trouble("documents", problem, "run `car init` again; it adds only what is missing")
}

fn agent(repo: &Repo) -> Check {
    let codex = &repo.config().codex;
    let search = search_path(std::env::var_os("PATH").as_deref());
    match AgentCommand::resolve(&codex.binary, &codex.args, None, None, &search) {
        Ok(command) => fine("agent", command.program.display().to_string()),
        Err(_) => trouble(
            "agent",
            format!("Codex binary not found in PATH: {}", codex.binary),
            "install it with `npm install -g @openai/codex`, or set codex.binary",
        ),
    }
}

fn writable(repo: &Repo) -> Check {
    let dir: PathBuf = repo.car_dir();
    match tempfile::tempfile_in(&dir) {
        Ok(_) => fine("files", format!("{} can be written", dir.display())),
        Err(error) => trouble(
            "files",
            format!("{} cannot be written: {error}", dir.display()),
            "check its owner and the free space",
        ),
    }
}

fn state(repo: &Repo) -> Check {
    match standing(repo) {
        Ok(standing) => {
            let detail =
                standing.view.detail.map(|detail| format!(", {detail}")).unwrap_or_default();
            fine("loop", format!("{}{detail}", standing.view.activity.word().to_lowercase()))
        }
        Err(error) => trouble("loop", error.to_string(), "look at state.json"),
    }
}

//! The demonstration: three small real git repositories, each with a TODO list, and an agent that works by script.
//!
//! Everything but the agent's wits is real: it edits files, runs commands, ticks items, and is run by the same loop as Codex.

mod projects;
mod scripted;

use std::path::{Path, PathBuf};

pub use scripted::{ScriptedAgent, Steps};

use crate::config::CAR_DIR;
use crate::files::write_atomic;
use crate::init::{InitMode, init};
use crate::{EngineError, ErrorKind};

/// Which agent works in the demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DemoAgent {
    /// The scripted one: this program with its arguments.
    Scripted {
        /// Path of this program.
        program: String,
        /// Arguments that make it the scripted agent.
        args: Vec<String>,
    },
    /// The real Codex CLI, with its defaults.
    Codex,
}

/// Makes a hub with three repositories in `dir`. Returns the roots of the repositories.
///
/// # Errors
/// When files cannot be written or git refuses.
pub async fn create(dir: &Path, agent: &DemoAgent) -> Result<Vec<PathBuf>, EngineError> {
    init(dir, InitMode::Hub, false, false).await?;
    let mut roots = Vec::new();
    for project in projects::ALL {
        let root = dir.join(project.name);
        for (path, text) in project.files {
            write(&root.join(path), text)?;
        }
        let git_failed = |error| {
            EngineError::new(ErrorKind::Other, "cannot make a git repository").with_source(error)
        };
        car_git::init(&root, Some("main")).await.map_err(git_failed)?;
        car_git::commit_all(&root, "Start", "CAR demo").await.map_err(git_failed)?;
        init(&root, InitMode::Repo, false, false).await?;
        let car_dir = root.join(CAR_DIR);
        write(&car_dir.join("config.yml"), &config(agent))?;
        write(&car_dir.join("SPEC.md"), project.spec)?;
        let items = project.tasks.iter().map(|task| format!("- [ ] {}\n", task.item));
        write(&car_dir.join("TODO.md"), &format!("# TODO\n\n{}", items.collect::<String>()))?;
        roots.push(root);
    }
    Ok(roots)
}

fn config(agent: &DemoAgent) -> String {
    let head = "version: 2\nmode: repo\nrunner:\n  sleep_seconds: 2\n";
    match agent {
        DemoAgent::Codex => head.to_owned(),
        DemoAgent::Scripted { program, args } => {
            let binary = serde_json::Value::from(program.as_str());
            let args = serde_json::Value::from(args.as_slice());
            format!(
                "{head}# The scripted agent of the demonstration; take this section away to use Codex.\n\
                 codex:\n  binary: {binary}\n  args: {args}\n"
            )
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), EngineError> {
    let failed = |error| EngineError::file("write", path, error);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    write_atomic(path, text.as_bytes()).map_err(failed)
}

//! What runs in a terminal.

use crate::{EngineError, Repo};

/// What a terminal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalKind {
    /// Codex's own screen.
    Codex,
    /// `codex resume`, which lets one choose an earlier conversation.
    Resume,
    /// A shell.
    Shell,
    /// Any command.
    Command(Vec<String>),
}

impl TerminalKind {
    /// The kind of this name; a command has none.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn from_name(name: &str) -> Result<Self, EngineError> {
        match name {
            "codex" => Ok(Self::Codex),
            "resume" => Ok(Self::Resume),
            "shell" => Ok(Self::Shell),
            _ => Err(EngineError::invalid(format!("there is no kind of terminal called `{name}`"))
                .with_hint("kinds are codex, resume and shell")),
        }
    }

    /// Its name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Resume => "resume",
            Self::Shell => "shell",
            Self::Command(_) => "command",
        }
    }

    /// The command line, with `codex.terminal_args` as they are configured: nothing is added that would let Codex do more.
    pub(super) fn argv(&self, repo: &Repo) -> Result<Vec<String>, EngineError> {
        let codex = &repo.config().codex;
        let with_args = |last: Option<&str>| {
            let first = std::iter::once(&codex.binary).chain(&codex.terminal_args).cloned();
            first.chain(last.map(str::to_owned)).collect()
        };
        match self {
            Self::Codex => Ok(with_args(None)),
            Self::Resume => Ok(with_args(Some("resume"))),
            Self::Shell => Ok(vec![shell(repo)]),
            Self::Command(argv) if argv.is_empty() => {
                Err(EngineError::invalid("no command is named"))
            }
            Self::Command(argv) => Ok(argv.clone()),
        }
    }

    /// What the terminal is called until its program gives it a title.
    pub(super) fn title(&self, repo: &Repo) -> String {
        let program = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        match self {
            Self::Codex => "Codex".to_owned(),
            Self::Resume => "Codex, resumed".to_owned(),
            Self::Shell => program(&shell(repo)),
            Self::Command(argv) => argv.first().map(|first| program(first)).unwrap_or_default(),
        }
    }
}

fn shell(repo: &Repo) -> String {
    repo.env().var("SHELL").unwrap_or_else(|| "sh".to_owned())
}

//! What can go wrong with a call of git.

use std::io;
use std::time::Duration;

/// Git gave no answer, or said no.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git on the search path.
    #[error("git is not installed")]
    Missing,
    /// It could not be started or heard.
    #[error("cannot run git")]
    Run(#[source] io::Error),
    /// It took too long and was ended.
    #[error("git {command} took longer than {} s", limit.as_secs_f64())]
    Timeout {
        /// Its subcommand.
        command: String,
        /// The time it had.
        limit: Duration,
    },
    /// Its answer is longer than what is read at once.
    #[error("git {command} answered more than {max} bytes")]
    TooMuch {
        /// Its subcommand.
        command: String,
        /// Bytes that were allowed.
        max: usize,
    },
    /// A name from outside that git would take for an option, or that cannot be a name.
    #[error("git {command} cannot be asked about `{argument}`")]
    Refused {
        /// Its subcommand.
        command: String,
        /// The name.
        argument: String,
    },
    /// It failed; carries its words.
    #[error("git {command} failed: {message}")]
    Failed {
        /// Its subcommand.
        command: String,
        /// Exit code; absent when a signal ended it.
        code: Option<i32>,
        /// What git said.
        message: String,
    },
    /// Git's answer could not be understood.
    #[error("git {command} answered something unexpected: {answer}")]
    Unexpected {
        /// Its subcommand.
        command: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// There are more changed files than a checkpoint takes.
    #[error("more than {0} files would have to be stored")]
    TooManyFiles(usize),
    /// It is not the time for a commit of ours; says what is under way.
    #[error("{0}")]
    NotNow(String),
    /// A file in the git directory or the working tree could not be used.
    #[error("cannot {what} {path}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

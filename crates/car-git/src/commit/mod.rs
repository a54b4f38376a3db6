//! Making commits.

mod index;
mod run;
mod separate;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::GitError;
use crate::command::Git;

pub use run::{CommitRequest, Committed, OwnChanges};

/// Stages everything and commits it.
///
/// # Errors
/// When git refuses, also when there is nothing to commit.
pub async fn commit_all(root: &Path, message: &str, author: &str) -> Result<(), GitError> {
    Git::write(root, "add").args(["--all"]).done().await?;
    let email = format!("{}@localhost", author.to_lowercase());
    Git::write(root, "commit")
        .config(format!("user.name={author}"))
        .config(format!("user.email={email}"))
        .config("commit.gpgSign=false")
        .args(["--quiet", "--no-verify", "--file=-"])
        .input(format!("{message}\n").into_bytes())
        .done()
        .await
}

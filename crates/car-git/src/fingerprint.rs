//! Whether a working tree is as it was.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use crate::GitError;
use crate::command::Git;

/// A number that changes when the commit, the index or a tracked file changes, or a file appears or goes. Whatever the size
/// of the differences, they are never held in memory.
///
/// # Errors
/// When git does not answer in time.
pub async fn fingerprint(root: &Path) -> Result<u64, GitError> {
    let mut hasher = DefaultHasher::new();
    hasher.write(crate::head_id(root).await.unwrap_or_default().as_bytes());
    let questions = [
        Git::read(root, "status").args(["--porcelain=v2", "-z", "--untracked-files=all"]),
        Git::read(root, "diff").args(["--no-ext-diff", "--no-textconv", "--binary"]),
    ];
    for question in questions {
        hasher.write_u8(0);
        // Byte by byte: how an answer comes in pieces must not matter.
        question.pieces(|piece| piece.iter().for_each(|byte| hasher.write_u8(*byte))).await?;
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::repository;

    #[tokio::test]
    async fn the_fingerprint_sees_edits_and_new_files_and_nothing_else() {
        let (_dir, root) = repository().await;
        let first = fingerprint(&root).await.expect("fingerprint");
        assert_eq!(fingerprint(&root).await.expect("fingerprint"), first);
        std::fs::write(root.join("a"), "2").expect("write");
        let edited = fingerprint(&root).await.expect("fingerprint");
        assert_ne!(edited, first);
        std::fs::write(root.join("b"), "").expect("write");
        assert_ne!(fingerprint(&root).await.expect("fingerprint"), edited);
    }
}

//! The copies an agent works on.
//!
//! They lie in a directory of their own, the only one the agent may write. What it leaves there is taken only from plain files of a
//! sensible size: the directory is in the agent's hands, and a link in it could lead anywhere.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use car_domain::docs::DocKind;

use crate::{EngineError, ErrorKind};

/// Most bytes of a document that are taken from an agent.
const MAX_BYTES: u64 = 4 << 20;

/// A directory with a copy of each document.
pub(super) struct WorkingCopy {
    dir: PathBuf,
}

impl WorkingCopy {
    /// Makes `dir` anew with these texts in it.
    pub(super) fn create(dir: &Path, texts: &[(DocKind, &str)]) -> Result<Self, EngineError> {
        let failed = |error| EngineError::file("prepare", dir, error);
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::create_dir_all(dir).map_err(failed)?;
        let this = Self { dir: fs::canonicalize(dir).map_err(failed)? };
        for (kind, text) in texts {
            fs::write(this.path(*kind), text).map_err(failed)?;
        }
        Ok(this)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the copy of a document is.
    pub(super) fn path(&self, kind: DocKind) -> PathBuf {
        self.dir.join(format!("{}.md", kind.title()))
    }

    /// What the agent made of a document.
    pub(super) fn read(&self, kind: DocKind) -> Result<String, EngineError> {
        let path = self.path(kind);
        let refused = |what: &str| {
            EngineError::new(ErrorKind::Agent, format!("the agent left {} {what}", path.display()))
                .with_hint("nothing was changed; ask again")
        };
        let options = File::options().read(true).custom_flags(nofollow()).open(&path);
        let file = match options {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(refused("deleted"));
            }
            Err(_) => return Err(refused("as something that is no plain file")),
        };
        let meta = file.metadata().map_err(|error| EngineError::file("look at", &path, error))?;
        if !meta.is_file() {
            return Err(refused("as something that is no plain file"));
        }
        if meta.len() > MAX_BYTES {
            return Err(refused("larger than a document may be (4 MiB)"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| EngineError::file("read", &path, error))?;
        String::from_utf8(bytes).map_err(|_| refused("with bytes that are no text"))
    }
}

/// Do not follow a link, do not wait for the other end of a pipe.
fn nofollow() -> i32 {
    (nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK).bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_a_pipe_and_rubbish_are_not_taken() {
        let dir = tempfile::tempdir().expect("temp dir");
        let copy =
            WorkingCopy::create(&dir.path().join("w"), &[(DocKind::Todo, "a")]).expect("made");
        assert_eq!(copy.read(DocKind::Todo).expect("there"), "a");
        let path = copy.path(DocKind::Todo);
        let refuse = |prepare: &dyn Fn()| {
            let _ = fs::remove_file(&path);
            prepare();
            copy.read(DocKind::Todo).expect_err("refused").to_string()
        };
        let secret = dir.path().join("secret");
        fs::write(&secret, "s").expect("write");
        let link = || std::os::unix::fs::symlink(&secret, &path).expect("link");
        assert!(refuse(&link).ends_with("no plain file"));
        let pipe = || nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("pipe");
        assert!(refuse(&pipe).ends_with("no plain file"));
        assert!(refuse(&|| fs::write(&path, [0xff]).expect("write")).contains("no text"));
        assert!(refuse(&|| {}).ends_with("deleted"));
    }
}

//! The secret of a root's server.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::{hash, random};
use crate::EngineError;
use crate::config::{CAR_DIR, RootEnv};

/// Name of its file.
const FILE: &str = "server-token";

/// A secret and where it came from.
pub(super) struct Secret {
    text: String,
    from: From,
}

enum From {
    Variable(String),
    File,
}

impl Secret {
    /// The value of the variable `variable` when one is named, else that of the file, which is made when it is missing.
    pub(super) fn of_root(root: &Path, variable: &str, env: &RootEnv) -> Result<Self, EngineError> {
        let variable = variable.trim();
        if !variable.is_empty() {
            let text = env.var(variable).ok_or_else(|| {
                EngineError::config(format!("server.auth_token_env names {variable}, which is not set"))
                    .with_hint(format!("set it in the environment or in {CAR_DIR}/.env, or clear the key to let CAR make a token"))
            })?;
            return Ok(Self { text, from: From::Variable(variable.to_owned()) });
        }
        let path = root.join(CAR_DIR).join(FILE);
        let text = read_or_make(&path)?;
        Ok(Self { text, from: From::File })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is(&self, token: &str) -> bool {
        hash(token.trim()).ct_eq(&hash(&self.text)).into()
    }

    /// Where a person finds it.
    pub(super) fn whereabouts(&self) -> String {
        match &self.from {
            From::Variable(name) => format!("it is the value of {name} on the server"),
            From::File => format!("it is in {CAR_DIR}/{FILE} on the server"),
        }
    }
}

fn read_or_make(path: &Path) -> Result<String, EngineError> {
    let failed = |error| EngineError::file("make", path, error);
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let text = URL_SAFE_NO_PAD.encode(random::<32>()?);
            file.write_all(format!("{text}\n").as_bytes()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| EngineError::file("read", path, error))?;
            match text.trim() {
                text if text.len() >= 20 => Ok(text.to_owned()),
                _ => Err(EngineError::config(format!("{} holds no token", path.display()))
                    .with_hint("delete it, then start the server again")),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        let secret = || Secret::of_root(dir.path(), "", &RootEnv::default()).expect("a secret");
        let first = secret();
        assert_eq!(first.text.len(), 43, "256 bits");
        assert!(secret().is(&first.text));
        assert!(!secret().is("other"));
        let mode = std::fs::metadata(dir.path().join(CAR_DIR).join(FILE)).expect("stat");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_variable_that_is_named_must_be_set() {
        let dir = tempfile::tempdir().expect("temp dir");
        let refused = Secret::of_root(dir.path(), "CAR_TEST_NO_SUCH", &RootEnv::default());
        let message = refused.map(|_| ()).expect_err("refused").to_string();
        assert_eq!(message, "server.auth_token_env names CAR_TEST_NO_SUCH, which is not set");
        std::fs::write(dir.path().join(".env"), "CAR_TEST_TOKEN=from-the-file\n").expect("write");
        let env = RootEnv::read(dir.path());
        assert!(
            Secret::of_root(dir.path(), "CAR_TEST_TOKEN", &env).expect("set").is("from-the-file")
        );
    }
}

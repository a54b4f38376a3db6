//! Where checkpoints are made: a git directory inside the repository's own, with an index of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Git;
use crate::{Answer, GitError};

/// Longest time of one step. A whole checkpoint is bounded by whoever asks for it.
pub(crate) const STEP: Duration = Duration::from_secs(600);

/// Overrules every attribute that would make git convert, filter or re-encode a file.
const ATTRIBUTES: &str = "* -text -crlf !eol !ident !filter !working-tree-encoding\n";

/// The checkpoints of one root in a repository.
///
/// The root may lie below the top of the working tree; a checkpoint is always of the whole tree.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// Top of the working tree.
    pub(crate) top: PathBuf,
    /// Git directory of this working tree.
    pub(crate) git_dir: PathBuf,
    /// The small git directory.
    store: PathBuf,
    /// The repository's objects.
    objects: PathBuf,
    /// The repository's own list of ignored files.
    exclude: PathBuf,
    /// `sha1` or `sha256`.
    format: String,
    /// `refs/car`, or a place below it where several roots share a repository.
    pub(super) refs: String,
    /// Paths below the top that are never in a checkpoint.
    pub(super) left_alone: Vec<PathBuf>,
}

/// The right to change the store; given back on drop.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

impl Checkpoints {
    /// Opens the checkpoints of `root`. Nothing is written yet.
    ///
    /// # Errors
    /// When `root` is in no working tree, or git gives no answer.
    pub async fn open(root: &Path) -> Result<Self, GitError> {
        let answer = Git::read(root, "rev-parse")
            .args(["--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir"])
            .args(["--show-object-format", "--git-path", "objects", "--git-path", "info/exclude"])
            .args(["--show-prefix"])
            .bytes()
            .await?;
        let lines: Vec<&[u8]> = answer.split(|byte| *byte == b'\n').collect();
        let [top, git_dir, common, format, objects, exclude, prefix, b""] = lines[..] else {
            let answer = String::from_utf8_lossy(&answer).chars().take(200).collect();
            return Err(GitError::Unexpected { command: "rev-parse".to_owned(), answer });
        };
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        // A linked working tree, or a root below the top, counts its own runs: its names must not meet others'.
        let is_only = git_dir == common && prefix.is_empty();
        let git_dir_name = git_dir.rsplit(|byte| *byte == b'/').next().unwrap_or(git_dir);
        let id = if is_only { None } else { Some(root_id(root, git_dir_name, prefix).await?) };
        let own_name = match &id {
            Some(id) => format!("checkpoints-{id}"),
            None => "checkpoints".to_owned(),
        };
        Ok(Self {
            top: path(top),
            store: path(git_dir).join("car").join(own_name),
            git_dir: path(git_dir),
            objects: path(objects),
            exclude: path(exclude),
            format: String::from_utf8_lossy(format).into_owned(),
            refs: id.map_or_else(|| "refs/car".to_owned(), |id| format!("refs/car/roots/{id}")),
            left_alone: Vec::new(),
        })
    }

    /// Leaves files out of every checkpoint, whatever git says about them; absolute paths, directories with all they hold.
    #[must_use]
    pub fn leaving_alone(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let below = |path: PathBuf| path.strip_prefix(&self.top).map(Path::to_path_buf).ok();
        let paths: Vec<PathBuf> = paths.into_iter().filter_map(below).collect();
        self.left_alone.extend(paths);
        self
    }

    /// Top of the working tree.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The id git writes where there is no object.
    pub(crate) fn null_id(&self) -> String {
        "0".repeat(if self.format == "sha256" { 64 } else { 40 })
    }

    /// A call in the small git directory, about the working tree.
    pub(crate) fn git(&self, command: &'static str) -> Git {
        self.git_at(&self.top, command)
    }

    /// A call in the small git directory, about another directory of files.
    pub(super) fn git_at(&self, tree: &Path, command: &'static str) -> Git {
        Git::write(tree, command)
            .config("core.bare=false")
            .config("core.autocrlf=false")
            // A checkpoint is never sent to a system on which such names are dangerous.
            .config("core.protectNTFS=false")
            .config("core.protectHFS=false")
            .env("GIT_DIR", &self.store)
            .env("GIT_WORK_TREE", tree)
            .env("GIT_OBJECT_DIRECTORY", &self.objects)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .timeout(STEP)
    }

    /// A call in the user's repository that changes nothing of it that the user sees.
    pub(crate) fn user_git(&self, command: &'static str) -> Git {
        Git::read(&self.top, command).timeout(STEP)
    }

    /// The index in which checkpoints are built.
    pub(super) fn index(&self) -> PathBuf {
        self.store.join("index")
    }

    /// An index for one other purpose; another process may need one at the same time.
    pub(crate) fn spare_index(&self, purpose: &str) -> SpareIndex {
        SpareIndex(self.store.join(format!("{purpose}-{}.index", std::process::id())))
    }

    /// Makes the small git directory if need be, brings it up to date and locks it.
    pub(super) async fn ready(&self) -> Result<StoreLock, GitError> {
        self.make().await?;
        let path = self.store.join("lock");
        let file =
            locked(path.clone()).await.map_err(|source| file_error("lock", &path, source))?;
        // Whoever left it is gone, or would hold our lock.
        let left = self.store.join("index.lock");
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(file_error("remove", &left, error))
            }
            _ => Ok(StoreLock { _file: file }),
        }
    }

    /// Makes the small git directory if need be.
    pub(super) async fn make(&self) -> Result<(), GitError> {
        let info = self.store.join("info");
        let attributes = info.join("attributes");
        if !attributes.is_file() {
            fs::create_dir_all(&info).map_err(|error| file_error("create", &info, error))?;
            Git::write(&self.top, "init")
                .args(["--bare", "--quiet", "--template="])
                .args([format!("--object-format={}", self.format)])
                .args([&self.store])
                .done()
                .await?;
            write(&attributes, ATTRIBUTES.as_bytes())?; // Last: it says that the rest is there.
        }
        let user = match fs::read(&self.exclude) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(file_error("read", &self.exclude, error)),
        };
        let own = info.join("exclude");
        if fs::read(&own).ok().as_deref() == Some(&*user) { Ok(()) } else { write(&own, &user) }
    }

    /// The user's own list of ignored files, when it is not at git's usual place.
    pub(super) async fn excludes_file(&self) -> Result<Option<OsString>, GitError> {
        let call =
            self.user_git("config").args(["--type=path", "-z", "--get", "core.excludesFile"]);
        let Answer { status, mut stdout, .. } = call.answer().await?;
        stdout.pop();
        Ok((status.success() && !stdout.is_empty()).then(|| OsString::from_vec(stdout)))
    }
}

/// Waits until nobody else builds a checkpoint of the same root, which is a matter of moments.
async fn locked(path: PathBuf) -> io::Result<File> {
    let lock = move || {
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    tokio::task::spawn_blocking(lock).await.map_err(io::Error::from)?
}

/// The path of an index that goes when this does.
#[derive(Debug)]
pub(crate) struct SpareIndex(pub(crate) PathBuf);

impl Drop for SpareIndex {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // It may never have been written.
    }
}

/// A short name that stays when the repository moves: 12 digits of what git makes of the two names.
async fn root_id(root: &Path, git_dir_name: &[u8], prefix: &[u8]) -> Result<String, GitError> {
    let name = [git_dir_name, b"\0", prefix].concat();
    let mut id = Git::read(root, "hash-object").args(["--stdin"]).input(name).text().await?;
    id.truncate(12);
    Ok(id)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), GitError> {
    fs::write(path, bytes).map_err(|error| file_error("write", path, error))
}

pub(crate) fn file_error(what: &'static str, path: &Path, source: io::Error) -> GitError {
    GitError::File { what, path: path.display().to_string(), source }
}

//! One call of `gh`: found, asked without prompts, heard in bounded time and memory, its failures understood.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use car_agent::{Finished, Program, ProgramError, find_program, search_path};
use serde::de::DeserializeOwned;

use super::untrusted;
use crate::{EngineError, ErrorKind, Redactor, Repo};

/// Characters of `gh`'s own words that are shown.
const MAX_SAID: usize = 2000;
/// `gh` ends with this code when somebody has to log in first.
const EXIT_NEEDS_LOGIN: i32 = 4;
/// Variables that change what `gh` prints or to whom it talks behind our back.
const REMOVED: [&str; 5] = ["GH_FORCE_TTY", "GH_DEBUG", "DEBUG", "CLICOLOR_FORCE", "GH_PAGER"];

/// A call of `gh` that gave no answer.
#[derive(Debug)]
pub(super) struct GhError {
    /// For people.
    pub(super) error: EngineError,
    /// How long GitHub wants to be left alone, when it said so.
    pub(super) retry_after: Option<Duration>,
}

impl From<GhError> for EngineError {
    fn from(error: GhError) -> Self {
        error.error
    }
}

impl From<EngineError> for GhError {
    fn from(error: EngineError) -> Self {
        Self { error, retry_after: None }
    }
}

/// The `gh` program for one repository.
pub(super) struct Gh<'a> {
    repo: &'a Repo,
    program: PathBuf,
    search: OsString,
}

impl<'a> Gh<'a> {
    /// Finds `gh` as configured, or on the path.
    ///
    /// # Errors
    /// When GitHub is switched off, or there is no such program.
    pub(super) fn of(repo: &'a Repo) -> Result<Self, EngineError> {
        let config = &repo.config().github;
        if !config.enabled {
            return Err(EngineError::conflict("GitHub is switched off for this repository")
                .with_hint("set github.enabled to true to use it"));
        }
        let own_path = std::env::var_os("PATH");
        let search = search_path(own_path.as_deref());
        let name = config.gh_path.as_deref().map(str::trim).filter(|path| !path.is_empty());
        let name = name.unwrap_or("gh");
        let is_inside = name.contains('/') && !name.starts_with(['/', '~']);
        let program = if is_inside {
            find_program(&repo.root().join(name).to_string_lossy(), &search)
        } else {
            find_program(name, &search)
        };
        let program = program.ok_or_else(|| missing(config.gh_path.as_deref()))?;
        Ok(Self { repo, program, search })
    }

    /// Whether somebody is logged in.
    pub(super) async fn is_authenticated(&self) -> Result<bool, GhError> {
        let args = ["auth", "status"];
        let finished = self.run(&args, Vec::new(), 10).await?;
        let failure = (!finished.is_success()).then(|| self.failure(&args, &finished));
        match failure {
            None => Ok(true),
            // It says nothing about a login when GitHub cannot be reached.
            Some(failure) if failure.error.kind() == ErrorKind::Unavailable => Err(failure),
            Some(_) => Ok(false),
        }
    }

    /// Runs it with `input` on standard input; that it failed shows in the answer.
    pub(super) async fn run(
        &self,
        args: &[&str],
        input: Vec<u8>,
        seconds: u64,
    ) -> Result<Finished, GhError> {
        let mut program = Program::new(&self.program, self.repo.root()).args(args.iter().copied());
        program.env = self.repo.env().for_child();
        // After the repository's own variables, so that these hold.
        program.env.extend([
            ("PATH".into(), self.search.clone()),
            ("GH_PROMPT_DISABLED".into(), "1".into()),
            ("GH_NO_UPDATE_NOTIFIER".into(), "1".into()),
            ("NO_COLOR".into(), "1".into()),
        ]);
        program.env_remove = self.repo.env().withheld_from_child();
        program.env_remove.extend(REMOVED.map(OsString::from));
        program.input = input;
        program.timeout = Duration::from_secs(seconds);
        let finished = program.run().await.map_err(|error| not_run(error, args))?;
        if finished.is_cut {
            let text = format!("{} answered more than CAR reads", shown(args));
            return Err(EngineError::new(ErrorKind::Other, text).into());
        }
        Ok(finished)
    }

    /// Runs it and returns what it printed.
    pub(super) async fn text(
        &self,
        args: &[&str],
        input: Vec<u8>,
        seconds: u64,
    ) -> Result<String, GhError> {
        let finished = self.run(args, input, seconds).await?;
        if finished.is_success() { Ok(finished.stdout) } else { Err(self.failure(args, &finished)) }
    }

    /// Runs it and reads the JSON it prints; `None` when it prints nothing.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        args: &[&str],
        seconds: u64,
    ) -> Result<Option<T>, GhError> {
        let text = self.text(args, Vec::new(), seconds).await?;
        Ok(read_json(args, &text)?)
    }

    /// What a failed call means.
    pub(super) fn failure(&self, args: &[&str], finished: &Finished) -> GhError {
        let said = [&finished.stderr, &finished.stdout].into_iter().find(|s| !s.trim().is_empty());
        let redactor = Redactor::of(self.repo.env());
        let said = said.map(|said| untrusted::text(&redactor.redact(said), MAX_SAID));
        let said = said.unwrap_or_else(|| {
            finished.code.map_or("ended by a signal".to_owned(), |code| format!("exit {code}"))
        });
        let retry_after = retry_after(&said);
        let kind = match finished.code {
            Some(EXIT_NEEDS_LOGIN) => ErrorKind::Unauthenticated,
            _ => kind_of(&said),
        };
        let text = format!("{} failed: {said}", shown(args));
        let error = match kind {
            ErrorKind::Unauthenticated => not_logged_in(),
            ErrorKind::RateLimited => {
                let wait = retry_after.map_or("a few minutes".to_owned(), |wait| {
                    car_domain::format::setting_seconds(wait.as_secs())
                });
                EngineError::new(kind, format!("GitHub refuses to be asked so often ({said})"))
                    .with_hint(format!("try again in {wait}"))
            }
            ErrorKind::Conflict => EngineError::new(kind, text)
                .with_hint("add a remote on GitHub, or choose one with `gh repo set-default`"),
            ErrorKind::Unavailable => {
                EngineError::new(kind, text).with_hint("look at the network, then try again")
            }
            kind => EngineError::new(kind, text),
        };
        GhError { error, retry_after }
    }
}

/// Reads the JSON `gh` printed for `args`; `None` when there is nothing but white space.
pub(super) fn read_json<T: DeserializeOwned>(
    args: &[&str],
    text: &str,
) -> Result<Option<T>, EngineError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value: Result<T, _> = serde_path_to_error::deserialize(&mut json);
    let value = value.map_err(|error| error.to_string());
    let value = value.and_then(|value| json.end().map(|()| value).map_err(|e| e.to_string()));
    value.map(Some).map_err(|reason| {
        let what = shown(args);
        EngineError::new(
            ErrorKind::Other,
            format!("{what} answered something unexpected: {reason}"),
        )
        .with_hint("a newer or older gh may answer otherwise; `gh --version` says which it is")
    })
}

/// Nobody is logged in.
pub(super) fn not_logged_in() -> EngineError {
    let text = "GitHub CLI not authenticated (run `gh auth login`)";
    EngineError::new(ErrorKind::Unauthenticated, text)
        .with_hint("as the user CAR runs as; a server needs the token in its own environment")
}

fn missing(gh_path: Option<&str>) -> EngineError {
    let error = EngineError::new(ErrorKind::Unavailable, "GitHub CLI (gh) not available");
    match gh_path {
        Some(path) => error.with_hint(format!("github.gh_path is `{path}`, which is no program")),
        None => error.with_hint("install it from https://cli.github.com, or set github.gh_path"),
    }
}

fn not_run(error: ProgramError, args: &[&str]) -> GhError {
    let error = match error {
        ProgramError::Missing(_) => missing(None),
        ProgramError::Timeout { timeout, .. } => EngineError::new(
            ErrorKind::Timeout,
            format!("{} took longer than {} s", shown(args), timeout.as_secs()),
        )
        .with_hint("look at the network and at https://www.githubstatus.com, then try again"),
        error @ ProgramError::Run { .. } => {
            EngineError::new(ErrorKind::Unavailable, "gh cannot be run").with_source(error)
        }
    };
    error.into()
}

/// The first words of a call, which say what it was about.
fn shown(args: &[&str]) -> String {
    format!("`gh {}`", args.iter().take(2).copied().collect::<Vec<_>>().join(" "))
}

/// `gh` has one exit code for most troubles; its words, which are never translated, tell them apart.
fn kind_of(said: &str) -> ErrorKind {
    let said = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["rate limit", "http 429", "submitted too quickly", "abuse detection"]) {
        ErrorKind::RateLimited
    } else if has(&["gh auth login", "http 401", "bad credentials", "authentication required"]) {
        ErrorKind::Unauthenticated
    } else if has(&["no git remotes", "none of the git remotes", "not a git repository"]) {
        ErrorKind::Conflict
    } else if has(&["http 404", "could not resolve to", "no pull requests found", "not found"]) {
        ErrorKind::NotFound
    } else if has(&["error connecting to", "dial tcp", "no such host", "timeout", "http 50"]) {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Other
    }
}

/// Seconds behind `retry after`, in whatever spelling.
fn retry_after(said: &str) -> Option<Duration> {
    let said = said.to_ascii_lowercase().replace('-', " ");
    let (_, rest) = said.split_once("retry after")?;
    let digits: String =
        rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let is_near = rest.find(&digits).is_some_and(|at| at < 12);
    digits.parse().ok().filter(|_| is_near).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_gh_tell_what_kind_of_trouble_it_is() {
        let cases = [
            ("HTTP 401: Bad credentials (https://api.github.com/)", ErrorKind::Unauthenticated),
            (
                "HTTP 403: You have exceeded a secondary rate limit. Please wait a few minutes",
                ErrorKind::RateLimited,
            ),
            ("GraphQL: API rate limit exceeded for user ID 1.", ErrorKind::RateLimited),
            ("no git remotes found", ErrorKind::Conflict),
            (
                "GraphQL: Could not resolve to an issue or pull request with the number of 9.",
                ErrorKind::NotFound,
            ),
            ("error connecting to api.github.com", ErrorKind::Unavailable),
            ("X Timeout trying to log in to github.com", ErrorKind::Unavailable),
            ("something else", ErrorKind::Other),
        ];
        for (said, kind) in cases {
            assert_eq!(kind_of(said), kind, "{said}");
        }
    }

    #[test]
    fn github_may_say_how_long_to_wait() {
        assert_eq!(retry_after("HTTP 429, Retry-After: 42"), Some(Duration::from_secs(42)));
        assert_eq!(retry_after("retry after 7 seconds"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("please wait a few minutes"), None);
    }

    #[test]
    fn only_one_whole_json_value_counts_as_an_answer() {
        let read = |text| read_json::<Vec<u8>>(&["pr", "list", "--head"], text);
        assert_eq!(read(" \n ").expect("nothing"), None);
        assert_eq!(read("[1]\n").expect("a list"), Some(vec![1]));
        for text in ["[1", "[1] x", "{}", "null"] {
            let error = read(text).expect_err("no list").to_string();
            assert!(error.starts_with("`gh pr list` answered something unexpected: "), "{error}");
        }
    }
}

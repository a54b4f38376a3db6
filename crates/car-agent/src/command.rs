//! From configured words to a command line: find the program, add what CAR needs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// Directories where programs live that a service's `PATH` often lacks.
const EXTRA_DIRS: [&str; 3] = ["/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin"];

/// Which language an agent speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentKind {
    /// `codex exec --json`, or any program told `--json`: one JSON event of Codex's kind a line.
    CodexExec,
    /// Anything else: plain text.
    Plain,
}

/// A command line that is ready to start, without the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// How to read it.
    pub kind: AgentKind,
}

/// The configured program does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Codex binary not found: {binary}")]
pub struct CommandError {
    /// As configured.
    pub binary: String,
}

impl AgentCommand {
    /// Resolves `binary` and completes `args` the way its kind needs: the model, the reasoning effort, JSON events, the
    /// prompt from standard input. Flags that are there already are left alone.
    ///
    /// # Errors
    /// When no such program can be executed.
    pub fn resolve(
        binary: &str,
        args: &[String],
        model: Option<&str>,
        reasoning: Option<&str>,
        search: &OsStr,
    ) -> Result<Self, CommandError> {
        let program = find_program(binary, search)
            .ok_or_else(|| CommandError { binary: binary.to_owned() })?;
        let is_codex = program_name(binary) == "codex" || program_name(&program) == "codex";
        let mut args = args.to_vec();
        let kind = if is_codex && args.iter().any(|arg| arg == "exec") {
            complete_codex(&mut args, model, reasoning);
            AgentKind::CodexExec
        } else if args.iter().any(|arg| arg == "--json") {
            AgentKind::CodexExec
        } else {
            AgentKind::Plain
        };
        Ok(Self { program, args, kind })
    }

    /// The agent's name for people: the program without directory and extension, and which of its commands it is, unless
    /// the program is Codex.
    pub fn name(&self) -> String {
        let program = program_name(&self.program);
        let verb =
            self.args.first().filter(|arg| arg.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        match verb.filter(|verb| !verb.starts_with('-') && program != "codex") {
            Some(verb) => format!("{program} {verb}"),
            None => program,
        }
    }
}

/// `PATH` plus the usual directories it lacks.
pub fn search_path(path: Option<&OsStr>) -> OsString {
    let mut dirs: Vec<PathBuf> =
        path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    for dir in EXTRA_DIRS.map(PathBuf::from) {
        if dir.is_dir() && !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    std::env::join_paths(dirs).unwrap_or_default()
}

fn complete_codex(args: &mut Vec<String>, model: Option<&str>, reasoning: Option<&str>) {
    let mut at = args.iter().position(|arg| arg == "exec").unwrap_or(0);
    if let Some(model) =
        model.filter(|model| !model.is_empty() && !has_flag(args, &["--model", "-m"]))
    {
        args.splice(at..at, ["--model".to_owned(), model.to_owned()]);
        at += 2;
    }
    let configured = args.iter().any(|arg| arg.starts_with("model_reasoning_effort"));
    if let Some(effort) = reasoning.filter(|effort| !effort.is_empty() && !configured) {
        // A JSON string is a valid TOML string, so no effort word can break out of it.
        let value = serde_json::Value::from(effort);
        args.splice(at..at, ["-c".to_owned(), format!("model_reasoning_effort={value}")]);
        at += 2;
    }
    if !has_flag(args, &["--json"]) {
        args.insert(at + 1, "--json".to_owned());
    }
    if args.last().is_none_or(|last| last != "-") {
        args.push("-".to_owned());
    }
}

/// Whether one of `names` is given as `--name value` or `--name=value`.
fn has_flag(args: &[String], names: &[&str]) -> bool {
    let is_it = |arg: &str, name: &str| {
        arg == name || arg.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
    };
    args.iter().any(|arg| names.iter().any(|name| is_it(arg, name)))
}

/// The program called `binary`: a path (also from `~/`), or the first of that name in the directories of `search`.
pub fn find_program(binary: &str, search: &OsStr) -> Option<PathBuf> {
    if binary.contains('/') {
        let path = match binary.strip_prefix("~/") {
            Some(rest) => std::env::home_dir()?.join(rest),
            None => std::path::absolute(binary).ok()?,
        };
        return is_executable(&path).then_some(path);
    }
    std::env::split_paths(search).map(|dir| dir.join(binary)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

fn program_name(path: impl AsRef<Path>) -> String {
    path.as_ref().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn completed(args: &str, model: Option<&str>, reasoning: Option<&str>) -> String {
        let mut args = words(args);
        complete_codex(&mut args, model, reasoning);
        args.join(" ")
    }

    #[test]
    fn the_default_command_line_gets_json_and_the_prompt_from_stdin() {
        assert_eq!(
            completed("--yolo exec --sandbox danger-full-access", None, None),
            "--yolo exec --json --sandbox danger-full-access -"
        );
    }

    #[test]
    fn model_and_effort_go_before_exec_unless_they_are_there() {
        assert_eq!(
            completed("--yolo exec", Some("m1"), Some("high")),
            "--yolo --model m1 -c model_reasoning_effort=\"high\" exec --json -"
        );
        assert_eq!(completed("exec -m m0 --json -", Some("m1"), None), "exec -m m0 --json -");
        assert_eq!(completed("--model=m0 exec", Some("m1"), None), "--model=m0 exec --json -");
    }

    #[test]
    fn any_other_program_is_read_as_plain_text() {
        let search = OsString::from("/usr/bin:/bin");
        let command = AgentCommand::resolve("sh", &words("-c true"), Some("m1"), None, &search);
        let command = command.expect("sh exists");
        assert_eq!((command.kind, command.args), (AgentKind::Plain, words("-c true")));
        let missing = AgentCommand::resolve("no-such-agent", &[], None, None, &search);
        assert_eq!(
            missing.map_err(|error| error.to_string()),
            Err("Codex binary not found: no-such-agent".into())
        );
    }
}

//! What the words of `codex.args` mean for a turn: written for `codex exec`, they hold for the Codex server as well.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::conversation::{ApprovalPolicy, SandboxPolicy};

/// Options without a meaning for a turn, and how many words follow them.
const WITHOUT_MEANING: [(&str, usize); 8] = [
    ("exec", 0),
    ("-", 0),
    ("--json", 0),
    ("--skip-git-repo-check", 0),
    ("--color", 1),
    ("-C", 1),
    ("--cd", 1),
    ("--trust", 0),
];

/// How turns of a loop work.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TurnSettings {
    pub sandbox: SandboxPolicy,
    pub approvals: ApprovalPolicy,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// Configuration of Codex, with dotted names.
    pub config: Map<String, Value>,
    /// Words that were not understood.
    pub ignored: Vec<String>,
}

impl TurnSettings {
    /// Reads `args`; without a word about the sandbox it is read-only, as for `codex exec`.
    pub(super) fn read(args: &[String]) -> Self {
        let mut settings = Self::default();
        let mut roots: Vec<PathBuf> = Vec::new();
        let mut words = args.iter().flat_map(|word| split(word)).peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--yolo" | "--dangerously-bypass-approvals-and-sandbox" => {
                    settings.sandbox = SandboxPolicy::FullAccess;
                }
                "-s" | "--sandbox" => {
                    let value = words.next().unwrap_or_default();
                    match sandbox(&value) {
                        Some(sandbox) => settings.sandbox = sandbox,
                        None => settings.ignored.push(format!("{word} {value}")),
                    }
                }
                "-a" | "--ask-for-approval" => {
                    let value = words.next().unwrap_or_default();
                    match approvals(&value) {
                        Some(approvals) => settings.approvals = approvals,
                        None => settings.ignored.push(format!("{word} {value}")),
                    }
                }
                "-m" | "--model" => settings.model = words.next(),
                "--add-dir" => roots.extend(words.next().map(PathBuf::from)),
                "-c" | "--config" => settings.configure(&words.next().unwrap_or_default()),
                other => match WITHOUT_MEANING.iter().find(|(known, _)| *known == other) {
                    Some((_, n_words)) => (0..*n_words).for_each(|_| drop(words.next())),
                    None => settings.ignored.push(word),
                },
            }
        }
        settings.complete(roots);
        settings
    }

    fn configure(&mut self, pair: &str) {
        let Some((name, value)) = pair.split_once('=') else {
            self.ignored.push(format!("-c {pair}"));
            return;
        };
        // Most TOML values are JSON as well; what is not is taken as text, as Codex does.
        let value =
            serde_json::from_str(value.trim()).unwrap_or_else(|_| Value::from(value.trim()));
        self.config.insert(name.trim().to_owned(), value);
    }

    /// What is said by configuration and is part of a turn's policies.
    fn complete(&mut self, roots: Vec<PathBuf>) {
        if let Some(Value::String(effort)) = self.config.shift_remove("model_reasoning_effort") {
            self.effort = Some(effort);
        }
        if let SandboxPolicy::WorkspaceWrite { writable_roots, network } = &mut self.sandbox {
            writable_roots.extend(roots);
            let access = self.config.shift_remove("sandbox_workspace_write.network_access");
            *network = access == Some(Value::Bool(true));
        }
    }
}

/// `--name=value` as two words.
fn split(word: &str) -> Vec<String> {
    match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
        _ => vec![word.to_owned()],
    }
}

fn sandbox(word: &str) -> Option<SandboxPolicy> {
    match word {
        "read-only" => Some(SandboxPolicy::ReadOnly),
        "workspace-write" => {
            Some(SandboxPolicy::WorkspaceWrite { writable_roots: Vec::new(), network: false })
        }
        "danger-full-access" => Some(SandboxPolicy::FullAccess),
        _ => None,
    }
}

fn approvals(word: &str) -> Option<ApprovalPolicy> {
    match word {
        "never" => Some(ApprovalPolicy::Never),
        "on-request" => Some(ApprovalPolicy::OnRequest),
        "untrusted" => Some(ApprovalPolicy::Untrusted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> TurnSettings {
        TurnSettings::read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_default_words_mean_full_access_and_no_questions() {
        let settings = read("--yolo exec --sandbox danger-full-access");
        let expected =
            TurnSettings { sandbox: SandboxPolicy::FullAccess, ..TurnSettings::default() };
        assert_eq!(settings, expected);
    }

    #[test]
    fn every_policy_can_be_said() {
        let settings = read(
            "-a on-request exec --sandbox=workspace-write --add-dir /more -m big -c model_reasoning_effort=high \
             -c sandbox_workspace_write.network_access=true -c tools.x=[1]",
        );
        let sandbox =
            SandboxPolicy::WorkspaceWrite { writable_roots: vec!["/more".into()], network: true };
        assert_eq!(settings.sandbox, sandbox);
        assert_eq!(settings.approvals, ApprovalPolicy::OnRequest);
        assert_eq!(
            (settings.model.as_deref(), settings.effort.as_deref()),
            (Some("big"), Some("high"))
        );
        assert_eq!(Value::Object(settings.config), serde_json::json!({"tools.x": [1]}));
        assert_eq!(settings.ignored, Vec::<String>::new());
    }

    #[test]
    fn what_is_not_understood_is_told_and_never_widens_the_sandbox() {
        let settings = read("exec --sandbox everything --profile fast");
        assert_eq!(settings.sandbox, SandboxPolicy::ReadOnly);
        assert_eq!(settings.ignored, ["--sandbox everything", "--profile", "fast"]);
    }
}

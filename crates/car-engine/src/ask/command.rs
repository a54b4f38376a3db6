//! The command line of a job: what is configured for the loop, without the rights the loop has.

use car_agent::{AgentCommand, AgentKind, search_path};

use super::Job;
use crate::conversation::SandboxPolicy;
use crate::{EngineError, ErrorKind, Repo};

/// Flags that give an agent all rights; they hold for the loop and not for jobs.
const BYPASS: [&str; 3] = ["--yolo", "--dangerously-bypass-approvals-and-sandbox", "--full-auto"];
/// Flags with a value that choose a sandbox.
const SANDBOX: [&str; 2] = ["--sandbox", "-s"];

/// The agent of `repo`, ready for `job`.
pub(super) fn resolve(repo: &Repo, job: &Job) -> Result<AgentCommand, EngineError> {
    let codex = &repo.config().codex;
    let search = search_path(std::env::var_os("PATH").as_deref());
    let model = job.model.as_deref().or(codex.model.as_deref());
    let found = AgentCommand::resolve(
        &codex.binary,
        &codex.args,
        model,
        codex.reasoning.as_deref(),
        &search,
    );
    let mut command = found.map_err(|error| {
        EngineError::new(ErrorKind::Agent, error.to_string())
            .with_hint("set codex.binary, or install the Codex CLI")
    })?;
    if is_codex(&command) {
        command.args = in_sandbox(&command.args, &job.sandbox);
    }
    Ok(command)
}

/// Whether it is the Codex CLI, told to run once.
pub(super) fn is_codex(command: &AgentCommand) -> bool {
    command.kind == AgentKind::CodexExec
        && command.program.file_stem().is_some_and(|name| name == "codex")
}

/// The arguments with `sandbox` in place of what they say about rights.
fn in_sandbox(args: &[String], sandbox: &SandboxPolicy) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let is_flag = |names: &[&str]| {
            names.iter().any(|name| word == name || word.starts_with(&format!("{name}=")))
        };
        if BYPASS.contains(&word.as_str()) {
            continue;
        }
        if is_flag(&SANDBOX) {
            if !word.contains('=') {
                words.next();
            }
            continue;
        }
        kept.push(word.clone());
    }
    let at = kept.iter().position(|word| word == "exec").map_or(kept.len(), |at| at + 1);
    kept.splice(at..at, sandbox_flags(sandbox));
    kept
}

fn sandbox_flags(sandbox: &SandboxPolicy) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    // The working copy of a document lies in no repository of its own.
    let mut flags: Vec<String> = words(&["--skip-git-repo-check", "--sandbox"]);
    match sandbox {
        SandboxPolicy::ReadOnly => flags.push("read-only".to_owned()),
        SandboxPolicy::FullAccess => flags.push("danger-full-access".to_owned()),
        SandboxPolicy::OnlyHere => {
            flags.push("workspace-write".to_owned());
            for setting in ["exclude_tmpdir_env_var", "exclude_slash_tmp"] {
                flags.push("-c".to_owned());
                flags.push(format!("sandbox_workspace_write.{setting}=true"));
            }
        }
        SandboxPolicy::WorkspaceWrite { writable_roots, network } => {
            flags.push("workspace-write".to_owned());
            // A list of JSON strings is a list of TOML strings.
            let roots = serde_json::json!(writable_roots);
            flags.push("-c".to_owned());
            flags.push(format!("sandbox_workspace_write.writable_roots={roots}"));
            flags.push("-c".to_owned());
            flags.push(format!("sandbox_workspace_write.network_access={network}"));
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(args: &str, sandbox: &SandboxPolicy) -> String {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        in_sandbox(&args, sandbox).join(" ")
    }

    #[test]
    fn a_job_does_not_get_the_rights_of_the_loop() {
        let loop_args = "--yolo exec --json --sandbox danger-full-access -";
        assert_eq!(
            with(loop_args, &SandboxPolicy::ReadOnly),
            "exec --skip-git-repo-check --sandbox read-only --json -"
        );
        assert_eq!(
            with("exec -s=danger-full-access --json -", &SandboxPolicy::ReadOnly),
            "exec --skip-git-repo-check --sandbox read-only --json -"
        );
        let copy =
            SandboxPolicy::WorkspaceWrite { writable_roots: vec!["/a b".into()], network: false };
        assert_eq!(
            with("exec --json -", &copy),
            "exec --skip-git-repo-check --sandbox workspace-write \
             -c sandbox_workspace_write.writable_roots=[\"/a b\"] \
             -c sandbox_workspace_write.network_access=false --json -"
        );
    }
}

//! From SPEC to TODO, PROGRESS and OPINIONS, with the agent's help.
//!
//! What would be overwritten is looked at before the agent is asked. Its three texts are one proposal: all are written or none,
//! and what was there before stays in the history.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use car_domain::docs::{DocKind, Document};
use car_domain::proposal::{DocProposal, Proposal};
use car_domain::todo::TodoList;
use tokio_util::sync::CancellationToken;

use crate::ask::{Job, JobEvent, ask};
use crate::docs::{DocChange, DocWrite, Expected};
use crate::prompt::{contained, substitute};
use crate::{EngineError, ErrorKind, Repo, now};

const PROMPT: &str = include_str!("prompt/ingest.txt");
/// The documents that are written.
const TARGETS: [DocKind; 3] = [DocKind::Todo, DocKind::Progress, DocKind::Opinions];
/// Most bytes of a SPEC.
const MAX_SPEC_BYTES: usize = 4 << 20;

/// What to ingest, and how.
#[derive(Clone, Debug, Default)]
pub struct IngestRequest {
    /// Another file than the configured SPEC, inside the repository.
    pub spec: Option<PathBuf>,
    /// Replace documents that hold something.
    pub force: bool,
    /// Keep the items of TODO that are done.
    pub keep_done: bool,
}

/// Asks the agent for the three documents. Nothing is written. `guard` is the command line of the agent's guard.
///
/// # Errors
/// When there is no SPEC, documents hold something and `force` is off, or the agent fails or answers something else.
pub async fn propose(
    repo: &Repo,
    guard: &[OsString],
    request: &IngestRequest,
    cancel: &CancellationToken,
    events: &mut (dyn FnMut(JobEvent) + Send),
) -> Result<Proposal, EngineError> {
    let spec = read_spec(repo, request.spec.as_deref())?;
    let current = TARGETS.map(|kind| repo.docs().read(kind));
    let current: Vec<Document> = current.into_iter().collect::<Result<_, _>>()?;
    if !request.force && current.iter().any(holds_something) {
        return Err(EngineError::conflict(
            "TODO/PROGRESS/OPINIONS already contain content; rerun with --force to overwrite",
        )
        .with_hint("what is overwritten stays in the history: `car docs restore` brings it back"));
    }
    let job = Job::new("ingest", repo.root(), prompt(&spec, &current));
    let answer = ask(repo, guard, &job, cancel, events).await?;
    let mut texts = sections(&answer.text).ok_or_else(|| {
        EngineError::new(
            ErrorKind::Agent,
            "Failed to parse ingest output; missing TODO/PROGRESS/OPINIONS sections",
        )
        .with_hint("nothing was written; try again, or say more in SPEC")
    })?;
    if request.keep_done {
        texts[0] = with_done_items(&texts[0], &current[0].text);
    }
    let documents = current.into_iter().zip(texts).map(|(old, new)| DocProposal {
        kind: old.kind,
        base_version: old.version,
        base: old.text,
        proposed: format!("{}\n", new.trim_end()),
    });
    Ok(Proposal {
        at: now(),
        message: "Ingested SPEC into TODO/PROGRESS/OPINIONS.".to_owned(),
        documents: documents.collect(),
    })
}

/// Writes a proposal of [`propose`], all documents or none.
///
/// # Errors
/// When one was changed meanwhile or cannot be written.
pub fn write(repo: &Repo, proposal: &Proposal) -> Result<Vec<Document>, EngineError> {
    let changes: Vec<DocChange<'_>> = proposal
        .documents
        .iter()
        .map(|document| DocChange {
            kind: document.kind,
            text: &document.proposed,
            expected: Expected::Version(&document.base_version),
        })
        .collect();
    match repo.docs().write_all(&changes, "spec ingest")? {
        DocWrite::Written(documents) => Ok(documents),
        stale @ DocWrite::Stale(_) => stale.into_result().map(|document| vec![document]),
    }
}

/// The SPEC: the configured one, or another file inside the repository, so that no other file reaches a model.
fn read_spec(repo: &Repo, other: Option<&Path>) -> Result<String, EngineError> {
    let path = match other {
        None => repo.docs().path(DocKind::Spec),
        Some(path) => {
            let path = std::fs::canonicalize(repo.root().join(path)).map_err(|_| {
                EngineError::not_found(format!("SPEC not found at {}", path.display()))
                    .with_hint("name a file in the repository")
            })?;
            let root = std::fs::canonicalize(repo.root())
                .map_err(|error| EngineError::file("look at", repo.root(), error))?;
            if !path.starts_with(&root) {
                return Err(EngineError::new(
                    ErrorKind::Invalid,
                    format!("{} is not in this repository", path.display()),
                )
                .with_hint(
                    "a SPEC is sent to the model; copy the file into the repository first",
                ));
            }
            path
        }
    };
    let missing = || {
        EngineError::not_found(format!("SPEC not found at {}", path.display()))
            .with_hint("write down there what is to be built")
    };
    // A directory cannot be read, and a pipe might never end.
    if path.exists() && !path.is_file() {
        return Err(EngineError::new(ErrorKind::Invalid, format!("{} is no file", path.display())));
    }
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(EngineError::file("read", &path, error)),
    };
    if bytes.len() > MAX_SPEC_BYTES {
        return Err(EngineError::new(
            ErrorKind::Invalid,
            format!("SPEC at {} is larger than 4 MiB", path.display()),
        ));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.trim().is_empty() {
        return Err(EngineError::new(
            ErrorKind::Invalid,
            format!("SPEC at {} is empty", path.display()),
        )
        .with_hint("write down there what is to be built"));
    }
    Ok(text)
}

/// Whether a document holds more than a heading or the samples of `init`.
fn holds_something(document: &Document) -> bool {
    let text = document.text.trim();
    let is_heading =
        text.lines().filter(|line| !line.trim().is_empty()).all(|line| line.starts_with("# "));
    !is_heading && !crate::init::is_sample(document.kind, &document.text)
}

fn prompt(spec: &str, current: &[Document]) -> String {
    substitute(PROMPT, |name| {
        if name == "SPEC" {
            return Some(contained(spec.trim(), "SPEC"));
        }
        let document = current.iter().find(|document| document.kind.title() == name)?;
        Some(contained(document.text.trim(), &format!("EXISTING_{name}")))
    })
}

/// The three sections of an answer. A section ends at its last closing tag before the next section begins, so that text which
/// speaks about the tags does not end it.
fn sections(answer: &str) -> Option<[String; 3]> {
    let lower = answer.to_ascii_lowercase();
    let open = |kind: DocKind| lower.find(&format!("<{}>", kind.name()));
    let starts: Vec<usize> = TARGETS.into_iter().map(open).collect::<Option<_>>()?;
    let section = |index: usize| {
        let name = TARGETS[index].name();
        let from = starts[index] + name.len() + 2;
        let to = starts.iter().copied().filter(|start| *start > from).min().unwrap_or(answer.len());
        let region = lower.get(from..to)?;
        let end = region.rfind(&format!("</{name}>"))?;
        let text = answer[from..from + end].trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some([section(0)?, section(1)?, section(2)?])
}

/// `todo` with the done items of `old` that it does not hold, at its end.
fn with_done_items(todo: &str, old: &str) -> String {
    let new_items = TodoList::parse(todo).items;
    let old_list = TodoList::parse(old);
    let lines: Vec<&str> = old.lines().collect();
    let kept = old_list
        .items
        .iter()
        .filter(|item| item.done && !new_items.iter().any(|new| new.text == item.text));
    let kept: Vec<&str> = kept.filter_map(|item| lines.get(item.line).copied()).collect();
    if kept.is_empty() {
        return todo.to_owned();
    }
    format!("{}\n\n## Done before\n\n{}\n", todo.trim_end(), kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_in_any_order_and_case_and_may_speak_about_tags() {
        let answer = "Sure.\n<todo>- [ ] say `</TODO>` once\n</TODO><OPINIONS>\no\n</opinions>\
                      <Progress>p</Progress> bye";
        let [todo, progress, opinions] = sections(answer).expect("three sections");
        assert_eq!(todo, "- [ ] say `</TODO>` once");
        assert_eq!((progress.as_str(), opinions.as_str()), ("p", "o"));
    }

    #[test]
    fn an_answer_without_one_of_them_is_none() {
        assert_eq!(sections("<TODO>a</TODO><PROGRESS>b</PROGRESS>"), None);
        assert_eq!(sections("<TODO>a</TODO><PROGRESS> </PROGRESS><OPINIONS>c</OPINIONS>"), None);
        assert_eq!(sections("<TODO>a<PROGRESS>b</PROGRESS><OPINIONS>c</OPINIONS>"), None);
        assert_eq!(sections("ÄÖÜ<TODO>"), None);
    }

    #[test]
    fn done_items_stay_when_they_are_wanted() {
        let old = "- [x] old\n- [ ] open\n- [x] both\n";
        let kept = with_done_items("- [ ] new\n- [x] both", old);
        assert_eq!(kept, "- [ ] new\n- [x] both\n\n## Done before\n\n- [x] old\n");
    }
}

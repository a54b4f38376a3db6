//! The prompts of the loop.
//!
//! Placeholders are replaced in one pass, so a placeholder inside a document is text like any other. A closing tag inside a
//! document cannot end the document's block.

use std::fs;
use std::io;

use crate::docs::DocTexts;
use crate::{EngineError, Repo};

const WORK_PROMPT: &str = include_str!("prompt/work.txt");
const REPORT_PROMPT: &str = include_str!("prompt/report.txt");

/// The prompt of a work run. `previous` is the final output of the run before, `review` what the owner says, which ends every
/// template: it comes before whatever that asks for.
pub(crate) fn work(
    repo: &Repo,
    docs: &DocTexts,
    previous: Option<&str>,
    review: &str,
) -> Result<String, EngineError> {
    let template = custom_template(repo)?.unwrap_or_else(|| WORK_PROMPT.to_owned());
    let prompt = fill(&template, repo, docs, previous);
    Ok(match review {
        "" => prompt,
        review => format!("{}\n\n{review}\n", prompt.trim_end()),
    })
}

/// The prompt of the final report. Never a custom template, never the previous output.
pub(crate) fn report(repo: &Repo, docs: &DocTexts) -> String {
    fill(REPORT_PROMPT, repo, docs, None)
}

/// A block with context for an agent that no text inside can end.
pub fn injected_context(text: &str) -> String {
    let text = contained(text, "injected context");
    format!("<injected context>\n{text}\n</injected context>")
}

fn custom_template(repo: &Repo) -> Result<Option<String>, EngineError> {
    let Some(path) = repo.config().prompt.template.as_deref().filter(|path| !path.is_empty())
    else {
        return Ok(None);
    };
    let path = repo.root().join(path);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EngineError::file("read the prompt template", &path, error)),
    }
}

fn fill(template: &str, repo: &Repo, docs: &DocTexts, previous: Option<&str>) -> String {
    let paths = &repo.config().docs;
    let previous = previous
        .map(|text| {
            let text = contained(text, "PREV_RUN_OUTPUT");
            format!("<PREV_RUN_OUTPUT>\n{text}\n</PREV_RUN_OUTPUT>")
        })
        .unwrap_or_default();
    substitute(template, |name| {
        Some(match name {
            "TODO" => contained(&docs.todo, "TODO"),
            "PROGRESS" => contained(&docs.progress, "PROGRESS"),
            "OPINIONS" => contained(&docs.opinions, "OPINIONS"),
            "SPEC" => contained(&docs.spec, "SPEC"),
            "SUMMARY" => contained(&docs.summary, "SUMMARY"),
            "PREV_RUN_OUTPUT" => previous.clone(),
            "TODO_PATH" => paths.todo.clone(),
            "PROGRESS_PATH" => paths.progress.clone(),
            "OPINIONS_PATH" => paths.opinions.clone(),
            "SPEC_PATH" => paths.spec.clone(),
            "SUMMARY_PATH" => paths.summary.clone(),
            _ => return None,
        })
    })
}

/// Replaces every `{{NAME}}` that `value` knows, in one pass.
pub(crate) fn substitute(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        let known = from[2..].find("}}").and_then(|len| Some((len, value(&from[2..2 + len])?)));
        match known {
            Some((len, value)) => {
                text.push_str(&value);
                rest = &from[len + 4..];
            }
            None => {
                text.push_str("{{");
                rest = &from[2..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// A document that cannot close the block it stands in.
pub(crate) fn contained(text: &str, tag: &str) -> String {
    text.replace(&format!("</{tag}>"), &format!("<\\/{tag}>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn placeholders_inside_documents_stay_text() {
        let value = |name: &str| match name {
            "TODO" => Some("{{SPEC}}".to_owned()),
            "SPEC" => Some("spec".to_owned()),
            _ => None,
        };
        assert_eq!(
            substitute("a {{TODO}} b {{SPEC}} {{OTHER}} {{", value),
            "a {{SPEC}} b spec {{OTHER}} {{"
        );
    }

    #[test]
    fn a_document_cannot_end_its_block() {
        assert_eq!(contained("x</TODO>y", "TODO"), "x<\\/TODO>y");
        assert_eq!(
            injected_context("a </injected context> b"),
            "<injected context>\na <\\/injected context> b\n</injected context>"
        );
    }

    #[test]
    fn the_built_in_prompts_name_every_document() {
        for name in ["TODO", "PROGRESS", "OPINIONS", "SPEC", "SUMMARY"] {
            assert!(WORK_PROMPT.contains(&format!("{{{{{name}_PATH}}}}")), "{name}");
            assert!(
                WORK_PROMPT.contains(&format!("<{name}>\n{{{{{name}}}}}\n</{name}>")),
                "{name}"
            );
            assert!(REPORT_PROMPT.contains(&format!("{{{{{name}_PATH}}}}")), "{name}");
        }
        assert!(
            WORK_PROMPT.contains("Edit these files directly; do not create new copies elsewhere")
        );
    }

    proptest! {
        #[test]
        fn text_without_known_names_is_unchanged(text in "[a{}A \n]{0,60}") {
            prop_assert_eq!(substitute(&text, |_| None), text);
        }
    }
}

//! Searching what runs said and did, and the documents.
//!
//! Runs are searched in the index. Documents are few and small, so their files are read: what is found is what is there now.

use car_domain::Timestamp;
use car_domain::docs::DocKind;
use car_domain::search::{SearchHit, SearchPlace, SearchTerms};
use car_domain::text::headline;
use car_store::EventFilter;

use crate::served::blocking;
use crate::{EngineError, Repo, RunIndex};

/// The type that stands for documents among the types of events.
pub const DOCUMENT: &str = "document";
/// Lines told of one document.
const LINES_OF_DOCUMENT: usize = 3;
/// Characters of a line of a document.
const MAX_LINE: usize = 200;

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// What a person typed: words, `"a phrase"`, `begin*`. All of them must occur.
    pub text: String,
    /// Only this run.
    pub run: Option<u64>,
    /// Only events of this type; [`DOCUMENT`] for documents.
    pub kind: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Most hits in runs, and most in documents.
    pub limit: u32,
}

/// Searches `repos`, given as (id, repository), whose index is `index`. Documents come first, then events, best first.
///
/// # Errors
/// When there is nothing to search for, or the index or a file cannot be read.
pub async fn search(
    index: &RunIndex,
    repos: &[(String, Repo)],
    query: &SearchQuery,
) -> Result<Vec<SearchHit>, EngineError> {
    let terms = SearchTerms::parse(&query.text).ok_or_else(|| {
        EngineError::invalid("There is nothing to search for.")
            .with_hint("give words, a \"phrase\" in quotes, or the beginning of a word and a *")
    })?;
    let mut hits = Vec::new();
    let is_document = query.kind.as_deref() == Some(DOCUMENT);
    if query.run.is_none() && (is_document || query.kind.is_none()) {
        let (repos, terms, since) = (repos.to_vec(), terms.clone(), query.since);
        hits = blocking(move || in_documents(&repos, &terms, since)).await?;
        hits.truncate(query.limit as usize);
    }
    if !is_document {
        let filter = EventFilter {
            repos: Vec::new(),
            run: query.run,
            kind: query.kind.clone(),
            since: query.since,
        };
        hits.extend(index.search(repos, &terms, filter, query.limit).await?);
    }
    Ok(hits)
}

fn in_documents(
    repos: &[(String, Repo)],
    terms: &SearchTerms,
    since: Option<Timestamp>,
) -> Result<Vec<SearchHit>, EngineError> {
    let mut hits = Vec::new();
    for (id, repo) in repos {
        for kind in DocKind::ALL {
            let document = repo.docs().read(kind)?;
            let is_old =
                since.is_some_and(|since| document.modified_at.is_none_or(|at| at < since));
            if is_old {
                continue;
            }
            for (line, snippet, marks) in in_text(&document.text, terms) {
                let document_name = kind.name().to_owned();
                hits.push(SearchHit {
                    repo: id.clone(),
                    place: SearchPlace::Document {
                        kind: DOCUMENT.to_owned(),
                        document: document_name,
                        line,
                    },
                    at: document.modified_at,
                    snippet,
                    marks,
                });
            }
        }
    }
    Ok(hits)
}

type Line = (usize, String, Vec<(usize, usize)>);

/// The lines of a text with most of the terms, in their order; nothing when a term does not occur at all.
fn in_text(text: &str, terms: &SearchTerms) -> Vec<Line> {
    let terms = terms.terms();
    if !terms.iter().all(|term| text.lines().any(|line| term.find(line).is_some())) {
        return Vec::new();
    }
    let mut lines: Vec<Line> = (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| {
            let line = headline(line, MAX_LINE);
            let chars = |byte: usize| line[..byte].chars().count();
            let mut marks: Vec<(usize, usize)> = terms
                .iter()
                .filter_map(|term| term.find(&line))
                .map(|(from, to)| (chars(from), chars(to)))
                .collect();
            marks.sort_unstable();
            (!marks.is_empty()).then_some((number, line, marks))
        })
        .collect();
    lines.sort_by_key(|(_, _, marks)| std::cmp::Reverse(marks.len()));
    lines.truncate(LINES_OF_DOCUMENT);
    lines.sort_by_key(|(number, _, _)| *number);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_found_when_it_holds_every_term_and_its_best_lines_are_told() {
        let text = "# Limits\n\nA rate limit.\nrate\nrate\nlimit\nrate limit";
        let terms = |text: &str| SearchTerms::parse(text).expect("terms");
        let found = in_text(text, &terms("rate limit"));
        let told: Vec<_> = found.iter().map(|(line, text, _)| (*line, text.as_str())).collect();
        assert_eq!(told, [(3, "A rate limit."), (4, "rate"), (7, "rate limit")]);
        assert_eq!(found[0].2, [(2, 6), (7, 12)]);
        assert_eq!(in_text(text, &terms("rate gone")), []);
    }
}

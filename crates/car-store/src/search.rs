//! Searching the words of events.

use car_domain::Timestamp;
use car_domain::search::{SearchHit, SearchPlace, SearchTerms};

use crate::{Index, StoreError};

/// Of so many of the newest events that match, the best are taken. A word that is everywhere would otherwise cost the more, the
/// longer the history.
const CANDIDATES: i64 = 5_000;
/// Words of a snippet.
const SNIPPET_WORDS: i64 = 24;
/// Marks around what matched. They occur in no text that people write.
const MARKS: [char; 2] = ['\u{2}', '\u{3}'];

/// Which events are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Ids of the repositories.
    pub repos: Vec<String>,
    /// Only this run.
    pub run: Option<u64>,
    /// Only events of this type.
    pub kind: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
}

impl Index {
    /// The events that hold all terms, best first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search(
        &self,
        terms: &SearchTerms,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Vec<SearchHit>, StoreError> {
        // CROSS JOIN keeps the order: first what matches, then its rows.
        let rows: Vec<(String, i64, i64, i64, String, String)> = sqlx::query_as(
            "WITH found AS MATERIALIZED (
                 SELECT e.id AS id, bm25(events_text) AS score
                 FROM events_text CROSS JOIN events AS e ON e.id = events_text.rowid
                 WHERE events_text MATCH ?1 AND e.repo IN (SELECT value FROM json_each(?2))
                   AND (?3 IS NULL OR e.run = ?3) AND (?4 IS NULL OR e.type = ?4) AND e.at >= ?5
                 ORDER BY events_text.rowid DESC LIMIT ?6
             ), best AS MATERIALIZED (SELECT id, score FROM found ORDER BY score, id DESC LIMIT ?7)
             SELECT e.repo, e.run, e.seq, e.at, e.type, snippet(events_text, 0, ?8, ?9, '…', ?10)
             FROM best AS b CROSS JOIN events_text ON events_text.rowid = b.id
                  CROSS JOIN events AS e ON e.id = b.id
             WHERE events_text MATCH ?1 ORDER BY b.score, b.id DESC",
        )
        .bind(expression(terms))
        .bind(serde_json::to_string(&filter.repos)?)
        .bind(filter.run.map(|run| i64::try_from(run).unwrap_or(i64::MAX)))
        .bind(filter.kind.as_deref())
        .bind(filter.since.map_or(i64::MIN, Timestamp::as_millis))
        .bind(CANDIDATES)
        .bind(i64::from(limit))
        .bind(MARKS[0].to_string())
        .bind(MARKS[1].to_string())
        .bind(SNIPPET_WORDS)
        .fetch_all(self.reader())
        .await?;
        let hit = |(repo, run, seq, at, kind, snippet): (String, i64, i64, i64, String, String)| {
            let number = |n: i64| u64::try_from(n).unwrap_or(0);
            let (snippet, marks) = unmarked(&snippet);
            SearchHit {
                repo,
                place: SearchPlace::Event { run: number(run), seq: number(seq), kind },
                at: Some(Timestamp::from_millis(at)),
                snippet,
                marks,
            }
        };
        Ok(rows.into_iter().map(hit).collect())
    }
}

/// The terms in the grammar of FTS5. Everything a person typed stands in quotes, where nothing has a meaning but the quote.
fn expression(terms: &SearchTerms) -> String {
    let quoted = terms.terms().iter().map(|term| {
        let star = if term.is_prefix { "*" } else { "" };
        format!("\"{}\"{star}", term.text.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" AND ")
}

/// A snippet without marks, and where they were.
fn unmarked(snippet: &str) -> (String, Vec<(usize, usize)>) {
    let (mut text, mut marks, mut from, mut n) = (String::new(), Vec::new(), 0, 0);
    for c in snippet.chars() {
        match c {
            _ if c == MARKS[0] => from = n,
            _ if c == MARKS[1] => marks.push((from, n)),
            c => {
                text.push(c);
                n += 1;
            }
        }
    }
    (text, marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JournalMark;
    use car_domain::run::{JournalEntry, RunEvent, RunSummary};
    use proptest::prelude::*;

    async fn index_of(dir: &tempfile::TempDir, texts: &[&str]) -> Index {
        let index = Index::open(&dir.path().join("car.db")).await.expect("open");
        let entries: Vec<JournalEntry> = (1..)
            .zip(texts)
            .map(|(seq, text)| JournalEntry {
                seq,
                at: Timestamp::from_millis(1000 * seq as i64),
                event: RunEvent::Message { text: (*text).to_owned() },
            })
            .collect();
        let mark = JournalMark { offset: 1, summary: RunSummary::new(7) };
        index.record("r", &mark, &entries).await.expect("recorded");
        index
    }

    async fn found(index: &Index, query: &str, filter: &EventFilter) -> Vec<u64> {
        let terms = SearchTerms::parse(query).expect("terms");
        let hits = index.search(&terms, filter, 10).await.expect("searched");
        let seq = |hit: &SearchHit| match hit.place {
            SearchPlace::Event { seq, .. } => seq,
            SearchPlace::Document { .. } => 0,
        };
        hits.iter().map(seq).collect()
    }

    fn everything() -> EventFilter {
        EventFilter { repos: vec!["r".to_owned()], ..EventFilter::default() }
    }

    #[tokio::test]
    async fn words_phrases_and_beginnings_are_found() {
        let dir = tempfile::tempdir().expect("temp dir");
        let texts =
            ["The rate limit is reached", "no limit on the rate", "", "Rätsel: ümläut", "\"AND OR"];
        let index = index_of(&dir, &texts).await;
        let all = everything();
        assert_eq!(found(&index, "\"rate limit\"", &all).await, [1]);
        assert_eq!(found(&index, "limit reach*", &all).await, [1]);
        assert_eq!(found(&index, "ratsel UMLAUT", &all).await, [4]);
        assert_eq!(found(&index, "AND or", &all).await, [5]);
        assert_eq!(
            found(&index, "limit", &EventFilter { run: Some(8), ..all.clone() }).await,
            [0; 0]
        );
        let other = EventFilter { kind: Some("output".to_owned()), ..all.clone() };
        assert_eq!(found(&index, "limit", &other).await, [0; 0]);
        let late = EventFilter { since: Some(Timestamp::from_millis(2000)), ..all.clone() };
        assert_eq!(found(&index, "limit", &late).await, [2]);
        assert_eq!(found(&index, "limit", &EventFilter::default()).await, [0; 0]);
        let terms = SearchTerms::parse("reach*").expect("terms");
        let hit = index.search(&terms, &all, 1).await.expect("searched").remove(0);
        assert_eq!(
            (hit.snippet.as_str(), hit.marks),
            ("The rate limit is reached", vec![(18, 25)])
        );
        index.clear().await.expect("cleared");
        assert_eq!(found(&index, "limit", &all).await, [0; 0]);
    }

    #[test]
    fn nothing_a_person_types_breaks_the_grammar() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let dir = tempfile::tempdir().expect("temp dir");
        let index = runtime.block_on(index_of(&dir, &["some text"]));
        proptest!(ProptestConfig::with_cases(200), |(text in "[\\PC\\x00-\\x1f\"*()^:{}+-]{0,40}")| {
            if let Some(terms) = SearchTerms::parse(&text) {
                runtime.block_on(index.search(&terms, &everything(), 5)).expect("searched");
            }
        });
    }
}

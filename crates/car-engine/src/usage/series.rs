//! Usage over time.

use std::collections::{BTreeMap, BTreeSet};

use car_domain::usage::{TokenTotals, UsageBucket, UsageLine, UsageSegment, UsageSeries};
use car_store::UsageRow;

use super::UsageRange;
use crate::EngineError;

/// Most steps of a series: more than two years of hours.
const MAX_STEPS: i64 = 20_000;

/// What a line is about, and its tokens in one step.
pub(super) type LinePart = (LineKey, u64);

/// Key, model (or repository) and token type of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub(super) key: String,
    pub(super) model: Option<String>,
    pub(super) token_type: Option<String>,
}

/// Builds a series from `rows`; `lines_of` says which lines a row adds to.
pub(super) fn build(
    rows: &[UsageRow],
    range: UsageRange,
    bucket: UsageBucket,
    segment: UsageSegment,
    mut lines_of: impl FnMut(&UsageRow) -> Vec<LinePart>,
) -> Result<UsageSeries, EngineError> {
    // A step in which only rate limits were told has no tokens and makes no label.
    let rows: Vec<&UsageRow> = rows.iter().filter(|row| row.calls > 0).collect();
    let steps: BTreeSet<i64> = rows.iter().map(|row| row.bucket).collect();
    let (first, last) = match (range.since, range.until) {
        (Some(since), Some(until)) => (bucket.index(since), bucket.index(until)),
        _ => match (steps.first(), steps.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => (0, -1),
        },
    };
    if last.saturating_sub(first) >= MAX_STEPS {
        let text = format!("That are more than {MAX_STEPS} steps of one {}.", bucket.name());
        return Err(EngineError::invalid(text)
            .with_hint("choose longer steps, or a shorter range with --since and --until"));
    }
    let mut lines: BTreeMap<LineKey, BTreeMap<i64, u64>> = BTreeMap::new();
    for row in rows {
        for (line, tokens) in lines_of(row) {
            *lines.entry(line).or_default().entry(row.bucket).or_default() += tokens;
        }
    }
    let values = |steps: &BTreeMap<i64, u64>| {
        (first..=last).map(|step| steps.get(&step).copied().unwrap_or(0)).collect::<Vec<_>>()
    };
    let mut series: Vec<UsageLine> = lines
        .into_iter()
        .map(|(LineKey { key, model, token_type }, steps)| {
            let values = values(&steps);
            UsageLine { key, model, token_type, total: values.iter().sum(), values }
        })
        .collect();
    series.sort_by_key(|line| std::cmp::Reverse(line.total));
    let buckets = (first..=last).map(|step| bucket.label(step)).collect();
    Ok(UsageSeries { bucket, segment, buckets, series })
}

/// The lines of a repository's series that `row` adds to. A token type without tokens makes no line.
pub(super) fn lines_of_repo(row: &UsageRow, segment: UsageSegment) -> Vec<LinePart> {
    let of_model = |types: Vec<(&str, u64)>, with_model: bool| {
        let line = |(name, tokens): (&str, u64)| {
            let key = if with_model { format!("{}:{name}", row.model) } else { name.to_owned() };
            let model = with_model.then(|| row.model.clone());
            (LineKey { key, model, token_type: Some(name.to_owned()) }, tokens)
        };
        types.into_iter().filter(|(_, tokens)| *tokens > 0).map(line).collect()
    };
    match segment {
        UsageSegment::Model => {
            let model = Some(row.model.clone());
            let key = LineKey { key: row.model.clone(), model, token_type: None };
            vec![(key, row.tokens.total_tokens)]
        }
        UsageSegment::TokenType => of_model(types(&row.tokens), false),
        UsageSegment::ModelToken => of_model(types(&row.tokens), true),
        UsageSegment::Part => of_model(parts(&row.tokens), false),
        UsageSegment::ModelPart => of_model(parts(&row.tokens), true),
        UsageSegment::None | UsageSegment::Repo => vec![total(row)],
    }
}

/// The one line of everything.
pub(super) fn total(row: &UsageRow) -> LinePart {
    let key = LineKey { key: "total".to_owned(), model: None, token_type: None };
    (key, row.tokens.total_tokens)
}

fn types(tokens: &TokenTotals) -> Vec<(&'static str, u64)> {
    vec![
        ("input", tokens.input_tokens),
        ("cached", tokens.cached_input_tokens),
        ("output", tokens.output_tokens),
        ("reasoning", tokens.reasoning_output_tokens),
    ]
}

fn parts(tokens: &TokenTotals) -> Vec<(&'static str, u64)> {
    let parts = tokens.parts();
    vec![
        ("uncached_input", parts.uncached_input),
        ("cached_input", parts.cached_input),
        ("output", parts.output),
        ("reasoning", parts.reasoning),
    ]
}

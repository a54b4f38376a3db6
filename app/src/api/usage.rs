//! Tokens: who used how many, when, and how much of the limits is left.

use car_domain::usage::{RateLimitWindow, TokenTotals, UsageSeries, UsageSummary};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Lines of a chart that are told apart; the others are one.
#[cfg(feature = "ssr")]
const MAX_LINES: usize = 5;

/// How far back one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UsageSpan {
    /// A day, by hours.
    Day,
    /// A week.
    Week,
    /// 30 days.
    #[default]
    Month,
    /// 90 days.
    Quarter,
    /// A year, by weeks.
    Year,
}

/// What the lines of a chart are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UsageLines {
    /// Repositories; where there is only one, the kinds of tokens.
    #[default]
    Parts,
    /// Everything together.
    Total,
}

/// Tokens of one repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RepoTokens {
    /// Its id, or what it was called when it was there.
    pub name: String,
    /// Whether it has a page.
    pub is_here: bool,
    /// What it used.
    pub usage: UsageSummary,
}

/// What the usage page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsageView {
    /// Whether all session files are read; otherwise the numbers are those so far.
    pub is_ready: bool,
    /// Tokens over time; its last line is all others together when `has_rest`.
    pub series: UsageSeries,
    /// Whether the last line stands for several.
    pub has_rest: bool,
    /// Everything together.
    pub total: TokenTotals,
    /// Each repository that used something, the most first.
    pub repos: Vec<RepoTokens>,
    /// The rate limits that were told last.
    pub limits: Vec<RateLimitWindow>,
}

/// Reads what was used during `span`.
#[server(endpoint = "usage", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_usage(span: UsageSpan, lines: UsageLines) -> Result<UsageView, AppError> {
    on_server::read(span, lines).await.map_err(super::read::failed_read)
}

#[cfg(feature = "ssr")]
mod on_server {
    use car_domain::Timestamp;
    use car_domain::usage::{
        HubUsage, RateLimitWindow, TokenTotals, UsageBucket, UsageLine, UsageSegment, UsageSeries,
        UsageSummary,
    };
    use car_engine::config::load_with_env;
    use car_engine::usage::UsageRange;
    use car_engine::{EngineError, blocking};

    use super::super::read::served;
    use super::{MAX_LINES, RepoTokens, UsageLines, UsageSpan, UsageView};

    const HOUR_MS: i64 = 3_600_000;

    impl UsageSpan {
        fn hours(self) -> i64 {
            match self {
                Self::Day => 24,
                Self::Week => 7 * 24,
                Self::Month => 30 * 24,
                Self::Quarter => 90 * 24,
                Self::Year => 364 * 24,
            }
        }

        fn bucket(self) -> UsageBucket {
            match self {
                Self::Day => UsageBucket::Hour,
                Self::Week | Self::Month | Self::Quarter => UsageBucket::Day,
                Self::Year => UsageBucket::Week,
            }
        }

        /// Whole steps that end with the present one.
        fn range(self, now: Timestamp) -> UsageRange {
            let bucket = self.bucket();
            let length = bucket.start(1).as_millis() - bucket.start(0).as_millis();
            let n_steps = self.hours() * HOUR_MS / length;
            let since = bucket.start(bucket.index(now) - n_steps + 1);
            UsageRange { since: Some(since), until: Some(now) }
        }
    }

    pub(super) async fn read(span: UsageSpan, lines: UsageLines) -> Result<UsageView, EngineError> {
        let served = served();
        let root = served.root().to_path_buf();
        let looked_at = root.clone();
        let (_, env) = blocking(move || load_with_env(&looked_at)).await?;
        let reading = served.usage(&env).await?;
        let (usage, range, bucket) = (&reading.usage, span.range(car_engine::now()), span.bucket());
        let segment = match (lines, served.is_hub()) {
            (UsageLines::Total, _) => UsageSegment::None,
            (UsageLines::Parts, true) => UsageSegment::Repo,
            (UsageLines::Parts, false) => UsageSegment::Part,
        };
        let roots = served.roots();
        let (used, series) = if served.is_hub() {
            let used = usage.of_hub(&root, &roots, range).await?;
            (used, usage.hub_series(&root, &roots, range, bucket, segment).await?)
        } else {
            let of_repo = usage.of_repo(&root, range).await?;
            let id = served.only_repo().unwrap_or_default();
            let used = HubUsage { repos: vec![(id, of_repo)], ..HubUsage::default() };
            (used, usage.repo_series(&root, range, bucket, segment).await?)
        };
        let (series, has_rest) = top(series);
        Ok(view(reading.is_ready, series, has_rest, used))
    }

    fn view(is_ready: bool, series: UsageSeries, has_rest: bool, used: HubUsage) -> UsageView {
        let limits = newest_limits(&used);
        let row = |is_here: bool| {
            move |(name, usage): (String, UsageSummary)| RepoTokens { name, is_here, usage }
        };
        let other = ("Elsewhere".to_owned(), used.unmatched);
        let mut repos: Vec<RepoTokens> = used
            .repos
            .into_iter()
            .map(row(true))
            .chain(used.removed.into_iter().chain([other]).map(row(false)))
            .filter(|row| row.usage.totals.total_tokens > 0)
            .collect();
        repos.sort_by_key(|row| std::cmp::Reverse(row.usage.totals.total_tokens));
        for row in &mut repos {
            row.usage.latest_rate_limits = None;
        }
        let total =
            repos.iter().fold(TokenTotals::default(), |sum, row| sum.plus(&row.usage.totals));
        UsageView { is_ready, series, has_rest, total, repos, limits }
    }

    /// The windows that end last were told last.
    fn newest_limits(used: &HubUsage) -> Vec<RateLimitWindow> {
        let all = used.repos.iter().chain(&used.removed).map(|(_, usage)| usage);
        let all = all.chain([&used.unmatched]).map(|usage| &usage.rate_limit_windows);
        let ends = |windows: &&Vec<RateLimitWindow>| {
            windows.iter().filter_map(|window| window.resets_at).min().map(Timestamp::as_millis)
        };
        all.filter(|windows| !windows.is_empty()).max_by_key(ends).cloned().unwrap_or_default()
    }

    /// The largest lines, and all others as one.
    fn top(mut series: UsageSeries) -> (UsageSeries, bool) {
        if series.series.len() <= MAX_LINES + 1 {
            return (series, false);
        }
        let rest = series.series.split_off(MAX_LINES);
        let n = rest.len();
        let values = (0..series.buckets.len())
            .map(|step| rest.iter().filter_map(|line| line.values.get(step)).sum())
            .collect();
        series.series.push(UsageLine {
            key: format!("{n} others"),
            model: None,
            token_type: None,
            total: rest.iter().map(|line| line.total).sum(),
            values,
        });
        (series, true)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_span_is_whole_steps_that_end_now() {
            let now = Timestamp::parse("2026-11-22T14:40:00Z").expect("a time");
            let since = |span: UsageSpan| span.range(now).since.expect("a beginning").to_string();
            assert!(since(UsageSpan::Day).starts_with("2026-11-21T15:00:00"));
            assert!(since(UsageSpan::Week).starts_with("2026-11-16T00:00:00"));
            assert!(since(UsageSpan::Year).starts_with("2025-11-24T00:00:00"));
        }

        #[test]
        fn small_lines_become_one() {
            let line = |n: u64| UsageLine {
                key: n.to_string(),
                model: None,
                token_type: None,
                total: n,
                values: vec![n, 0],
            };
            let series = UsageSeries {
                bucket: UsageBucket::Day,
                segment: UsageSegment::Repo,
                buckets: vec!["2026-11-21".into(), "2026-11-22".into()],
                series: (1..=8).rev().map(line).collect(),
            };
            let (series, has_rest) = top(series);
            assert!(has_rest);
            let last = series.series.last().expect("a line");
            assert_eq!((last.key.as_str(), last.total, last.values[0]), ("3 others", 6, 6));
        }
    }
}

//! Questions: by repository, model, day, run, and over time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use car_domain::run::RunSummary;
use car_domain::usage::{
    HubUsage, RateLimitWindow, TokenTotals, UsageBucket, UsageGroup, UsageSegment, UsageSeries,
    UsageSummary,
};
use car_store::{Limits, UsageFilter, UsageRow};

use super::attribution::{Attribution, Owner, resolved};
use super::series::{self, LineKey};
use super::{TokenUsage, UsageRange};
use crate::EngineError;

/// Tokens and rate limits that are being added up.
#[derive(Default)]
struct Sum {
    events: u64,
    calls: u64,
    tokens: TokenTotals,
    limits: Option<Limits>,
}

impl Sum {
    fn add(&mut self, row: &UsageRow) {
        self.events += row.events;
        self.calls += row.calls;
        self.tokens = self.tokens.plus(&row.tokens);
    }

    fn see(&mut self, limits: &Limits) {
        if self.limits.as_ref().is_none_or(|known| known.at <= limits.at) {
            self.limits = Some(limits.clone());
        }
    }

    fn finish(self) -> UsageSummary {
        let windows = |limits: &Limits| RateLimitWindow::all(&limits.value, limits.at);
        UsageSummary {
            events: self.events,
            totals: self.tokens,
            parts: self.tokens.parts(),
            rate_limit_windows: self.limits.as_ref().map(windows).unwrap_or_default(),
            latest_rate_limits: self.limits.map(|limits| limits.value),
        }
    }
}

impl TokenUsage {
    /// What was used in the repository at `root`.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn of_repo(
        &self,
        root: &Path,
        range: UsageRange,
    ) -> Result<UsageSummary, EngineError> {
        let hub = self.sums_by_owner(&mut attribution_of(root), 1, range).await?;
        Ok(hub.repos.into_iter().next().unwrap_or_default())
    }

    /// What was used in each of `repos`, given as (id, root), of the hub at `hub`.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn of_hub(
        &self,
        hub: &Path,
        repos: &[(String, PathBuf)],
        range: UsageRange,
    ) -> Result<HubUsage, EngineError> {
        let mut attribution = self.attribution_of_hub(hub, repos).await?;
        let sums = self.sums_by_owner(&mut attribution, repos.len(), range).await?;
        let ids = repos.iter().map(|(id, _)| id.clone());
        Ok(HubUsage {
            repos: ids.zip(sums.repos).collect(),
            removed: sums.removed,
            unmatched: sums.unmatched,
        })
    }

    /// What was used in `repos`, given as (id, root), by each model, most first.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn by_model(
        &self,
        repos: &[(String, PathBuf)],
        range: UsageRange,
    ) -> Result<Vec<UsageGroup>, EngineError> {
        let mut groups = self.groups(repos, range, None, |row| row.model.clone()).await?;
        groups.sort_by_key(|group| std::cmp::Reverse(group.totals.total_tokens));
        Ok(groups)
    }

    /// What was used in `repos`, given as (id, root), on each day, oldest first; days without usage are left out.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn by_day(
        &self,
        repos: &[(String, PathBuf)],
        range: UsageRange,
    ) -> Result<Vec<UsageGroup>, EngineError> {
        let day = UsageBucket::Day;
        self.groups(repos, range, Some(day), |row| day.label(row.bucket)).await
    }

    /// What each of `runs` used: what its thread used between its beginning and its end. A run of an agent that is not Codex
    /// has no session file, and used nothing that is known here.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn of_runs(&self, runs: &[RunSummary]) -> Result<Vec<UsageGroup>, EngineError> {
        let index = self.index().await?;
        let mut groups = Vec::new();
        for run in runs {
            let mut sum = Sum::default();
            if let Some(thread) = &run.thread_id {
                let filter = UsageFilter {
                    since: run.started_at,
                    until: run.finished_at,
                    session: Some(thread.clone()),
                };
                index.sums(&filter, None).await?.iter().for_each(|row| sum.add(row));
            }
            groups.push(UsageGroup::new(run.run.to_string(), sum.calls, sum.tokens));
        }
        Ok(groups)
    }

    /// What was used in the repository at `root` over time.
    ///
    /// # Errors
    /// When the index cannot be used, or there are too many steps.
    pub async fn repo_series(
        &self,
        root: &Path,
        range: UsageRange,
        bucket: UsageBucket,
        segment: UsageSegment,
    ) -> Result<UsageSeries, EngineError> {
        let mut rows = self.rows(range, Some(bucket)).await?;
        let mut attribution = attribution_of(root);
        rows.retain(|row| attribution.owner(&row.cwd).is_some());
        let lines = |row: &UsageRow| series::lines_of_repo(row, segment);
        series::build(&rows, range, bucket, segment, lines)
    }

    /// What was used in the hub at `hub` over time, in all or by repository.
    ///
    /// # Errors
    /// When the index cannot be used, or there are too many steps.
    pub async fn hub_series(
        &self,
        hub: &Path,
        repos: &[(String, PathBuf)],
        range: UsageRange,
        bucket: UsageBucket,
        segment: UsageSegment,
    ) -> Result<UsageSeries, EngineError> {
        let rows = self.rows(range, Some(bucket)).await?;
        let mut attribution = self.attribution_of_hub(hub, repos).await?;
        series::build(&rows, range, bucket, segment, |row| {
            if segment != UsageSegment::Repo {
                return vec![series::total(row)];
            }
            let id = match attribution.owner(&row.cwd) {
                Some(Owner::Repo(position)) => repos.get(position).map(|(id, _)| id.clone()),
                Some(Owner::Removed(id)) => Some(id),
                None => None,
            };
            let key = id.clone().unwrap_or_else(|| "other".to_owned());
            vec![(LineKey { key, model: id, token_type: None }, row.tokens.total_tokens)]
        })
    }

    async fn attribution_of_hub(
        &self,
        hub: &Path,
        repos: &[(String, PathBuf)],
    ) -> Result<Attribution, EngineError> {
        let told: Vec<(String, String)> = repos
            .iter()
            .map(|(id, root)| (id.clone(), resolved(root).display().to_string()))
            .collect();
        let hub = resolved(hub).display().to_string();
        let known = self.index().await?.remember_roots(&hub, &told).await?;
        Ok(Attribution::new(repos, &known))
    }

    async fn sums_by_owner(
        &self,
        attribution: &mut Attribution,
        n_repos: usize,
        range: UsageRange,
    ) -> Result<Sums, EngineError> {
        let mut sums: BTreeMap<Option<Owner>, Sum> = BTreeMap::new();
        for row in self.rows(range, None).await? {
            sums.entry(attribution.owner(&row.cwd)).or_default().add(&row);
        }
        for limits in self.index().await?.limits(&filter(range)).await? {
            sums.entry(attribution.owner(&limits.cwd)).or_default().see(&limits);
        }
        let mut all = Sums { repos: vec![UsageSummary::default(); n_repos], ..Sums::default() };
        for (owner, sum) in sums {
            match owner {
                Some(Owner::Repo(position)) => {
                    if let Some(repo) = all.repos.get_mut(position) {
                        *repo = sum.finish();
                    }
                }
                Some(Owner::Removed(id)) => all.removed.push((id, sum.finish())),
                None => all.unmatched = sum.finish(),
            }
        }
        Ok(all)
    }

    async fn groups(
        &self,
        repos: &[(String, PathBuf)],
        range: UsageRange,
        steps: Option<UsageBucket>,
        key: impl Fn(&UsageRow) -> String,
    ) -> Result<Vec<UsageGroup>, EngineError> {
        let mut attribution = Attribution::new(repos, &[]);
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for row in self.rows(range, steps).await? {
            if row.calls > 0 && attribution.owner(&row.cwd).is_some() {
                sums.entry(key(&row)).or_default().add(&row);
            }
        }
        let group = |(key, sum): (String, Sum)| UsageGroup::new(key, sum.calls, sum.tokens);
        Ok(sums.into_iter().map(group).collect())
    }

    async fn rows(
        &self,
        range: UsageRange,
        steps: Option<UsageBucket>,
    ) -> Result<Vec<UsageRow>, EngineError> {
        Ok(self.index().await?.sums(&filter(range), steps).await?)
    }
}

#[derive(Default)]
struct Sums {
    repos: Vec<UsageSummary>,
    removed: Vec<(String, UsageSummary)>,
    unmatched: UsageSummary,
}

fn filter(range: UsageRange) -> UsageFilter {
    UsageFilter { since: range.since, until: range.until, session: None }
}

fn attribution_of(root: &Path) -> Attribution {
    Attribution::new(&[(String::new(), root.to_path_buf())], &[])
}

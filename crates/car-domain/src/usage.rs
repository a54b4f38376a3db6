//! Tokens that an agent's sessions used: sums, rate limits, series over time.
//!
//! JSON has the shapes of the Python original; what is new (`parts`, `rate_limit_windows`) stands beside them. In the original's
//! numbers input includes cached input and output includes reasoning; the parts are disjoint.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;

/// Tokens as Codex tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct TokenTotals {
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Prompt tokens the provider took from its cache.
    pub cached_input_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub output_tokens: u64,
    /// Tokens of reasoning.
    pub reasoning_output_tokens: u64,
    /// All together, as Codex counts.
    pub total_tokens: u64,
}

/// The same tokens in parts that do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenParts {
    /// Prompt tokens that were not in the cache.
    pub uncached_input: u64,
    /// Prompt tokens from the cache.
    pub cached_input: u64,
    /// Tokens of answers without reasoning.
    pub output: u64,
    /// Tokens of reasoning.
    pub reasoning: u64,
}

impl TokenTotals {
    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_output_tokens: self
                .reasoning_output_tokens
                .saturating_add(other.reasoning_output_tokens),
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
        }
    }

    /// What was added since `earlier`. A total below it began anew, and then it is the answer.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        if self.total_tokens < earlier.total_tokens {
            return *self;
        }
        Self {
            input_tokens: self.input_tokens.saturating_sub(earlier.input_tokens),
            cached_input_tokens: self
                .cached_input_tokens
                .saturating_sub(earlier.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_sub(earlier.output_tokens),
            reasoning_output_tokens: self
                .reasoning_output_tokens
                .saturating_sub(earlier.reasoning_output_tokens),
            total_tokens: self.total_tokens - earlier.total_tokens,
        }
    }

    /// The same tokens in disjoint parts.
    pub const fn parts(&self) -> TokenParts {
        TokenParts {
            uncached_input: self.input_tokens.saturating_sub(self.cached_input_tokens),
            cached_input: self.cached_input_tokens,
            output: self.output_tokens.saturating_sub(self.reasoning_output_tokens),
            reasoning: self.reasoning_output_tokens,
        }
    }
}

/// How much of a rate limit is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateLimitWindow {
    /// `primary` or `secondary`.
    pub name: String,
    /// Percent.
    pub used_percent: Option<f64>,
    /// Length of the window in minutes.
    pub window_minutes: Option<u64>,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
}

impl RateLimitWindow {
    /// The windows in what Codex told at `at`.
    pub fn all(limits: &Value, at: Timestamp) -> Vec<Self> {
        let window = |name: &str| {
            let value = limits.get(name).filter(|value| value.is_object())?;
            let seconds = |key: &str| value.get(key).and_then(Value::as_f64);
            let absolute = seconds("resets_at").map(|seconds| (seconds * 1000.0) as i64);
            let relative = || {
                let after = seconds("resets_in_seconds")?;
                Some(at.as_millis().saturating_add((after * 1000.0) as i64))
            };
            Some(Self {
                name: name.to_owned(),
                used_percent: value.get("used_percent").and_then(Value::as_f64),
                window_minutes: value.get("window_minutes").and_then(Value::as_u64),
                resets_at: absolute.or_else(relative).map(Timestamp::from_millis),
            })
        };
        ["primary", "secondary"].into_iter().filter_map(window).collect()
    }
}

/// Everything that was used by somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageSummary {
    /// Calls of the model, and messages that told only rate limits.
    pub events: u64,
    /// Tokens.
    pub totals: TokenTotals,
    /// Rate limits as Codex told them last.
    pub latest_rate_limits: Option<Value>,
    /// The same tokens in disjoint parts.
    pub parts: TokenParts,
    /// The rate limits told last, read.
    pub rate_limit_windows: Vec<RateLimitWindow>,
}

/// Usage by repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HubUsage {
    /// Each repository of the hub, in the given order.
    pub repos: Vec<(String, UsageSummary)>,
    /// Repositories that are gone, as far as they used tokens.
    pub removed: Vec<(String, UsageSummary)>,
    /// What no repository used.
    pub unmatched: UsageSummary,
}

/// Usage of one model, day or run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageGroup {
    /// The model, the day as `YYYY-MM-DD` or the number of the run.
    pub key: String,
    /// Calls of the model.
    pub events: u64,
    /// Tokens.
    pub totals: TokenTotals,
    /// The same tokens in disjoint parts.
    pub parts: TokenParts,
}

impl UsageGroup {
    /// A group of these tokens.
    pub fn new(key: impl Into<String>, events: u64, totals: TokenTotals) -> Self {
        Self { key: key.into(), events, totals, parts: totals.parts() }
    }
}

/// The steps of a series. Weeks begin on Monday; everything is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UsageBucket {
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
}

/// What the lines of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsageSegment {
    /// One line.
    None,
    /// One line for each model.
    Model,
    /// `input`, `cached`, `output`, `reasoning`, which overlap.
    TokenType,
    /// Those for each model.
    ModelToken,
    /// The disjoint parts of [`TokenParts`].
    Part,
    /// Those for each model.
    ModelPart,
    /// One line for each repository of a hub.
    Repo,
}

impl UsageSegment {
    /// Those of a repository.
    pub const OF_REPO: [Self; 6] =
        [Self::None, Self::Model, Self::TokenType, Self::ModelToken, Self::Part, Self::ModelPart];
    /// Those of a hub.
    pub const OF_HUB: [Self; 2] = [Self::None, Self::Repo];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Model => "model",
            Self::TokenType => "token_type",
            Self::ModelToken => "model_token",
            Self::Part => "part",
            Self::ModelPart => "model_part",
            Self::Repo => "repo",
        }
    }

    /// Finds one of `allowed` by its name.
    ///
    /// # Errors
    /// A sentence for the one who asked.
    pub fn parse(name: &str, allowed: &[Self]) -> Result<Self, String> {
        let found = allowed.iter().find(|segment| segment.name() == name);
        found.copied().ok_or_else(|| format!("Unsupported segment: {name}"))
    }
}

impl UsageBucket {
    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// Finds one by its name.
    ///
    /// # Errors
    /// A sentence for the one who asked.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = [Self::Hour, Self::Day, Self::Week].into_iter().find(|b| b.name() == name);
        found.ok_or_else(|| format!("Unsupported bucket: {name}"))
    }

    /// Number of the step that `at` lies in.
    pub const fn index(self, at: Timestamp) -> i64 {
        let hour = at.as_millis().div_euclid(HOUR_MS);
        match self {
            Self::Hour => hour,
            Self::Day => hour.div_euclid(24),
            // The epoch was a Thursday.
            Self::Week => (hour.div_euclid(24) + 3).div_euclid(7),
        }
    }

    /// When step `index` begins.
    pub const fn start(self, index: i64) -> Timestamp {
        let hours = match self {
            Self::Hour => index,
            Self::Day => index * 24,
            Self::Week => (index * 7 - 3) * 24,
        };
        Timestamp::from_millis(hours * HOUR_MS)
    }

    /// The label of step `index`: `2025-12-01T10:00Z` or `2025-12-01`.
    pub fn label(self, index: i64) -> String {
        let text = self.start(index).to_string();
        match self {
            Self::Hour => format!("{}Z", text.get(..16).unwrap_or(&text)),
            Self::Day | Self::Week => text.get(..10).unwrap_or(&text).to_owned(),
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

/// Usage over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageSeries {
    /// The steps.
    pub bucket: UsageBucket,
    /// What the lines are.
    pub segment: UsageSegment,
    /// Labels of the steps, without gaps.
    pub buckets: Vec<String>,
    /// The lines, largest first.
    pub series: Vec<UsageLine>,
}

/// One line of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageLine {
    /// `total`, the model, the token type, `model:type`, or the repository's id (`other` for none).
    pub key: String,
    /// The model; for a hub the repository.
    pub model: Option<String>,
    /// The token type.
    pub token_type: Option<String>,
    /// Sum of the values.
    pub total: u64,
    /// Tokens of each step.
    pub values: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn steps_are_utc_and_weeks_begin_on_monday() {
        let sunday = at("2025-12-07T23:59:59.999Z");
        let label = |bucket: UsageBucket, at| bucket.label(bucket.index(at));
        assert_eq!(label(UsageBucket::Hour, sunday), "2025-12-07T23:00Z");
        assert_eq!(label(UsageBucket::Day, sunday), "2025-12-07");
        assert_eq!(label(UsageBucket::Week, sunday), "2025-12-01");
        assert_eq!(label(UsageBucket::Week, at("2025-12-08T00:00:00Z")), "2025-12-08");
        assert_eq!(label(UsageBucket::Week, at("1969-12-29T00:00:00Z")), "1969-12-29");
    }

    #[test]
    fn parts_do_not_overlap_and_add_up() {
        let totals = TokenTotals {
            input_tokens: 100,
            cached_input_tokens: 40,
            output_tokens: 20,
            reasoning_output_tokens: 5,
            total_tokens: 120,
        };
        let parts = totals.parts();
        assert_eq!(
            parts,
            TokenParts { uncached_input: 60, cached_input: 40, output: 15, reasoning: 5 }
        );
        assert_eq!(totals.plus(&totals).since(&totals), totals);
        assert_eq!(totals.since(&totals.plus(&totals)), totals, "it began anew");
    }

    #[test]
    fn reset_times_are_read_in_both_ways_codex_writes_them() {
        let limits = json!({
            "primary": {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1_764_583_200},
            "secondary": {"used_percent": 3, "window_minutes": 10080, "resets_in_seconds": 60},
            "credits": null,
        });
        let windows = RateLimitWindow::all(&limits, at("2025-12-01T10:00:00Z"));
        let resets: Vec<_> = windows.iter().map(|window| window.resets_at).collect();
        assert_eq!(resets, [Some(at("2025-12-01T10:00:00Z")), Some(at("2025-12-01T10:01:00Z"))]);
        assert_eq!(RateLimitWindow::all(&json!({"primary": null}), at("2025-12-01T10:00:00Z")), []);
    }
}

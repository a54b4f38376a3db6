//! Token counts.

use serde::{Deserialize, Serialize};

/// Tokens of a run or a thread. Names are the ones Codex writes; a field that is absent counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Prompt tokens the provider took from its cache.
    pub cached_input_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub output_tokens: u64,
    /// Tokens of reasoning.
    pub reasoning_output_tokens: u64,
}

impl Usage {
    /// Input and output together.
    pub const fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Whether nothing was counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// What was added since `baseline`. Codex reports running totals of a thread, so a resumed thread needs the difference;
    /// a total below the baseline means the thread was started anew, and then the total is the answer.
    #[must_use]
    pub fn since(&self, baseline: &Self) -> Self {
        if self.input_tokens < baseline.input_tokens || self.output_tokens < baseline.output_tokens
        {
            return *self;
        }
        Self {
            input_tokens: self.input_tokens - baseline.input_tokens,
            cached_input_tokens: self
                .cached_input_tokens
                .saturating_sub(baseline.cached_input_tokens),
            output_tokens: self.output_tokens - baseline.output_tokens,
            reasoning_output_tokens: self
                .reasoning_output_tokens
                .saturating_sub(baseline.reasoning_output_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage { input_tokens, output_tokens, ..Usage::default() }
    }

    #[test]
    fn a_resumed_thread_counts_only_what_was_added() {
        assert_eq!(usage(2400, 68).since(&usage(1200, 34)), usage(1200, 34));
    }

    #[test]
    fn a_total_below_the_baseline_is_a_new_thread() {
        assert_eq!(usage(100, 3).since(&usage(1200, 34)), usage(100, 3));
    }
}

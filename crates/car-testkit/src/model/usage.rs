//! Token counts, as the server reports them and as tests compare them.

use std::ops::AddAssign;

/// The tokens of one or more answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, the cached ones among them.
    pub input: u64,
    /// Input tokens that came from the cache.
    pub cached: u64,
    /// All output tokens, the reasoning ones among them.
    pub output: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Returns the usage of the `n`th answer when the script names none: no two answers, and no two
    /// fields of one answer, are alike.
    #[must_use]
    pub fn of_answer(n: u64) -> Self {
        Self { input: 1000 + n, cached: 200 + n, output: 50 + n, reasoning: 5 + n }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
        self.reasoning += other.reasoning;
    }
}

/// What the server reported to one thread so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadUsage {
    /// The thread's id, as Codex names it in `thread.started`.
    pub thread_id: String,
    /// The sum over all completed answers.
    pub usage: Usage,
}

//! Telling how far long work is.

use std::fmt;
use std::sync::Arc;

pub use car_domain::job::Progress;

/// Hears how far a piece of work is. Called often and from any thread, so it must be quick.
#[derive(Clone, Default)]
pub struct Reporter(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Reporter {
    /// Passes everything to `hear`.
    pub fn new(hear: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    /// Tells a step without numbers.
    pub(super) fn step(&self, text: impl Into<String>) {
        self.tell(Progress { done: None, total: None, text: text.into() });
    }

    /// Tells a step of a known number.
    pub(super) fn count(&self, done: u64, total: u64, text: impl Into<String>) {
        self.tell(Progress { done: Some(done), total: Some(total), text: text.into() });
    }

    fn tell(&self, progress: Progress) {
        if let Some(hear) = &self.0 {
            hear(progress);
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}

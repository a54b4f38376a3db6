//! Waiting for facts that have no event: a file's content, a process that is gone.

use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// How long any fact may take to come true, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Waits until `fact` gives a value.
///
/// # Panics
/// After 30 seconds, with `sentence`, which says what should have come true.
#[track_caller]
pub(crate) fn eventually<T>(sentence: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(Instant::now() < until, "did not come true within {PATIENCE:?}: {sentence}");
        park_timeout(LOOK_AGAIN);
    }
}

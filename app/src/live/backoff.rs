//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);

/// The wait before try `n_failed` + 1: doubling from half a second to ten, a quarter less or more so that many pages do not
/// come back at once. `random` is from 0 up to 1.
pub(crate) fn wait(n_failed: u32, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(n_failed.min(8)));
    doubled.min(LONGEST).mul_f64(0.75 + random.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_seconds() {
        let waits: Vec<_> = [0, 1, 2, 3, 4, 5, 99].map(|n| wait(n, 0.5).as_millis()).into();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    }

    #[test]
    fn waits_are_spread() {
        assert_eq!(wait(0, 0.0).as_millis(), 375);
        assert_eq!(wait(9, 1.0).as_millis(), 12_500);
    }
}

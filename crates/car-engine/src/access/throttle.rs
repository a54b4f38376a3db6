//! Slowing down those who guess. Only refusals count, so whoever knows the secret always gets in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong codes after which all codes are void: too few to guess forty bits.
pub(super) const MAX_WRONG_CODES: u32 = 100;
/// Refusals of one address within [`WINDOW`] that are answered at once.
const PER_ADDRESS: u32 = 20;
/// Refusals of all addresses together.
const TOGETHER: u32 = 200;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const MAX_ADDRESSES: usize = 1024;

/// Counts of refusals.
#[derive(Default)]
pub(super) struct Throttle(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    since: Option<Instant>,
    together: u32,
    by_address: HashMap<String, u32>,
    wrong_codes: u32,
}

impl Throttle {
    /// Counts a refusal; tells how long to wait when there were too many.
    pub(super) fn refuse(&self, address: &str) -> Option<Duration> {
        self.refuse_at(address, Instant::now())
    }

    fn refuse_at(&self, address: &str, now: Instant) -> Option<Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *counts.since.get_or_insert(now);
        let left = (since + WINDOW).saturating_duration_since(now);
        if left.is_zero() {
            counts.since = Some(now);
            counts.together = 0;
            counts.by_address.clear();
        }
        counts.together += 1;
        let full = counts.by_address.len() >= MAX_ADDRESSES;
        let mine = match counts.by_address.get_mut(address) {
            Some(n) => {
                *n += 1;
                *n
            }
            None if full => PER_ADDRESS + 1,
            None => {
                counts.by_address.insert(address.to_owned(), 1);
                1
            }
        };
        (mine > PER_ADDRESS || counts.together > TOGETHER).then(|| left.max(Duration::from_secs(1)))
    }

    /// Counts a wrong code; says whether all codes are void now.
    pub(super) fn wrong_code(&self) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.wrong_codes += 1;
        if counts.wrong_codes < MAX_WRONG_CODES {
            return false;
        }
        counts.wrong_codes = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_refusals_have_to_wait_until_the_minute_is_over() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for _ in 0..PER_ADDRESS {
            assert_eq!(throttle.refuse_at("a", start), None);
        }
        assert!(throttle.refuse_at("a", start).is_some());
        assert_eq!(throttle.refuse_at("b", start), None, "others are not concerned");
        assert_eq!(throttle.refuse_at("a", start + WINDOW), None);
    }

    #[test]
    fn many_addresses_together_are_slowed_down_and_memory_is_bounded() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for n in 0..TOGETHER {
            assert_eq!(throttle.refuse_at(&n.to_string(), start), None);
        }
        for n in 0..5000 {
            assert!(throttle.refuse_at(&format!("x{n}"), start).is_some());
        }
        assert!(throttle.0.lock().expect("lock").by_address.len() <= MAX_ADDRESSES);
    }
}

//! Which files a rule deletes: the too old ones, then the oldest until few enough are left, then until they are small enough.

use std::time::{Duration, SystemTime};

use crate::config::HousekeepingRule;

/// What is deleted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub modified: SystemTime,
    pub size: u64,
    /// Whether it may be deleted at all.
    pub eligible: bool,
}

/// Positions of those that go, oldest first.
pub(super) fn choose(all: &[Candidate], rule: &HousekeepingRule, now: SystemTime) -> Vec<usize> {
    let mut oldest: Vec<usize> = (0..all.len()).filter(|at| all[*at].eligible).collect();
    oldest.sort_by_key(|at| (all[*at].modified, *at));
    let mut count = all.len() as u64;
    let mut bytes: u64 = all.iter().map(|candidate| candidate.size).sum();
    let max_age = rule.max_age_days.map(|days| Duration::from_secs(days.saturating_mul(86_400)));
    let is_old = |candidate: &Candidate| {
        let age = now.duration_since(candidate.modified).unwrap_or_default();
        max_age.is_some_and(|max| age >= max)
    };
    let mut chosen = Vec::new();
    for at in oldest {
        let candidate = &all[at];
        let too_many = rule.max_files.is_some_and(|max| count > max);
        let too_large = rule.max_total_bytes.is_some_and(|max| bytes > max);
        if !(is_old(candidate) || too_many || too_large) {
            break;
        }
        count -= 1;
        bytes -= candidate.size;
        chosen.push(at);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: u64 = 86_400;

    proptest! {
        #[test]
        fn the_oldest_go_and_no_more_than_the_limits_ask_for(
            files in proptest::collection::vec((0u64..40 * DAY, 0u64..1000, any::<bool>()), 0..30),
            max_files in proptest::option::of(0u64..20),
            max_total_bytes in proptest::option::of(0u64..9000),
            max_age_days in proptest::option::of(0u64..30),
        ) {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 * DAY);
            let all: Vec<Candidate> = files.iter().map(|(age, size, eligible)| Candidate {
                modified: now - Duration::from_secs(*age), size: *size, eligible: *eligible,
            }).collect();
            let rule = HousekeepingRule {
                max_files, max_total_bytes, max_age_days, ..HousekeepingRule::default()
            };
            let chosen = choose(&all, &rule, now);
            prop_assert!(chosen.iter().all(|at| all[*at].eligible));
            let kept: Vec<&Candidate> =
                (0..all.len()).filter(|at| !chosen.contains(at)).map(|at| &all[at]).collect();
            let newest_gone = chosen.iter().map(|at| all[*at].modified).max();
            for candidate in kept.iter().filter(|candidate| candidate.eligible) {
                prop_assert!(newest_gone.is_none_or(|gone| candidate.modified >= gone));
                let age = now.duration_since(candidate.modified).unwrap_or_default().as_secs();
                prop_assert!(max_age_days.is_none_or(|days| age < days * DAY));
            }
            let bytes: u64 = kept.iter().map(|candidate| candidate.size).sum();
            if kept.iter().any(|candidate| candidate.eligible) {
                prop_assert!(max_files.is_none_or(|max| kept.len() as u64 <= max));
                prop_assert!(max_total_bytes.is_none_or(|max| bytes <= max));
            }
            // Putting the last one back would break a limit: nothing goes without need.
            if let Some(last) = chosen.last().map(|at| &all[*at]) {
                let age = now.duration_since(last.modified).unwrap_or_default().as_secs();
                let needed = max_age_days.is_some_and(|days| age >= days * DAY)
                    || max_files.is_some_and(|max| kept.len() as u64 + 1 > max)
                    || max_total_bytes.is_some_and(|max| bytes + last.size > max);
                prop_assert!(needed);
            }
        }
    }
}

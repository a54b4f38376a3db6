//! How fast a chat may be written to.
//!
//! Telegram allows about a message a second in a private chat and twenty a minute in a group, with short bursts, and thirty a
//! second in all. A bucket for each chat and one for all keep below that; what Telegram says itself goes above.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Chats remembered; the bucket of a chat that is not is full.
const MAX_CHATS: usize = 1000;

/// How much may be sent how fast.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
}

const PRIVATE: Bucket = Bucket { capacity: 5.0, per_second: 1.0 };
const GROUP: Bucket = Bucket { capacity: 8.0, per_second: 20.0 / 60.0 };
const ALL: Bucket = Bucket { capacity: 25.0, per_second: 25.0 };
/// For tests with a Bot API that has no limits of its own.
const FREE: Bucket = Bucket { capacity: 1e9, per_second: 1e9 };

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Instant,
    blocked_until: Option<Instant>,
}

/// The levels of all chats.
#[derive(Debug)]
pub(crate) struct Pace {
    levels: Mutex<HashMap<i64, Level>>,
    is_free: bool,
}

impl Pace {
    /// Telegram's.
    pub(crate) fn telegrams() -> Self {
        Self { levels: Mutex::default(), is_free: false }
    }

    /// No limits of our own; those Telegram names hold.
    pub(crate) fn free() -> Self {
        Self { is_free: true, ..Self::telegrams() }
    }

    /// Pause between two changes of one message.
    pub(crate) fn edit_gap(&self, chat: i64) -> Duration {
        match (self.is_free, chat > 0) {
            (true, _) => Duration::from_millis(100),
            (false, true) => Duration::from_secs(3),
            (false, false) => Duration::from_secs(5),
        }
    }

    fn bucket(&self, chat: i64) -> Bucket {
        match chat {
            _ if self.is_free => FREE,
            0 => ALL,
            chat if chat > 0 => PRIVATE,
            _ => GROUP,
        }
    }

    fn levels(&self) -> MutexGuard<'_, HashMap<i64, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn level(&self, levels: &HashMap<i64, Level>, chat: i64, now: Instant) -> Level {
        let bucket = self.bucket(chat);
        match levels.get(&chat) {
            Some(level) => {
                let gained = now.duration_since(level.at).as_secs_f64() * bucket.per_second;
                let tokens = (level.tokens + gained).min(bucket.capacity);
                Level { tokens, at: now, blocked_until: level.blocked_until.filter(|at| *at > now) }
            }
            None => Level { tokens: bucket.capacity, at: now, blocked_until: None },
        }
    }

    /// How long to wait before a chat may be written to.
    pub(crate) fn wait(&self, chat: i64) -> Duration {
        self.wait_at(chat, Instant::now())
    }

    fn wait_at(&self, chat: i64, now: Instant) -> Duration {
        let levels = self.levels();
        let of = |key: i64| {
            let level = self.level(&levels, key, now);
            let lacks = (1.0 - level.tokens).max(0.0) / self.bucket(key).per_second;
            let blocked = level.blocked_until.map(|at| at.duration_since(now));
            Duration::from_secs_f64(lacks).max(blocked.unwrap_or_default())
        };
        of(chat).max(of(0))
    }

    /// Counts a message.
    pub(crate) fn take(&self, chat: i64) {
        self.take_at(chat, Instant::now());
    }

    fn take_at(&self, chat: i64, now: Instant) {
        let mut levels = self.levels();
        if levels.len() > MAX_CHATS {
            levels.clear();
        }
        for key in [chat, 0] {
            let mut level = self.level(&levels, key, now);
            level.tokens -= 1.0;
            levels.insert(key, level);
        }
    }

    /// Counts a change of a message, if there is room for it now.
    pub(crate) fn try_take(&self, chat: i64) -> bool {
        let is_free = self.wait(chat).is_zero();
        if is_free {
            self.take(chat);
        }
        is_free
    }

    /// Telegram wants a pause in a chat.
    pub(crate) fn block(&self, chat: i64, pause: Duration) {
        self.block_at(chat, pause, Instant::now());
    }

    fn block_at(&self, chat: i64, pause: Duration, now: Instant) {
        let mut levels = self.levels();
        let mut level = self.level(&levels, chat, now);
        level.blocked_until = Some(now + pause);
        levels.insert(chat, level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_gets_a_burst_and_then_twenty_messages_a_minute() {
        let (pace, now) = (Pace::telegrams(), Instant::now());
        for _ in 0..8 {
            assert_eq!(pace.wait_at(-5, now), Duration::ZERO);
            pace.take_at(-5, now);
        }
        let wait = pace.wait_at(-5, now);
        assert!(
            wait > Duration::from_millis(2900) && wait < Duration::from_millis(3100),
            "{wait:?}"
        );
        assert_eq!(pace.wait_at(-6, now), Duration::ZERO, "another group waits for nobody");
        assert_eq!(pace.wait_at(-5, now + wait + Duration::from_millis(1)), Duration::ZERO);
    }

    #[test]
    fn what_telegram_says_holds_for_that_chat_only() {
        let (pace, now) = (Pace::free(), Instant::now());
        pace.block_at(7, Duration::from_secs(30), now);
        assert_eq!(pace.wait_at(7, now), Duration::from_secs(30));
        assert_eq!(pace.wait_at(8, now), Duration::ZERO);
        assert_eq!(pace.wait_at(7, now + Duration::from_secs(30)), Duration::ZERO);
    }
}

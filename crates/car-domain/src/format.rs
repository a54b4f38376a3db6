//! Numbers, durations and times as people read them.
//!
//! Pure functions; the words follow the design: `18:42` and `1 h 58 min`, `640k` and `4.1M`, no minutes above 90, times of
//! today as `14:36` and others as `18 Nov`.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A running clock: `0:42`, `18:42`, from an hour on `1 h 58 min`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < HOUR {
        format!("{}:{:02}", seconds / MINUTE, seconds % MINUTE)
    } else {
        hours(seconds)
    }
}

/// How long something has been so: `just now`, `38 min`, `2 h`, `3 days`.
pub fn coarse(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..MINUTE => "just now".to_owned(),
        MINUTE..=5400 => format!("{} min", seconds / MINUTE),
        5401..172_800 => format!("{} h", (seconds + HOUR / 2) / HOUR),
        _ => format!("{} days", seconds / DAY),
    }
}

/// What is left until something: seconds below ten minutes, coarser above.
pub fn countdown(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds {
        0..600 => elapsed(left),
        600..HOUR => format!("{} min", seconds / MINUTE),
        _ => hours(seconds),
    }
}

/// How long a step took: `0.2 s`, `11 s`, `3:02`, `1 h 2 min`.
pub fn took(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    match tenths {
        0..100 if tenths.is_multiple_of(10) => format!("{} s", tenths / 10),
        0..100 => format!("{}.{} s", tenths / 10, tenths % 10),
        100..600 => format!("{} s", tenths / 10),
        _ => elapsed(duration),
    }
}

fn hours(seconds: u64) -> String {
    let (hours, minutes) = (seconds / HOUR, seconds % HOUR / MINUTE);
    if hours >= 48 {
        let (days, hours) = (hours / 24, hours % 24);
        return if hours == 0 { format!("{days} days") } else { format!("{days} days {hours} h") };
    }
    if minutes == 0 { format!("{hours} h") } else { format!("{hours} h {minutes} min") }
}

/// A count that may be large: `310`, `6.1k`, `640k`, `4.1M`, `2.03B`.
pub fn tokens(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..9_950 => scaled(n, 1_000, 1, 'k'),
        9_950..999_500 => scaled(n, 1_000, 0, 'k'),
        999_500..999_950_000 => scaled(n, 1_000_000, 1, 'M'),
        _ => scaled(n, 1_000_000_000, 2, 'B'),
    }
}

fn scaled(n: u64, unit: u64, decimals: u32, suffix: char) -> String {
    let power = 10_u64.pow(decimals);
    let step = unit / power;
    let rounded = n / step + u64::from(n % step * 2 >= step);
    let (whole, rest) = (rounded / power, rounded % power);
    let width = decimals as usize;
    if rest == 0 { format!("{whole}{suffix}") } else { format!("{whole}.{rest:0width$}{suffix}") }
}

/// An amount of data: `812 bytes`, `12 KB`, `3.4 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{n} bytes"),
        1_000..1_000_000 => format!("{} KB", n / 1_000),
        _ => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `1 step`, `2 steps`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// Seconds of a setting: `60 s`, `10 min`, `1 h 30 min`.
pub fn setting_seconds(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..HOUR if seconds.is_multiple_of(MINUTE) => format!("{} min", seconds / MINUTE),
        120..HOUR => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
        _ => hours(seconds),
    }
}

/// How much of `whole` is `part`, in whole percent.
pub fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// How far east of UTC the reader is, or that it is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The page as the server sends it: UTC, and it says so.
    Utc,
    /// The reader's own time, in minutes east of UTC.
    Local(i32),
}

impl Zone {
    fn minutes(self) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Local(minutes) => minutes,
        }
    }

    /// The calendar and the clock there. A time no calendar has shows as the beginning of 1970.
    fn civil(self, at: Timestamp) -> DateTime {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        Offset::from_seconds(self.minutes() * 60).unwrap_or(Offset::UTC).to_datetime(at)
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Utc => " UTC",
            Self::Local(_) => "",
        }
    }
}

/// When something was: `14:36` today, `18 Nov` in this year, `18 Nov 2025` before.
pub fn when(at: Timestamp, now: Timestamp, zone: Zone) -> String {
    let (then, today) = (zone.civil(at), zone.civil(now));
    if then.date() == today.date() {
        return format!("{:02}:{:02}{}", then.hour(), then.minute(), zone.suffix());
    }
    if then.year() == today.year() {
        return format!("{} {}", then.day(), month(then));
    }
    format!("{} {} {}", then.day(), month(then), then.year())
}

/// The time of day with seconds: `14:36:05`.
pub fn time_of_day(at: Timestamp, zone: Zone) -> String {
    let at = zone.civil(at);
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// Everything about a point in time: `18 Nov 2026, 14:36:05 UTC`.
pub fn full_time(at: Timestamp, zone: Zone) -> String {
    let then = zone.civil(at);
    let (day, month, year) = (then.day(), month(then), then.year());
    format!("{day} {month} {year}, {}{}", time_of_day(at, zone), zone.suffix())
}

fn month(at: DateTime) -> &'static str {
    let index = usize::try_from(at.month() - 1).unwrap_or_default();
    MONTHS.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_running_clock_changes_its_shape_at_an_hour() {
        assert_eq!(elapsed(seconds(0)), "0:00");
        assert_eq!(elapsed(seconds(42)), "0:42");
        assert_eq!(elapsed(seconds(18 * 60 + 42)), "18:42");
        assert_eq!(elapsed(seconds(3599)), "59:59");
        assert_eq!(elapsed(seconds(3600)), "1 h");
        assert_eq!(elapsed(seconds(7080)), "1 h 58 min");
        assert_eq!(elapsed(seconds(50 * 3600)), "2 days 2 h");
    }

    #[test]
    fn no_minutes_above_ninety() {
        assert_eq!(coarse(seconds(59)), "just now");
        assert_eq!(coarse(seconds(60)), "1 min");
        assert_eq!(coarse(seconds(5400)), "90 min");
        assert_eq!(coarse(seconds(5401)), "2 h");
        assert_eq!(coarse(seconds(47 * 3600)), "47 h");
        assert_eq!(coarse(seconds(48 * 3600)), "2 days");
    }

    #[test]
    fn a_countdown_has_seconds_only_when_it_is_short() {
        assert_eq!(countdown(seconds(42)), "0:42");
        assert_eq!(countdown(seconds(599)), "9:59");
        assert_eq!(countdown(seconds(600)), "10 min");
        assert_eq!(countdown(seconds(7080)), "1 h 58 min");
    }

    #[test]
    fn steps_are_measured_as_finely_as_they_are_short() {
        assert_eq!(took(Duration::from_millis(240)), "0.2 s");
        assert_eq!(took(Duration::from_millis(8_040)), "8 s");
        assert_eq!(took(Duration::from_millis(2_450)), "2.4 s");
        assert_eq!(took(seconds(11)), "11 s");
        assert_eq!(took(seconds(182)), "3:02");
    }

    #[test]
    fn token_counts_keep_two_or_three_digits() {
        let shown = [0, 310, 1_000, 6_140, 9_960, 640_000, 999_600, 1_200_000, 4_060_000]
            .map(tokens)
            .join(" ");
        assert_eq!(shown, "0 310 1k 6.1k 10k 640k 1M 1.2M 4.1M");
        assert_eq!(tokens(2_030_000_000), "2.03B");
        assert_eq!(tokens(999_949_999), "999.9M");
        assert_eq!(tokens(999_950_000), "1B");
        assert_eq!(tokens(u64::MAX), "18446744073.71B");
    }

    #[test]
    fn settings_and_sizes_are_said_in_their_natural_unit() {
        let shown = [5, 60, 119, 120, 150, 600, 5400].map(setting_seconds).join(", ");
        assert_eq!(shown, "5 s, 60 s, 119 s, 2 min, 2 min 30 s, 10 min, 1 h 30 min");
        assert_eq!(bytes(812), "812 bytes");
        assert_eq!(bytes(12_900), "12 KB");
        assert_eq!(bytes(3_400_000), "3.4 MB");
        assert_eq!(percent(12, 19), 63);
        assert_eq!(percent(1, 0), 0);
    }

    #[test]
    fn times_of_today_are_times_and_others_are_days() {
        let now = at("2026-11-22T15:00:00Z");
        assert_eq!(when(at("2026-11-22T14:36:05Z"), now, Zone::Utc), "14:36 UTC");
        assert_eq!(when(at("2026-11-22T14:36:05Z"), now, Zone::Local(330)), "20:06");
        assert_eq!(when(at("2026-11-21T23:30:00Z"), now, Zone::Utc), "21 Nov");
        assert_eq!(when(at("2026-11-21T23:30:00Z"), now, Zone::Local(60)), "00:30");
        assert_eq!(when(at("2025-11-18T12:00:00Z"), now, Zone::Utc), "18 Nov 2025");
        assert_eq!(full_time(at("2026-11-22T14:36:05Z"), Zone::Utc), "22 Nov 2026, 14:36:05 UTC");
    }

    #[test]
    fn the_calendar_knows_leap_days_and_times_before_1970() {
        let utc = |text| full_time(at(text), Zone::Utc);
        assert_eq!(utc("2024-02-29T00:00:00Z"), "29 Feb 2024, 00:00:00 UTC");
        assert_eq!(utc("2100-03-01T00:00:00Z"), "1 Mar 2100, 00:00:00 UTC");
        assert_eq!(utc("1969-12-31T23:59:59Z"), "31 Dec 1969, 23:59:59 UTC");
        assert_eq!(utc("2000-01-01T00:00:01Z"), "1 Jan 2000, 00:00:01 UTC");
    }
}

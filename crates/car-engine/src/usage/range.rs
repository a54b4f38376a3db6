//! Ranges of time as people and session files write them.

use car_domain::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use crate::EngineError;

/// A range of time; both ends belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageRange {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
}

impl UsageRange {
    /// Reads ISO dates and times; without a time zone they are UTC, a date is its beginning.
    ///
    /// # Errors
    /// When one is neither.
    pub fn parse(since: Option<&str>, until: Option<&str>) -> Result<Self, EngineError> {
        let read = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => parse_time(text).map(Some).ok_or_else(|| {
                EngineError::invalid("Use ISO timestamps such as 2025-12-01 or 2025-12-01T12:00Z")
                    .with_hint(format!("`{text}` is none"))
            }),
        };
        Ok(Self { since: read(since)?, until: read(until)? })
    }
}

/// An ISO date or time, UTC when it says no other zone.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Some(at);
    }
    let has_zone = text.ends_with(['Z', 'z']);
    let at = text.parse::<civil::DateTime>().ok().filter(|_| !has_zone)?;
    let at = at.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_utc_unless_they_say_otherwise() {
        for (text, read) in [
            ("2025-12-01", "2025-12-01T00:00:00Z"),
            ("2025-12-01T12:00Z", "2025-12-01T12:00:00Z"),
            ("2025-12-01T12:00", "2025-12-01T12:00:00Z"),
            ("2025-12-01 12:00:30.25", "2025-12-01T12:00:30.250Z"),
            ("2025-12-01T12:00:00+02:00", "2025-12-01T10:00:00Z"),
        ] {
            assert_eq!(parse_time(text).map(|at| at.to_string()).as_deref(), Some(read), "{text}");
        }
        for text in ["yesterday", "2025-13-01", "12:00", "2025-12-01T25:00Z"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_time_is_refused_with_the_originals_words() {
        let error = UsageRange::parse(Some("soon"), None).expect_err("wrong");
        assert_eq!(error.to_string(), "Use ISO timestamps such as 2025-12-01 or 2025-12-01T12:00Z");
        assert_eq!(UsageRange::parse(Some(""), None).expect("empty"), UsageRange::default());
    }
}

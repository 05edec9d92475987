//! Points in time: milliseconds since the Unix epoch, written on the wire as seconds with a fraction.

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Milliseconds of one day.
pub const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

impl Timestamp {
    /// A point in time from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This many days later.
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY_MILLIS)))
    }

    /// This many seconds later.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Whole seconds as the query protocol and policies write them: `2026-01-01T00:00:00Z` (ISO 8601). What no
    /// calendar has is the epoch.
    pub fn to_iso_8601(self) -> String {
        jiff::Timestamp::from_second(self.as_seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }

    /// From what [`Self::to_iso_8601`] writes.
    pub fn parse_iso_8601(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Self(time.as_millisecond()))
    }

    /// Seconds with up to three decimals, as AWS JSON 1.1 writes a timestamp.
    pub fn to_json_number(self) -> serde_json::Number {
        if self.0 % 1000 == 0 {
            return (self.0 / 1000).into();
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any real date are below 2^53")]
        let seconds = self.0 as f64 / 1000.0;
        serde_json::Number::from_f64(seconds).unwrap_or_else(|| (self.0 / 1000).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_form_is_utc_with_whole_seconds() {
        for (millis, text) in [
            (1_767_225_600_123, "2026-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_iso_8601(), text);
            let whole = Timestamp::from_millis(millis.div_euclid(1000) * 1000);
            assert_eq!(Timestamp::parse_iso_8601(text), Some(whole));
        }
    }

    #[test]
    fn wire_form_is_seconds_with_a_fraction() {
        assert_eq!(Timestamp::from_millis(1_415_100_000_000).to_json_number().to_string(), "1415100000");
        assert_eq!(Timestamp::from_millis(1_415_100_000_123).to_json_number().to_string(), "1415100000.123");
    }
}

//! The wall clock, and in `dev` a shift on top of it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::clock::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp::from_millis(millis)
    }
}

/// The machine's clock, shifted by what a file says now: `+8d`, `-90m`, `+300s`, `+2h`; an empty or absent file is no
/// shift. For tests of deletion dates and expiry; `serve` does not have it.
#[derive(Debug, Clone)]
pub struct ShiftedClock {
    file: PathBuf,
}

impl ShiftedClock {
    /// A clock that reads its shift from this file at each request.
    pub const fn new(file: PathBuf) -> Self {
        Self { file }
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let shift = parse_shift(text.trim()).unwrap_or_else(|| {
            if !text.trim().is_empty() {
                tracing::warn!(file = %self.file.display(), "the clock file is not like +8d or -300s: no shift");
            }
            0
        });
        Timestamp::from_millis(SystemClock.now().as_millis().saturating_add(shift))
    }
}

/// Milliseconds of a shift such as `+8d`.
fn parse_shift(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_millis = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => keyreeve_model::timestamp::DAY_MILLIS,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_have_a_sign_a_number_and_a_unit() {
        for (text, millis) in [
            ("+8d", Some(691_200_000)),
            ("-300s", Some(-300_000)),
            ("2h", Some(7_200_000)),
            ("+5m", Some(300_000)),
            ("", None),
            ("d", None),
            ("+8", None),
            ("8 d", None),
            ("+9223372036854775807d", None),
        ] {
            assert_eq!(parse_shift(text), millis, "{text}");
        }
    }
}

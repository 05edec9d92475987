//! Dates: the profile of ISO 8601 that W3C describes, or seconds since the epoch.
//! Source: <https://www.w3.org/TR/NOTE-datetime>

/// A point in time, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i64,
    nanos: u32,
}

impl Moment {
    /// Parses either form. Four digits are a year, as W3C has it; a time without an offset is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, is_year) = (text.strip_prefix('-').unwrap_or(text), fixed(text, 4).is_some());
        if !is_year && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return parse_epoch(text);
        }
        let (date, time) =
            text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
        let days = parse_date(date, time.is_some())?;
        let Some(time) = time else { return Some(Self { seconds: days * 86_400, nanos: 0 }) };
        let (clock, offset) = split_offset(time)?;
        let (seconds, nanos) = parse_clock(clock)?;
        Some(Self { seconds: days * 86_400 + seconds - offset, nanos })
    }
}

fn parse_epoch(text: &str) -> Option<Moment> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (whole, nanos): (i64, u32) = (whole.parse().ok()?, parse_fraction(fraction)?);
    if text.starts_with('-') && nanos > 0 {
        return Some(Moment { seconds: whole.checked_sub(1)?, nanos: 1_000_000_000 - nanos });
    }
    Some(Moment { seconds: whole, nanos })
}

/// Up to nine digits of a second; further ones are dropped.
fn parse_fraction(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

/// Days since 1970-01-01. A month or year alone means its first day, and stands without a time.
fn parse_date(text: &str, with_time: bool) -> Option<i64> {
    let mut parts = text.split('-');
    let year = fixed(parts.next()?, 4)?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() || (with_time && day.is_none()) {
        return None;
    }
    let month = month.map_or(Some(1), |month| fixed(month, 2))?;
    let day = day.map_or(Some(1), |day| fixed(day, 2))?;
    ((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day))
        .then(|| days_from_civil(year, month, day))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The proleptic Gregorian calendar, counted from 1 March so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month + 2) / 5;
    let days_before_year = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days_before_year + days_before_month + day - 1 - DAYS_TO_EPOCH
}

/// From 1 March of year 0 to 1 January 1970.
const DAYS_TO_EPOCH: i64 = 719_468;

/// The time of day, and the offset in seconds east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, 0)) };
    let (clock, offset) = text.split_at_checked(at)?;
    let (sign, offset) = match offset.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = match offset.split_once(':') {
        Some(pair) => pair,
        None => offset.split_at_checked(2)?,
    };
    let (hours, minutes) = (fixed(hours, 2)?, if minutes.is_empty() { 0 } else { fixed(minutes, 2)? });
    (hours <= 23 && minutes <= 59).then_some((clock, sign * (hours * 3600 + minutes * 60)))
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f…`, as seconds and nanoseconds.
fn parse_clock(text: &str) -> Option<(i64, u32)> {
    let mut parts = text.split(':');
    let (hours, minutes) = (fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?);
    let (seconds, nanos) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',']) {
            None => (fixed(seconds, 2)?, 0),
            Some((seconds, fraction)) => (fixed(seconds, 2)?, parse_fraction(fraction)?),
        },
    };
    // A leap second counts as the second after it.
    let valid = parts.next().is_none() && hours <= 23 && minutes <= 59 && seconds <= 60;
    valid.then_some((hours * 3600 + minutes * 60 + seconds, nanos))
}

/// A number of exactly so many digits.
fn fixed(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_moments() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0", 0, 0),
            ("1970", 0, 0),
            ("2026-11-25T18:57:04Z", 1_795_633_024, 0),
            ("2026-11-25T19:57:04+01:00", 1_795_633_024, 0),
            ("2026-11-25T19:57:04+0100", 1_795_633_024, 0),
            ("2026-11-25T10:57:04-08:00", 1_795_633_024, 0),
            ("2026-11-25T18:57:04.5Z", 1_795_633_024, 500_000_000),
            ("1795633024.5", 1_795_633_024, 500_000_000),
            ("2026-11-25T18:57Z", 1_795_633_020, 0),
            ("2000-02-29", 951_782_400, 0),
            ("2000-03", 951_868_800, 0),
            ("1969-12-31T23:59:59Z", -1, 0),
            ("-1", -1, 0),
            ("-0.5", -1, 500_000_000),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment { seconds, nanos }), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-1-1",
            "2026-01-01T",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026T00:00Z",
            "2026-01-01T00:00:00+25:00",
            "2026-01-01 00:00:00",
            "1.2.3",
            "99999999999999999999",
            "-",
            "2026-01-01T00:00:00.Z",
            "äöü",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}

//! The time of a signature: `20150830T123600Z`, and the same as seconds since 1970. It never reads a clock.
//! A `Date` header in the form of RFC 9110 §5.6.7 (`Sun, 30 Aug 2015 12:36:00 GMT`) is understood too.

use std::fmt;

/// A whole second in UTC, between the years 0000 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    epoch_s: i64,
    /// The same as text, kept because a verification needs it three times.
    basic: [u8; 16],
}

const DAY_S: i64 = 86_400;
/// 0000-01-01 and 9999-12-31T23:59:59: what four digits of year can say.
const EPOCH_S_MIN: i64 = -62_167_219_200;
const EPOCH_S_MAX: i64 = 253_402_300_799;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Timestamp {
    /// The second `epoch_s` after 1970-01-01T00:00:00Z, brought into the years 0000 to 9999.
    #[must_use]
    pub fn from_epoch_s(epoch_s: i64) -> Self {
        let epoch_s = epoch_s.clamp(EPOCH_S_MIN, EPOCH_S_MAX);
        Self { epoch_s, basic: basic_text(epoch_s) }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn epoch_s(self) -> i64 {
        self.epoch_s
    }

    /// `YYYYMMDDTHHMMSSZ` and nothing else.
    pub(crate) fn parse_basic(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(8)?;
        let (separator, rest) = rest.split_at_checked(1)?;
        let (time, zone) = rest.split_at_checked(6)?;
        if separator != b"T" || zone != b"Z" {
            return None;
        }
        let date = number(date)?;
        let time = number(time)?;
        Self::from_parts(
            [date / 10_000, date / 100 % 100, date % 100],
            [time / 10_000, time / 100 % 100, time % 100],
        )
    }

    /// `Sun, 30 Aug 2015 12:36:00 GMT`; the name of the day is not checked against the date.
    pub(crate) fn parse_http_date(text: &str) -> Option<Self> {
        let (weekday, rest) = text.split_once(", ")?;
        let mut words = rest.split(' ');
        let (day, month, year, time, zone) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        let fixed_width = weekday.len() == 3 && day.len() == 2 && year.len() == 4 && time.len() == 8;
        if !fixed_width || zone != "GMT" || words.next().is_some() {
            return None;
        }
        let month = MONTHS.iter().zip(1..).find_map(|(name, number)| (*name == month).then_some(number))?;
        let mut clock = time.split(':');
        let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
        if hour.len() != 2 || minute.len() != 2 || clock.next().is_some() {
            return None;
        }
        Self::from_parts(
            [number(year.as_bytes())?, month, number(day.as_bytes())?],
            [number(hour.as_bytes())?, number(minute.as_bytes())?, number(second.as_bytes())?],
        )
    }

    fn from_parts([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<Self> {
        let real = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let time_s = hour * 3600 + minute * 60 + second;
        real.then(|| Self {
            epoch_s: days_from_civil(year, month, day) * DAY_S + time_s,
            basic: basic_digits([year, month, day], [hour, minute, second]),
        })
    }

    /// Whole days since 1970-01-01.
    pub(crate) fn epoch_day(self) -> i64 {
        self.epoch_s.div_euclid(DAY_S)
    }

    /// `seconds` later (earlier when negative).
    pub(crate) fn plus_s(self, seconds: i64) -> Self {
        Self::from_epoch_s(self.epoch_s.saturating_add(seconds))
    }

    /// The sixteen bytes `YYYYMMDDTHHMMSSZ`.
    pub(crate) fn basic(self) -> [u8; 16] {
        self.basic
    }

    /// The eight bytes `YYYYMMDD`, as in the credential scope.
    pub(crate) fn day(self) -> [u8; 8] {
        let [y0, y1, y2, y3, m0, m1, d0, d1, ..] = self.basic;
        [y0, y1, y2, y3, m0, m1, d0, d1]
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.basic))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// Decimal digits only: no sign, no space. At most eight digits, so no overflow.
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn basic_text(epoch_s: i64) -> [u8; 16] {
    let second_of_day = epoch_s.rem_euclid(DAY_S);
    let clock = [second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60];
    basic_digits(civil_from_days(epoch_s.div_euclid(DAY_S)), clock)
}

fn basic_digits([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> [u8; 16] {
    let mut text = *b"00000000T000000Z";
    let (date, rest) = text.split_at_mut(8);
    write_digits(date, year * 10_000 + month * 100 + day);
    if let Some(time) = rest.get_mut(1..7) {
        write_digits(time, hour * 10_000 + minute * 100 + second);
    }
    text
}

fn write_digits(target: &mut [u8], mut value: i64) {
    for digit in target.iter_mut().rev() {
        // `value % 10` of a non-negative number is 0..=9.
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date. The year starts in March here, so that the leap day is
/// the last of its year. Method: <https://howardhinnant.github.io/date_algorithms.html>.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> [i64; 3] {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and epoch seconds, from `date -u -d … +%s`.
    const KNOWN: [(&str, i64); 6] = [
        ("19700101T000000Z", 0),
        ("20150830T123600Z", 1_440_938_160),
        ("20000229T235959Z", 951_868_799),
        ("21000301T000000Z", 4_107_542_400),
        ("19691231T235959Z", -1),
        ("99991231T235959Z", 253_402_300_799),
    ];

    #[test]
    fn known_dates_parse_and_print() {
        for (text, epoch_s) in KNOWN {
            assert_eq!(
                Timestamp::parse_basic(text.as_bytes()).map(Timestamp::epoch_s),
                Some(epoch_s),
                "{text}"
            );
            assert_eq!(Timestamp::from_epoch_s(epoch_s).to_string(), text);
        }
        assert_eq!(&Timestamp::from_epoch_s(1_440_938_160).day(), b"20150830");
    }

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        for day in 0..146_097 {
            let noon = Timestamp::from_epoch_s(day * DAY_S + 43_200);
            assert_eq!(Timestamp::parse_basic(&noon.basic()), Some(noon));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150830t123600Z",
            "20150830T123600z",
            "20150830T123600Z ",
            " 20150830T123600Z",
            "20151301T000000Z",
            "20150229T000000Z",
            "20150832T000000Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "+0150830T123600Z",
            "2015-08-30T12:36:00Z",
            "20150800T000000Z",
        ] {
            assert_eq!(Timestamp::parse_basic(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn http_date_is_read() {
        let noon = Timestamp::parse_http_date("Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(noon.map(Timestamp::epoch_s), Some(1_440_938_160));
        for text in [
            "30 Aug 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:00 CET",
            "Sun, 30 aug 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36 GMT",
            "Sun, 3 Aug 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:00 GMT x",
            "Sun, 30 Aug 2015 123:6:00 GMT",
            "Sun, 31 Feb 2015 12:36:00 GMT",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
    }
}

//! Decimal numbers compared digit by digit: no rounding, whatever their length.

use std::cmp::Ordering;

/// A number, as stretches of its text without superfluous zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Parses digits with at most one sign and one point; no exponent.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        // A longer whole part is larger; fractions compare as text, as their missing digits are zeros.
        let whole = self.whole.len().cmp(&other.whole.len()).then_with(|| self.whole.cmp(other.whole));
        whole.then_with(|| self.fraction.cmp(other.fraction))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_compare_exactly() {
        for (a, b, expected) in [
            ("1", "01.0", Ordering::Equal),
            ("-0", "0.00", Ordering::Equal),
            ("+7", "7", Ordering::Equal),
            (".5", "0.50", Ordering::Equal),
            ("0.1", "0.09", Ordering::Greater),
            ("-2", "-10", Ordering::Greater),
            ("-1", "0", Ordering::Less),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("100000000000000000000", "99999999999999999999", Ordering::Greater),
        ] {
            assert_eq!(Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap()), expected, "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".", "1e3", "0x1", "1,0", "--1", "1.2.3", " 1", "NaN", "٣"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_integers_of_thousandths(a in -10_000_i64..10_000, b in -10_000_i64..10_000) {
            let text = |n: i64| {
                let sign = if n < 0 { "-" } else { "" };
                format!("{sign}{}.{:03}", n.abs() / 1000, n.abs() % 1000)
            };
            let (x, y) = (text(a), text(b));
            prop_assert_eq!(Decimal::parse(&x).unwrap().cmp(&Decimal::parse(&y).unwrap()), a.cmp(&b));
        }
    }
}

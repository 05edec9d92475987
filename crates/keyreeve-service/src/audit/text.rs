//! How CloudTrail spells names and times.

use std::borrow::Cow;

use keyreeve_model::timestamp::Timestamp;

/// `KeyId` as `keyId`.
pub(super) fn lower_first(name: &str) -> Cow<'_, str> {
    match name.as_bytes().first() {
        Some(first) if first.is_ascii_uppercase() => {
            let mut lower = String::with_capacity(name.len());
            lower.push(char::from(first.to_ascii_lowercase()));
            lower.push_str(name.get(1..).unwrap_or_default());
            Cow::Owned(lower)
        }
        Some(_) | None => Cow::Borrowed(name),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Aug 10, 2022, 10:38:27 PM`: how members of requests and answers show times.
pub(super) fn time_text(time: Timestamp) -> String {
    let iso = time.to_iso_8601();
    iso_to_text(&iso).unwrap_or(iso)
}

/// The same from `2022-08-10T22:38:27Z`.
pub(super) fn iso_to_text(iso: &str) -> Option<String> {
    let number = |range: std::ops::Range<usize>| iso.get(range)?.parse::<usize>().ok();
    let (year, month, day, hour) = (iso.get(0..4)?, number(5..7)?, number(8..10)?, number(11..13)?);
    let (rest, half) = (iso.get(13..19)?, if hour < 12 { "AM" } else { "PM" });
    let name = MONTHS.get(month.checked_sub(1)?)?;
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    Some(format!("{name} {day}, {year}, {hour}{rest} {half}"))
}

/// A JSON string.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    // A vector takes everything, and text is always a JSON string.
    drop(serde_json::to_writer(out, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_names_are_spelt_as_cloudtrail_does() {
        for (seconds, text) in [
            (1_660_171_107, "Aug 10, 2022, 10:38:27 PM"),
            (1_767_225_600, "Jan 1, 2026, 12:00:00 AM"),
            (1_767_268_800, "Jan 1, 2026, 12:00:00 PM"),
        ] {
            assert_eq!(time_text(Timestamp::from_millis(seconds * 1000)), text);
        }
        for (name, lower) in [("KeyId", "keyId"), ("AWSAccountId", "aWSAccountId"), ("x", "x"), ("", "")] {
            assert_eq!(lower_first(name), lower);
        }
    }
}

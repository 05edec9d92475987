//! The query string: its decoded pairs, and its canonical form.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// All but the unreserved characters of RFC 3986 §2.3 is percent-encoded, with upper-case digits.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

type Pair<'q> = (Cow<'q, [u8]>, Cow<'q, [u8]>);

/// Decoded names and values in the order received. `+` is a space, as the clients that send it mean it; a `%`
/// without two hexadecimal digits stands for itself. A pair without `=` has an empty value.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = Pair<'_>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        Cow::Owned(percent_decode(spaced.as_bytes()).collect())
    } else {
        percent_decode(text.as_bytes()).into()
    }
}

/// Appends the pairs, encoded anew and sorted by encoded name, then encoded value, without those named `skipped`.
pub(crate) fn write_canonical(out: &mut Vec<u8>, query: &str, skipped: Option<&str>) {
    if query.is_empty() {
        return;
    }
    let mut encoded: Vec<(String, String)> = pairs(query)
        .filter(|(name, _)| skipped.is_none_or(|skipped| **name != *skipped.as_bytes()))
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    encoded.sort_unstable();
    for (place, (name, value)) in encoded.iter().enumerate() {
        if place > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.as_bytes());
    }
}

/// One name or value, percent-encoded.
pub(crate) fn encode(text: &[u8]) -> String {
    percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_query_is_encoded_and_sorted_by_pair() {
        for (query, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a", "a="),
            ("a=", "a="),
            ("=v", "=v"),
            ("&a=1&&b=2&", "a=1&b=2"),
            ("a=b=c", "a=b%3Dc"),
            ("a=x+y", "a=x%20y"),
            ("a=x%20y", "a=x%20y"),
            ("a=x%2By", "a=x%2By"),
            ("a=%2f", "a=%2F"),
            ("a=%7E-._~", "a=~-._~"),
            ("a=%zz", "a=%25zz"),
            ("a=2&a=1", "a=1&a=2"),
            ("b=1&B=1", "B=1&b=1"),
            // By name first: `=` sorts after `-`, so sorting whole pairs would differ.
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("\u{1234}=bar", "%E1%88%B4=bar"),
        ] {
            let mut out = Vec::new();
            write_canonical(&mut out, query, None);
            assert_eq!(String::from_utf8(out).unwrap(), canonical, "{query}");
        }
    }

    #[test]
    fn only_the_named_parameter_is_skipped() {
        let mut out = Vec::new();
        write_canonical(&mut out, "X-Amz-Signature=1&a=2&x-amz-signature=3", Some("X-Amz-Signature"));
        assert_eq!(out, b"a=2&x-amz-signature=3");
    }
}

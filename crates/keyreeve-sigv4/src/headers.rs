//! The headers of a request: which may come once only, and which must be signed. The list of signed headers.

use std::borrow::Cow;

use crate::canonical::Covered;
use crate::error::SigV4Error;

/// Headers that may come once only. Two of one could be read differently by us and by what stands before us.
/// `x-amz-content-sha256` is among them because a joined pair could never be a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single {
    Authorization,
    Host,
    AmzDate,
    AmzTarget,
    AmzSecurityToken,
    AmzContentSha256,
    ContentType,
    ContentLength,
}

/// Every [`Single`], in the order of its variants, with its name.
const SINGLES: [(Single, &str); 8] = [
    (Single::Authorization, "authorization"),
    (Single::Host, "host"),
    (Single::AmzDate, "x-amz-date"),
    (Single::AmzTarget, "x-amz-target"),
    (Single::AmzSecurityToken, "x-amz-security-token"),
    (Single::AmzContentSha256, "x-amz-content-sha256"),
    (Single::ContentType, "content-type"),
    (Single::ContentLength, "content-length"),
];

/// The single headers of one request, found in one pass.
pub(crate) struct Survey<'r> {
    found: [Option<&'r [u8]>; SINGLES.len()],
}

impl<'r> Survey<'r> {
    /// Refuses a repeated single header.
    pub(crate) fn of(headers: &[(&'r str, &'r [u8])]) -> Result<Self, SigV4Error> {
        let mut found = [None; SINGLES.len()];
        for (name, value) in headers {
            let single = SINGLES
                .iter()
                .zip(found.iter_mut())
                .find(|((_, single), _)| same_name(name, single.as_bytes()));
            if let Some(((_, name), slot)) = single
                && slot.replace(*value).is_some()
            {
                return Err(SigV4Error::RepeatedHeader { name });
            }
        }
        Ok(Self { found })
    }

    pub(crate) fn value(&self, single: Single) -> Option<&'r [u8]> {
        self.found.get(single as usize).copied().flatten()
    }

    /// The value as text.
    pub(crate) fn text(&self, single: Single) -> Result<Option<&'r str>, SigV4Error> {
        let Some(value) = self.value(single) else { return Ok(None) };
        match std::str::from_utf8(value) {
            Ok(text) => Ok(Some(text.trim_ascii())),
            Err(_) => Err(SigV4Error::MalformedHeader { name: single.name().into() }),
        }
    }
}

impl Single {
    fn name(self) -> &'static str {
        SINGLES.iter().find(|(single, _)| *single == self).map_or("", |(_, name)| name)
    }
}

/// `host;x-amz-date;…`: lower-case names, strictly ascending, so that each appears once and lookups are few.
pub(crate) struct SignedHeaders<'r> {
    list: Cow<'r, str>,
    host: bool,
}

impl<'r> SignedHeaders<'r> {
    pub(crate) fn parse(list: Cow<'r, str>) -> Result<Self, SigV4Error> {
        let (mut previous, mut host): (&[u8], bool) = (b"", false);
        for name in names(&list) {
            // The empty name is caught here too: nothing is smaller than `""`.
            if name <= previous || !name.iter().copied().all(is_lower_case_token) {
                return Err(SigV4Error::MalformedSignedHeaders);
            }
            host |= name == b"host";
            previous = name;
        }
        Ok(Self { list, host })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.list
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        names(&self.list).any(|signed| signed == name.as_bytes())
    }

    pub(crate) fn check_host(&self) -> Result<(), SigV4Error> {
        if self.host { Ok(()) } else { Err(unsigned("host")) }
    }
}

/// An unsigned `x-amz-target` would let whoever stands between turn Encrypt into Decrypt, so every `x-amz-*` header
/// present must be signed, and `content-type`.
pub(crate) fn check_cover(headers: &[(&str, &[u8])], covered: Covered) -> Result<(), SigV4Error> {
    for (place, (name, _)) in headers.iter().enumerate() {
        if !covered.contains(place) && must_be_signed(name) {
            return Err(unsigned(name));
        }
    }
    Ok(())
}

fn unsigned(name: &str) -> SigV4Error {
    SigV4Error::UnsignedHeader { name: name.to_ascii_lowercase().into() }
}

/// The names in a list of signed headers. As bytes, because splitting text at a character is several times slower
/// on words this short.
pub(crate) fn names(list: &str) -> impl Iterator<Item = &[u8]> {
    list.as_bytes().split(|byte| *byte == b';')
}

/// Whether a header as received has this lower-case name. HTTP libraries hand names over in lower case, so the
/// plain comparison is tried first.
pub(crate) fn same_name(received: &str, name: &[u8]) -> bool {
    let received = received.as_bytes();
    received.len() == name.len() && (received == name || received.eq_ignore_ascii_case(name))
}

fn must_be_signed(name: &str) -> bool {
    let amz = name.as_bytes().get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"x-amz-"));
    amz || name.eq_ignore_ascii_case("content-type")
}

/// A token of RFC 9110 §5.6.2 without upper case. Excludes `:`, so no pseudo-header, and every line break.
fn is_lower_case_token(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_single_headers_follows_the_enum() {
        for (place, (single, name)) in SINGLES.iter().enumerate() {
            assert_eq!(*single as usize, place);
            assert_eq!(single.name(), *name);
        }
    }

    #[test]
    fn a_single_header_may_not_come_twice_in_any_case() {
        for (_, name) in SINGLES {
            let upper = name.to_ascii_uppercase();
            let headers: [(&str, &[u8]); 2] = [(name, b"a"), (&upper, b"a")];
            assert_eq!(Survey::of(&headers).err(), Some(SigV4Error::RepeatedHeader { name }));
            assert!(Survey::of(&[(name, b"a"), ("x-other", b"a"), ("x-other", b"b")]).is_ok());
        }
    }

    #[test]
    fn the_list_of_signed_headers_is_lower_case_and_strictly_ascending() {
        for (list, accepted) in [
            ("host", true),
            ("content-type;host;x-amz-date", true),
            ("", false),
            ("host;", false),
            (";host", false),
            ("host;host", false),
            ("x-amz-date;host", false),
            ("Host", false),
            ("host;x amz", false),
            (":authority;host", false),
            ("host;x\n", false),
        ] {
            assert_eq!(SignedHeaders::parse(list.into()).is_ok(), accepted, "{list}");
        }
    }

    /// What the canonical request of these headers covers.
    fn cover_of(list: &str, headers: &[(&str, &[u8])]) -> Covered {
        let mut covered = Covered::default();
        for (place, (name, _)) in headers.iter().enumerate() {
            if names(list).any(|signed| same_name(name, signed)) {
                covered.add(place);
            }
        }
        covered
    }

    type Case = (&'static str, &'static [(&'static str, &'static [u8])], Option<&'static str>);

    #[test]
    fn host_content_type_and_every_amz_header_must_be_signed() {
        const ALL: &[(&str, &[u8])] =
            &[("Host", b"h"), ("Content-Type", b"t"), ("X-Amz-Date", b"d"), ("accept", b"a")];
        let table: [Case; 6] = [
            ("content-type;host;x-amz-date", ALL, None),
            ("content-type;x-amz-date", ALL, Some("host")),
            ("host;x-amz-date", ALL, Some("content-type")),
            ("content-type;host", ALL, Some("x-amz-date")),
            ("accept", &[], Some("host")),
            ("host", &[("X-AMZ-Meta-Own", b"")], Some("x-amz-meta-own")),
        ];
        for (list, headers, refused) in table {
            let signed = SignedHeaders::parse(list.into()).unwrap();
            let verdict = signed.check_host().and_then(|()| check_cover(headers, cover_of(list, headers)));
            let expected = refused.map(|name| SigV4Error::UnsignedHeader { name: name.into() });
            assert_eq!(verdict.err(), expected, "{list}");
        }
    }
}

//! `application/x-www-form-urlencoded`: names and values, each decoded once, no name twice.
//! WHATWG: <https://url.spec.whatwg.org/#urlencoded-parsing>

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode;

/// Parameters of one request: far beyond any honest one, so that a body of separators stays cheap.
const PARAMETERS_MAX: usize = 10_000;

/// Why a body is not a form of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doors) enum Malformed {
    /// More than [`PARAMETERS_MAX`].
    TooMany,
    /// A name or a value is not UTF-8. It is not repaired: a policy document would silently be another one.
    NotUtf8,
    /// A name comes twice: which of them is meant, two readers could see differently.
    Repeated(String),
    /// A name that is no path into the operation's input, such as `Tags.1` where `Tags.member.1` is meant. It is not
    /// ignored: a restriction could get lost.
    Misplaced(String),
}

/// The parameters of a request.
pub(in crate::doors) struct Form<'b> {
    parameters: Vec<(Cow<'b, str>, Cow<'b, str>)>,
}

/// Values may be tokens: only their number is printed.
impl std::fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").field("parameters", &self.parameters.len()).finish()
    }
}

impl<'b> Form<'b> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Malformed`], never `Misplaced`.
    pub(in crate::doors) fn parse(body: &'b [u8]) -> Result<Self, Malformed> {
        let mut parameters = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == PARAMETERS_MAX {
                return Err(Malformed::TooMany);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            parameters.push((decode(name)?, decode(value)?));
        }
        let mut names = HashSet::with_capacity(parameters.len());
        match parameters.iter().find(|(name, _)| !names.insert(name.as_ref())) {
            Some((name, _)) => Err(Malformed::Repeated(name.clone().into_owned())),
            None => Ok(Self { parameters }),
        }
    }

    /// The value of a parameter.
    pub(in crate::doors) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The parameters in the order received.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// `+` is a space; a `%` without two hexadecimal digits stands for itself.
fn decode(text: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    let decoded: Cow<'_, [u8]> = if text.contains(&b'+') {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        Cow::Owned(percent_decode(&spaced).collect())
    } else {
        percent_decode(text).into()
    };
    match decoded {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Malformed::NotUtf8),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Malformed::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(body: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
        let form = Form::parse(body)?;
        Ok(form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn names_and_values_are_decoded() {
        for (body, expected) in [
            (&b""[..], &[][..]),
            (b"&&", &[]),
            (b"Action=GetCallerIdentity", &[("Action", "GetCallerIdentity")]),
            (b"A=a%20b+c%2B&B&C=&D=x=y", &[("A", "a b c+"), ("B", ""), ("C", ""), ("D", "x=y")]),
            (b"Tags.member.1.Key=k", &[("Tags.member.1.Key", "k")]),
            (b"Tags%2Emember=%E2%82%AC%zz%", &[("Tags.member", "\u{20ac}%zz%")]),
            ("A=\u{20ac}".as_bytes(), &[("A", "\u{20ac}")]),
            (b"=x", &[("", "x")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(pairs(body), Ok(expected));
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for body in [&b"A=1&B=2&A=1"[..], b"A=1&%41=2", b"A&A"] {
            assert_eq!(pairs(body), Err(Malformed::Repeated("A".to_owned())));
        }
        assert_eq!(pairs(b"A=%ff"), Err(Malformed::NotUtf8));
        assert_eq!(pairs(b"\xff=+"), Err(Malformed::NotUtf8));
    }

    #[test]
    fn a_body_of_a_mebibyte_is_refused_early() {
        let separators = "a=&".repeat(1 << 18);
        assert_eq!(pairs(separators.as_bytes()), Err(Malformed::TooMany));
        let most: Vec<_> = (0..PARAMETERS_MAX).map(|index| format!("p{index}=")).collect();
        assert_eq!(pairs(most.join("&").as_bytes()).map(|pairs| pairs.len()), Ok(PARAMETERS_MAX));
    }

    proptest! {
        #[test]
        fn any_pairs_come_back_as_they_were_encoded(
            values in proptest::collection::vec("\\PC{0,20}", 0..8)
        ) {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let given: Vec<_> =
                values.into_iter().enumerate().map(|(index, value)| (format!("n&{index}"), value)).collect();
            let body: Vec<_> =
                given.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            prop_assert_eq!(pairs(body.join("&").as_bytes()), Ok(given));
        }

        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = pairs(&body);
        }
    }
}

//! Patterns with `*` (any run) and `?` (one character), matched by two pointers: no recursion, no allocation, no
//! regular expressions. A pattern is a list of tokens, so that text put in for a variable is never a wildcard.

/// One step of a pattern. Literals are bytes of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Run,
}

/// Whether letter case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Exact,
    /// ASCII letters of either case are equal.
    Ignored,
}

/// The tokens of a text in which `*` and `?` are wildcards.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    text.bytes().map(|byte| match byte {
        b'*' => Token::Run,
        b'?' => Token::One,
        byte => Token::Byte(byte),
    })
}

/// The tokens of a text in which nothing is a wildcard.
pub(crate) fn literal(text: &str) -> impl Iterator<Item = Token> {
    text.bytes().map(Token::Byte)
}

/// Whether the whole text matches the whole pattern. At worst pattern length times text length steps: on a mismatch
/// only the latest `*` takes one character more.
pub(crate) fn matches(pattern: &[Token], text: &str, case: Case) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut read) = (0, 0);
    let mut latest_run: Option<(usize, usize)> = None;
    while let Some(&byte) = bytes.get(read) {
        match pattern.get(at) {
            // The last `*` takes all that is left: most patterns end so.
            Some(Token::Run) if at + 1 == pattern.len() => return true,
            Some(Token::Run) => {
                latest_run = Some((at + 1, read));
                at += 1;
                continue;
            }
            Some(Token::One) => {
                at += 1;
                read += char_len(byte);
                continue;
            }
            Some(Token::Byte(wanted)) if same(*wanted, byte, case) => {
                at += 1;
                read += 1;
                continue;
            }
            Some(Token::Byte(_)) | None => {}
        }
        let Some((after, from)) = latest_run else { return false };
        let from = from + bytes.get(from).copied().map_or(1, char_len);
        (at, read, latest_run) = (after, from, Some((after, from)));
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|token| *token == Token::Run))
}

const fn same(wanted: u8, have: u8, case: Case) -> bool {
    match case {
        Case::Exact => wanted == have,
        Case::Ignored => wanted.eq_ignore_ascii_case(&have),
    }
}

/// Bytes of the character that begins with this byte.
const fn char_len(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(pattern: &str, text: &str, case: Case) -> bool {
        matches(&tokens(pattern).collect::<Vec<_>>(), text, case)
    }

    /// The definition, slow and plain.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|skip| reference(rest, &text[skip..])),
            (Some(('?', rest)), Some((_, text))) => reference(rest, text),
            (Some((wanted, rest)), Some((have, text))) => wanted == have && reference(rest, text),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    #[test]
    fn runs_and_single_characters() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("?", "ä", true),
            ("??", "ä", false),
            ("*ä?", "xä€", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*a", "aaab", false),
            ("a**", "a", true),
            ("A*", "abc", false),
        ] {
            assert_eq!(glob(pattern, text, Case::Exact), expected, "{pattern} {text}");
        }
        assert!(glob("KMS:en*", "kms:Encrypt", Case::Ignored));
    }

    #[test]
    fn many_runs_stay_cheap() {
        let (pattern, text) = ("a*".repeat(200) + "b", "a".repeat(20_000));
        assert!(!glob(&pattern, &text, Case::Exact));
    }

    #[test]
    fn literals_hold_no_wildcards() {
        let pattern: Vec<Token> = literal("a*?").collect();
        assert!(matches(&pattern, "a*?", Case::Exact));
        assert!(!matches(&pattern, "abc", Case::Exact));
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_reference(pattern in "[abä*?]{0,8}", text in "[abä€]{0,10}") {
            let (wanted, have): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob(&pattern, &text, Case::Exact), reference(&wanted, &have));
        }
    }
}

//! The shapes of the STS service model that several operations share.
//! Source: botocore 1.44.5, `sts/2011-06-15`; held to `model/sts.json` by the model oracle.

use crate::input::shape::{Kind, Member, Pattern, Structure};

const fn text(min: usize, max: usize) -> Kind {
    Kind::Text { min, max, pattern: None }
}

const fn matching(min: usize, max: usize, pattern: &'static Pattern) -> Kind {
    Kind::Text { min, max, pattern: Some(pattern) }
}

/// `arnType`.
pub(crate) static ARN: Kind = matching(20, 2048, &ARN_TEXT);
/// `roleSessionNameType`, `sourceIdentityType`.
pub(crate) static SESSION_NAME: Kind = matching(2, 64, &NAME);
/// `PolicyDescriptorType`.
pub(crate) static POLICY_DESCRIPTOR: Kind =
    Kind::Structure(&Structure { members: &[Member::optional("arn", &ARN)] });
/// `policyDescriptorListType`.
pub(crate) static POLICY_DESCRIPTORS: Kind =
    Kind::List { element: &POLICY_DESCRIPTOR, min: 0, max: usize::MAX };
/// `unrestrictedSessionPolicyDocumentType`.
pub(crate) static UNRESTRICTED_POLICY: Kind = matching(1, usize::MAX, &POLICY_TEXT);
/// `sessionPolicyDocumentType`.
pub(crate) static SESSION_POLICY: Kind = matching(1, 2048, &POLICY_TEXT);
/// `roleDurationSecondsType`.
pub(crate) static ROLE_DURATION: Kind = Kind::Integer { min: 900, max: 43_200 };
/// `durationSecondsType`.
pub(crate) static DURATION: Kind = Kind::Integer { min: 900, max: 129_600 };
/// `minimumSessionTokenSizeType`.
pub(crate) static MINIMUM_TOKEN_SIZE: Kind = Kind::Integer { min: 0, max: 4096 };
/// `tagKeyType`.
pub(crate) static TAG_KEY: Kind = matching(1, 128, &TAG_KEY_TEXT);
/// `tagValueType`.
pub(crate) static TAG_VALUE: Kind = matching(0, 256, &TAG_VALUE_TEXT);
/// `Tag`.
pub(crate) static TAG: Kind = Kind::Structure(&Structure {
    members: &[Member::required("Key", &TAG_KEY), Member::required("Value", &TAG_VALUE)],
});
/// `tagListType`.
pub(crate) static TAGS: Kind = Kind::List { element: &TAG, min: 0, max: 50 };
/// `tagKeyListType`.
pub(crate) static TAG_KEYS: Kind = Kind::List { element: &TAG_KEY, min: 0, max: 50 };
/// `externalIdType`.
pub(crate) static EXTERNAL_ID: Kind = matching(2, 1224, &EXTERNAL_ID_TEXT);
/// `serialNumberType`.
pub(crate) static SERIAL_NUMBER: Kind = matching(9, 256, &SERIAL_NUMBER_TEXT);
/// `tokenCodeType`.
pub(crate) static TOKEN_CODE: Kind = matching(6, 6, &DIGITS);
/// `contextAssertionType`.
pub(crate) static CONTEXT_ASSERTION: Kind = text(4, 2048);
/// `ProvidedContext`.
pub(crate) static PROVIDED_CONTEXT: Kind = Kind::Structure(&Structure {
    members: &[
        Member::optional("ProviderArn", &ARN),
        Member::optional("ContextAssertion", &CONTEXT_ASSERTION),
    ],
});
/// `ProvidedContextsListType`.
pub(crate) static PROVIDED_CONTEXTS: Kind = Kind::List { element: &PROVIDED_CONTEXT, min: 1, max: 5 };
/// `clientTokenType`.
pub(crate) static CLIENT_TOKEN: Kind = text(4, 20_000);
/// `urlType`.
pub(crate) static URL: Kind = text(4, 2048);
/// `accessKeyIdType`.
pub(crate) static ACCESS_KEY_ID: Kind = matching(16, 128, &WORD);

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric()
        || character.is_whitespace()
        || matches!(character, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
}

static ARN_TEXT: Pattern = Pattern {
    expression: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    matches: |text| {
        !text.is_empty()
            && text.chars().all(|c| {
                matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7E}' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
            })
    },
};
static NAME: Pattern = Pattern { expression: r"[\w+=,.@-]*", matches: |text| text.bytes().all(is_name_byte) };
static EXTERNAL_ID_TEXT: Pattern = Pattern {
    expression: r"[\w+=,.@:\/-]*",
    matches: |text| text.bytes().all(|b| is_name_byte(b) || matches!(b, b':' | b'/')),
};
static SERIAL_NUMBER_TEXT: Pattern = Pattern {
    expression: r"[\w+=/:,.@-]*",
    matches: |text| text.bytes().all(|b| is_name_byte(b) || matches!(b, b':' | b'/')),
};
static DIGITS: Pattern =
    Pattern { expression: r"[\d]*", matches: |text| text.bytes().all(|b| b.is_ascii_digit()) };
static WORD: Pattern = Pattern {
    expression: r"[\w]*",
    matches: |text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
};
static POLICY_TEXT: Pattern = Pattern {
    expression: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| {
        !text.is_empty() && text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}'))
    },
};
static TAG_KEY_TEXT: Pattern = Pattern {
    expression: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
    matches: |text| !text.is_empty() && text.chars().all(is_tag_character),
};
static TAG_VALUE_TEXT: Pattern = Pattern {
    expression: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    matches: |text| text.chars().all(is_tag_character),
};

//! The shapes of the IAM service model that several operations share.
//! Source: botocore 1.44.5, `iam/2010-05-08`; held to `model/iam.json` by the model oracle.

use crate::input::shape::{Kind, Member, Pattern, Structure};

const fn text(min: usize, max: usize) -> Kind {
    Kind::Text { min, max, pattern: None }
}

const fn matching(min: usize, max: usize, pattern: &'static Pattern) -> Kind {
    Kind::Text { min, max, pattern: Some(pattern) }
}

/// `userNameType`: of a user that is made.
pub(crate) static NEW_USER_NAME: Kind = matching(1, 64, &NAME);
/// `existingUserNameType`, `groupNameType`, `policyNameType`, `instanceProfileNameType`.
pub(crate) static NAME_128: Kind = matching(1, 128, &NAME);
/// `roleNameType`.
pub(crate) static ROLE_NAME: Kind = matching(1, 64, &NAME);
/// `customSuffixType`.
pub(crate) static CUSTOM_SUFFIX: Kind = matching(1, 64, &NAME);
/// `roleDescriptionType`.
pub(crate) static ROLE_DESCRIPTION: Kind = matching(0, 1000, &DESCRIPTION_TEXT);
/// `roleMaxSessionDurationType`: seconds.
pub(crate) static MAX_SESSION_DURATION: Kind = Kind::Integer { min: 3_600, max: 43_200 };
/// `EntityType`.
pub(crate) static ENTITY_TYPE: Kind =
    Kind::Enum(&["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]);
/// `PolicyUsageType`.
pub(crate) static POLICY_USAGE: Kind = Kind::Enum(&["PermissionsPolicy", "PermissionsBoundary"]);
/// `pathType`.
pub(crate) static PATH: Kind = matching(1, 512, &PATH_TEXT);
/// `pathPrefixType`.
pub(crate) static PATH_PREFIX: Kind = matching(1, 512, &PATH_PREFIX_TEXT);
/// `policyPathType`.
pub(crate) static POLICY_PATH: Kind = matching(1, 512, &POLICY_PATH_TEXT);
/// `arnType`.
pub(crate) static ARN: Kind = text(20, 2048);
/// `markerType`.
pub(crate) static MARKER: Kind = matching(1, 320, &LATIN_1);
/// `maxItemsType`.
pub(crate) static MAX_ITEMS: Kind = Kind::Integer { min: 1, max: 1000 };
/// `policyDocumentType`.
pub(crate) static POLICY_DOCUMENT: Kind = matching(1, 131_072, &POLICY_TEXT);
/// `accessKeyIdType`.
pub(crate) static ACCESS_KEY_ID: Kind = matching(16, 128, &WORD);
/// `statusType`.
pub(crate) static STATUS: Kind = Kind::Enum(&["Active", "Inactive", "Expired"]);
/// `accountAliasType`.
pub(crate) static ACCOUNT_ALIAS: Kind = matching(3, 63, &ACCOUNT_ALIAS_TEXT);
/// `serviceName`.
pub(crate) static SERVICE_NAME: Kind = text(0, usize::MAX);
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

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric()
        || character.is_whitespace()
        || matches!(character, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
}

static NAME: Pattern = Pattern {
    expression: r"[\w+=,.@-]+",
    matches: |text| !text.is_empty() && text.bytes().all(is_name_byte),
};
static WORD: Pattern = Pattern {
    expression: r"[\w]+",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
};
static PATH_TEXT: Pattern = Pattern {
    expression: r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)",
    matches: |text| {
        text == "/"
            || text.len() > 2
                && text.starts_with('/')
                && text.ends_with('/')
                && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
    },
};
static PATH_PREFIX_TEXT: Pattern = Pattern {
    expression: r"\u002F[\u0021-\u007F]*",
    matches: |text| text.starts_with('/') && text.bytes().all(|b| (0x21..=0x7f).contains(&b)),
};
static POLICY_PATH_TEXT: Pattern = Pattern {
    expression: r"((/[A-Za-z0-9\.,\+@=_-]+)*)/",
    matches: |text| {
        text.strip_suffix('/').is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('/').is_some_and(|parts| {
                    parts.split('/').all(|part| !part.is_empty() && part.bytes().all(is_name_byte))
                })
        })
    },
};
static ACCOUNT_ALIAS_TEXT: Pattern = Pattern {
    expression: r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
    matches: |text| {
        (3..=63).contains(&text.len())
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    },
};
static LATIN_1: Pattern = Pattern {
    expression: r"[\u0020-\u00FF]+",
    matches: |text| !text.is_empty() && text.chars().all(|c| ('\u{20}'..='\u{FF}').contains(&c)),
};
static POLICY_TEXT: Pattern = Pattern {
    expression: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| {
        !text.is_empty() && text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}'))
    },
};
static DESCRIPTION_TEXT: Pattern = Pattern {
    expression: r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    matches: |text| {
        text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7E}' | '\u{A1}'..='\u{FF}'))
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

//! Condition keys: one row each, and keys as a policy names them. Where a value comes from is named here and
//! implemented by the service.
//! AWS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html>

mod rows;
mod source;

pub use rows::{CONDITION_KEYS, WEB_IDENTITY_CLAIM};
pub use source::{
    CallerFact, ClockFact, ConnectionFact, ForwardingFact, GrantFact, KeyFact, RequestFact, Source, TrustFact,
};

/// What kind of value a key has: which family of operators is meant for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the operator families of the policy language")]
pub enum ValueKind {
    String,
    Bool,
    Numeric,
    Date,
    Arn,
    Ip,
    Binary,
}

/// In which requests a key can have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actions {
    /// In every request.
    All,
    /// In requests for these actions.
    Only(&'static [&'static str]),
    /// In every request on a key (and in CreateKey, for the key that is to be made).
    OnKeys,
}

/// One condition key.
#[derive(Debug, Clone, Copy)]
pub struct ConditionKeyRow {
    /// Name as AWS prints it, without the part: `kms:EncryptionContext`.
    pub name: &'static str,
    /// Kind of its values.
    pub kind: ValueKind,
    /// Whether a request can have several values.
    pub multivalued: bool,
    /// What stands between the name and its part: `:` for `kms:EncryptionContext:<key>`, `/` for `aws:ResourceTag/<key>`.
    pub part: Option<char>,
    /// The highest number that may follow the name directly, as in `kms:RecipientAttestation:PCR31`.
    pub numbered: Option<u8>,
    /// In which requests it can have a value.
    pub actions: Actions,
    /// Where the value comes from.
    pub source: Source,
}

/// Every name of the table as AWS prints it, numbers written out, `${Key}` for a free part.
pub fn condition_key_names() -> impl Iterator<Item = String> {
    CONDITION_KEYS.iter().flat_map(|row| {
        let numbers = row.numbered.map(|last| (0..=last).map(|number| format!("{}{number}", row.name)));
        let plain = match (row.part, row.numbered) {
            (Some(part), _) => Some(format!("{}{part}${{Key}}", row.name)),
            (None, None) => Some(row.name.to_owned()),
            (None, Some(_)) => None,
        };
        numbers.into_iter().flatten().chain(plain)
    })
}

/// A condition key as a policy names it. Keys are compared without regard to letter case, so it is kept in lower case.
#[derive(Debug, Clone)]
pub struct ConditionKey {
    name: Box<str>,
    part_at: Option<usize>,
    row: Option<&'static ConditionKeyRow>,
}

impl PartialEq for ConditionKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ConditionKey {}

impl ConditionKey {
    /// Finds the row of a name; a name without one is kept too, and is absent from every request.
    pub fn parse(text: &str) -> Self {
        let name = text.to_lowercase().into_boxed_str();
        let (row, part_at) = find(&name).map_or((None, None), |(row, at)| (Some(row), at));
        Self { name, part_at, row }
    }

    /// Its row.
    pub const fn row(&self) -> Option<&'static ConditionKeyRow> {
        self.row
    }

    /// The whole name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What follows the row's name and its separator, in lower case; the number of a numbered key; the claim of a
    /// provider's key.
    pub fn part(&self) -> Option<&str> {
        self.part_at.and_then(|at| self.name.get(at..))
    }
}

fn find(name: &str) -> Option<(&'static ConditionKeyRow, Option<usize>)> {
    if let Some(row) = row_of(name) {
        return (row.part.is_none() && row.numbered.is_none()).then_some((row, None));
    }
    let with_part = name.match_indices([':', '/']).find_map(|(at, separator)| {
        let row = row_of(name.get(..at)?)?;
        let part_at = at + separator.len();
        (row.part.is_some_and(|part| separator.starts_with(part)) && part_at < name.len())
            .then_some((row, Some(part_at)))
    });
    with_part.or_else(|| numbered(name)).or_else(|| claim(name))
}

fn row_of(name: &str) -> Option<&'static ConditionKeyRow> {
    let lower = |text: &'static str| text.bytes().map(|byte| byte.to_ascii_lowercase());
    let index = CONDITION_KEYS.binary_search_by(|row| lower(row.name).cmp(name.bytes())).ok()?;
    CONDITION_KEYS.get(index)
}

fn numbered(name: &str) -> Option<(&'static ConditionKeyRow, Option<usize>)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.get(stem.len()..)?;
    let row = row_of(stem)?;
    let number: u8 = digits.parse().ok()?;
    // No leading zeros: PCR07 is no key.
    (row.numbered.is_some_and(|last| number <= last) && number.to_string() == digits)
        .then_some((row, Some(stem.len())))
}

/// `<provider host, port and path>:<claim>`: a host has a dot, a service's prefix has none; a claim has no colon.
fn claim(name: &str) -> Option<(&'static ConditionKeyRow, Option<usize>)> {
    let (provider, claim) = name.rsplit_once(':')?;
    (provider.contains('.') && !claim.is_empty()).then_some((&WEB_IDENTITY_CLAIM, Some(provider.len() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_unique() {
        let names: Vec<String> = CONDITION_KEYS.iter().map(|row| row.name.to_lowercase()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    /// AWS's reference lists 98 keys for KMS, three of them `aws:` keys, and 59 global ones.
    #[test]
    fn the_table_is_complete() {
        let names: Vec<String> = condition_key_names().collect();
        let of = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
        assert_eq!(of("kms:"), 95);
        let elsewhere = ["ec2:", "glue:", "lambda:", "ssm:", "identitystore:"].map(of).iter().sum::<usize>();
        assert_eq!(of("aws:") + elsewhere, 59);
        assert_eq!(of("sts:"), 5);
    }

    #[test]
    fn every_name_finds_its_row_in_any_letter_case() {
        for name in condition_key_names() {
            let name = name.replace("${Key}", "Some/Key:x");
            let row = ConditionKey::parse(&name).row().map(|row| row.name);
            assert!(row.is_some_and(|row| name.starts_with(row)), "{name} {row:?}");
            assert_eq!(ConditionKey::parse(&name.to_uppercase()).row().map(|row| row.name), row, "{name}");
        }
    }

    #[test]
    fn parts_are_what_follows_the_separator() {
        for (name, row, part) in [
            ("kms:EncryptionContext:App:Name", Some("kms:EncryptionContext"), Some("app:name")),
            ("aws:ResourceTag/Cost/Centre", Some("aws:ResourceTag"), Some("cost/centre")),
            ("kms:EncryptionContextKeys", Some("kms:EncryptionContextKeys"), None),
            ("kms:EncryptionContext", None, None),
            ("kms:EncryptionContext:", None, None),
            ("kms:EncryptionContext/x", None, None),
            ("aws:ResourceTag:x", None, None),
            ("kms:RecipientAttestation:PCR31", Some("kms:RecipientAttestation:PCR"), Some("31")),
            ("kms:RecipientAttestation:PCR32", None, None),
            ("kms:RecipientAttestation:PCR01", None, None),
            ("kms:RecipientAttestation:NitroTPMPCR24", None, None),
            ("token.actions.githubusercontent.com:sub", Some("<provider>"), Some("sub")),
            ("10.0.0.1:6443/Realms/x:sub", Some("<provider>"), Some("sub")),
            ("aws:NoSuchKey", None, None),
            ("", None, None),
        ] {
            let key = ConditionKey::parse(name);
            assert_eq!((key.row().map(|row| row.name), key.part()), (row, part), "{name}");
        }
    }
}

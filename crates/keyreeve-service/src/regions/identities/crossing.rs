//! Which rows of identities cross from their home to other Regions: one row for each kind in the table of paths.

use keyreeve_model::region::AccountId;

/// Whether a row crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    /// As it is.
    Whole,
    /// With its secret sealed for the way, and then under the other Region's keyring.
    WithSecret(Binding),
    /// It does not: every Region has its own.
    Stays,
}

/// What the stored secret of a row is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// The last part of its path.
    Name,
    /// Its path.
    Path,
}

impl Binding {
    /// The text.
    pub(super) fn of(self, path: &str) -> &str {
        match self {
            Self::Name => path.rsplit('/').next().unwrap_or(path),
            Self::Path => path,
        }
    }
}

use Crossing::{Stays, Whole, WithSecret};

/// Patterns as the table of paths has them; the first that fits counts. What fits none stays.
#[rustfmt::skip]
static RULES: [(&str, Crossing); 10] = [
    ("iam/account/<id>", Whole),
    ("iam/account-alias/<alias>", Whole),
    ("iam/access-key/<id>", WithSecret(Binding::Name)),
    // Where and when a key signed: each Region knows what was signed for it.
    ("iam/access-key-usage/<id>", Stays),
    ("iam/session-token-key/<n>", WithSecret(Binding::Path)),
    ("iam/<account>/root-access-keys", Whole),
    ("iam/service/<name>", Whole),
    ("iam/<account>/renamed-user/<id>", Whole),
    ("iam/<account>/oidc-provider/<host and path>", Whole),
    ("iam/<account>/<noun>/<name>", Whole),
];

/// Prefixes in the order in which a listing tells them: what limits comes before what signs, so that no key is ever known
/// here before the guard of its account and the policies of its user are.
#[rustfmt::skip]
pub(super) static SECTIONS: [&str; 15] = [
    "iam/account/", "iam/account-alias/", "iam/service/",
    "iam/0", "iam/1", "iam/2", "iam/3", "iam/4", "iam/5", "iam/6", "iam/7", "iam/8", "iam/9",
    "iam/session-token-key/", "iam/access-key/",
];

/// Prefix of everything that may cross.
pub(super) const PREFIX: &str = "iam/";

/// Whether the row of this path crosses.
pub(super) fn crossing(path: &str) -> Crossing {
    RULES.iter().find(|(pattern, _)| fits(pattern, path)).map_or(Stays, |(_, crossing)| *crossing)
}

/// Whether a path is one of a pattern. The last part of a pattern may stand for several of a path (the path of a URL).
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut patterns = pattern.split('/').peekable();
    while let Some(pattern) = patterns.next() {
        let Some(part) = parts.next() else { return false };
        let fits = match pattern {
            "<account>" => AccountId::parse(part).is_some(),
            _ if pattern.starts_with('<') => !part.is_empty(),
            _ => pattern == part,
        };
        if !fits {
            return false;
        }
        if patterns.peek().is_none() && pattern == "<host and path>" {
            return true;
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE_OF_PATHS: &str = include_str!("../../records/path.rs");

    fn documented() -> Vec<&'static str> {
        let lines = TABLE_OF_PATHS.lines().filter_map(|line| line.strip_prefix("//! | `iam/"));
        lines.map(|line| line.split('`').next().unwrap()).collect()
    }

    #[test]
    fn every_kind_of_row_in_the_table_of_paths_has_a_rule_and_no_rule_is_of_none() {
        let mut documented: Vec<_> = documented().iter().map(|path| format!("iam/{path}")).collect();
        let mut rules: Vec<_> = RULES.iter().map(|(pattern, _)| (*pattern).to_owned()).collect();
        documented.sort();
        rules.sort();
        assert_eq!(rules, documented);
    }

    #[test]
    fn a_path_is_of_the_kind_that_it_looks_like() {
        for (path, expected) in [
            ("iam/account/111122223333", Whole),
            ("iam/account-alias/acme", Whole),
            ("iam/access-key/AKIA1", WithSecret(Binding::Name)),
            ("iam/access-key-usage/AKIA1", Stays),
            ("iam/session-token-key/0000000001", WithSecret(Binding::Path)),
            ("iam/111122223333/root-access-keys", Whole),
            ("iam/service/backup.example", Whole),
            ("iam/111122223333/renamed-user/AIDA1", Whole),
            ("iam/111122223333/user/ada", Whole),
            ("iam/111122223333/oidc-provider/auth.example.org/realms/x", Whole),
            ("iam/111122223333/user/ada/extra", Stays),
            ("iam/11112222333/user/ada", Stays),
            ("iam/access-key/", Stays),
            ("iam/access-key/AKIA1/extra", Stays),
            ("iam/unheard-of/x", Stays),
            ("kms/us-east-1/111122223333/key/x", Stays),
            ("keyring", Stays),
        ] {
            assert_eq!(crossing(path), expected, "{path}");
        }
    }

    #[test]
    fn what_crosses_is_told_in_one_section_and_what_signs_comes_last() {
        for (pattern, crossing) in &RULES {
            let path = pattern.replace("<account>", "111122223333").replace(['<', '>', ' '], "x");
            let sections: Vec<_> = SECTIONS.iter().filter(|prefix| path.starts_with(**prefix)).collect();
            let expected = usize::from(*crossing != Stays);
            assert!(sections.len() == expected || (*crossing == Stays && sections.len() == 1), "{path}");
        }
        assert_eq!(SECTIONS.last(), Some(&"iam/access-key/"));
        assert!(SECTIONS.iter().all(|prefix| prefix.starts_with(PREFIX)));
    }

    #[test]
    fn a_secret_is_bound_as_its_row_binds_it() {
        assert_eq!(Binding::Name.of("iam/access-key/AKIA1"), "AKIA1");
        assert_eq!(Binding::Path.of("iam/session-token-key/1"), "iam/session-token-key/1");
    }
}

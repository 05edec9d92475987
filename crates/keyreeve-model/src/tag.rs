//! Tags of a key: sorted by key, as ListResourceTags answers them.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>

use std::collections::BTreeMap;

use crate::limits::TAGS_PER_KEY_MAX;

/// Why tags were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagFault {
    /// One request names a key twice.
    #[error("Duplicate tag keys")]
    Duplicate,
    /// More than 50 in all.
    #[error("Too many tags")]
    TooMany,
    /// `aws:` in any letter case is reserved.
    #[error("Tags beginning with aws: are reserved")]
    Reserved,
}

/// The tags of one key.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// None.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Checks a list of one request: no duplicates, nothing reserved.
    ///
    /// # Errors
    /// [`TagFault`], in AWS's order: duplicates, reserved, too many.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self, TagFault> {
        let count = pairs.len();
        let tags: BTreeMap<_, _> = pairs.into_iter().collect();
        if tags.len() != count {
            return Err(TagFault::Duplicate);
        }
        if tags.keys().any(|key| is_reserved(key)) {
            return Err(TagFault::Reserved);
        }
        Self(tags).within_limit()
    }

    /// These tags with others laid over them.
    ///
    /// # Errors
    /// [`TagFault::TooMany`] when the union exceeds the limit.
    pub fn overlaid(mut self, others: Self) -> Result<Self, TagFault> {
        self.0.extend(others.0);
        self.within_limit()
    }

    /// These tags without the named keys; a key that is not there is no error.
    ///
    /// # Errors
    /// [`TagFault::Reserved`] for a key that begins with `aws:`.
    pub fn without(mut self, keys: &[String]) -> Result<Self, TagFault> {
        for key in keys {
            if is_reserved(key) {
                return Err(TagFault::Reserved);
            }
            self.0.remove(key);
        }
        Ok(self)
    }

    /// The pairs, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    fn within_limit(self) -> Result<Self, TagFault> {
        if self.0.len() > TAGS_PER_KEY_MAX { Err(TagFault::TooMany) } else { Ok(self) }
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(keys: &[&str]) -> Vec<(String, String)> {
        keys.iter().map(|key| ((*key).to_owned(), String::new())).collect()
    }

    #[test]
    fn tags_are_refused_for_aws_reasons() {
        assert_eq!(Tags::parse(pairs(&["a", "a"])), Err(TagFault::Duplicate));
        assert_eq!(Tags::parse(pairs(&["AWS:x"])), Err(TagFault::Reserved));
        let many: Vec<_> = (0..51).map(|i| (i.to_string(), String::new())).collect();
        assert_eq!(Tags::parse(many), Err(TagFault::TooMany));
    }

    #[test]
    fn overlaying_overwrites_and_removing_a_missing_key_succeeds() {
        let tags = Tags::parse(pairs(&["b", "a"]))
            .unwrap()
            .overlaid(Tags::parse(pairs(&["c", "a"])).unwrap())
            .unwrap();
        assert_eq!(tags.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(tags.clone().without(&["zz".to_owned()]).unwrap(), tags);
    }
}

//! `MaxItems`, `Marker`, `IsTruncated`: the same on every list of IAM.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>

use std::cmp::Ordering;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use crate::input::Input;

/// How many a list gives when nobody says.
const DEFAULT: usize = 100;

/// Which page is asked for.
pub(crate) struct Paging {
    limit: usize,
    /// Where the page before ended.
    after: Option<String>,
}

impl Paging {
    /// From `MaxItems` and `Marker`.
    ///
    /// # Errors
    /// ValidationError for a marker that is not one of ours.
    pub(crate) fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let limit = input.integer("MaxItems").and_then(|limit| usize::try_from(limit).ok());
        let after = input.text("Marker").map(|marker| open(&marker)).transpose()?;
        Ok(Self { limit: limit.unwrap_or(DEFAULT), after })
    }

    /// Which of `total` numbered items are the page, `most` of them at the most whatever was asked for.
    ///
    /// # Errors
    /// ValidationError for a marker that is not one of ours.
    pub(crate) fn window(&self, total: usize, most: usize) -> Result<(Range<usize>, PageEnd), KmsError> {
        let start = match &self.after {
            None => 0,
            Some(after) => after.parse().ok().filter(|start| *start <= total).ok_or_else(invalid_marker)?,
        };
        let end = total.min(start.saturating_add(self.limit.min(most)));
        let is_truncated = end < total;
        let marker = is_truncated.then(|| URL_SAFE_NO_PAD.encode(end.to_string()));
        Ok((start..end, PageEnd { is_truncated, marker }))
    }

    /// The page of these items, in the order of their keys: letter case decides only between keys that differ in
    /// nothing else.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> &str) -> (Vec<T>, PageEnd) {
        let after = self.after.as_deref().unwrap_or_default();
        items.retain(|item| self.after.is_none() || order(key(item), after).is_gt());
        items.sort_by(|one, other| order(key(one), key(other)));
        let mut page = items;
        let is_truncated = page.len() > self.limit;
        page.truncate(self.limit);
        let marker = page.last().filter(|_| is_truncated).map(|item| URL_SAFE_NO_PAD.encode(key(item)));
        (page, PageEnd { is_truncated, marker })
    }
}

fn order(one: &str, other: &str) -> Ordering {
    let folded = |text: &str| text.to_ascii_lowercase();
    folded(one).cmp(&folded(other)).then_with(|| one.cmp(other))
}

fn open(marker: &str) -> Result<String, KmsError> {
    URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(invalid_marker)
}

fn invalid_marker() -> KmsError {
    KmsError::Iam(IamError::ValidationError("Invalid Marker.".to_owned()))
}

/// The end of every list's answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PageEnd {
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_one_another_and_are_never_wider_than_they_may() {
        let mut paging = Paging { limit: 3, after: None };
        let (range, end) = paging.window(4, 2).unwrap();
        assert_eq!((range, end.is_truncated), (0..2, true));
        paging.after = Some(open(&end.marker.unwrap()).unwrap());
        let (range, end) = paging.window(4, 10).unwrap();
        assert_eq!((range, end.is_truncated, end.marker), (2..4, false, None));
        paging.after = Some("5".to_owned());
        assert!(paging.window(4, 10).is_err());
    }

    #[test]
    fn letter_case_does_not_lose_an_item_between_pages() {
        let mut paging = Paging { limit: 1, after: None };
        let mut seen = Vec::new();
        loop {
            let (page, end) = paging.cut(vec!["b", "B", "C", "a"], |item| item);
            seen.extend(page);
            let Some(marker) = end.marker else { break };
            paging.after = Some(open(&marker).unwrap());
        }
        assert_eq!(seen, ["a", "B", "b", "C"]);
    }

    #[test]
    fn pages_follow_one_another_and_end() {
        let items = ["a", "b", "c"];
        let mut paging = Paging { limit: 2, after: None };
        let (first, end) = paging.cut(items.to_vec(), |item| item);
        assert_eq!((first, end.is_truncated), (vec!["a", "b"], true));
        paging.after = Some(open(&end.marker.unwrap()).unwrap());
        let (second, end) = paging.cut(items.to_vec(), |item| item);
        assert_eq!((second, end.is_truncated, end.marker), (vec!["c"], false, None));
        assert!(open("not ours!").is_err());
    }
}

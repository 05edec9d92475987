//! The shapes of CloudTrail's model that several operations share.
//! Source: botocore 1.44.5, `cloudtrail/2013-11-01`; held to `model/cloudtrail.json` by the model oracle.

use crate::input::shape::{Kind, Member, Structure};

/// `String`.
pub(super) static TEXT: Kind = Kind::Text { min: 0, max: usize::MAX, pattern: None };
/// `Boolean`.
pub(super) static BOOLEAN: Kind = Kind::Boolean;
/// `Date`.
pub(super) static DATE: Kind = Kind::Timestamp;
/// `TagKey`.
static TAG_KEY: Kind = Kind::Text { min: 1, max: 128, pattern: None };
/// `TagValue`.
static TAG_VALUE: Kind = Kind::Text { min: 1, max: 256, pattern: None };
static TAG: Kind = Kind::Structure(&Structure {
    members: &[Member::required("Key", &TAG_KEY), Member::optional("Value", &TAG_VALUE)],
});
/// `TagsList`.
pub(super) static TAGS: Kind = Kind::List { element: &TAG, min: 0, max: 200 };
/// `TrailNameList`, `ResourceIdList`.
pub(super) static TEXTS: Kind = Kind::List { element: &TEXT, min: 0, max: usize::MAX };

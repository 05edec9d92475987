//! The operations of CloudTrail that `model/cloudtrail.json` keeps: trails, their files, and looking records up.

/// Sorted.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[&str] = &[
    "AddTags",
    "CreateTrail",
    "DeleteTrail",
    "DescribeTrails",
    "GetEventSelectors",
    "GetTrail",
    "GetTrailStatus",
    "ListPublicKeys",
    "ListTags",
    "ListTrails",
    "LookupEvents",
    "RemoveTags",
    "StartLogging",
    "StopLogging",
    "UpdateTrail",
];

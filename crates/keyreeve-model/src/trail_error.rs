//! The errors of CloudTrail: the code of each in one table, all with HTTP status 400. Their texts are composed where they
//! are found. Source: botocore 1.44.5, `cloudtrail/2013-11-01`; held to `model/cloudtrail.json` by a test.

/// What CloudTrail refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailFault {
    /// Not the ARN of a trail.
    ArnInvalid,
    /// The trail is of another Region.
    InvalidHomeRegion,
    /// Not one known attribute.
    InvalidLookupAttributes,
    /// Not a kind of events.
    InvalidEventCategory,
    /// Not 1 to 50.
    InvalidMaxResults,
    /// Not a token of this list.
    InvalidNextToken,
    /// Not a token of this list, where the API has another name for it.
    InvalidToken,
    /// Members that exclude each other.
    InvalidParameterCombination,
    /// Not the name of a bucket.
    InvalidBucketName,
    /// Not a prefix of object names.
    InvalidPrefix,
    /// Tags that are not valid.
    InvalidTag,
    /// The time ends before it begins.
    InvalidTimeRange,
    /// Not the name of a trail.
    InvalidTrailName,
    /// A quota.
    TooManyTrails,
    /// Something that has no tags.
    ResourceTypeNotSupported,
    /// What shall be tagged is not there.
    ResourceNotFound,
    /// No destination has this bucket.
    NoSuchBucket,
    /// More tags than a trail may have.
    TooManyTags,
    /// There is a trail of this name.
    TrailExists,
    /// There is no trail of this name.
    TrailNotFound,
    /// What AWS offers and Keyreeve does not.
    Unsupported,
}

/// Why CloudTrail refused a request, with its public text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailError {
    /// What.
    pub fault: TrailFault,
    /// In words.
    pub message: String,
}

impl TrailFault {
    /// Every fault.
    pub const ALL: [Self; 21] = [
        Self::ArnInvalid,
        Self::InvalidHomeRegion,
        Self::InvalidLookupAttributes,
        Self::InvalidEventCategory,
        Self::InvalidMaxResults,
        Self::InvalidNextToken,
        Self::InvalidToken,
        Self::InvalidParameterCombination,
        Self::InvalidBucketName,
        Self::InvalidPrefix,
        Self::InvalidTag,
        Self::InvalidTimeRange,
        Self::InvalidTrailName,
        Self::TooManyTrails,
        Self::ResourceTypeNotSupported,
        Self::ResourceNotFound,
        Self::NoSuchBucket,
        Self::TooManyTags,
        Self::TrailExists,
        Self::TrailNotFound,
        Self::Unsupported,
    ];

    /// `__type` of the answer.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ArnInvalid => "CloudTrailARNInvalidException",
            Self::InvalidHomeRegion => "InvalidHomeRegionException",
            Self::InvalidLookupAttributes => "InvalidLookupAttributesException",
            Self::InvalidEventCategory => "InvalidEventCategoryException",
            Self::InvalidMaxResults => "InvalidMaxResultsException",
            Self::InvalidNextToken => "InvalidNextTokenException",
            Self::InvalidToken => "InvalidTokenException",
            Self::InvalidParameterCombination => "InvalidParameterCombinationException",
            Self::InvalidBucketName => "InvalidS3BucketNameException",
            Self::InvalidPrefix => "InvalidS3PrefixException",
            Self::InvalidTag => "InvalidTagParameterException",
            Self::InvalidTimeRange => "InvalidTimeRangeException",
            Self::InvalidTrailName => "InvalidTrailNameException",
            Self::TooManyTrails => "MaximumNumberOfTrailsExceededException",
            Self::ResourceTypeNotSupported => "ResourceTypeNotSupportedException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::NoSuchBucket => "S3BucketDoesNotExistException",
            Self::TooManyTags => "TagsLimitExceededException",
            Self::TrailExists => "TrailAlreadyExistsException",
            Self::TrailNotFound => "TrailNotFoundException",
            Self::Unsupported => "UnsupportedOperationException",
        }
    }

    /// The fault in words.
    pub fn because(self, message: impl Into<String>) -> TrailError {
        TrailError { fault: self, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn codes_are_exceptions_of_the_model() {
        let model: Value = serde_json::from_str(include_str!("../../../model/cloudtrail.json")).unwrap();
        for fault in TrailFault::ALL {
            assert_eq!(model["shapes"][fault.code()]["exception"], Value::Bool(true), "{}", fault.code());
        }
    }
}

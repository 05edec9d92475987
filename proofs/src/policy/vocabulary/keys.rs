//! The condition keys of the cases: what requests and policies say about each.

/// What a condition key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A moment.
    Moment,
    /// An ARN.
    Arn,
    /// An IP address.
    Address,
    /// Base64.
    Binary,
}

/// A condition key with what requests and policies say about it.
#[derive(Debug)]
pub(crate) struct Word {
    /// The key.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) sort: Sort,
    /// Whether requests may hold several values.
    pub(crate) many: bool,
    /// Values of requests.
    pub(crate) known: &'static [&'static str],
    /// Values of policies, besides those.
    pub(crate) wanted: &'static [&'static str],
}

const COLOURS: &[&str] = &["red", "Red", "blue", "r*d", "r?d", "rëd"];
const COLOUR_PATTERNS: &[&str] = &[
    "r*",
    "?ed",
    "*",
    "re",
    "redd",
    "r${*}d",
    "r${?}d",
    "${$}red",
    "${aws:PrincipalTag/team}",
    "${AWS:principaltag/TEAM}",
    "${aws:PrincipalTag/none, 'red'}",
    "${aws:PrincipalTag/team, 'blue'}",
    "${aws:PrincipalTag/none}",
    "${kms:EncryptionContext:AppName}",
    "${kms:ResourceAliases}",
    "r${aws:PrincipalTag/team}*",
];
const MOMENTS: &[&str] = &["2026-03-01T00:00:00Z", "2026-02-28T23:59:59Z", "2026-03-01T00:00:01Z"];
const MOMENT_PATTERNS: &[&str] = &[
    "2026-03-01",
    "2026-03",
    "2026",
    "2026-03-01T01:00:00+01:00",
    "2026-03-01T00:00Z",
    "1772323200",
    "2026-03-01T00:00:00.500Z",
];

/// The condition keys of the cases, besides the ones about the caller.
pub(crate) const WORDS: &[Word] = &[
    Word {
        name: "aws:PrincipalTag/team",
        sort: Sort::Text,
        many: false,
        known: COLOURS,
        wanted: COLOUR_PATTERNS,
    },
    Word {
        name: "aws:ResourceTag/Team",
        sort: Sort::Text,
        many: false,
        known: COLOURS,
        wanted: COLOUR_PATTERNS,
    },
    Word {
        name: "kms:EncryptionContext:AppName",
        sort: Sort::Text,
        many: false,
        known: COLOURS,
        wanted: COLOUR_PATTERNS,
    },
    Word {
        name: "kms:EncryptionContextKeys",
        sort: Sort::Text,
        many: true,
        known: &["AppName", "Stage"],
        wanted: &["appname", "App*", "*"],
    },
    Word {
        name: "kms:ResourceAliases",
        sort: Sort::Text,
        many: true,
        known: &["alias/red", "alias/blue", "alias/Red"],
        wanted: &["alias/*", "alias/r?d", "alias/${aws:PrincipalTag/team}", "*"],
    },
    Word {
        name: "aws:TagKeys",
        sort: Sort::Text,
        many: true,
        known: &["team", "Team", "cost"],
        wanted: &["t*", "TEAM", "*"],
    },
    Word {
        name: "kms:ViaService",
        sort: Sort::Text,
        many: false,
        known: &["s3.us-east-1.amazonaws.com", "ebs.us-east-1.amazonaws.com"],
        wanted: &["s3.*.amazonaws.com", "*.us-east-1.amazonaws.com", "s3.us-east-?.amazonaws.com"],
    },
    Word {
        name: "aws:SecureTransport",
        sort: Sort::Bool,
        many: false,
        known: &["true", "false"],
        wanted: &["TRUE", "False"],
    },
    Word {
        name: "aws:MultiFactorAuthPresent",
        sort: Sort::Bool,
        many: false,
        known: &["true", "false"],
        wanted: &["True", "${aws:SecureTransport}", "${aws:SecureTransport, 'true'}"],
    },
    Word {
        name: "aws:MultiFactorAuthAge",
        sort: Sort::Number,
        many: false,
        known: &["0", "300", "301", "-1"],
        wanted: &["300.0", "299.5"],
    },
    Word {
        name: "kms:RotationPeriodInDays",
        sort: Sort::Number,
        many: false,
        known: &["90", "365", "2560"],
        wanted: &["90.00", "0365", "364.999"],
    },
    Word {
        name: "aws:CurrentTime",
        sort: Sort::Moment,
        many: false,
        known: MOMENTS,
        wanted: MOMENT_PATTERNS,
    },
    Word { name: "kms:ValidTo", sort: Sort::Moment, many: false, known: MOMENTS, wanted: MOMENT_PATTERNS },
    Word {
        name: "aws:EpochTime",
        sort: Sort::Moment,
        many: false,
        known: &["1772323200", "1772323201"],
        wanted: MOMENTS,
    },
    Word {
        name: "aws:SourceIp",
        sort: Sort::Address,
        many: false,
        known: &["203.0.113.7", "203.0.113.8", "10.0.0.1", "2001:db8::1"],
        wanted: &[
            "203.0.113.0/29",
            "203.0.113.0/24",
            "203.0.113.7/32",
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/32",
            "2001:DB8:0::1",
            "10.0.0.0/8",
            "::ffff:203.0.113.0/120",
        ],
    },
    Word {
        name: "aws:SourceArn",
        sort: Sort::Arn,
        many: false,
        known: &["arn:aws:s3:::red", "arn:aws:s3:::red/x:y", "arn:aws:sns:us-east-1:111122223333:red"],
        wanted: &[
            "arn:aws:s3:::*",
            "arn:aws:s3:::red*",
            "arn:aws:*:*:*:red",
            "arn:aws:s3:::${aws:PrincipalTag/team}",
            "arn:aws:sns:us-east-?:111122223333:*",
            "arn:aws:s3:::red/*",
            "arn:aws:s*:::red",
        ],
    },
    Word {
        name: "kms:RecipientAttestation:PCR0",
        sort: Sort::Binary,
        many: false,
        known: &["cmVk", "Ymx1ZQ=="],
        wanted: &["UmVk"],
    },
];

/// An IPv4 address as IPv6 has it.
pub(crate) const MAPPED_ADDRESS: &str = "::ffff:203.0.113.7";

/// Values of policies about `aws:PrincipalArn`, besides the callers'.
pub(crate) const PRINCIPAL_ARNS: &[&str] = &[
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    "arn:aws:iam::*:user/*",
    "arn:aws:iam::111122223333:role/svc/*",
    "arn:aws:iam::*:role/app",
    "arn:aws:iam::111122223333:user/${aws:username}",
    "arn:aws:iam::111122223333:user/*/alice",
    "arn:aws:iam::111122223333:root",
];

/// Operators of a sort.
pub(crate) const fn operators(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Text => &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringLike",
            "StringNotLike",
        ],
        Sort::Bool => &["Bool"],
        Sort::Number => &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        Sort::Moment => &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        Sort::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike", "StringEquals"],
        Sort::Address => &["IpAddress", "NotIpAddress"],
        Sort::Binary => &["BinaryEquals"],
    }
}

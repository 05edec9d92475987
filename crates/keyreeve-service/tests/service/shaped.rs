//! A valid-looking request for every operation, made from the shape of its input alone: required members, with values that
//! the shape and the first look at them admit.

use keyreeve_service::catalogue::Row;
use keyreeve_service::input::shape::{Kind, Member, Structure};
use serde_json::{Value, json};

use crate::rig::{REGION, b64};

/// A policy as users, roles and groups have them.
pub(crate) const IDENTITY_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

/// Texts that some member or other asks for; the first that the shape admits is taken.
const TEXTS: &[&str] = &[
    "Sample",
    "v1",
    "https://id.example.com",
    "AKIAIOSFODNN7EXAMPLE",
    "9e99a48a9960b14926bb7f3b02e22da2b0ab7280",
];

/// Members that the model calls optional, but that say what a request is about.
const TELLING: &[&str] = &["UserName"];

/// The request of an account's principal.
pub(crate) fn body(row: &Row, account: &str) -> Value {
    structure(row.input, account)
}

fn structure(shape: &Structure, account: &str) -> Value {
    let present = |member: &&Member| member.required || TELLING.contains(&member.name);
    shape
        .members
        .iter()
        .filter(present)
        .map(|member| (member.name.to_owned(), value(member.name, member.kind, account)))
        .collect()
}

/// What a member of this name and kind may hold.
fn value(name: &str, kind: &Kind, account: &str) -> Value {
    match kind {
        Kind::Text { min, max, pattern } => {
            let fits = |text: &str| {
                (*min..=*max).contains(&text.chars().count())
                    && pattern.is_none_or(|pattern| (pattern.matches)(text))
            };
            let long = "a".repeat(*min);
            let mut texts =
                known(name, account).into_iter().chain(TEXTS.iter().map(ToString::to_string)).chain([long]);
            json!(texts.find(|text| fits(text)).unwrap_or_else(|| panic!("give {name} a text here")))
        }
        Kind::Enum(names) => json!(names[0]),
        Kind::Blob { min, .. } => json!(b64(vec![b'x'; *min.max(&1)])),
        Kind::Integer { min, .. } => json!(min),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(0),
        Kind::List { element, .. } => json!([value(name, element, account)]),
        Kind::Map => json!({"a": "b"}),
        Kind::Structure(shape) => structure(shape, account),
    }
}

/// Texts that are looked at before anybody is judged.
fn known(name: &str, account: &str) -> Option<String> {
    let arn = |resource: &str| format!("arn:aws:iam::{account}:{resource}");
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}});
    Some(match name {
        "ActionNames" => "kms:Encrypt".to_owned(),
        "AssumeRolePolicyDocument" => trust.to_string(),
        "AWSServiceName" => "s3.amazonaws.com".to_owned(),
        "OpenIDConnectProviderArn" => arn("oidc-provider/id.example.com"),
        "Password" | "NewPassword" | "OldPassword" => "Correct-horse-7".to_owned(),
        "PolicyArn" | "PolicyArns" => arn("policy/Sample"),
        "PolicyDocument" | "PolicyInputList" => IDENTITY_POLICY.to_owned(),
        "PolicySourceArn" => arn("user/Sample"),
        "ResourceId" | "ResourceIdList" => format!("arn:aws:cloudtrail:{REGION}:{account}:trail/Sample"),
        "RoleArn" => arn("role/Sample"),
        "S3BucketName" => "sample-bucket".to_owned(),
        "Url" => "https://id.example.com".to_owned(),
        _ => return None,
    })
}

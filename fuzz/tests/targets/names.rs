//! ARNs, key ids, alias names, Regions, accounts, material ids: whatever parses prints back as it was.

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::{AccountId, Region};

use crate::tape::Tape;

const SAMPLES: &[&str] = &[
    "1234abcd-12ab-34cd-56ef-1234567890ab",
    "mrk-1234abcd12ab34cd56ef1234567890ab",
    "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/a/b_c-9",
    "alias/aws/s3",
    "eu-central-1",
    "111122223333",
    "b67b8fc5fb0523e7de52e3ac85f9bc4e7a24f4f48529f4a5834b1c2cb78f31ed",
];

const PIECES: &[&str] = &[
    "arn",
    ":",
    "aws",
    "aws-cn",
    "kms",
    "eu-central-1",
    "us-gov-east-12",
    "cn-north-1",
    "111122223333",
    "key/",
    "alias/",
    "mrk-",
    "1234abcd",
    "12ab",
    "-",
    "1234567890ab",
    "a",
    "/",
    "_",
    "A",
    "0",
    "é",
    "\u{0}",
    " ",
    "*",
    "..",
];

target!(whatever_parses_prints_back, 8000, |tape: &mut Tape<'_>| {
    let text = match tape.below(4) {
        0 => String::from_utf8_lossy(tape.rest()).into_owned(),
        1 => tape.pieces(PIECES, 14),
        2 => (*tape.pick(SAMPLES)).to_owned(),
        _ => {
            let sample = *tape.pick(SAMPLES);
            tape.mutated_text(sample)
        }
    };
    for printed in every_reading(&text) {
        assert_eq!(printed, text);
    }
});

/// What every parser that takes the text prints.
fn every_reading(text: &str) -> Vec<String> {
    let key_ref = KeyRef::parse(text).ok().map(|key_ref| match key_ref {
        KeyRef::Id(id) => id.to_string(),
        KeyRef::Arn(arn) => arn.to_string(),
        KeyRef::Alias(name) => name.to_string(),
        KeyRef::AliasArn(arn) => arn.to_string(),
    });
    let readings = [
        key_ref,
        KeyId::parse(text).map(|id| id.to_string()),
        AliasName::parse(text).ok().map(|name| name.to_string()),
        Region::parse(text).map(|region| region.to_string()),
        AccountId::parse(text).map(|account| account.to_string()),
        MaterialId::parse(text).map(|id| id.to_string()),
    ];
    readings.into_iter().flatten().collect()
}

#[test]
fn every_sample_is_read_by_some_parser() {
    for sample in SAMPLES {
        assert!(!every_reading(sample).is_empty(), "{sample}");
    }
}

//! Deployments that released formats left behind are opened by this version, and everything in them still works.
//!
//! `kept/format-N/` was made by the binary that first wrote format N: `keyreeve dev --data kept`, a few keys by boto3,
//! and `answers.json` with what it answered. Its root key opens nothing else. A folder here is never changed, only added.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use house::{House, kms, open, open_by};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_server::clock::SystemClock;
use keyreeve_server::deployment::Secret;
use keyreeve_service::clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;

const FORMATS: &[&str] = &["format-1"];

/// A copy that may be written, with the modes that a checkout does not keep.
fn copy_of(format: &str, folder: &TempDir) -> (PathBuf, Value) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept").join(format);
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("store")).unwrap();
    for name in ["root.json", "root.key", "store/store.db"] {
        fs::copy(kept.join(name), data.join(name)).unwrap();
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    for name in ["", "store"] {
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
    (data, serde_json::from_slice(&fs::read(kept.join("answers.json")).unwrap()).unwrap())
}

fn ask(house: &House, operation: &str, input: Value) -> Value {
    house
        .block_on(kms(house.service(), operation, input))
        .unwrap_or_else(|error| panic!("{operation}: {error}"))
}

/// A year hence.
#[derive(Debug)]
struct FarAhead(Timestamp);

impl FarAhead {
    fn clock() -> Arc<Self> {
        Arc::new(Self(SystemClock.now().plus_days(365)))
    }
}

impl Clock for FarAhead {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[test]
fn every_kept_format_opens_and_its_old_answers_still_hold() {
    for format in FORMATS {
        let folder = TempDir::new().unwrap();
        let (data, answers) = copy_of(format, &folder);
        // Twice: opening it once may have written to it.
        for _ in 0..2 {
            hold(&open(&data), &answers);
        }
        // Long after the epoch of its domain keys ended.
        let house = open_by(&data, Secret::KeyFile(None), FarAhead::clock());
        let epoch = house.domain_epochs()[0];
        house.tended_to_epoch(epoch + 1);
        hold(&house, &answers);
        drop(house);
        hold(&open(&data), &answers);
    }
}

fn hold(house: &House, answers: &Value) {
    let symmetric = &answers["symmetric"];
    let input = json!({"CiphertextBlob": symmetric["ciphertext"], "EncryptionContext": {"for": "ever"}});
    assert_eq!(ask(house, "Decrypt", input)["Plaintext"], symmetric["plaintext"]);
    let described = ask(house, "DescribeKey", json!({"KeyId": "alias/kept"}));
    assert_eq!(described["KeyMetadata"]["KeyId"], symmetric["key"]);
    let tags = ask(house, "ListResourceTags", json!({"KeyId": symmetric["key"]}));
    assert_eq!(tags["Tags"], json!([{"TagKey": "team", "TagValue": "blue"}]));

    let message = STANDARD.encode("kept message");
    let mac = json!({"KeyId": answers["mac"]["key"], "Message": message, "MacAlgorithm": "HMAC_SHA_256", "Mac": answers["mac"]["mac"]});
    assert_eq!(ask(house, "VerifyMac", mac)["MacValid"], true);
    let signatures = answers["signatures"].as_array().unwrap();
    assert!(!signatures.is_empty());
    for kept in signatures {
        let verify = json!({"KeyId": kept["key"], "Message": message, "SigningAlgorithm": kept["algorithm"], "Signature": kept["signature"]});
        assert_eq!(ask(house, "Verify", verify)["SignatureValid"], true);
        // The private key opens too.
        ask(
            house,
            "Sign",
            json!({"KeyId": kept["key"], "Message": message, "SigningAlgorithm": kept["algorithm"]}),
        );
    }
    let disabled = ask(house, "DescribeKey", json!({"KeyId": answers["disabled"]}));
    assert_eq!(disabled["KeyMetadata"]["KeyState"], "Disabled");
}

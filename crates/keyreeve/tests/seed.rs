//! `keyreeve dev --seed FILE`: stable fixtures, idempotent over restarts, with errors that say what to do.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use house::{dev, keyreeve, kms, open, path, refusal};
use keyreeve_crypto::open_key;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_server::seed::{SeedFile, SeedReport};
use serde_json::json;
use tempfile::TempDir;

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A key of every spec, with random material and its last usage.
fn every_spec() -> String {
    let mut text = String::from("region = \"us-east-1\"\n");
    for (number, name) in KeySpec::WIRE_NAMES.iter().enumerate() {
        let spec = KeySpec::parse(name).unwrap();
        let material = STANDARD.encode(open_key::generate(spec).unwrap().expose_secret());
        let usage = spec.row().usages.last().unwrap();
        let region = if spec == KeySpec::Sm2 { "cn-north-1" } else { "us-east-1" };
        writeln!(
            text,
            "[[keys]]\nid = \"{}\"\nspec = \"{name}\"\nusage = \"{usage}\"\nregion = \"{region}\"\nmaterial = \"{material}\"\n\
             aliases = [\"alias/{name}\", \"second/{name}\"]\ntags = {{ team = \"blue\" }}\ndescription = \"fixture\"",
            id(number)
        )
        .unwrap();
    }
    text
}

#[test]
fn a_key_of_every_spec_is_seeded_once_and_found_again_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let seed = SeedFile {
        path: path(&folder, "seed.toml"),
        region: Region::parse("us-east-1").unwrap(),
        account: AccountId::ZERO,
    };
    std::fs::write(&seed.path, every_spec()).unwrap();
    let data = path(&folder, "data");
    let count = KeySpec::WIRE_NAMES.len();
    for expected in [SeedReport { created: count, present: 0 }, SeedReport { created: 0, present: count }] {
        let house = open(&data);
        assert_eq!(house.block_on(seed.apply(house.service())).unwrap(), expected);
        for (number, name) in KeySpec::WIRE_NAMES.iter().enumerate().filter(|(_, name)| **name != "SM2") {
            let alias = json!({"KeyId": format!("alias/{name}")});
            let described = house.block_on(kms(house.service(), "DescribeKey", alias)).unwrap();
            let metadata = &described["KeyMetadata"];
            assert_eq!((&metadata["KeyId"], &metadata["KeySpec"]), (&json!(id(number)), &json!(name)));
            assert_eq!(
                (&metadata["Description"], &metadata["KeyState"]),
                (&json!("fixture"), &json!("Enabled"))
            );
            let key = json!({"KeyId": id(number)});
            let tags = house.block_on(kms(house.service(), "ListResourceTags", key)).unwrap();
            assert_eq!(tags["Tags"], json!([{"TagKey": "team", "TagValue": "blue"}]));
        }
    }
    // Other material under the same ids.
    std::fs::write(&seed.path, every_spec()).unwrap();
    let house = open(&data);
    let error = house.block_on(seed.apply(house.service())).unwrap_err().to_string();
    assert!(error.contains(&id(0)) && error.contains("other material"), "{error}");
}

#[test]
fn dev_starts_with_the_seed_of_local_kms_and_refuses_a_slip_with_a_suggestion() {
    let folder = TempDir::new().unwrap();
    let (data, file) = (path(&folder, "data"), path(&folder, "seed.yaml"));
    std::fs::write(&file, include_str!("seeds/local-kms.yaml")).unwrap();
    let more = ["--seed", file.to_str().unwrap()];
    drop(dev(&data, &more));
    drop(dev(&data, &more));
    let house = open(&data);
    let describe = |key: &str| {
        let described = house.block_on(kms(house.service(), "DescribeKey", json!({"KeyId": key}))).unwrap();
        let metadata = &described["KeyMetadata"];
        ["KeyId", "KeySpec", "KeyUsage", "KeyState"].map(|name| metadata[name].as_str().unwrap().to_owned())
    };
    let symmetric =
        ["11111111-1111-4111-8111-111111111111", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled"];
    assert_eq!(describe("alias/rotated"), symmetric);
    assert_eq!(describe("22222222-2222-4222-8222-222222222222")[3], "PendingImport");
    let curve = ["33333333-3333-4333-8333-333333333333", "ECC_NIST_P256", "SIGN_VERIFY", "Enabled"];
    assert_eq!(describe("alias/curve"), curve);
    let koblitz = ["44444444-4444-4444-8444-444444444444", "ECC_SECG_P256K1", "SIGN_VERIFY", "Enabled"];
    assert_eq!(describe("44444444-4444-4444-8444-444444444444"), koblitz);
    let rsa = ["55555555-5555-4555-8555-555555555555", "RSA_2048", "ENCRYPT_DECRYPT", "Enabled"];
    assert_eq!(describe("55555555-5555-4555-8555-555555555555"), rsa);
    let sign =
        json!({"KeyId": "alias/curve", "Message": "bWVzc2FnZQ==", "SigningAlgorithm": "ECDSA_SHA_256"});
    assert!(house.block_on(kms(house.service(), "Sign", sign)).is_ok());
    drop(house);
    let slip = include_str!("seeds/local-kms.yaml").replacen("BackingKeys", "BackingKey", 1);
    std::fs::write(&file, slip).unwrap();
    let arguments = [&["dev", "--data", data.to_str().unwrap(), "--port", "0"], &more[..]].concat();
    let error = refusal(&keyreeve(&arguments));
    assert!(
        error.contains("Keys.Symmetric.Aes[0].BackingKey: ") && error.contains("did you mean `BackingKeys`"),
        "{error}"
    );
}

//! What cannot be imported: impossible wrappings, wrong material, wrong tokens, wrong dates, in AWS's words.

use keyreeve_crypto::open_key;
use keyreeve_model::import::{WrappingAlgorithm, WrappingKeySpec, can_wrap};
use keyreeve_model::key_spec::KeySpec;
use serde_json::{Value, json};

use crate::importing::{
    external, external_symmetric, import_body, import_token, import_with, token_of, wrapped,
};
use crate::rig::{REGION, Rig, START_SECONDS, b64, blob, root, stranger, text};

#[test]
fn keys_with_material_of_their_own_take_none_whatever_their_state() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let text = format!("{key} origin is AWS_KMS which is not valid for this operation.");
    for prepare in ["DescribeKey", "DisableKey", "ScheduleKeyDeletion"] {
        rig.ok(prepare, json!({"KeyId": key}));
        for (operation, body) in [
            (
                "GetParametersForImport",
                json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
            ),
            ("ImportKeyMaterial", import_body(&rig, &key, [9; 32])),
            ("DeleteImportedKeyMaterial", json!({"KeyId": key})),
        ] {
            rig.refuses(operation, body, "UnsupportedOperationException", &text);
        }
    }
}

#[test]
fn only_possible_wrappings_get_parameters() {
    let rig = Rig::new();
    for (spec, usage) in [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("HMAC_384", "GENERATE_VERIFY_MAC"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P521", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ] {
        let key = external(&rig, spec, usage);
        for algorithm in WrappingAlgorithm::ALL {
            for wrapping in WrappingKeySpec::ALL {
                let body = json!({"KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": wrapping});
                if *wrapping == WrappingKeySpec::Sm2 {
                    let text = "KeySpec SM2 is not supported in this Region.";
                    rig.refuses("GetParametersForImport", body, "UnsupportedOperationException", text);
                } else if !can_wrap(*algorithm, *wrapping, KeySpec::parse(spec).unwrap()) {
                    let text = format!(
                        "Wrapping algorithm {algorithm} and wrapping key spec {wrapping} cannot be used to import a {spec} key."
                    );
                    rig.refuses("GetParametersForImport", body, "ValidationException", &text);
                }
            }
        }
    }
}

#[test]
fn what_is_no_key_of_the_spec_is_an_invalid_ciphertext_without_a_word() {
    let rig = Rig::new();
    let pkcs8 = |spec| open_key::generate(spec).unwrap().expose_secret().to_vec();
    let p256 = pkcs8(KeySpec::EccNistP256);
    let mut mismatched = p256.clone();
    let last = mismatched.len() - 1;
    mismatched[last] ^= 1;
    for (spec, usage, materials) in [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", vec![vec![9; 31], vec![9; 33], vec![9; 16]]),
        ("HMAC_224", "GENERATE_VERIFY_MAC", vec![vec![9; 27], vec![9; 65]]),
        ("HMAC_256", "GENERATE_VERIFY_MAC", vec![vec![9; 31], vec![9; 65]]),
        ("HMAC_384", "GENERATE_VERIFY_MAC", vec![vec![9; 47], vec![9; 129]]),
        ("HMAC_512", "GENERATE_VERIFY_MAC", vec![vec![9; 63], vec![9; 129]]),
        (
            "ECC_NIST_P256",
            "SIGN_VERIFY",
            vec![
                vec![9; 32],
                pkcs8(KeySpec::EccSecgP256k1),
                pkcs8(KeySpec::EccNistP384),
                pkcs8(KeySpec::EccNistEdwards25519),
                [p256.as_slice(), &[0]].concat(),
                p256[..last].to_vec(),
                mismatched,
            ],
        ),
    ] {
        let key = external(&rig, spec, usage);
        for material in materials {
            let len = material.len();
            let body = import_body(&rig, &key, material);
            let error = rig.try_as(&root(), "ImportKeyMaterial", &body).expect_err(spec);
            assert_eq!((error.code, error.message), ("InvalidCiphertextException", None), "{spec} {len}");
            assert_eq!(rig.state(&key), "PendingImport");
        }
    }
}

#[test]
fn what_does_not_unwrap_is_an_invalid_ciphertext() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let whole = import_body(&rig, &key, [9; 32]);
    let sealed = blob(&whole, "/EncryptedKeyMaterial");
    let mut flipped = sealed.clone();
    flipped[100] ^= 1;
    for wrong in [&sealed[1..], &sealed[..255], &[&sealed[..], &[0]].concat(), &flipped, &[0; 256], &[0]] {
        let mut body = whole.clone();
        body["EncryptedKeyMaterial"] = json!(b64(wrong));
        rig.refuses("ImportKeyMaterial", body, "InvalidCiphertextException", "");
    }
    // Wrapped in another way than the token says.
    let mut body = whole;
    body["ImportToken"] = json!(token_of(&rig, &key, "RSAES_OAEP_SHA_1"));
    rig.refuses("ImportKeyMaterial", body, "InvalidCiphertextException", "");
}

#[test]
fn a_token_is_for_its_own_key_region_and_account() {
    let rig = Rig::new();
    let (key, other) = (external_symmetric(&rig), external_symmetric(&rig));
    let whole = import_body(&rig, &key, [9; 32]);
    let token = blob(&whole, "/ImportToken");
    let refused = |token: String| {
        let mut body = whole.clone();
        body["ImportToken"] = json!(token);
        rig.refuses("ImportKeyMaterial", body, "InvalidImportTokenException", "");
    };
    refused(import_token(&rig, &other));
    refused(import_token(&rig, &key.replace(REGION, "us-east-1")));
    refused(import_token(&rig, &key.replace("111122223333", "444455556666")));
    refused(b64("token"));
    refused(b64(&token[1..]));
    for index in [0, 20, token.len() / 2, token.len() - 1] {
        let mut flipped = token.clone();
        flipped[index] ^= 1;
        refused(b64(flipped));
    }
    let marker = rig.service.records().keyring().seal_token("marker", b"{}\n").unwrap();
    refused(b64(marker));
    for content in [&b""[..], b"\n", b"{}\nkey", b"no line"] {
        refused(b64(rig.service.records().keyring().seal_token("import token", content).unwrap()));
    }
    // One of another key stays invalid when it is old, too.
    let foreign = import_token(&rig, &other);
    rig.pass_days(2);
    refused(foreign);
    assert_eq!(rig.state(&key), "PendingImport");
}

#[test]
fn dates_and_types_must_fit_each_other() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let (year, never) = (365 * 24 * 3600, "KEY_MATERIAL_DOES_NOT_EXPIRE");
    let valid_to = |seconds: i64| json!({"ExpirationModel": null, "ValidTo": seconds});
    for (members, text) in [
        (
            json!({"ExpirationModel": null}),
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        ),
        (
            json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}),
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        ),
        (
            json!({"ExpirationModel": never, "ValidTo": START_SECONDS + 60}),
            "A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        ),
        (valid_to(START_SECONDS), "ValidTo must be in the future"),
        (valid_to(0), "ValidTo must be in the future"),
        (valid_to(START_SECONDS + year + 1), "ValidTo must be less than 365 days in the future"),
        (
            json!({"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialId": "0".repeat(64)}),
            "Input parameter keyMaterialId cannot be used with NEW_KEY_MATERIAL importType.",
        ),
        (
            json!({"KeyMaterialId": "0".repeat(64)}),
            "Input parameter keyMaterialId cannot be used with NEW_KEY_MATERIAL importType.",
        ),
    ] {
        let mut body = import_body(&rig, &key, [9; 32]);
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        rig.refuses("ImportKeyMaterial", body, "ValidationException", text);
    }
    for seconds in [START_SECONDS + 1, START_SECONDS + year] {
        rig.ok("ImportKeyMaterial", import_with(&rig, &key, [9; 32], &json!({"ValidTo": seconds})));
        assert_eq!(rig.metadata(&key)["ValidTo"], json!(seconds));
    }
}

#[test]
fn the_token_is_judged_before_the_material_and_both_before_the_rules_of_the_key() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    let body = |token: String, material: String| {
        json!({"KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": material,
               "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
    };
    let code = |body: &Value| rig.try_as(&root(), "ImportKeyMaterial", body).unwrap_err().code;
    assert_eq!(code(&body(b64("x"), b64("x"))), "InvalidImportTokenException");
    assert_eq!(code(&body(import_token(&rig, &key), b64("x"))), "InvalidCiphertextException");
    assert_eq!(code(&body(import_token(&rig, &key), wrapped([8; 32]))), "IncorrectKeyMaterialException");
    let denied = rig.try_as(&stranger(), "ImportKeyMaterial", &body(b64("x"), b64("x"))).unwrap_err();
    assert_eq!(denied.code, "AccessDeniedException");
    let old = body(import_token(&rig, &key), b64("x"));
    rig.pass_days(1);
    assert_eq!(code(&old), "ExpiredImportTokenException");
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    assert_eq!(code(&old), "KMSInvalidStateException");
}

#[test]
fn specs_that_aws_does_not_import_are_not_created_for_it() {
    let rig = Rig::new();
    for spec in KeySpec::ALL.iter().filter(|spec| !spec.row().importable) {
        let body = json!({"KeySpec": spec, "KeyUsage": spec.row().usages[0], "Origin": "EXTERNAL"});
        let text = format!("Origin EXTERNAL is not compatible with KeySpec {spec}");
        rig.refuses("CreateKey", body, "ValidationException", &text);
    }
    let key = external_symmetric(&rig);
    assert_eq!(text(&rig.metadata(&key), "/Origin"), "EXTERNAL");
}

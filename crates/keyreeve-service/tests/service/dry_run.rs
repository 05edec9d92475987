//! DryRun: the verdict comes after every check and before the effect.

use serde_json::{Value, json};

use crate::kit::{Kit, kms_rows};
use crate::rig::{Rig, b64, root};

const VERDICT: &str = "The request would have succeeded, but the DryRun option is set.";

#[test]
fn every_operation_with_the_member_stops_before_its_effect() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let mut count = 0;
    for row in kms_rows().filter(|row| row.input.members.iter().any(|member| member.name == "DryRun")) {
        // Keys that were never used tell whether anything happened.
        let before = rig.ok("GetKeyLastUsage", json!({"KeyId": kit.key(row)}));
        rig.pass_millis(1000);
        let mut body = kit.body(row.name);
        body["DryRun"] = json!(true);
        rig.refuses(row.name, body.clone(), "DryRunOperationException", VERDICT);
        assert_eq!(rig.ok("GetKeyLastUsage", json!({"KeyId": kit.key(row)})), before, "{}", row.name);
        body["DryRun"] = json!(false);
        rig.ok(row.name, body);
        count += 1;
    }
    assert_eq!(count, 17);
}

#[test]
fn every_check_comes_before_the_verdict() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let rsa = rig.key_of("RSA_2048", "ENCRYPT_DECRYPT");
    let disabled = rig.key(json!({}));
    rig.ok("DisableKey", json!({"KeyId": disabled}));
    let changed = |operation: &str, member: &str, value: Value| {
        let mut body = kit.body(operation);
        body[member] = value;
        (operation.to_owned(), body)
    };
    for ((operation, mut body), code) in [
        (changed("Encrypt", "Plaintext", json!("")), "ValidationException"),
        (changed("Encrypt", "KeyId", json!(disabled)), "DisabledException"),
        (changed("Encrypt", "KeyId", json!(kit.signer)), "InvalidKeyUsageException"),
        (changed("Encrypt", "EncryptionAlgorithm", json!("RSAES_OAEP_SHA_1")), "InvalidKeyUsageException"),
        (changed("Decrypt", "CiphertextBlob", json!(b64("x"))), "InvalidCiphertextException"),
        (changed("Decrypt", "EncryptionContext", json!({"a": "b"})), "InvalidCiphertextException"),
        (changed("Decrypt", "KeyId", json!(kit.other)), "IncorrectKeyException"),
        (changed("ReEncrypt", "SourceEncryptionContext", json!({"a": "b"})), "InvalidCiphertextException"),
        (changed("ReEncrypt", "DestinationKeyId", json!(disabled)), "DisabledException"),
        (changed("ReEncrypt", "DestinationKeyId", json!(rsa)), "InvalidKeyUsageException"),
        (changed("GenerateDataKey", "KeyId", json!(rsa)), "InvalidKeyUsageException"),
        (changed("GenerateDataKey", "NumberOfBytes", json!(1)), "ValidationException"),
        (changed("Sign", "MessageType", json!("DIGEST")), "ValidationException"),
        (changed("Verify", "Signature", json!(b64("x"))), "KMSInvalidSignatureException"),
        (changed("VerifyMac", "Mac", json!(b64("x"))), "KMSInvalidMacException"),
        (changed("GenerateMac", "MacAlgorithm", json!("HMAC_SHA_512")), "InvalidKeyUsageException"),
        (changed("DeriveSharedSecret", "PublicKey", json!(b64("x"))), "ValidationException"),
        (changed("Decapsulate", "SharedSecretCiphertextBlob", json!(b64("x"))), "InvalidCiphertextException"),
        (changed("Encrypt", "GrantTokens", json!(["x"])), "InvalidGrantTokenException"),
    ] {
        body["DryRun"] = json!(true);
        let error = rig.try_as(&root(), &operation, &body).unwrap_err();
        assert_eq!(error.code, code, "{operation} {body}");
    }
}

#[test]
fn a_dry_run_may_leave_the_ciphertext_out() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let ignore = json!(["IGNORE_CIPHERTEXT"]);
    for (operation, body) in [
        ("Decrypt", json!({"KeyId": kit.symmetric})),
        ("ReEncrypt", json!({"SourceKeyId": kit.symmetric, "DestinationKeyId": kit.other})),
    ] {
        let with = |members: &[(&str, Value)]| {
            let mut body = body.clone();
            members.iter().for_each(|(name, value)| body[*name] = value.clone());
            body
        };
        let text = "CiphertextBlob must not be null";
        rig.refuses(operation, body.clone(), "ValidationException", text);
        rig.refuses(operation, with(&[("DryRun", json!(true))]), "ValidationException", text);
        let text = "DryRunModifiers can be used only when DryRun is set.";
        rig.refuses(operation, with(&[("DryRunModifiers", ignore.clone())]), "ValidationException", text);
        let dry = with(&[("DryRun", json!(true)), ("DryRunModifiers", ignore.clone())]);
        rig.refuses(operation, dry.clone(), "DryRunOperationException", VERDICT);
        let mut garbage = dry.clone();
        garbage["CiphertextBlob"] = json!(b64("x"));
        rig.refuses(operation, garbage, "DryRunOperationException", VERDICT);
        let mut nameless = dry;
        nameless.as_object_mut().unwrap().retain(|name, _| name != "KeyId" && name != "SourceKeyId");
        rig.refuses(operation, nameless, "ValidationException", "KeyId must not be null");
    }
}

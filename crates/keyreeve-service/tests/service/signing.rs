//! Sign and Verify: every spec, algorithm and message type, with AWS's refusals.

use keyreeve_model::algorithm::{KeyUsage, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::{KEY_SPECS, KeySpec};
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, b64, blob, root_of, text};

const LENGTHS: &[usize] = &[1, 32, 48, 64, 4096];

/// What AWS answers to this combination; an error text of its own comes before the length of the message.
fn expected(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    len: usize,
) -> Option<(&'static str, String)> {
    use MessageType::{Digest, ExternalMu, Raw};
    if !spec.row().signing.contains(&algorithm) {
        let text = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
        return Some(("InvalidKeyUsageException", text));
    }
    let name = algorithm.as_str();
    let digest = match name {
        "ED25519_SHA_512" | "ML_DSA_SHAKE_256" => None,
        "ED25519_PH_SHA_512" => Some(64),
        "SM2DSA" => Some(32),
        _ if name.ends_with("256") => Some(32),
        _ if name.ends_with("384") => Some(48),
        _ => Some(64),
    };
    let text = match kind {
        Raw if name == "ED25519_PH_SHA_512" => {
            format!("Message type RAW is incompatible with algorithm {name}.")
        }
        Digest if digest.is_none() => format!("Message type DIGEST is incompatible with algorithm {name}."),
        Digest if digest != Some(len) => format!("Digest is invalid length for algorithm {name}."),
        ExternalMu if name != "ML_DSA_SHAKE_256" => {
            format!("Message type EXTERNAL_MU is incompatible with key spec {spec}.")
        }
        ExternalMu if len != 64 => "Message is invalid length for message type EXTERNAL_MU.".to_owned(),
        Raw | Digest | ExternalMu => return None,
    };
    Some(("ValidationException", text))
}

#[test]
fn every_combination_signs_and_verifies_or_is_refused_alike_by_both() {
    let rig = Rig::new();
    let china = root_of(ACCOUNT, "cn-north-1");
    let mut signed = 0;
    for row in KEY_SPECS.iter().filter(|row| row.usages.contains(&KeyUsage::SignVerify)) {
        let body = json!({"KeySpec": row.spec, "KeyUsage": "SIGN_VERIFY"});
        let key = text(&rig.ok_as(&china, "CreateKey", body), "/KeyMetadata/Arn");
        for algorithm in SigningAlgorithm::ALL {
            for kind in MessageType::ALL {
                for len in LENGTHS {
                    let mut body = json!({"KeyId": key, "SigningAlgorithm": algorithm, "MessageType": kind,
                                          "Message": b64(vec![0x5a; *len])});
                    if let Some((code, text)) = expected(row.spec, *algorithm, *kind, *len) {
                        rig.refuses_as(&china, "Sign", body.clone(), code, &text);
                        body["Signature"] = json!(b64("x"));
                        rig.refuses_as(&china, "Verify", body, code, &text);
                        continue;
                    }
                    let answer = rig.ok_as(&china, "Sign", body.clone());
                    assert_eq!(
                        (&answer["KeyId"], &answer["SigningAlgorithm"]),
                        (&json!(key), &json!(algorithm))
                    );
                    body["Signature"] = answer["Signature"].clone();
                    assert_eq!(rig.ok_as(&china, "Verify", body)["SignatureValid"], true);
                    signed += 1;
                }
            }
        }
    }
    assert!(signed > 100, "{signed}");
}

#[test]
fn whatever_was_changed_the_signature_is_invalid_and_nothing_is_told() {
    let rig = Rig::new();
    for (spec, algorithm) in [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ] {
        let (key, other) = (rig.key_of(spec, "SIGN_VERIFY"), rig.key_of(spec, "SIGN_VERIFY"));
        let body = json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": b64("message")});
        let signature = blob(&rig.ok("Sign", body.clone()), "/Signature");
        let verify = |change: &dyn Fn(&mut Value)| {
            let mut body = body.clone();
            body["Signature"] = json!(b64(&signature));
            change(&mut body);
            body
        };
        rig.ok("Verify", verify(&|_| {}));
        let mut flipped = signature.clone();
        flipped[signature.len() / 2] ^= 1;
        let longer = [&signature[..], &[0]].concat();
        for bad in [&flipped[..], &signature[..signature.len() - 1], &longer, b"x"] {
            let body = verify(&|body| body["Signature"] = json!(b64(bad)));
            rig.refuses("Verify", body, "KMSInvalidSignatureException", "");
        }
        let body = verify(&|body| body["Message"] = json!(b64("massage")));
        rig.refuses("Verify", body, "KMSInvalidSignatureException", "");
        let body = verify(&|body| body["KeyId"] = json!(other));
        rig.refuses("Verify", body, "KMSInvalidSignatureException", "");
    }
}

#[test]
fn raw_is_the_default_and_equals_the_digest_of_the_message() {
    let rig = Rig::new();
    // SHA-256 of "abc" (FIPS 180-4, B.1).
    let digest = hex::decode("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
    for (spec, algorithm) in [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ] {
        let key = rig.key_of(spec, "SIGN_VERIFY");
        let raw = json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": b64("abc")});
        let hashed = json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": b64(&digest), "MessageType": "DIGEST"});
        for (signed, verified) in [(&raw, &hashed), (&hashed, &raw)] {
            let mut body = verified.clone();
            body["Signature"] = rig.ok("Sign", signed.clone())["Signature"].clone();
            assert_eq!(rig.ok("Verify", body)["SignatureValid"], true, "{algorithm}");
        }
    }
}

#[test]
fn ed25519_repeats_and_ecdsa_does_not() {
    let rig = Rig::new();
    for (spec, algorithm, repeats) in
        [("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", true), ("ECC_NIST_P256", "ECDSA_SHA_256", false)]
    {
        let key = rig.key_of(spec, "SIGN_VERIFY");
        let sign = || {
            let body = json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": b64("m")});
            text(&rig.ok("Sign", body), "/Signature")
        };
        assert_eq!(sign() == sign(), repeats, "{algorithm}");
    }
}

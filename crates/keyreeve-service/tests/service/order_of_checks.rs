//! AWS's order of checks: shape → authorisation → existence → state → usage and algorithm → cryptography.
//! Each request breaks several rules at once; the earliest is told.

use serde_json::json;

use crate::kit::Kit;
use crate::rig::{REGION, Rig, b64, root, stranger};

#[test]
fn the_earliest_fault_is_told() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    rig.ok("DisableKey", json!({"KeyId": kit.signer}));
    let missing = format!("arn:aws:kms:{REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    for (caller, operation, body, code) in [
        // JSON before constraints.
        (root(), "Encrypt", json!({"KeyId": "", "Plaintext": 1}), "SerializationException"),
        // Constraints before members that are not honoured, and before whose key it is.
        (
            stranger(),
            "Decrypt",
            json!({"KeyId": kit.symmetric, "CiphertextBlob": "", "Recipient": {}}),
            "ValidationException",
        ),
        (stranger(), "Encrypt", json!({"KeyId": kit.symmetric}), "ValidationException"),
        // Members that are not honoured before the key.
        (
            stranger(),
            "DeriveSharedSecret",
            json!({"KeyId": missing, "KeyAgreementAlgorithm": "ECDH", "PublicKey": b64("x"), "Recipient": {}}),
            "UnsupportedOperationException",
        ),
        // Rules of the service about members before the key.
        (root(), "GenerateDataKey", json!({"KeyId": missing}), "ValidationException"),
        (
            root(),
            "ScheduleKeyDeletion",
            json!({"KeyId": "x", "PendingWindowInDays": 1}),
            "ValidationException",
        ),
        (root(), "GenerateDataKey", json!({"KeyId": "x"}), "ValidationException"),
        (root(), "ListResourceTags", json!({"KeyId": "x", "Limit": 51}), "ValidationException"),
        (
            root(),
            "Encrypt",
            json!({"KeyId": "x", "Plaintext": b64("x"), "EncryptionContext": {"a": "x".repeat(9000)}}),
            "ValidationException",
        ),
        // Whose key it is before whether it exists, and before its state and usage.
        (
            stranger(),
            "Sign",
            json!({"KeyId": missing, "Message": b64("x"), "SigningAlgorithm": "SM2DSA"}),
            "AccessDeniedException",
        ),
        (stranger(), "Encrypt", json!({"KeyId": kit.signer, "Plaintext": b64("x")}), "AccessDeniedException"),
        // Existence before the algorithm.
        (
            root(),
            "Sign",
            json!({"KeyId": missing, "Message": b64("x"), "SigningAlgorithm": "SM2DSA"}),
            "NotFoundException",
        ),
        // State before usage and algorithm.
        (root(), "Encrypt", json!({"KeyId": kit.signer, "Plaintext": b64("x")}), "DisabledException"),
        (
            root(),
            "Sign",
            json!({"KeyId": kit.signer, "Message": b64("x"), "SigningAlgorithm": "SM2DSA"}),
            "DisabledException",
        ),
        // Usage before the algorithm, the algorithm before the message, the message before cryptography.
        (
            root(),
            "Encrypt",
            json!({"KeyId": kit.agreement, "Plaintext": b64("x"), "EncryptionAlgorithm": "SM2PKE"}),
            "InvalidKeyUsageException",
        ),
        (
            root(),
            "Encrypt",
            json!({"KeyId": kit.symmetric, "Plaintext": b64("x"), "EncryptionAlgorithm": "SM2PKE", "EncryptionContext": {"a": "b"}}),
            "InvalidKeyUsageException",
        ),
    ] {
        let error = rig.try_as(&caller, operation, &body).unwrap_err();
        assert_eq!(error.code, code, "{operation} {body}: {error:?}");
    }
}

#[test]
fn usage_is_told_with_the_name_of_the_operation() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in crate::kit::key_rows() {
        let Some(usage) = row.usage else { continue };
        for (key, has) in [
            (&kit.symmetric, "ENCRYPT_DECRYPT"),
            (&kit.signer, "SIGN_VERIFY"),
            (&kit.hmac, "GENERATE_VERIFY_MAC"),
            (&kit.agreement, "KEY_AGREEMENT"),
            (&kit.kem, "ENCAPSULATE_DECAPSULATE"),
        ] {
            if usage.as_str() != has {
                let text = format!("{key} key usage is {has} which is not valid for {}.", row.name);
                rig.refuses(row.name, kit.body_for(row, key), "InvalidKeyUsageException", &text);
            }
        }
    }
}

//! What is measured: one row an operation, with its bodies and with the bare call of AWS-LC that it wraps.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::raw::RawOperation;
use crate::setup::Subject;

/// One operation.
#[derive(Debug)]
pub(crate) struct Workload {
    /// As `--only` names it.
    pub(crate) name: &'static str,
    /// As the table names it.
    pub(crate) title: &'static str,
    /// As the target header names it.
    pub(crate) operation: &'static str,
    /// The body of the request of this number; no two are alike.
    pub(crate) body: fn(&Subject, usize) -> Value,
    /// What it is compared with besides the echo.
    pub(crate) raw: Option<RawOperation>,
}

/// Every operation that is measured.
pub(crate) static WORKLOADS: [Workload; 6] = [
    Workload { name: "encrypt", title: "Encrypt 32 B", operation: "Encrypt", body: encrypt, raw: None },
    Workload { name: "decrypt", title: "Decrypt 32 B", operation: "Decrypt", body: decrypt, raw: None },
    Workload {
        name: "decrypt-oldest",
        title: "Decrypt, 25 rotations old",
        operation: "Decrypt",
        body: decrypt_oldest,
        raw: None,
    },
    Workload {
        name: "generate-data-key",
        title: "GenerateDataKey",
        operation: "GenerateDataKey",
        body: generate_data_key,
        raw: None,
    },
    Workload {
        name: "sign-rsa-2048",
        title: "Sign RSA-2048 PSS",
        operation: "Sign",
        body: sign_rsa,
        raw: Some(RawOperation::Rsa2048Pss),
    },
    Workload {
        name: "sign-p256",
        title: "Sign P-256",
        operation: "Sign",
        body: sign_p256,
        raw: Some(RawOperation::P256),
    },
];

fn encrypt(subject: &Subject, number: usize) -> Value {
    encrypt_under(&subject.symmetric, number)
}

/// The body of Encrypt; the set-up makes Decrypt's ciphertexts with it.
pub(crate) fn encrypt_under(key: &str, number: usize) -> Value {
    json!({
        "KeyId": key,
        "Plaintext": unlike_any_other(number),
        "EncryptionContext": context(number),
    })
}

/// Without a KeyId, as clients usually call it: the ciphertext names the key.
fn decrypt(subject: &Subject, number: usize) -> Value {
    decrypt_one_of(&subject.ciphertexts, number)
}

/// With the first material of a key that was rotated as often on demand as a key may be.
fn decrypt_oldest(subject: &Subject, number: usize) -> Value {
    decrypt_one_of(&subject.oldest_ciphertexts, number)
}

fn decrypt_one_of(ciphertexts: &[String], number: usize) -> Value {
    let at = number.checked_rem(ciphertexts.len()).unwrap_or_default();
    json!({ "CiphertextBlob": ciphertexts.get(at), "EncryptionContext": context(at) })
}

fn generate_data_key(subject: &Subject, number: usize) -> Value {
    json!({ "KeyId": subject.symmetric, "KeySpec": "AES_256", "EncryptionContext": context(number) })
}

fn sign_rsa(subject: &Subject, number: usize) -> Value {
    sign(&subject.rsa_2048, "RSASSA_PSS_SHA_256", number)
}

fn sign_p256(subject: &Subject, number: usize) -> Value {
    sign(&subject.p256, "ECDSA_SHA_256", number)
}

fn sign(key: &str, algorithm: &str, number: usize) -> Value {
    json!({
        "KeyId": key,
        "Message": unlike_any_other(number),
        "MessageType": "DIGEST",
        "SigningAlgorithm": algorithm,
    })
}

/// Two entries.
fn context(number: usize) -> Value {
    json!({ "purpose": "benchmark", "record": format!("{number:08}") })
}

/// 32 bytes, base64.
fn unlike_any_other(number: usize) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, &number.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Signer;
    use std::collections::HashSet;

    fn subject() -> Subject {
        let arn = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        Subject {
            symmetric: arn.to_owned(),
            rsa_2048: arn.to_owned(),
            p256: arn.to_owned(),
            ciphertexts: (0..4).map(|number| format!("{number}")).collect(),
            oldest_ciphertexts: (4..8).map(|number| format!("{number}")).collect(),
        }
    }

    #[test]
    fn no_two_bodies_of_a_pool_are_alike() {
        for workload in &WORKLOADS {
            let bodies: HashSet<String> =
                (0..4).map(|number| (workload.body)(&subject(), number).to_string()).collect();
            assert_eq!(bodies.len(), 4, "{}", workload.name);
        }
    }

    /// The figures on record were taken with 918 bytes.
    #[test]
    fn an_encrypt_request_is_as_long_as_boto3s() {
        let signer = Signer::new("127.0.0.1:40000".parse().unwrap()).unwrap();
        let request = signer.request("Encrypt", &encrypt(&subject(), 7).to_string()).unwrap();
        assert!((850..=1000).contains(&request.len()), "{}", request.len());
    }
}

//! SYMMETRIC_DEFAULT: Encrypt, Decrypt, ReEncrypt, data keys, randomness.

use serde_json::{Value, json};

use crate::rig::{Rig, b64, blob, id_of, root, text};

const INCORRECT_KEY: &str =
    "The key ID in the request does not identify a CMK that can perform this operation.";

fn encrypt(rig: &Rig, key: &str, context: &Value) -> String {
    let body = json!({"KeyId": key, "Plaintext": b64("secret"), "EncryptionContext": context});
    text(&rig.ok("Encrypt", body), "/CiphertextBlob")
}

#[test]
fn what_was_encrypted_is_decrypted_and_names_its_key() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for len in [1, 2, 15, 16, 17, 4095, 4096] {
        let plaintext = vec![0xa5; len];
        let answer = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64(&plaintext)}));
        assert_eq!(answer["KeyId"], json!(key));
        assert_eq!(answer["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
        let opened = rig.ok("Decrypt", json!({"CiphertextBlob": answer["CiphertextBlob"]}));
        assert_eq!(blob(&opened, "/Plaintext"), plaintext);
        assert_eq!(opened["KeyId"], json!(key));
        let metadata = rig.ok("DescribeKey", json!({"KeyId": key}));
        assert_eq!(opened["KeyMaterialId"], metadata["KeyMetadata"]["CurrentKeyMaterialId"]);
    }
}

#[test]
fn the_same_plaintext_never_gives_the_same_ciphertext() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    assert_ne!(encrypt(&rig, &key, &json!({})), encrypt(&rig, &key, &json!({})));
}

#[test]
fn every_form_of_key_id_names_the_key() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.ok("CreateAlias", json!({"AliasName": "alias/a/b", "TargetKeyId": key}));
    let alias_arn = key.replace(&format!("key/{}", id_of(&key)), "alias/a/b");
    for name in [key.as_str(), id_of(&key), "alias/a/b", &alias_arn] {
        let ciphertext = encrypt(&rig, name, &json!({}));
        let opened = rig.ok("Decrypt", json!({"KeyId": name, "CiphertextBlob": ciphertext}));
        assert_eq!(opened["KeyId"], json!(key), "{name}");
    }
}

#[test]
fn the_encryption_context_must_match_exactly_in_any_order() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let context = json!({"b": "2", "a": "1", "ü": "", "": "x"});
    for (made_with, opened_with, opens) in [
        (&context, json!({"": "x", "ü": "", "a": "1", "b": "2"}), true),
        (&context, json!({"b": "2", "a": "1", "ü": ""}), false),
        (&context, json!({"b": "2", "A": "1", "ü": "", "": "x"}), false),
        (&context, json!({"b": "2", "a": "1 ", "ü": "", "": "x"}), false),
        (&context, json!({"b": "2", "a": "1", "u\u{308}": "", "": "x"}), false),
        (&context, Value::Null, false),
        (&json!({}), Value::Null, true),
        (&Value::Null, json!({}), true),
        (&Value::Null, json!({"": ""}), false),
    ] {
        let body =
            json!({"CiphertextBlob": encrypt(&rig, &key, made_with), "EncryptionContext": opened_with});
        if opens {
            assert_eq!(blob(&rig.ok("Decrypt", body), "/Plaintext"), b"secret");
        } else {
            rig.refuses("Decrypt", body, "InvalidCiphertextException", "");
        }
    }
}

#[test]
fn a_context_beyond_its_limit_is_refused() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for context in [json!({"a": "x".repeat(8192)}), (0..1000).map(|i| (i.to_string(), json!(""))).collect()] {
        let body = json!({"KeyId": key, "Plaintext": b64("x"), "EncryptionContext": context});
        rig.refuses("Encrypt", body, "ValidationException", "EncryptionContext is too large.");
    }
    let many: Value = (0..2000).map(|i| (i.to_string(), json!(""))).collect();
    let body = json!({"KeyId": key, "Plaintext": b64("x"), "EncryptionContext": many});
    rig.refuses("Encrypt", body, "ValidationException", "EncryptionContext is too large.");
}

#[test]
fn every_changed_or_missing_byte_of_a_ciphertext_is_refused_alike() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let answer = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    let good = blob(&answer, "/CiphertextBlob");
    for index in 0..good.len() {
        let mut flipped = good.clone();
        flipped[index] ^= 0x10;
        for bad in [&flipped[..], &good[..index]] {
            if bad.is_empty() {
                continue;
            }
            let error = rig.try_as(&root(), "Decrypt", &json!({"KeyId": key, "CiphertextBlob": b64(bad)}));
            let error = error.expect_err("a changed ciphertext must not open");
            // A changed key id in the header is a ciphertext of another key.
            assert!(
                matches!(error.code, "InvalidCiphertextException" | "IncorrectKeyException"),
                "byte {index}: {error:?}"
            );
        }
    }
    let mut longer = good;
    longer.push(0);
    let body = json!({"KeyId": key, "CiphertextBlob": b64(longer)});
    rig.refuses("Decrypt", body, "InvalidCiphertextException", "");
}

#[test]
fn another_key_is_an_incorrect_key() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    let ciphertext = encrypt(&rig, &key, &json!({}));
    let body = json!({"KeyId": other, "CiphertextBlob": ciphertext});
    rig.refuses("Decrypt", body, "IncorrectKeyException", INCORRECT_KEY);
    let body = json!({"SourceKeyId": other, "DestinationKeyId": key, "CiphertextBlob": ciphertext});
    rig.refuses("ReEncrypt", body, "IncorrectKeyException", INCORRECT_KEY);
    let elsewhere = key.replace("eu-central-1", "us-east-1");
    let body = json!({"KeyId": elsewhere, "CiphertextBlob": ciphertext});
    rig.refuses("Decrypt", body, "IncorrectKeyException", INCORRECT_KEY);
}

#[test]
fn re_encrypt_moves_a_ciphertext_to_another_key_and_context() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    let answer = rig.ok(
        "ReEncrypt",
        json!({
            "CiphertextBlob": encrypt(&rig, &key, &json!({"a": "1"})), "SourceEncryptionContext": {"a": "1"},
            "DestinationKeyId": other, "DestinationEncryptionContext": {"b": "2"},
        }),
    );
    assert_eq!((&answer["SourceKeyId"], &answer["KeyId"]), (&json!(key), &json!(other)));
    assert_ne!(answer["SourceKeyMaterialId"], answer["DestinationKeyMaterialId"]);
    let body = json!({"CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": {"b": "2"}});
    let opened = rig.ok("Decrypt", body);
    assert_eq!((blob(&opened, "/Plaintext"), &opened["KeyId"]), (b"secret".to_vec(), &json!(other)));
    let body = json!({"CiphertextBlob": encrypt(&rig, &key, &json!({"a": "1"})), "DestinationKeyId": other});
    rig.refuses("ReEncrypt", body, "InvalidCiphertextException", "");
}

#[test]
fn a_data_key_is_as_long_as_asked_and_decrypts() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for (member, value, len) in [
        ("KeySpec", json!("AES_128"), 16),
        ("KeySpec", json!("AES_256"), 32),
        ("NumberOfBytes", json!(1), 1),
        ("NumberOfBytes", json!(1024), 1024),
    ] {
        let mut body = json!({"KeyId": key, "EncryptionContext": {"a": "1"}});
        body[member] = value;
        let plain = rig.ok("GenerateDataKey", body.clone());
        let sealed = rig.ok("GenerateDataKeyWithoutPlaintext", body);
        assert_eq!(blob(&plain, "/Plaintext").len(), len);
        assert!(sealed.get("Plaintext").is_none());
        let open = |answer: &Value| {
            let body = json!({"CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": {"a": "1"}});
            blob(&rig.ok("Decrypt", body), "/Plaintext")
        };
        assert_eq!(open(&plain), blob(&plain, "/Plaintext"));
        assert_eq!(open(&sealed).len(), len);
    }
}

#[test]
fn a_data_key_has_exactly_one_length() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        let text = "Please specify either number of bytes or key spec.";
        rig.refuses(operation, json!({"KeyId": key}), "ValidationException", text);
        let body = json!({"KeyId": key, "KeySpec": "AES_128", "NumberOfBytes": 16});
        let text = "Please specify either number of bytes or key spec, but not both.";
        rig.refuses(operation, body, "ValidationException", text);
    }
}

#[test]
fn random_bytes_need_a_number_and_differ() {
    let rig = Rig::new();
    rig.refuses("GenerateRandom", json!({}), "ValidationException", "NumberOfBytes is required.");
    let random = |len: usize| blob(&rig.ok("GenerateRandom", json!({"NumberOfBytes": len})), "/Plaintext");
    for len in [1, 31, 1024] {
        assert_eq!(random(len).len(), len);
    }
    assert_ne!(random(32), random(32));
}

#[test]
fn only_symmetric_keys_encrypt_data_keys() {
    let rig = Rig::new();
    let rsa = rig.key_of("RSA_2048", "ENCRYPT_DECRYPT");
    let text = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
    for (operation, member, value) in [
        ("GenerateDataKey", "KeySpec", "AES_128"),
        ("GenerateDataKeyWithoutPlaintext", "KeySpec", "AES_128"),
        ("GenerateDataKeyPair", "KeyPairSpec", "ECC_NIST_P256"),
        ("GenerateDataKeyPairWithoutPlaintext", "KeyPairSpec", "ECC_NIST_P256"),
    ] {
        rig.refuses(operation, json!({"KeyId": rsa, member: value}), "InvalidKeyUsageException", text);
    }
}

#[test]
fn the_last_use_is_told_and_survives_a_restart() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let last = |rig: &Rig| rig.ok("GetKeyLastUsage", json!({"KeyId": key}));
    assert!(last(&rig).get("KeyLastUsage").is_none());
    assert_eq!(last(&rig)["TrackingStartDate"], last(&rig)["KeyCreationDate"]);
    rig.pass_millis(1500);
    encrypt(&rig, &key, &json!({}));
    let used = last(&rig);
    assert_eq!(used["KeyLastUsage"]["Operation"], "Encrypt");
    assert_eq!(
        used["KeyLastUsage"]["Timestamp"].as_f64().unwrap() - used["KeyCreationDate"].as_f64().unwrap(),
        1.5
    );
    rig.block_on(rig.service.flush_usage());
    assert_eq!(last(&rig), used);
    assert_eq!(last(&rig.restarted()), used);
}

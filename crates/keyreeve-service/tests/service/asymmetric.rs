//! Key pairs beside signatures: creation of every spec, RSA encryption, key agreement, encapsulation, data key pairs.

use keyreeve_model::algorithm::KeyUsage;
use keyreeve_model::key_spec::{DataKeyPairSpec, KEY_SPECS, KeyClass, KeySpec};
use serde_json::json;

use crate::rig::{ACCOUNT, Rig, b64, blob, id_of, root_of, text};

#[test]
fn every_spec_is_created_for_its_usages_and_no_other() {
    let rig = Rig::new();
    let china = root_of(ACCOUNT, "cn-north-1");
    for row in &KEY_SPECS {
        for usage in KeyUsage::ALL {
            let body = json!({"KeySpec": row.spec, "KeyUsage": usage});
            if !row.usages.contains(usage) {
                let text = format!("KeyUsage {usage} is not compatible with KeySpec {}", row.spec);
                rig.refuses_as(&china, "CreateKey", body, "ValidationException", &text);
                continue;
            }
            let answer = rig.ok_as(&china, "CreateKey", body);
            let metadata = &answer["KeyMetadata"];
            assert_eq!(
                (&metadata["KeySpec"], &metadata["CustomerMasterKeySpec"]),
                (&json!(row.spec), &json!(row.spec))
            );
            let lists: Vec<_> =
                metadata.as_object().unwrap().keys().filter(|name| name.ends_with("Algorithms")).collect();
            assert_eq!(lists.len(), 1, "{} {usage}: {lists:?}", row.spec);
            let symmetric = row.class == KeyClass::Symmetric;
            assert_eq!(metadata.get("CurrentKeyMaterialId").is_some(), symmetric);
            let public = json!({"KeyId": metadata["Arn"]});
            if row.class == KeyClass::Asymmetric {
                let answer = rig.ok_as(&china, "GetPublicKey", public);
                assert_eq!(answer[lists[0].as_str()], metadata[lists[0].as_str()]);
                assert_eq!(blob(&answer, "/PublicKey")[0], 0x30, "a DER SubjectPublicKeyInfo");
            } else {
                rig.refuses_as(&china, "GetPublicKey", public, "UnsupportedOperationException", "");
            }
        }
    }
}

#[test]
fn sm2_is_offered_in_china_only() {
    let rig = Rig::new();
    let text = "KeySpec SM2 is not supported in this Region.";
    let body = json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"});
    rig.refuses("CreateKey", body, "UnsupportedOperationException", text);
    let body = json!({"KeyId": rig.key(json!({})), "KeyPairSpec": "SM2"});
    rig.refuses("GenerateDataKeyPair", body, "UnsupportedOperationException", text);
}

#[test]
fn create_key_refuses_what_does_not_fit() {
    let rig = Rig::new();
    for (body, text) in [
        (
            json!({"KeySpec": "RSA_2048"}),
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            json!({"KeySpec": "HMAC_256"}),
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            json!({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
        ),
        (
            json!({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}),
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        ),
        (
            json!({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"}),
            "Origin EXTERNAL is not compatible with KeySpec ML_DSA_44",
        ),
    ] {
        rig.refuses("CreateKey", body, "ValidationException", text);
    }
    let old = rig.key(json!({"CustomerMasterKeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}));
    assert_eq!(rig.ok("DescribeKey", json!({"KeyId": old}))["KeyMetadata"]["KeySpec"], "ECC_NIST_P256");
}

#[test]
fn multi_region_keys_have_their_own_ids_and_configuration() {
    let rig = Rig::new();
    let answer = rig.ok("CreateKey", json!({"MultiRegion": true}));
    let metadata = &answer["KeyMetadata"];
    let id = text(metadata, "/KeyId");
    assert!(id.starts_with("mrk-") && id.len() == 36, "{id}");
    assert_eq!(metadata["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    assert_eq!(metadata["MultiRegionConfiguration"]["PrimaryKey"]["Arn"], metadata["Arn"]);
    let single = rig.ok("CreateKey", json!({}))["KeyMetadata"].clone();
    assert_eq!(single["MultiRegion"], false);
    assert!(single.get("MultiRegionConfiguration").is_none());
    let id = uuid::Uuid::parse_str(id_of(&text(&single, "/Arn"))).unwrap();
    assert_eq!(id.get_version_num(), 4);
}

#[test]
fn rsa_encrypts_up_to_its_limit_with_each_algorithm() {
    let rig = Rig::new();
    for (spec, sha1, sha256) in [("RSA_2048", 214, 190), ("RSA_3072", 342, 318), ("RSA_4096", 470, 446)] {
        let key = rig.key_of(spec, "ENCRYPT_DECRYPT");
        for (algorithm, max) in [("RSAES_OAEP_SHA_1", sha1), ("RSAES_OAEP_SHA_256", sha256)] {
            let body = |len: usize| json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "Plaintext": b64(vec![7; len])});
            let sealed = rig.ok("Encrypt", body(max));
            let decrypt = json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "CiphertextBlob": sealed["CiphertextBlob"]});
            let opened = rig.ok("Decrypt", decrypt);
            assert_eq!(blob(&opened, "/Plaintext"), vec![7; max]);
            assert!(opened.get("KeyMaterialId").is_none());
            let text = format!(
                "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {max} bytes."
            );
            rig.refuses("Encrypt", body(max + 1), "ValidationException", &text);
        }
    }
}

#[test]
fn rsa_refusals_are_those_of_aws() {
    let rig = Rig::new();
    let key = rig.key_of("RSA_2048", "ENCRYPT_DECRYPT");
    let (oaep, data) = ("RSAES_OAEP_SHA_256", b64("x"));
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "EncryptionAlgorithm": oaep, "Plaintext": data}));
    let sealed = &sealed["CiphertextBlob"];
    let context = "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.";
    let default = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
    let symmetric = rig.key(json!({}));
    for (operation, body, code, text) in [
        (
            "Encrypt",
            json!({"KeyId": key, "EncryptionAlgorithm": oaep, "Plaintext": data, "EncryptionContext": {"a": "b"}}),
            "ValidationException",
            context,
        ),
        (
            "Decrypt",
            json!({"KeyId": key, "EncryptionAlgorithm": oaep, "CiphertextBlob": sealed, "EncryptionContext": {"a": "b"}}),
            "ValidationException",
            context,
        ),
        ("Encrypt", json!({"KeyId": key, "Plaintext": data}), "InvalidKeyUsageException", default),
        (
            "Encrypt",
            json!({"KeyId": symmetric, "EncryptionAlgorithm": oaep, "Plaintext": data}),
            "InvalidKeyUsageException",
            "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
        ),
        (
            "Decrypt",
            json!({"EncryptionAlgorithm": oaep, "CiphertextBlob": sealed}),
            "ValidationException",
            "KeyId must not be null",
        ),
        ("Decrypt", json!({"KeyId": key, "CiphertextBlob": sealed}), "InvalidCiphertextException", ""),
        (
            "Decrypt",
            json!({"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1", "CiphertextBlob": sealed}),
            "InvalidCiphertextException",
            "",
        ),
        (
            "Decrypt",
            json!({"KeyId": key, "EncryptionAlgorithm": oaep, "CiphertextBlob": data}),
            "InvalidCiphertextException",
            "",
        ),
    ] {
        rig.refuses(operation, body, code, text);
    }
}

#[test]
fn re_encrypt_crosses_from_rsa_to_symmetric_and_back() {
    let rig = Rig::new();
    let (rsa, symmetric) = (rig.key_of("RSA_2048", "ENCRYPT_DECRYPT"), rig.key(json!({})));
    let oaep = "RSAES_OAEP_SHA_256";
    let sealed = rig.ok("Encrypt", json!({"KeyId": rsa, "EncryptionAlgorithm": oaep, "Plaintext": b64("x")}));
    let moved = rig.ok(
        "ReEncrypt",
        json!({"CiphertextBlob": sealed["CiphertextBlob"], "SourceKeyId": rsa,
        "SourceEncryptionAlgorithm": oaep, "DestinationKeyId": symmetric}),
    );
    assert!(moved.get("SourceKeyMaterialId").is_none() && moved.get("DestinationKeyMaterialId").is_some());
    let back = rig.ok(
        "ReEncrypt",
        json!({"CiphertextBlob": moved["CiphertextBlob"], "DestinationKeyId": rsa,
        "DestinationEncryptionAlgorithm": oaep}),
    );
    assert!(back.get("SourceKeyMaterialId").is_some() && back.get("DestinationKeyMaterialId").is_none());
    let opened = rig.ok(
        "Decrypt",
        json!({"KeyId": rsa, "EncryptionAlgorithm": oaep, "CiphertextBlob": back["CiphertextBlob"]}),
    );
    assert_eq!(blob(&opened, "/Plaintext"), b"x");
}

#[test]
fn both_sides_of_a_key_agreement_derive_the_same() {
    let rig = Rig::new();
    let china = root_of(ACCOUNT, "cn-north-1");
    for (spec, len) in [("ECC_NIST_P256", 32), ("ECC_NIST_P384", 48), ("ECC_NIST_P521", 66), ("SM2", 32)] {
        let [one, other] = [(); 2].map(|()| {
            let body = json!({"KeySpec": spec, "KeyUsage": "KEY_AGREEMENT"});
            text(&rig.ok_as(&china, "CreateKey", body), "/KeyMetadata/Arn")
        });
        let public =
            |key: &str| text(&rig.ok_as(&china, "GetPublicKey", json!({"KeyId": key})), "/PublicKey");
        let derive = |key: &str, peer: String| {
            let body = json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer});
            let answer = rig.ok_as(&china, "DeriveSharedSecret", body);
            assert_eq!(answer["KeyOrigin"], "AWS_KMS");
            blob(&answer, "/SharedSecret")
        };
        let secret = derive(&one, public(&other));
        assert_eq!((secret.len(), &secret), (len, &derive(&other, public(&one))), "{spec}");
        let foreign = rig.key_of("ECC_SECG_P256K1", "SIGN_VERIFY");
        let foreign = text(&rig.ok("GetPublicKey", json!({"KeyId": foreign})), "/PublicKey");
        for bad in [foreign, b64("no DER"), b64([0x30, 0x00])] {
            let body = json!({"KeyId": one, "KeyAgreementAlgorithm": "ECDH", "PublicKey": bad});
            rig.refuses_as(&china, "DeriveSharedSecret", body, "ValidationException", "");
        }
    }
}

#[test]
fn an_encapsulated_secret_is_decapsulated() {
    let rig = Rig::new();
    for (spec, len) in [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)] {
        let key = rig.key_of(spec, "ENCAPSULATE_DECAPSULATE");
        let body = json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"});
        let made = rig.ok("Encapsulate", body.clone());
        let ciphertext = blob(&made, "/SharedSecretCiphertextBlob");
        assert_eq!((ciphertext.len(), blob(&made, "/SharedSecret").len()), (len, 32));
        let open = |ciphertext: &[u8]| json!({"KeyId": key, "EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": b64(ciphertext)});
        assert_eq!(rig.ok("Decapsulate", open(&ciphertext))["SharedSecret"], made["SharedSecret"]);
        // Implicit rejection (FIPS 203): another secret, not an error.
        let mut changed = ciphertext.clone();
        changed[0] ^= 1;
        assert_ne!(rig.ok("Decapsulate", open(&changed))["SharedSecret"], made["SharedSecret"]);
        rig.refuses("Decapsulate", open(&ciphertext[1..]), "InvalidCiphertextException", "");
        assert_ne!(rig.ok("Encapsulate", body)["SharedSecret"], made["SharedSecret"]);
    }
}

#[test]
fn data_key_pairs_of_every_spec_decrypt_to_their_private_key() {
    let rig = Rig::new();
    let china = root_of(ACCOUNT, "cn-north-1");
    let key = text(&rig.ok_as(&china, "CreateKey", json!({})), "/KeyMetadata/Arn");
    for spec in DataKeyPairSpec::ALL {
        let body = json!({"KeyId": key, "KeyPairSpec": spec, "EncryptionContext": {"a": "b"}});
        if spec.key_spec() != KeySpec::Rsa4096 {
            let sealed = rig.ok_as(&china, "GenerateDataKeyPairWithoutPlaintext", body.clone());
            assert!(sealed.get("PrivateKeyPlaintext").is_none());
        }
        let pair = rig.ok_as(&china, "GenerateDataKeyPair", body);
        assert_eq!(pair["KeyPairSpec"], json!(spec));
        let private = blob(&pair, "/PrivateKeyPlaintext");
        // PKCS#8: SEQUENCE { INTEGER 0 or 1, … }.
        let inner = if private[1] & 0x80 == 0 { 2 } else { 2 + usize::from(private[1] & 0x7f) };
        assert_eq!((private[0], &private[inner..inner + 2]), (0x30, &[2, 1][..]), "{spec}");
        assert_eq!(blob(&pair, "/PublicKey")[0], 0x30, "{spec}");
        let decrypt =
            json!({"CiphertextBlob": pair["PrivateKeyCiphertextBlob"], "EncryptionContext": {"a": "b"}});
        assert_eq!(blob(&rig.ok_as(&china, "Decrypt", decrypt), "/Plaintext"), private, "{spec}");
    }
}

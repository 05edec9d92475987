//! Imported material: the ceremony, what DescribeKey shows of it, importing again, several materials, deletion.

use keyreeve_crypto::ciphertext_blob::SymmetricKey;
use keyreeve_crypto::open_key::{self, OpenKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_store::Store;
use serde_json::{Value, json};

use crate::importing::{
    ceremony, external, external_symmetric, import_body, import_token, import_with, wrapped,
};
use crate::rig::{Rig, START_SECONDS, b64, blob, id_of, text};

fn material(bytes: impl AsRef<[u8]>) -> KeyMaterial {
    SecretBytes::from(bytes.as_ref().to_vec()).into()
}

#[test]
fn a_ceremony_gives_a_key_the_material_of_its_owner() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let own = SymmetricKey::new(&material([9; 32]), KeyId::parse(id_of(&key)).unwrap()).unwrap();
    let answer = rig.ok("ImportKeyMaterial", ceremony(&rig, &key, &[9; 32]));
    assert_eq!(answer, json!({"KeyId": key, "KeyMaterialId": own.material_id()}));
    for rig in [&rig, &rig.restarted()] {
        let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("attack at dawn")}));
        let context = EncryptionContext::default().canonical_bytes();
        let opened = own.open(&blob(&sealed, "/CiphertextBlob"), &context).unwrap();
        assert_eq!(opened.expose_secret(), b"attack at dawn");
    }
}

#[test]
fn parameters_are_good_for_a_day_and_several_times() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let asked = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"});
    let first = rig.ok("GetParametersForImport", asked.clone());
    assert_eq!(first["ParametersValidTo"], json!(START_SECONDS + 24 * 3600));
    assert_eq!((text(&first, "/KeyId"), blob(&first, "/PublicKey").len()), (key.clone(), 294));
    let second = rig.ok("GetParametersForImport", asked);
    assert_ne!(first["PublicKey"], second["PublicKey"]);
    let (one, other) = (import_body(&rig, &key, [9; 32]), import_body(&rig, &key, [9; 32]));
    for body in [&one, &other, &one] {
        rig.ok("ImportKeyMaterial", body.clone());
    }
    rig.pass_days(1);
    rig.pass_millis(-1);
    rig.restarted().ok("ImportKeyMaterial", one.clone());
    rig.pass_millis(1);
    rig.refuses("ImportKeyMaterial", one, "ExpiredImportTokenException", "");
}

#[test]
fn asymmetric_and_hmac_keys_work_with_imported_material() {
    let rig = Rig::new();
    for (spec, usage, algorithm) in [
        (KeySpec::EccNistP256, "SIGN_VERIFY", "ECDSA_SHA_256"),
        (KeySpec::EccNistP384, "SIGN_VERIFY", "ECDSA_SHA_384"),
        (KeySpec::EccSecgP256k1, "SIGN_VERIFY", "ECDSA_SHA_256"),
        (KeySpec::Hmac224, "GENERATE_VERIFY_MAC", "HMAC_SHA_224"),
        (KeySpec::Hmac512, "GENERATE_VERIFY_MAC", "HMAC_SHA_512"),
    ] {
        let key = external(&rig, spec.as_str(), usage);
        let own = open_key::generate(spec).unwrap();
        let answer = rig.ok("ImportKeyMaterial", import_body(&rig, &key, own.expose_secret()));
        assert_eq!(answer, json!({"KeyId": key}), "{spec} has no material ids");
        assert!(rig.metadata(&key).get("CurrentKeyMaterialId").is_none());
        let opened = OpenKey::open(spec, &own).unwrap();
        match opened.public_key() {
            Some(spki) => {
                assert_eq!(blob(&rig.ok("GetPublicKey", json!({"KeyId": key})), "/PublicKey"), spki);
                let body = json!({"KeyId": key, "Message": b64("m"), "SigningAlgorithm": algorithm});
                rig.ok("Sign", body);
            }
            None => {
                let body = json!({"KeyId": key, "Message": b64("m"), "MacAlgorithm": algorithm});
                let mac = opened.mac(spec.row().mac[0], b"m").unwrap();
                assert_eq!(blob(&rig.ok("GenerateMac", body), "/Mac"), mac);
            }
        }
        // Again, after it was taken away; and no other.
        rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key}));
        assert_eq!(rig.state(&key), "PendingImport");
        let other = open_key::generate(spec).unwrap();
        let text =
            format!("Imported key material is not the key material that was imported into KMS key {key}.");
        let body = import_body(&rig, &key, other.expose_secret());
        rig.refuses("ImportKeyMaterial", body, "IncorrectKeyMaterialException", &text);
        let new = import_with(&rig, &key, own.expose_secret(), &json!({"ImportType": "NEW_KEY_MATERIAL"}));
        rig.refuses("ImportKeyMaterial", new, "UnsupportedOperationException", "");
        rig.restarted().ok("ImportKeyMaterial", import_body(&rig, &key, own.expose_secret()));
        assert_eq!(rig.restarted().state(&key), "Enabled");
    }
}

#[test]
fn metadata_shows_an_expiry_only_while_the_material_is_here() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let shown = || {
        let metadata = rig.metadata(&key);
        ["KeyState", "ExpirationModel", "ValidTo", "CurrentKeyMaterialId"].map(|name| metadata[name].clone())
    };
    assert_eq!(shown(), [json!("PendingImport"), Value::Null, Value::Null, Value::Null]);
    let valid_to = START_SECONDS + 3600;
    let body = import_with(&rig, &key, [9; 32], &json!({"ValidTo": valid_to}));
    let id = rig.ok("ImportKeyMaterial", body)["KeyMaterialId"].clone();
    assert_eq!(shown(), [json!("Enabled"), json!("KEY_MATERIAL_EXPIRES"), json!(valid_to), id.clone()]);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    assert_eq!(shown(), [json!("Enabled"), json!("KEY_MATERIAL_DOES_NOT_EXPIRE"), Value::Null, id.clone()]);
    rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key}));
    assert_eq!(shown(), [json!("PendingImport"), Value::Null, Value::Null, id]);
    assert!(rig.metadata(&rig.key(json!({}))).get("ExpirationModel").is_none(), "not of AWS_KMS keys");
}

#[test]
fn a_second_material_waits_for_its_rotation() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let new = json!({"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialDescription": "of 2026"});
    let first = rig.ok("ImportKeyMaterial", import_with(&rig, &key, [1; 32], &new));
    let second = rig.ok("ImportKeyMaterial", import_with(&rig, &key, [2; 32], &new));
    let [first, second] = [first, second].map(|answer| text(&answer, "/KeyMaterialId"));
    assert_eq!(rig.metadata(&key)["CurrentKeyMaterialId"], json!(first));
    let sealed = rig.ok("GenerateDataKey", json!({"KeyId": key, "NumberOfBytes": 1}));
    assert_eq!(sealed["KeyMaterialId"], json!(first));
    let text = format!(
        "Key material (id: {second}) being imported as NEW_KEY_MATERIAL is already associated with KMS key {key}."
    );
    rig.refuses(
        "ImportKeyMaterial",
        import_with(&rig, &key, [2; 32], &new),
        "IncorrectKeyMaterialException",
        &text,
    );
    let third = SymmetricKey::new(&material([3; 32]), KeyId::parse(id_of(&key)).unwrap()).unwrap();
    let text = format!(
        "New key material (id: {}) cannot be imported into KMS key {key}, because another key material (id: {second}) is pending rotation.",
        third.material_id()
    );
    rig.refuses(
        "ImportKeyMaterial",
        import_with(&rig, &key, [3; 32], &new),
        "KMSInvalidStateException",
        &text,
    );
    // What waits may go, and then another may come.
    let gone = rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key, "KeyMaterialId": second}));
    assert_eq!(gone, json!({"KeyId": key, "KeyMaterialId": second}));
    assert_eq!(rig.state(&key), "Enabled");
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [3; 32], &new));
    rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
}

/// Values of the store whose path names the key and its material.
fn materials_in_store(rig: &Rig, key: &str) -> usize {
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    let paths = page.rows.iter().map(|(path, _)| path.as_str());
    paths.filter(|path| path.contains("/material/") && path.contains(id_of(key))).count()
}

#[test]
fn deleting_takes_the_bytes_and_the_same_bring_the_key_back() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    assert_eq!(rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key})), json!({"KeyId": key}));
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    let decrypt = json!({"CiphertextBlob": sealed});
    let id = rig.metadata(&key)["CurrentKeyMaterialId"].clone();
    for _ in 0..2 {
        let gone = rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key}));
        assert_eq!(gone, json!({"KeyId": key, "KeyMaterialId": id}));
        assert_eq!((rig.state(&key).as_str(), materials_in_store(&rig, &key)), ("PendingImport", 0));
        let text = format!("{key} is pending import.");
        rig.refuses("Decrypt", decrypt.clone(), "KMSInvalidStateException", &text);
    }
    for (expected, bytes) in [(&id, [8; 32]), (&json!("0".repeat(64)), [9; 32])] {
        let body = import_with(&rig, &key, bytes, &json!({"KeyMaterialId": expected}));
        let text = format!(
            "Imported key material does not have the expected identifier ({}).",
            expected.as_str().unwrap()
        );
        rig.refuses("ImportKeyMaterial", body, "IncorrectKeyMaterialException", &text);
    }
    rig.ok("ImportKeyMaterial", import_with(&rig, &key, [9; 32], &json!({"KeyMaterialId": id})));
    assert_eq!(blob(&rig.ok("Decrypt", decrypt), "/Plaintext"), b"x");
    let unknown = json!({"KeyId": key, "KeyMaterialId": "0".repeat(64)});
    let text = format!("Key material (id: {}) is not associated with KMS key {key}.", "0".repeat(64));
    rig.refuses("DeleteImportedKeyMaterial", unknown, "NotFoundException", &text);
}

#[test]
fn deleted_while_the_key_waits_for_its_deletion_it_waits_for_its_import_afterwards() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key}));
    let text = format!("{key} is pending deletion.");
    rig.refuses("ImportKeyMaterial", import_body(&rig, &key, [9; 32]), "KMSInvalidStateException", &text);
    rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key}));
    assert_eq!((rig.state(&key).as_str(), materials_in_store(&rig, &key)), ("PendingDeletion", 0));
    rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    assert_eq!(rig.state(&key), "PendingImport");
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    assert_eq!(rig.state(&key), "Enabled");
}

#[test]
fn importing_again_enables_a_disabled_key() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    rig.ok("DisableKey", json!({"KeyId": key}));
    let new = import_with(&rig, &key, [8; 32], &json!({"ImportType": "NEW_KEY_MATERIAL"}));
    rig.ok("ImportKeyMaterial", new);
    assert_eq!(rig.state(&key), "Disabled", "new material waits");
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, [9; 32]));
    assert_eq!(rig.state(&key), "Enabled");
}

/// Two imported keys whose wrapped materials were exchanged in the store.
#[test]
fn exchanged_rows_of_two_keys_open_neither() {
    let rig = Rig::new();
    let keys = [external_symmetric(&rig), external_symmetric(&rig)];
    for key in &keys {
        rig.ok("ImportKeyMaterial", import_body(&rig, key, [9; 32]));
    }
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    let rows: Vec<_> =
        page.rows.into_iter().filter(|(path, _)| path.as_str().contains("/material/")).collect();
    let [(first, one), (second, other)] = rows.as_slice() else { panic!("{}", rows.len()) };
    let commit = keyreeve_store::Commit::new(keyreeve_store::CommitId::new([7; 16]))
        .put(first.clone(), other.value.to_vec())
        .put(second.clone(), one.value.to_vec());
    rig.block_on(rig.store.commit(commit)).unwrap();
    let restarted = rig.restarted();
    for key in &keys {
        let body = json!({"KeyId": key, "Plaintext": b64("x")});
        restarted.refuses("Encrypt", body, "KMSInternalException", "An internal error occurred.");
    }
}

#[test]
fn records_name_what_was_imported_and_no_secret_of_it() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    let valid_to = START_SECONDS + 3600;
    let body =
        import_with(&rig, &key, [9; 32], &json!({"ValidTo": valid_to, "ImportType": "NEW_KEY_MATERIAL"}));
    let (answer, records) = rig.recorded(|| rig.ok("ImportKeyMaterial", body));
    let parameters = json!({"keyId": key, "validTo": "Jan 1, 2026, 1:00:00 AM", "importType": "NEW_KEY_MATERIAL",
                            "expirationModel": "KEY_MATERIAL_EXPIRES"});
    let elements = json!({"keyId": key, "keyMaterialId": answer["KeyMaterialId"]});
    assert_eq!((&records[0]["requestParameters"], &records[0]["responseElements"]), (&parameters, &elements));
    let (_, records) = rig.recorded(|| rig.ok("DeleteImportedKeyMaterial", json!({"KeyId": key})));
    assert_eq!(records[0]["responseElements"], elements);
    let asked = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"});
    let (_, records) = rig.recorded(|| rig.ok("GetParametersForImport", asked));
    assert_eq!((&records[0]["responseElements"], &records[0]["readOnly"]), (&Value::Null, &json!(true)));
    let (_, records) = rig.recorded(|| {
        let body = json!({"KeyId": key, "ImportToken": import_token(&rig, &key), "EncryptedKeyMaterial": wrapped([1; 3]),
                          "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"});
        rig.refuses("ImportKeyMaterial", body, "InvalidCiphertextException", "");
    });
    let parameters = json!({"keyId": key, "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"});
    assert_eq!(records[0]["requestParameters"], parameters);
}

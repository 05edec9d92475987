//! Material on its way to a key: wrapped as a customer does. One wrapping key serves all tests, as generating RSA keys
//! takes long; its tokens are sealed here as the service seals them.

use std::sync::LazyLock;

use keyreeve_crypto::import::WrappingKey;
use keyreeve_crypto::open_key::PublicKey;
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::import::WrappingKeySpec;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_service::clock::Clock;
use serde_json::{Value, json};

use crate::rig::{Rig, b64, blob, text};

static WRAPPING: LazyLock<WrappingKey> =
    LazyLock::new(|| WrappingKey::generate(WrappingKeySpec::Rsa2048).unwrap());

/// An import token for a key that is good for a day: RSAES_OAEP_SHA_256 under RSA_2048.
pub(crate) fn import_token(rig: &Rig, key: &str) -> String {
    token_of(rig, key, "RSAES_OAEP_SHA_256")
}

/// As [`import_token`], for another algorithm.
pub(crate) fn token_of(rig: &Rig, key: &str, algorithm: &str) -> String {
    let expires = rig.now().as_millis() + 24 * 3600 * 1000;
    let terms =
        json!({"version": 1, "key": key, "algorithm": algorithm, "spec": "RSA_2048", "expires": expires});
    let content = [terms.to_string().as_bytes(), b"\n", WRAPPING.private.expose_secret()].concat();
    b64(rig.service.records().keyring().seal_token("import token", &content).unwrap())
}

/// Material, wrapped for [`import_token`].
pub(crate) fn wrapped(material: impl AsRef<[u8]>) -> String {
    wrapped_under(&WRAPPING.public, material.as_ref())
}

fn wrapped_under(spki: &[u8], material: &[u8]) -> String {
    let key = PublicKey::from_spki(KeySpec::Rsa2048, spki).unwrap();
    b64(key.encrypt(EncryptionAlgorithm::RsaesOaepSha256, material).unwrap())
}

/// A request that imports material for good.
pub(crate) fn import_body(rig: &Rig, key: &str, material: impl AsRef<[u8]>) -> Value {
    json!({"KeyId": key, "ImportToken": import_token(rig, key), "EncryptedKeyMaterial": wrapped(material),
           "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
}

/// A request that imports material with other members beside.
pub(crate) fn import_with(rig: &Rig, key: &str, material: impl AsRef<[u8]>, others: &Value) -> Value {
    let mut body = import_body(rig, key, material);
    if others.get("ValidTo").is_some() {
        body["ExpirationModel"] = json!("KEY_MATERIAL_EXPIRES");
    }
    for (name, value) in others.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The whole ceremony, with parameters that the service gives.
pub(crate) fn ceremony(rig: &Rig, key: &str, material: &[u8]) -> Value {
    let parameters = rig.ok(
        "GetParametersForImport",
        json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
    );
    let wrapped = wrapped_under(&blob(&parameters, "/PublicKey"), material);
    json!({"KeyId": key, "ImportToken": text(&parameters, "/ImportToken"), "EncryptedKeyMaterial": wrapped,
           "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
}

/// A key that waits for its material.
pub(crate) fn external(rig: &Rig, spec: &str, usage: &str) -> String {
    rig.key(json!({"KeySpec": spec, "KeyUsage": usage, "Origin": "EXTERNAL"}))
}

/// A symmetric one.
pub(crate) fn external_symmetric(rig: &Rig) -> String {
    external(rig, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
}

impl Rig {
    /// The present time.
    pub(crate) fn now(&self) -> keyreeve_model::timestamp::Timestamp {
        self.clock().now()
    }

    /// What DescribeKey says.
    pub(crate) fn metadata(&self, key: &str) -> Value {
        self.ok("DescribeKey", json!({"KeyId": key}))["KeyMetadata"].clone()
    }
}

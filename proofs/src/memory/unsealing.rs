//! Reads the keys of a stopped or copied deployment from its files, down to the raw bytes, as whoever has its key file
//! can: a second implementation of the sealed format (see `keyring/sealed.rs` of keyreeve-crypto), because the first
//! one never gives raw keys away.

use std::fs;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use keyreeve_crypto::keyring::{Keyring, WrappedKeyring};
use keyreeve_crypto::root_key::{SlotSecret, unseal};
use keyreeve_crypto::wrap::Binding;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::AccountId;
use keyreeve_store::{OpenOptions, SqliteStore, Store};
use serde_json::Value;

use super::secret::{Home, Secret, parts};
use crate::failure::Failure;

const KEY_FILE_PREFIX: &str = "keyreeve-root-key-1:";
/// Version to nonce, then the IV.
const CONTEXT_LEN: usize = 32;
const HEADER_LEN: usize = 44;
/// Purpose, epoch, creation, key.
const ENTRY_LEN: usize = 1 + 4 + 8 + 32;

fn odd(what: &str) -> Failure {
    Failure::Setting(format!("cannot read the keys of the deployment: {what}"))
}

/// Every secret key of the deployment in `folder`, which nobody has open.
///
/// # Errors
/// [`Failure::Setting`] when it does not open.
pub(super) async fn secrets(folder: &Path) -> Result<Vec<Secret>, Failure> {
    let key_file = key_file(folder)?;
    let root = root_key(folder, &key_file)?;
    let options = OpenOptions { path: folder.join("store"), create: false, kind: "dev".to_owned() };
    let store = SqliteStore::open(options).map_err(|error| odd(&error.to_string()))?;
    let wrapped = row(&store, "keyring").await?;
    let ring =
        open_sealed(&root, "keyreeve/v1/keyring", b"keyring", &wrapped).ok_or_else(|| odd("keyring"))?;
    let mut secrets = vec![
        Secret::new("the key file's key", Home::Nowhere, &key_file),
        Secret::new("the root key", Home::Arena, &root),
    ];
    for entry in ring.get(1..).unwrap_or_default().chunks(ENTRY_LEN) {
        let name = format!("purpose key {}", entry.first().copied().unwrap_or(0));
        secrets.push(Secret::new(&name, Home::ArenaCertainly, entry.get(13..).unwrap_or_default()));
    }
    let unsealed = unseal(folder, SlotSecret::KeyFile(&folder.join("root.key")));
    let wrapped = WrappedKeyring::from_bytes(wrapped);
    let root = unsealed.map_err(|error| odd(&error.to_string()))?.for_keyring(&wrapped);
    let root = root.map_err(|error| odd(&error.to_string()))?;
    let keyring = Keyring::unwrap(&root, &wrapped).map_err(|error| odd(&error.to_string()))?;
    materials(&store, &keyring, &mut secrets).await?;
    Ok(secrets)
}

fn key_file(folder: &Path) -> Result<Vec<u8>, Failure> {
    let path = folder.join("root.key");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let digits = text.trim().strip_prefix(KEY_FILE_PREFIX).ok_or_else(|| odd("root.key"))?;
    hex::decode(digits).map_err(|_| odd("root.key"))
}

fn root_key(folder: &Path, key_file: &[u8]) -> Result<Vec<u8>, Failure> {
    let path = folder.join("root.json");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let envelope: Value = serde_json::from_str(&text).map_err(|_| odd("root.json"))?;
    let slot = envelope.pointer("/generations/0/slots/0").ok_or_else(|| odd("root.json has no slot"))?;
    let text = |pointer| slot.pointer(pointer).and_then(Value::as_str).ok_or_else(|| odd(pointer));
    let id = slot.pointer("/id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    let fields: [&[u8]; 4] =
        [b"keyreeve/v1/slot", &id.to_be_bytes(), b"key-file", text("/unlock/path")?.as_bytes()];
    let mut binding = Vec::new();
    for field in fields {
        binding.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        binding.extend(field);
    }
    let wrapped = hex::decode(text("/wrapped")?).map_err(|_| odd("root.json"))?;
    open_sealed(key_file, "keyreeve/v1/slot", &binding, &wrapped).ok_or_else(|| odd("the slot does not open"))
}

/// Opens a sealed value: the AES-256-GCM key is KBKDF (NIST SP 800-108r1, counter mode) of `key`, label and header.
fn open_sealed(key: &[u8], label: &str, binding: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (header, body) = sealed.split_at_checked(HEADER_LEN)?;
    let (context, iv) = header.split_at_checked(CONTEXT_LEN)?;
    let input = [&1_u32.to_be_bytes(), label.as_bytes(), &[0], context, &256_u32.to_be_bytes()].concat();
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &input);
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, derived.as_ref()).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    let mut content = body.to_vec();
    let len = cipher.open_in_place(nonce, Aad::from(binding), &mut content).ok()?.len();
    content.truncate(len);
    Some(content)
}

async fn row(store: &SqliteStore, path: &str) -> Result<Vec<u8>, Failure> {
    let path = keyreeve_store::Path::parse(path).map_err(|_| odd(path))?;
    let found = store.get(std::slice::from_ref(&path)).await.map_err(|error| odd(&error.to_string()))?;
    let row = found.rows.into_iter().next().flatten().ok_or_else(|| odd(path.as_str()))?;
    Ok(row.value.to_vec())
}

async fn materials(store: &SqliteStore, keyring: &Keyring, secrets: &mut Vec<Secret>) -> Result<(), Failure> {
    let page = store.scan("kms/", None, 10_000).await.map_err(|error| odd(&error.to_string()))?;
    for (path, sealed) in page.rows {
        let text = path.as_str();
        let parts_of_path: Vec<&str> = text.split('/').collect();
        let ["kms", region, account, "material", id, material] = parts_of_path.as_slice() else { continue };
        let key_path = format!("kms/{region}/{account}/key/{id}");
        let record = keyring.open_record(&key_path, &row(store, &key_path).await?);
        let record = record.map_err(|_| odd(&key_path))?;
        let record: KeyRecord =
            serde_json::from_slice(record.value.expose_secret()).map_err(|_| odd(&key_path))?;
        let (Some(key_id), Some(account)) = (KeyId::parse(id), AccountId::parse(account)) else {
            return Err(odd(text));
        };
        let binding = Binding {
            account,
            key_id,
            spec: record.spec,
            usage: record.usage,
            origin: record.origin,
            material_id: MaterialId::parse(material),
        };
        let wrapped = keyring.open_record(text, &sealed.value).map_err(|_| odd(text))?;
        let opened =
            keyring.unwrap_material(wrapped.value.expose_secret(), &binding).map_err(|_| odd(text))?;
        secrets.extend(parts(id, record.spec, opened.expose_secret()));
    }
    Ok(())
}

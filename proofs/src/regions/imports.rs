//! Imported material: one and the same, wrapped for each Region. It never crosses, so whoever imports keeps it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::installation::{Blow, Installation, Outcome};
use super::ledger::KeyBook;
use crate::failure::Failure;

/// After so many seconds new parameters are asked for. Those of a day ago are refused.
const PARAMETERS_SECONDS: i64 = 12 * 3600;
/// What a key gets at the end that was never given any.
const LATE_MATERIAL: [u8; 32] = [0x5a; 32];
/// Bytes of RSA-OAEP with a modulus of 2,048 bits.
const WRAPPED: usize = 256;

/// What GetParametersForImport answered.
#[derive(Clone)]
pub(super) struct Parameters {
    token: String,
    public: Vec<u8>,
    /// By the clock's lead.
    asked: i64,
}

impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "asked at {} s", self.asked)
    }
}

/// What is imported where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Import<'a> {
    pub(super) at: &'static str,
    pub(super) material: &'a [u8; 32],
    /// A further material of the key, and not one that it had.
    pub(super) new: bool,
}

fn wrapped(public: &[u8], material: &[u8]) -> Option<String> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public).ok()?).ok()?;
    let mut wrapped = [0; WRAPPED];
    let wrapped = key.encrypt(&OAEP_SHA256_MGF1SHA256, material, &mut wrapped, None).ok()?;
    Some(STANDARD.encode(wrapped))
}

async fn parameters(
    installation: &mut Installation,
    key: &mut KeyBook,
    at: &'static str,
) -> Result<Result<Parameters, Outcome>, Failure> {
    let ahead = installation.ahead();
    if let Some(known) = key.parameters.get(at).filter(|known| ahead - known.asked < PARAMETERS_SECONDS) {
        return Ok(Ok(known.clone()));
    }
    let asked =
        json!({"KeyId": key.id, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let reply = match installation.call(at, "GetParametersForImport", &asked).await? {
        Outcome::Done(reply) => reply,
        other @ (Outcome::Refused(_) | Outcome::Unknown) => return Ok(Err(other)),
    };
    let text = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let public = STANDARD.decode(text("PublicKey")).unwrap_or_default();
    let made = Parameters { token: text("ImportToken"), public, asked: ahead };
    key.parameters.insert(at, made.clone());
    Ok(Ok(made))
}

/// Imports a material, maybe with a blow in the middle of it.
pub(super) async fn import(
    installation: &mut Installation,
    key: &mut KeyBook,
    import: Import<'_>,
    blow: Option<(Blow, Duration)>,
) -> Result<Outcome, Failure> {
    let parameters = match parameters(installation, key, import.at).await? {
        Ok(parameters) => parameters,
        // Nothing was asked for that could have been carried out.
        Err(Outcome::Unknown) => return Ok(Outcome::Refused("no parameters".to_owned())),
        Err(other) => return Ok(other),
    };
    let wrapped = wrapped(&parameters.public, import.material)
        .ok_or_else(|| Failure::Server("the public key for an import is none".to_owned()))?;
    let kind = if import.new { "NEW_KEY_MATERIAL" } else { "EXISTING_KEY_MATERIAL" };
    let input = json!({
        "KeyId": key.id,
        "ImportToken": parameters.token,
        "EncryptedKeyMaterial": wrapped,
        "ImportType": kind,
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    match blow {
        Some(blow) => installation.call_under(import.at, ("ImportKeyMaterial", &input), blow).await,
        None => installation.call(import.at, "ImportKeyMaterial", &input).await,
    }
}

/// Imports all that the key was given into a Region that lacks some of it. What the key does not have there is refused.
pub(super) async fn complete(
    installation: &mut Installation,
    key: &mut KeyBook,
    at: &'static str,
    nothing_yet: bool,
) -> Result<BTreeMap<usize, String>, Failure> {
    if nothing_yet && key.imported.iter().any(Vec::is_empty) {
        // Its maker was killed before it could import anything.
        key.imported = Some(vec![LATE_MATERIAL]);
    }
    let (materials, mut refused) = (key.imported.clone().unwrap_or_default(), BTreeMap::new());
    for (index, material) in materials.iter().enumerate() {
        let new = nothing_yet && index == 0;
        let outcome = import(installation, key, Import { at, material, new }, None).await?;
        if let Outcome::Refused(error) = outcome {
            refused.insert(index, error);
        }
    }
    Ok(refused)
}

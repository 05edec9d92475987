//! Evidence that a key still has its material: what it answered once, and must answer again.

use serde_json::{Value, json};

use super::State;
use crate::client::{Answer, Kms};
use crate::failure::Failure;

/// An acknowledged answer of one key, all base64.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    /// The key's id.
    pub(crate) key: String,
    evidence: Evidence,
}

#[derive(Debug, Clone)]
enum Evidence {
    Ciphertext { blob: String, plaintext: String },
    Mac(String),
    PublicKey(String),
}

/// The message that HMAC keys are asked about, base64.
const MESSAGE: &str = "dGhlIHNhbWUgbWVzc2FnZQ==";

/// Asks a key of this spec for evidence; `None` when the connection broke.
pub(crate) async fn ask(
    kms: &mut Kms,
    key: &str,
    spec: &str,
    plaintext: &str,
    data_key: bool,
) -> Result<Option<Witness>, Failure> {
    let (operation, input) = match spec {
        "SYMMETRIC_DEFAULT" if data_key => ("GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_256" })),
        "SYMMETRIC_DEFAULT" => ("Encrypt", json!({ "KeyId": key, "Plaintext": plaintext })),
        "HMAC_256" => {
            ("GenerateMac", json!({ "KeyId": key, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256" }))
        }
        _ => ("GetPublicKey", json!({ "KeyId": key })),
    };
    let value = match kms.call(operation, &input).await? {
        Answer::Gone => return Ok(None),
        answer @ (Answer::Done(_) | Answer::Refused { .. }) => answer.done(operation)?,
    };
    let evidence = match operation {
        "GenerateDataKey" => {
            let blob = text(&value, "CiphertextBlob")?;
            Evidence::Ciphertext { blob, plaintext: text(&value, "Plaintext")? }
        }
        "Encrypt" => {
            let blob = text(&value, "CiphertextBlob")?;
            Evidence::Ciphertext { blob, plaintext: plaintext.to_owned() }
        }
        "GenerateMac" => Evidence::Mac(text(&value, "Mac")?),
        _ => Evidence::PublicKey(text(&value, "PublicKey")?),
    };
    Ok(Some(Witness { key: key.to_owned(), evidence }))
}

/// Asks again. A key that is not enabled must refuse (a disabled one still shows its public key).
pub(crate) async fn confirm(kms: &mut Kms, witness: &Witness, state: State) -> Result<(), Failure> {
    let (operation, input, member, expected) = match &witness.evidence {
        Evidence::Ciphertext { blob, plaintext } => {
            ("Decrypt", json!({ "CiphertextBlob": blob }), "Plaintext", plaintext)
        }
        Evidence::Mac(mac) => {
            let input = json!({ "KeyId": witness.key, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256" });
            ("GenerateMac", input, "Mac", mac)
        }
        Evidence::PublicKey(key) => ("GetPublicKey", json!({ "KeyId": witness.key }), "PublicKey", key),
    };
    let answer = kms.call(operation, &input).await?;
    let usable = state == State::Enabled || state == State::Disabled && operation == "GetPublicKey";
    match answer {
        Answer::Refused { error, .. } if !usable && is_state_refusal(&error) => Ok(()),
        answer @ (Answer::Done(_) | Answer::Refused { .. } | Answer::Gone) => {
            let found = text(&answer.done(operation)?, member)?;
            if usable && found == *expected {
                return Ok(());
            }
            let text = if usable { "answers something else" } else { "answers in a state that forbids it" };
            Err(Failure::Broken(format!("{operation} of key {} {text} ({state:?})", witness.key)))
        }
    }
}

fn is_state_refusal(error: &str) -> bool {
    error.ends_with("DisabledException") || error.ends_with("KMSInvalidStateException")
}

/// A text member of an answer.
pub(crate) fn text(value: &Value, member: &str) -> Result<String, Failure> {
    let found = value.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::Server(format!("an answer without {member}: {value}")))
}

//! The load: every way in which secrets pass through a server, over connections that are closed afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::secret::{Home, Secret};
use crate::chance::Chance;
use crate::client::{Answer, Kms};
use crate::failure::Failure;
use crate::world::witness::text;

/// Connections at once.
const CONNECTIONS: u64 = 6;

/// One key of each kind, and how it is used.
const KEYS: [(&str, &str); 10] = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ("HMAC_512", "GENERATE_VERIFY_MAC"),
    ("RSA_2048", "SIGN_VERIFY"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P384", "SIGN_VERIFY"),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ("ML_DSA_65", "SIGN_VERIFY"),
];

/// Creates the keys; their ids, in the order of [`KEYS`].
pub(super) async fn create_keys(kms: &mut Kms) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for (spec, usage) in KEYS {
        let input = json!({ "KeySpec": spec, "KeyUsage": usage });
        let value = kms.call("CreateKey", &input).await?.done("CreateKey")?;
        let id = value.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).unwrap_or_default();
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// Uses the keys `rounds` times over several connections; the plaintexts that passed.
pub(super) async fn use_keys(
    address: std::net::SocketAddr,
    keys: &[String],
    rounds: usize,
    chance: &Chance,
) -> Result<Vec<Secret>, Failure> {
    let work = (0..CONNECTIONS).map(async |connection| {
        let mut chance = chance.branch(&[connection]);
        let mut kms = Kms::open(address).await?;
        let mut secrets = Vec::new();
        for _ in 0..rounds {
            let mut passage = Passage { kms: &mut kms, keys, secrets: &mut secrets };
            passage.symmetric(&mut chance).await?;
            passage.key_pairs(&mut chance).await?;
            passage.refused(&mut chance).await?;
        }
        Ok::<_, Failure>(secrets)
    });
    Ok(try_join_all(work).await?.into_iter().flatten().collect())
}

/// One pass of secrets through the server.
#[derive(Debug)]
struct Passage<'p> {
    kms: &'p mut Kms,
    keys: &'p [String],
    secrets: &'p mut Vec<Secret>,
}

impl Passage<'_> {
    fn key(&self, number: usize) -> &str {
        self.keys.get(number).map_or("", String::as_str)
    }

    async fn call(&mut self, operation: &str, input: Value) -> Result<Value, Failure> {
        self.kms.call(operation, &input).await?.done(operation)
    }

    fn note(&mut self, name: &str, base64: &str) -> Result<(), Failure> {
        let bytes = STANDARD.decode(base64).map_err(|_| Failure::Server(format!("{name} is no base64")))?;
        // Of a key pair the beginning is the same for all; its end is the secret.
        let from = bytes.len().saturating_sub(32);
        self.secrets.push(Secret::new(name, Home::Nowhere, bytes.get(from..).unwrap_or_default()));
        Ok(())
    }

    async fn symmetric(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        let plaintext = STANDARD.encode(chance.bytes::<32>());
        self.note("plaintext of Encrypt", &plaintext)?;
        let context = json!({ "purpose": "proof" });
        let input = json!({ "KeyId": self.key(0), "Plaintext": plaintext, "EncryptionContext": context });
        let blob = text(&self.call("Encrypt", input).await?, "CiphertextBlob")?;
        self.call("Decrypt", json!({ "CiphertextBlob": blob, "EncryptionContext": context })).await?;
        let input = json!({
            "CiphertextBlob": blob, "SourceEncryptionContext": context, "DestinationKeyId": self.key(1),
        });
        self.call("ReEncrypt", input).await?;
        let value =
            self.call("GenerateDataKey", json!({ "KeyId": self.key(0), "KeySpec": "AES_256" })).await?;
        self.note("data key", &text(&value, "Plaintext")?)?;
        self.call("Decrypt", json!({ "CiphertextBlob": text(&value, "CiphertextBlob")? })).await?;
        let value = self.call("GenerateRandom", json!({ "NumberOfBytes": 32 })).await?;
        self.note("random bytes", &text(&value, "Plaintext")?)?;
        let input = json!({ "KeyId": self.key(5), "Plaintext": plaintext, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
        let blob = text(&self.call("Encrypt", input).await?, "CiphertextBlob")?;
        let input = json!({ "KeyId": self.key(5), "CiphertextBlob": blob, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
        self.call("Decrypt", input).await?;
        Ok(())
    }

    async fn key_pairs(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        let message = STANDARD.encode(chance.bytes::<32>());
        let signers = [
            (4, "RSASSA_PSS_SHA_256"),
            (6, "ECDSA_SHA_256"),
            (7, "ECDSA_SHA_384"),
            (8, "ED25519_SHA_512"),
            (9, "ML_DSA_SHAKE_256"),
        ];
        for (key, algorithm) in signers {
            let input = json!({ "KeyId": self.key(key), "Message": message, "SigningAlgorithm": algorithm });
            self.call("Sign", input).await?;
        }
        for (key, algorithm) in [(2, "HMAC_SHA_256"), (3, "HMAC_SHA_512")] {
            let input = json!({ "KeyId": self.key(key), "Message": message, "MacAlgorithm": algorithm });
            self.call("GenerateMac", input).await?;
        }
        let input = json!({ "KeyId": self.key(0), "KeyPairSpec": "ECC_NIST_EDWARDS25519" });
        let value = self.call("GenerateDataKeyPair", input).await?;
        self.note("private key of a data key pair", &text(&value, "PrivateKeyPlaintext")?)
    }

    /// Requests with a plaintext that are refused: the error says why without repeating it.
    async fn refused(&mut self, chance: &mut Chance) -> Result<(), Failure> {
        let secret = chance.bytes::<32>();
        let plaintext = STANDARD.encode(secret);
        self.note("plaintext of a refused request", &plaintext)?;
        let too_long = STANDARD.encode([secret.to_vec(), vec![b'x'; 5000]].concat());
        let key = self.key(0).to_owned();
        for input in [
            json!({ "KeyId": key, "Plaintext": too_long }),
            json!({ "KeyId": key, "Plaintext": format!("{plaintext}!") }),
            json!({ "KeyId": "alias/none", "Plaintext": plaintext }),
            json!({ "KeyId": key, "Plaintext": { "inside": plaintext } }),
            json!({ "KeyId": self.key(2), "Plaintext": plaintext }),
        ] {
            let Answer::Refused { text, .. } = self.kms.call("Encrypt", &input).await? else {
                return Err(Failure::Server("a wrong Encrypt is not refused".to_owned()));
            };
            if text.contains(plaintext.get(..24).unwrap_or_default()) {
                return Err(Failure::Broken(format!("an error repeats the plaintext: {text}")));
            }
        }
        Ok(())
    }
}

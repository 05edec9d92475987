//! What has to be there before anything is timed: keys, and ciphertexts for Decrypt.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::request::Signer;
use crate::{Failure, load, workload};

/// Keys (their ARNs) and ciphertexts of one server.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) symmetric: String,
    pub(crate) rsa_2048: String,
    pub(crate) p256: String,
    /// Base64; the number in the list is the number of the encryption context.
    pub(crate) ciphertexts: Vec<String>,
    /// The same, under the first of many materials of another key.
    pub(crate) oldest_ciphertexts: Vec<String>,
}

/// Rotations on demand that a key may have.
const ROTATIONS: usize = 25;
/// How long a rotation may take before the benchmark gives up.
const ROTATED_WITHIN: Duration = Duration::from_secs(10);

impl Subject {
    /// Makes them.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn make(address: SocketAddr, signer: &Signer, ciphertexts: usize) -> Result<Self, Failure> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut client = Client { stream: TcpStream::connect(address).await?, signer };
            let symmetric = client.create_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await?;
            let rotated = client.create_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await?;
            let oldest_ciphertexts = client.ciphertexts(&rotated, ciphertexts).await?;
            client.rotate(&rotated).await?;
            Ok(Self {
                ciphertexts: client.ciphertexts(&symmetric, ciphertexts).await?,
                symmetric,
                rsa_2048: client.create_key("RSA_2048", "SIGN_VERIFY").await?,
                p256: client.create_key("ECC_NIST_P256", "SIGN_VERIFY").await?,
                oldest_ciphertexts,
            })
        })
    }
}

struct Client<'s> {
    stream: TcpStream,
    signer: &'s Signer,
}

impl Client<'_> {
    async fn create_key(&mut self, spec: &str, usage: &str) -> Result<String, Failure> {
        let answer = self.call("CreateKey", &json!({ "KeySpec": spec, "KeyUsage": usage })).await?;
        text(&answer, "/KeyMetadata/Arn")
    }

    async fn ciphertexts(&mut self, key: &str, count: usize) -> Result<Vec<String>, Failure> {
        let mut made = Vec::with_capacity(count);
        for number in 0..count {
            let answer = self.call("Encrypt", &workload::encrypt_under(key, number)).await?;
            made.push(text(&answer, "/CiphertextBlob")?);
        }
        Ok(made)
    }

    /// As often as a key may be, one after the other.
    async fn rotate(&mut self, key: &str) -> Result<(), Failure> {
        let key = json!({ "KeyId": key });
        for _ in 0..ROTATIONS {
            self.call("RotateKeyOnDemand", &key).await?;
            let started = Instant::now();
            while self.call("GetKeyRotationStatus", &key).await?.get("OnDemandRotationStartDate").is_some() {
                if started.elapsed() > ROTATED_WITHIN {
                    return Err("a key is not rotated".into());
                }
            }
        }
        Ok(())
    }

    async fn call(&mut self, operation: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.signer.request(operation, &body.to_string())?;
        let mut answer = Vec::new();
        let body_at = load::exchange(&mut self.stream, &request, &mut answer).await?;
        Ok(serde_json::from_slice(answer.get(body_at..).unwrap_or_default())?)
    }
}

fn text(answer: &Value, pointer: &str) -> Result<String, Failure> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    Ok(found.ok_or_else(|| format!("an answer without {pointer}"))?.to_owned())
}

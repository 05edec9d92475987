//! What has to be there before anything is timed: keys, and ciphertexts for Decrypt.

use std::net::SocketAddr;

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
}

impl Subject {
    /// Makes them.
    ///
    /// # Errors
    /// What the server refuses.
    pub(crate) fn make(address: SocketAddr, signer: &Signer, ciphertexts: usize) -> Result<Self, Failure> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut client = Client { stream: TcpStream::connect(address).await?, signer };
            let mut subject = Self {
                symmetric: client.create_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await?,
                rsa_2048: client.create_key("RSA_2048", "SIGN_VERIFY").await?,
                p256: client.create_key("ECC_NIST_P256", "SIGN_VERIFY").await?,
                ciphertexts: Vec::with_capacity(ciphertexts),
            };
            for number in 0..ciphertexts {
                let answer = client.call("Encrypt", &workload::encrypt(&subject, number)).await?;
                subject.ciphertexts.push(text(&answer, "/CiphertextBlob")?);
            }
            Ok(subject)
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

//! Message authentication codes.

use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{KeySpec, KeyUsageType, MacAlgorithmSpec},
};

use crate::{
    keys::make,
    outcome::{Outcome, holds, refusal, same, sent},
};

const MESSAGE: &[u8] = b"a message";

pub(crate) async fn check(client: &Client) -> Outcome {
    let key = make(client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await?;
    let asking = client.generate_mac().key_id(&key).mac_algorithm(MacAlgorithmSpec::HmacSha256);
    let mac = sent("Mac", asking.message(Blob::new(MESSAGE)).send().await?.mac)?;
    same("length of the MAC", mac.as_ref().len(), 32)?;
    let verify = |message: &[u8]| {
        let verifying = client.verify_mac().key_id(&key).mac_algorithm(MacAlgorithmSpec::HmacSha256);
        verifying.mac(mac.clone()).message(Blob::new(message)).send()
    };
    holds("the MAC is valid", verify(MESSAGE).await?.mac_valid())?;
    let refused = refusal("VerifyMac of another message", verify(b"another message").await)?;
    holds("KMSInvalidMacException", refused.is_kms_invalid_mac_exception())
}

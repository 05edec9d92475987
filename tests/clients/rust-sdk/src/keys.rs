//! Making keys of each kind, and what `DescribeKey` says of them.

use aws_sdk_kms::{
    Client,
    types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType},
};

use crate::outcome::{Outcome, same, sent};

/// One key spec of each family, with its only or usual usage.
const KINDS: &[(KeySpec, KeyUsageType)] = &[
    (KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt),
    (KeySpec::Rsa2048, KeyUsageType::SignVerify),
    (KeySpec::EccNistP256, KeyUsageType::SignVerify),
    (KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac),
    (KeySpec::MlDsa65, KeyUsageType::SignVerify),
];

/// A new key; its id.
pub(crate) async fn make(client: &Client, spec: KeySpec, usage: KeyUsageType) -> Outcome<String> {
    Ok(made(client, spec, usage).await?.key_id)
}

/// A new symmetric key; its id.
pub(crate) async fn make_symmetric(client: &Client) -> Outcome<String> {
    make(client, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await
}

async fn made(client: &Client, spec: KeySpec, usage: KeyUsageType) -> Outcome<KeyMetadata> {
    let answer = client.create_key().key_spec(spec).key_usage(usage).description("rust").send().await?;
    sent("KeyMetadata", answer.key_metadata)
}

pub(crate) async fn check(client: &Client) -> Outcome {
    for (spec, usage) in KINDS {
        let key = made(client, spec.clone(), usage.clone()).await?;
        same("KeySpec", key.key_spec(), Some(spec))?;
        same("KeyUsage", key.key_usage(), Some(usage))?;
        same("KeyState", key.key_state(), Some(&KeyState::Enabled))?;
        same("Origin", key.origin(), Some(&OriginType::AwsKms))?;
        same("Description", key.description(), Some("rust"))?;
        let arn = sent("Arn", key.arn())?;
        same("Arn", arn.rsplit_once('/').map(|(_, id)| id), Some(key.key_id()))?;
        sent("CreationDate", key.creation_date())?;
        for name in [key.key_id(), arn] {
            let described = client.describe_key().key_id(name).send().await?;
            same("DescribeKey after CreateKey", described.key_metadata(), Some(&key))?;
        }
    }
    Ok(())
}

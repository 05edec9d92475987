//! Refusals as the SDK's typed errors: by the state of a key, by its absence, and by a wrong signature.

use aws_config::SdkConfig;
use aws_sdk_kms::{
    Client,
    config::{Builder, Credentials},
    error::ProvideErrorMetadata,
    operation::{RequestId, encrypt::EncryptError},
    primitives::Blob,
    types::KeyState,
};

use crate::{
    keys::make_symmetric,
    outcome::{Outcome, holds, refusal, same},
};

/// A well-formed id that no key has.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

pub(crate) async fn check(client: &Client, config: &SdkConfig) -> Outcome {
    absence(client).await?;
    states(client).await?;
    parameters(client).await?;
    wrong_secret(config).await
}

async fn absence(client: &Client) -> Outcome {
    let refused = refusal("DescribeKey of no key", client.describe_key().key_id(NOBODY).send().await)?;
    holds("NotFoundException", refused.is_not_found_exception())?;
    let text = refused.message().unwrap_or_default();
    holds("the text names the key", text.contains(NOBODY) && text.ends_with("does not exist"))?;
    holds("the refusal has a request id", refused.request_id().is_some_and(|id| !id.is_empty()))
}

async fn states(client: &Client) -> Outcome {
    let key = make_symmetric(client).await?;
    client.disable_key().key_id(&key).send().await?;
    let refused = encrypt(client, &key).await?;
    holds("DisabledException", refused.is_disabled_exception())?;

    let scheduled = client.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await?;
    same("KeyState", scheduled.key_state(), Some(&KeyState::PendingDeletion))?;
    same("PendingWindowInDays", scheduled.pending_window_in_days(), Some(7))?;
    holds("a DeletionDate", scheduled.deletion_date().is_some())?;
    let refused = encrypt(client, &key).await?;
    holds("KMSInvalidStateException", refused.is_kms_invalid_state_exception())?;

    client.cancel_key_deletion().key_id(&key).send().await?;
    client.enable_key().key_id(&key).send().await?;
    client.encrypt().key_id(&key).plaintext(Blob::new("x")).send().await?;
    Ok(())
}

async fn encrypt(client: &Client, key: &str) -> Outcome<EncryptError> {
    refusal("Encrypt", client.encrypt().key_id(key).plaintext(Blob::new("x")).send().await)
}

/// `ValidationException` is in no operation's list of errors: the SDK hands on its code and text.
async fn parameters(client: &Client) -> Outcome {
    let long = "x".repeat(2049);
    let refused = refusal("DescribeKey of a long id", client.describe_key().key_id(long).send().await)?;
    same("code", refused.code(), Some("ValidationException"))?;
    holds("the text names the member", refused.message().is_some_and(|text| text.contains("'keyId'")))
}

async fn wrong_secret(config: &SdkConfig) -> Outcome {
    let stranger = Credentials::new("test", "not the secret", None, None, "refusals");
    let client = Client::from_conf(Builder::from(config).credentials_provider(stranger).build());
    let refused = refusal("ListKeys with a wrong secret", client.list_keys().send().await)?;
    same("code", refused.code(), Some("InvalidSignatureException"))
}

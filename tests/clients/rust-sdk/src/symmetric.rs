//! Encryption under a context, and data keys.

use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{DataKeySpec, EncryptionAlgorithmSpec},
};

use crate::{
    keys::make_symmetric,
    outcome::{Outcome, holds, refusal, same, sent},
};

const PLAINTEXT: &[u8] = b"attack at dawn";

pub(crate) async fn check(client: &Client) -> Outcome {
    let key = make_symmetric(client).await?;
    encryption(client, &key).await?;
    data_keys(client, &key).await
}

async fn encryption(client: &Client, key: &str) -> Outcome {
    let sealing = client.encrypt().key_id(key).plaintext(Blob::new(PLAINTEXT));
    let sealed =
        sealing.encryption_context("purpose", "ledger").encryption_context("année", "2026").send().await?;
    same("algorithm", sealed.encryption_algorithm(), Some(&EncryptionAlgorithmSpec::SymmetricDefault))?;
    let blob = sent("CiphertextBlob", sealed.ciphertext_blob)?;

    let opening = || client.decrypt().ciphertext_blob(blob.clone());
    let right = || opening().encryption_context("année", "2026").encryption_context("purpose", "ledger");
    let opened = right().send().await?;
    same("Plaintext", opened.plaintext(), Some(&Blob::new(PLAINTEXT)))?;
    same("KeyId of Decrypt", opened.key_id(), sealed.key_id.as_deref())?;

    let without = refusal("Decrypt without the context", opening().send().await)?;
    holds("InvalidCiphertextException", without.is_invalid_ciphertext_exception())?;
    let other = make_symmetric(client).await?;
    let wrong = refusal("Decrypt under another key", right().key_id(other).send().await)?;
    holds("IncorrectKeyException", wrong.is_incorrect_key_exception())
}

async fn data_keys(client: &Client, key: &str) -> Outcome {
    let asking = client.generate_data_key().key_id(key).key_spec(DataKeySpec::Aes256);
    let made = asking.encryption_context("purpose", "ledger").send().await?;
    let plaintext = sent("Plaintext", made.plaintext)?;
    same("length of a data key", plaintext.as_ref().len(), 32)?;
    let blob = sent("CiphertextBlob", made.ciphertext_blob)?;
    let opened =
        client.decrypt().ciphertext_blob(blob).encryption_context("purpose", "ledger").send().await?;
    same("the data key, decrypted", opened.plaintext, Some(plaintext))?;

    let asking = client.generate_data_key_without_plaintext().key_id(key).number_of_bytes(24);
    let blob = sent("CiphertextBlob", asking.send().await?.ciphertext_blob)?;
    let opened = client.decrypt().ciphertext_blob(blob).send().await?;
    same("length of a data key", opened.plaintext.map(|bytes| bytes.as_ref().len()), Some(24))
}

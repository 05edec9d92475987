//! Signatures that the service makes and judges. That strangers can verify them too is shown by the Python tests.

use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{KeySpec, KeyUsageType, SigningAlgorithmSpec},
};

use crate::{
    keys::make,
    outcome::{Outcome, holds, refusal, same, sent},
};

const MESSAGE: &[u8] = b"a message";

const SIGNERS: &[(KeySpec, SigningAlgorithmSpec)] = &[
    (KeySpec::Rsa2048, SigningAlgorithmSpec::RsassaPssSha256),
    (KeySpec::EccNistP256, SigningAlgorithmSpec::EcdsaSha256),
    (KeySpec::MlDsa44, SigningAlgorithmSpec::MlDsaShake256),
];

pub(crate) async fn check(client: &Client) -> Outcome {
    for (spec, algorithm) in SIGNERS {
        let key = make(client, spec.clone(), KeyUsageType::SignVerify).await?;
        signature(client, &key, algorithm).await?;
        let public = client.get_public_key().key_id(&key).send().await?;
        same("KeySpec of GetPublicKey", public.key_spec(), Some(spec))?;
        holds("the algorithm is listed", public.signing_algorithms().contains(algorithm))?;
        holds("a public key", public.public_key.is_some_and(|key| !key.as_ref().is_empty()))?;
    }
    Ok(())
}

async fn signature(client: &Client, key: &str, algorithm: &SigningAlgorithmSpec) -> Outcome {
    let signing = client.sign().key_id(key).signing_algorithm(algorithm.clone());
    let signed = signing.message(Blob::new(MESSAGE)).send().await?;
    same("SigningAlgorithm", signed.signing_algorithm(), Some(algorithm))?;
    let signature = sent("Signature", signed.signature)?;
    let verify = |message: &[u8]| {
        let verifying = client.verify().key_id(key).signing_algorithm(algorithm.clone());
        verifying.signature(signature.clone()).message(Blob::new(message)).send()
    };
    holds("the signature is valid", verify(MESSAGE).await?.signature_valid())?;
    let refused = refusal("Verify another message", verify(b"another message").await)?;
    holds("KMSInvalidSignatureException", refused.is_kms_invalid_signature_exception())
}

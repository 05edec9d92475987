//! `GenerateRandom`: random bytes.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::Invalid;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::SecretBlob;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("NumberOfBytes", &shapes::NUMBER_OF_BYTES),
        Member::not_honoured("CustomKeyStoreId", &shapes::CUSTOM_KEY_STORE_ID),
        Member::not_honoured("Recipient", &shapes::RECIPIENT),
    ],
};

pub(crate) struct GenerateRandom;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    plaintext: SecretBlob<SecretBytes>,
}

impl Operation for GenerateRandom {
    type Request = usize;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<usize, KmsError> {
        let number =
            input.integer("NumberOfBytes").ok_or(KmsError::Invalid(Invalid::NumberOfBytesRequired))?;
        usize::try_from(number).map_err(|_| KmsError::Internal)
    }

    fn names(_: &usize) {}

    async fn run<'a>(_: &'a Desk<'a>, len: &'a usize, _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let bytes = keyreeve_crypto::random::secret(*len).map_err(|_| KmsError::Internal)?;
        Ok(Reply { plaintext: SecretBlob(bytes) })
    }
}

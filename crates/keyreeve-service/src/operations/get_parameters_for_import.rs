//! `GetParametersForImport`: a fresh public key to wrap material under, and a token that brings it back.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html>

use keyreeve_crypto::import::WrappingKey;
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::import::{WrappingAlgorithm, WrappingKeySpec, can_wrap};
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::{Blob, Epoch};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("WrappingAlgorithm", &shapes::WRAPPING_ALGORITHM),
        Member::required("WrappingKeySpec", &shapes::WRAPPING_KEY_SPEC),
    ],
};

pub(crate) struct GetParametersForImport;

pub(crate) struct Request {
    key: KeyRef,
    algorithm: WrappingAlgorithm,
    wrapping: WrappingKeySpec,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    import_token: Blob<Vec<u8>>,
    public_key: Blob<Vec<u8>>,
    parameters_valid_to: Epoch,
}

impl Operation for GetParametersForImport {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let wrapping = input.required_choice("WrappingKeySpec", WrappingKeySpec::parse)?;
        if !wrapping.key_spec().offered_in(desk.caller.region.as_str()) {
            return Err(KmsError::SpecNotOffered(wrapping.key_spec()));
        }
        let algorithm = input.required_choice("WrappingAlgorithm", WrappingAlgorithm::parse)?;
        Ok(Request { key: input.required_key_ref("KeyId")?, algorithm, wrapping })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let &Request { algorithm, wrapping, .. } = request;
        let spec = key.record().spec;
        if !can_wrap(algorithm, wrapping, spec) {
            return Err(KmsError::Invalid(Invalid::Wrapping { algorithm, wrapping, spec }));
        }
        let fresh =
            desk.off_thread(move || WrappingKey::generate(wrapping).map_err(|_| KmsError::Internal)).await?;
        let issued = desk.service.keys.import_token(key.arn(), algorithm, wrapping, &fresh, desk.now)?;
        Ok(Reply {
            key_id: key.arn_text(),
            import_token: Blob(issued.token),
            public_key: Blob(fresh.public),
            parameters_valid_to: Epoch(issued.expires),
        })
    }
}

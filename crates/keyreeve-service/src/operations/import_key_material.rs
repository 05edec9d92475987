//! `ImportKeyMaterial`: gives an EXTERNAL key its material, for the first time or again, or another one for its rotation.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>

use keyreeve_crypto::import::{MaterialIdentity, identify, unwrap};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::import::{ExpirationModel, ImportType};
use keyreeve_model::limits::IMPORT_VALID_DAYS_MAX;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::timestamp::Timestamp;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, Import, ImportTerms, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("ImportToken", &shapes::CIPHERTEXT),
        Member::required("EncryptedKeyMaterial", &shapes::CIPHERTEXT),
        Member::optional("ValidTo", &shapes::DATE),
        Member::optional("ExpirationModel", &shapes::EXPIRATION_MODEL),
        Member::optional("ImportType", &shapes::IMPORT_TYPE),
        Member::optional("KeyMaterialDescription", &shapes::KEY_MATERIAL_DESCRIPTION),
        Member::optional("KeyMaterialId", &shapes::KEY_MATERIAL_ID),
    ],
};

pub(crate) struct ImportKeyMaterial;

pub(crate) struct Request {
    key: KeyRef,
    token: SecretBytes,
    wrapped: SecretBytes,
    terms: ImportTerms,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for ImportKeyMaterial {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let terms = ImportTerms {
            kind: input.choice("ImportType", ImportType::parse),
            expected: input.choice("KeyMaterialId", MaterialId::parse),
            valid_to: parse_valid_to(input, desk.now)?,
            description: input.text("KeyMaterialDescription"),
        };
        if terms.kind == Some(ImportType::NewKeyMaterial) && terms.expected.is_some() {
            return Err(KmsError::Invalid(Invalid::MaterialIdOfNewMaterial));
        }
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            token: input.required_blob("ImportToken")?,
            wrapped: input.required_blob("EncryptedKeyMaterial")?,
            terms,
        })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let (material, identity) = unwrapped(desk, request, &key).await?;
        let import = Import { material, identity, terms: request.terms.clone() };
        let key_material_id = key.import(desk, &import).await?;
        Ok(Reply { key_id: key.arn_text(), key_material_id })
    }
}

/// Whatever does not unwrap and whatever is no key of the spec is answered alike.
async fn unwrapped(
    desk: &Desk<'_>,
    request: &Request,
    key: &AuthorizedKey<ImportKeyMaterial>,
) -> Result<(KeyMaterial, MaterialIdentity), KmsError> {
    let token = desk.service.keys.open_import_token(key.arn(), &request.token, desk.now)?;
    let (spec, key_id) = (key.record().spec, key.arn().key_id);
    let wrapped = request.wrapped.expose_secret().to_vec();
    desk.off_thread(move || {
        let material = unwrap(token.algorithm, token.spec, &token.private, &wrapped)
            .map_err(|_| KmsError::InvalidCiphertext)?;
        let identity = identify(spec, key_id, &material).map_err(|_| KmsError::InvalidCiphertext)?;
        Ok((material, identity))
    })
    .await
}

fn parse_valid_to(input: &mut Input<'_>, now: Timestamp) -> Result<Option<Timestamp>, KmsError> {
    let model = input.choice("ExpirationModel", ExpirationModel::parse);
    let valid_to = input.timestamp_millis("ValidTo").map(Timestamp::from_millis);
    match (model.unwrap_or(ExpirationModel::KeyMaterialExpires), valid_to) {
        (ExpirationModel::KeyMaterialExpires, None) => Err(KmsError::Invalid(Invalid::ValidToRequired)),
        (ExpirationModel::KeyMaterialExpires, Some(date)) if date <= now => {
            Err(KmsError::Invalid(Invalid::ValidToPast))
        }
        (ExpirationModel::KeyMaterialExpires, Some(date)) if date > now.plus_days(IMPORT_VALID_DAYS_MAX) => {
            Err(KmsError::Invalid(Invalid::ValidToFar))
        }
        (ExpirationModel::KeyMaterialExpires, Some(date)) => Ok(Some(date)),
        (ExpirationModel::KeyMaterialDoesNotExpire, None) => Ok(None),
        (ExpirationModel::KeyMaterialDoesNotExpire, Some(_)) => {
            Err(KmsError::Invalid(Invalid::ValidToWithoutExpiry))
        }
    }
}

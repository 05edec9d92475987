//! `DeleteImportedKeyMaterial`: takes the bytes of a material away; the key waits until the same are imported again.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("KeyMaterialId", &shapes::KEY_MATERIAL_ID),
    ],
};

pub(crate) struct DeleteImportedKeyMaterial;

pub(crate) struct Request {
    key: KeyRef,
    /// The current one where it is absent.
    material: Option<MaterialId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for DeleteImportedKeyMaterial {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            material: input.choice("KeyMaterialId", MaterialId::parse),
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
        let key_material_id = key.delete_material(desk, request.material).await?;
        Ok(Reply { key_id: key.arn_text(), key_material_id })
    }
}

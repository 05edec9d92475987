//! `DescribeKeyUsage`: which materials of a key still decrypt, for operators who wait for the end of a re-encryption.

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::KeyMaterialState;
use serde::Serialize;
use uuid::Uuid;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct DescribeKeyUsage;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_id: String,
    materials: Vec<Material>,
    tracking_since: Epoch,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Material {
    key_material_id: MaterialId,
    state: KeyMaterialState,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_decrypt: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_decrypt_event_id: Option<Uuid>,
}

impl Operation for DescribeKeyUsage {
    type Request = KeyRef;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<KeyRef, KmsError> {
        input.required_key_ref("KeyId")
    }

    fn names(_: &KeyRef) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        key: &'a KeyRef,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let used = call.used_materials(desk, key).await?;
        let materials = used.materials.into_iter().map(|material| Material {
            key_material_id: material.id,
            state: material.state,
            last_decrypt: material.last_decrypt.as_ref().map(|used| Epoch(used.at)),
            last_decrypt_event_id: material.last_decrypt.and_then(|used| used.event_id),
        });
        Ok(Reply {
            key_id: used.key.to_string(),
            materials: materials.collect(),
            tracking_since: Epoch(used.tracking_since),
        })
    }
}

//! `ListKeyRotations`: the rotations of a key, oldest first, or all its materials.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::{IncludeKeyMaterial, KeyMaterialState, MaterialEntry, RotationType};
use serde::Serialize;

use super::paging::{self, PageEnd, Paging};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("IncludeKeyMaterial", &shapes::INCLUDE_KEY_MATERIAL),
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) struct ListKeyRotations;

pub(crate) struct Request {
    key: KeyRef,
    include: IncludeKeyMaterial,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    rotations: Vec<Rotation>,
    #[serde(flatten)]
    end: PageEnd,
}

/// `RotationsListEntry`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rotation {
    key_id: String,
    key_material_id: MaterialId,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_state: Option<&'static str>,
    key_material_state: KeyMaterialState,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_type: Option<RotationType>,
}

impl Rotation {
    /// `None` for the only material of a key whose materials have no ids: such keys do not rotate.
    /// `awaited`: some Region of the key lacks the imported material that waits for its rotation.
    fn new(key: &AuthorizedKey<ListKeyRotations>, entry: MaterialEntry, awaited: bool) -> Option<Self> {
        let (id, imported) = (entry.id?, entry.imported);
        let present = imported.as_ref().map(|imported| imported.present);
        let valid_to = imported.as_ref().filter(|imported| imported.present).and_then(|is| is.valid_to);
        Some(Self {
            key_id: key.arn_text(),
            key_material_id: id,
            import_state: present.map(|present| if present { "IMPORTED" } else { "PENDING_IMPORT" }),
            key_material_state: if awaited && key.record().pending_material == Some(id) {
                KeyMaterialState::PendingMultiRegionImportAndRotation
            } else {
                key.record().material_state(&id)
            },
            expiration_model: present.filter(|present| *present).map(|_| match valid_to {
                Some(_) => "KEY_MATERIAL_EXPIRES",
                None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
            }),
            valid_to: valid_to.map(Epoch),
            rotation_date: entry.rotated.map(|(date, _)| Epoch(date)),
            rotation_type: entry.rotated.map(|(_, kind)| kind),
            key_material_description: imported.and_then(|imported| imported.description),
        })
    }
}

impl Operation for ListKeyRotations {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let paging = Paging::parse(input, &paging::LARGE)?;
        let include = input.choice("IncludeKeyMaterial", IncludeKeyMaterial::parse);
        let include = include.unwrap_or(IncludeKeyMaterial::RotationsOnly);
        Ok(Request { paging, include, key: input.required_key_ref("KeyId")? })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let Request { include, paging, .. } = request;
        let listed = key.list_materials(desk, *include, paging.limit, paging.marker.as_deref()).await?;
        let awaited = key.awaits_imports(desk).await?;
        let rotations = listed.items.into_iter();
        let rotations = rotations.filter_map(|entry| Rotation::new(&key, entry, awaited)).collect();
        Ok(Reply { rotations, end: PageEnd::new(listed.next_marker) })
    }
}

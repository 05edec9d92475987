//! `DescribeAnyKey`: what is known about a key of any account but its material, for operators.

use std::collections::BTreeMap;

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::super::key_metadata::KeyMetadata;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("KeyId", &shapes::KEY_ID)] };

pub(crate) struct DescribeAnyKey;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_metadata: KeyMetadata,
    aliases: Vec<String>,
    tags: BTreeMap<String, String>,
}

impl Operation for DescribeAnyKey {
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
        let surveyed = call.survey(desk, key).await?;
        let record = surveyed.record.ok_or(KmsError::Internal)?;
        let tags = record.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Reply {
            key_metadata: KeyMetadata::new(&surveyed.arn, &record, desk.now),
            aliases: surveyed.aliases.iter().map(ToString::to_string).collect(),
            tags,
        })
    }
}

//! `DeleteAlias`: removes an alias; its key stays.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>

use keyreeve_model::error::KmsError;

use super::alias_name;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AliasNames, AuthorizedAlias};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure =
    Structure { members: &[Member::required("AliasName", &shapes::ALIAS_NAME)] };

pub(crate) struct DeleteAlias;

impl Operation for DeleteAlias {
    type Request = AliasNames;
    type Proof = AuthorizedAlias<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<AliasNames, KmsError> {
        let alias = alias_name::parse_existing(input, desk)?;
        Ok(AliasNames { alias, target: None })
    }

    fn names(request: &AliasNames) -> AliasNames {
        request.clone()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        _: &'a AliasNames,
        alias: AuthorizedAlias<Self>,
    ) -> Result<Empty, KmsError> {
        alias.delete(desk).await?;
        Ok(Empty)
    }
}

//! `Explain`: why somebody may or may not do something: every policy that was considered, the statement that decided,
//! what would have to change. It asks the same engine, with the same evidence, as a request would.

use keyreeve_model::error::KmsError;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::explain::Explanation;
use serde::Serialize;

use crate::caller::Caller;
use crate::catalogue::{CATALOGUE, Row};
use crate::desk::Desk;
use crate::input::shape::{Kind, Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

static PRINCIPAL: Kind = Kind::Text { min: 1, max: 2048, pattern: None };
static ACTION: Kind = Kind::Text { min: 3, max: 128, pattern: None };

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("Principal", &PRINCIPAL),
        Member::required("Action", &ACTION),
        Member::required("Resource", &PRINCIPAL),
        Member::optional("Context", &shapes::ENCRYPTION_CONTEXT),
    ],
};

pub(crate) struct Explain;

pub(crate) struct Request {
    principal: String,
    action: String,
    resource: String,
    context: MapContext,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    /// For people.
    text: String,
    /// For machines.
    explanation: Explanation,
}

impl Operation for Explain {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let given = input.context("Context")?;
        let context = given
            .entries()
            .iter()
            .fold(MapContext::new(), |context, (key, value)| context.with(key, value.as_str()));
        Ok(Request {
            principal: input.required_text("Principal")?,
            action: input.required_text("Action")?,
            resource: input.required_text("Resource")?,
            context,
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let named = desk.service.identity().principal_of(&request.principal).await?;
        let (principal, profile) =
            named.ok_or_else(|| KmsError::Refused(format!("No principal {} exists.", request.principal)))?;
        let (row, action) = row_of(&request.action)
            .ok_or_else(|| KmsError::Refused(format!("No operation here asks for {}.", request.action)))?;
        let caller =
            Caller { profile, ..Caller::bare(principal, desk.caller.region.clone(), desk.caller.request_id) };
        let asked =
            Desk { service: desk.service, caller: &caller, now: desk.now, row, body: b"", notes: desk.notes };
        let explanation = call.explain(&asked, action, &request.resource, &request.context).await?;
        Ok(Reply { text: explanation.to_string(), explanation })
    }
}

/// The operation that asks for an action, whatever the letter case.
fn row_of(action: &str) -> Option<(&'static Row, &'static str)> {
    CATALOGUE.iter().find_map(|row| {
        let known = row.actions.iter().find(|known| known.eq_ignore_ascii_case(action))?;
        Some((row, *known))
    })
}

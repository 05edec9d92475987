//! The doors: each protocol authenticates in its own way, then walks the same corridor, so that one key has one policy
//! whatever protocol reached it.

mod authenticate;
mod aws;
mod aws_json;
mod aws_query;
mod forwarding;
mod operator;
mod outcome;
mod proxies;
mod region;
mod session;
mod strangers;

pub use authenticate::{Authenticator, WellKnownSecret};
pub use aws::AwsDoor;
use keyreeve_service::input::shape::Structure;
pub use operator::OperatorDoor;
pub(crate) use operator::{OPERATION_HEADER, REGION_HEADER};
pub use proxies::{NotANetwork, TrustedProxies};
pub use region::RegionDoor;
pub use strangers::Strangers;

/// The members of an operation's input as a form of the query protocol gives them, in the JSON that the corridor reads;
/// `None` where the door refuses the form. What strangers send meets this code first: the fuzz targets call it.
pub fn members_of_form(body: &[u8], shape: &'static Structure) -> Option<Vec<u8>> {
    let form = aws_query::Form::parse(body).ok()?;
    aws_query::to_json(&form, shape).ok()
}

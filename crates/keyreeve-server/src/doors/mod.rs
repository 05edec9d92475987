//! The doors: each protocol authenticates in its own way, then walks the same corridor, so that one key has one policy
//! whatever protocol reached it.

mod authenticate;
mod aws;
mod aws_json;
mod aws_query;
mod operator;
mod outcome;

pub use authenticate::{Authenticator, WellKnownSecret};
pub use aws::AwsDoor;
pub use operator::OperatorDoor;
pub(crate) use operator::{OPERATION_HEADER, REGION_HEADER};

//! The IAM policy language and the decision. Pure: evidence in, a verdict with its reason out.
//!
//! No I/O, no clock, no async. A policy is compiled once, when it is written; a decision reads compiled policies only.
#![forbid(unsafe_code)]

pub mod condition_key;
pub mod context;
pub mod delegation;
pub mod evaluate;
pub mod evidence;
pub mod explain;
pub mod grant;
pub mod key_policy;
pub mod policy;
pub mod principal;
pub mod principal_pattern;
pub mod verdict;

mod condition;
mod glob;
mod json;
mod parse;
mod statement;
mod template;

pub use key_policy::{aws_managed_key_policy, default_key_policy};
pub use policy::{Grammar, Policy};
pub use principal_pattern::PrincipalPattern;
pub use statement::Effect;

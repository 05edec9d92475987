//! The IAM policy language and the decision. Pure: evidence in, a verdict with its reason out.
//!
//! No I/O, no clock, no async. Today the decision knows accounts and their root users; stored key policies are
//! parsed and validated here, and their statements are not evaluated yet.
#![forbid(unsafe_code)]

pub mod document;
pub mod evaluate;
pub mod evidence;
pub mod principal;
pub mod verdict;

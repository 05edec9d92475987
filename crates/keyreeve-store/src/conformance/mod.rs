//! The rules of [`Store`], held against every engine. A rule is one test; it runs on a fresh store of each
//! engine and names the engine when it fails.

mod changes;
mod checks;
mod engines;
mod limits;
mod random;
mod scans;
mod verbs;

pub(crate) use engines::{block_on, id, on_every_engine, path};

//! An exhaustively explored model of the protocol between the Regions of one multi-Region key: three Regions, messages that are
//! lost, doubled, reordered and late, crashes, rotation, replicas that come and go, promotions, planned and forced.
//! A model, not the code: `keyreeve-service/src/regions` is the code. Development only.
#![forbid(unsafe_code)]

mod check;
mod healing;
mod promise;
mod region;
mod rules;
mod state;
mod step;

pub use check::{Explored, Extent, explore};

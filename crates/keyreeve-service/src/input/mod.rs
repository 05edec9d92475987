//! The reading room: a JSON body becomes typed members of an operation's input, or AWS's own error.
//!
//! The shape of every input is a table (`shape.rs`, `shapes.rs`); one reader (`read.rs`) serves all operations, so that
//! duplicate names, wrong types and every violated constraint are found alike everywhere.

mod facts;
mod members;
mod read;
pub mod shape;
pub mod shapes;
mod violations;

pub(crate) use facts::Facts;
pub use members::Input;

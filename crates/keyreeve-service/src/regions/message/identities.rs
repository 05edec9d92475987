//! What Regions say to each other about identities. Rows travel as the home has them, but for secrets: those are sealed to
//! the asker's transport key.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Asks the home for rows, from where the asker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// Of the home's process that gave the position; at another one it means nothing.
    pub incarnation: String,
    /// Where the asker is.
    pub position: Position,
}

/// How far an asker has come. Only the home reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// It knows nothing.
    #[default]
    Begin,
    /// It is being told every row.
    Listing {
        /// Revision of the home's store when the listing began.
        since: u64,
        /// Which part of the rows.
        section: usize,
        /// After which path of that part.
        after: Option<String>,
    },
    /// It knows everything up to this revision of the home's store.
    After(u64),
}

/// Some rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentitiesPage {
    /// Of the home's process.
    pub incarnation: String,
    /// Parts of which `rows` are all there are: what the asker has beyond them is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// In the order of the home's commits, or of their paths in a listing.
    pub rows: Vec<IdentityRow>,
    /// Where the asker is once it has them.
    pub next: Position,
    /// Whether it then knew everything when this was answered.
    pub complete: bool,
}

/// The paths that begin with a prefix, between two of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// What they begin with.
    pub prefix: String,
    /// They come after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// And not after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRow {
    /// Its path, the same in every Region.
    pub path: String,
    /// Rows of one commit at the home have the same one.
    pub revision: u64,
    /// What became of it.
    pub state: RowState,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowState {
    /// It holds this.
    Put(Value),
    /// It was deleted.
    Gone,
    /// It does not open at the home: whatever the asker has stays.
    Unreadable,
}

/// A write of identities that another Region was asked for. None is forwarded yet: the home would have to judge for whom
/// another Region checked the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {}

/// The home's answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {}

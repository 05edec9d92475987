//! What an input may hold: structures, members, and the constraints of AWS's service model.
//! The model oracle compares every table built of these with `model/kms.json`.

/// A structure of the model.
#[derive(Debug)]
pub struct Structure {
    /// Its members, in the model's order.
    pub members: &'static [Member],
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Name on the wire, such as `KeyId`.
    pub name: &'static str,
    /// Type and constraints.
    pub kind: &'static Kind,
    /// Whether the model requires it.
    pub required: bool,
    /// Whether this version acts on it; a member that it does not act on is refused, never ignored.
    pub honoured: bool,
}

impl Member {
    /// A required member.
    pub const fn required(name: &'static str, kind: &'static Kind) -> Self {
        Self { name, kind, required: true, honoured: true }
    }

    /// An optional member.
    pub const fn optional(name: &'static str, kind: &'static Kind) -> Self {
        Self { name, kind, required: false, honoured: true }
    }

    /// A modelled member that is refused when present.
    pub const fn not_honoured(name: &'static str, kind: &'static Kind) -> Self {
        Self { name, kind, required: false, honoured: false }
    }
}

/// Type of a member, with its constraints.
#[derive(Debug)]
pub enum Kind {
    /// A string of `min..=max` characters.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// What it must look like.
        pattern: Option<&'static Pattern>,
    },
    /// One of the names of an enum.
    Enum(&'static [&'static str]),
    /// Base64 of `min..=max` bytes.
    Blob {
        /// Fewest bytes.
        min: usize,
        /// Most bytes.
        max: usize,
    },
    /// A whole number in `min..=max`.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// Seconds since the epoch.
    Timestamp,
    /// A list of `min..=max` elements.
    List {
        /// Type of each element.
        element: &'static Kind,
        /// Fewest elements.
        min: usize,
        /// Most elements.
        max: usize,
    },
    /// A map of strings to strings.
    Map,
    /// A nested structure.
    Structure(&'static Structure),
}

/// A regular expression of the model, as text for the message and as a function for the check.
#[derive(Debug)]
pub struct Pattern {
    /// The expression, exactly as the model has it.
    pub expression: &'static str,
    /// Whether a text matches it.
    pub matches: fn(&str) -> bool,
}

//! What a verification found, in sentences for an operator.

use std::fmt;

use crate::chain::{Place, SignedHead};

/// What happened to the log, and where it is first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The first record that is wrong or gone.
    pub place: Place,
    /// The file that it stands in, or should.
    pub file: String,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The record is another than was written.
    Altered,
    /// It and those up to `to` are gone.
    Removed {
        /// The last that is gone.
        to: Place,
    },
    /// Something stands before it that does not belong there.
    Inserted,
    /// It stands elsewhere; `found` stands in its place.
    Reordered {
        /// What stands there.
        found: Place,
    },
    /// The log ends before it, though a head was committed for `committed`.
    TailRemoved {
        /// The last record that must be there.
        committed: Place,
    },
    /// The chain was computed again from somewhere after it on; the signed head for `to` is of another chain.
    Rewritten {
        /// Where the signed head speaks of.
        to: Place,
    },
    /// It is a head that its key did not sign.
    HeadForged,
    /// It is a tombstone that its key did not sign, or that does not fit what is left.
    TombstoneForged,
    /// It is signed by a key that is not among those given.
    UnknownKey {
        /// The fingerprint of that key.
        fingerprint: String,
    },
    /// The file has another name.
    FileRenamed {
        /// The name that it has.
        to: String,
    },
    /// The file holds what belongs into another.
    FileSwapped {
        /// Where its content belongs.
        with: String,
    },
    /// The file is a further copy of records that stand elsewhere too.
    FileCopied,
    /// The file is no segment at all.
    FileGarbage,
    /// The file, which the log speaks of, is gone.
    FileMissing,
    /// The file is not the one whose SHA-256 the log holds.
    FileAltered,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, file) = (self.place.0, &self.file);
        match &self.what {
            What::Altered => write!(f, "record {place} was altered (in {file})"),
            What::Removed { to } if to.0 == place => write!(f, "record {place} was removed (from {file})"),
            What::Removed { to } => write!(f, "records {place} to {} were removed (from {file})", to.0),
            What::Inserted => write!(f, "something was inserted before record {place} (in {file})"),
            What::Reordered { found } => {
                write!(f, "records were reordered: {} stands where {place} belongs (in {file})", found.0)
            }
            What::TailRemoved { committed } => write!(
                f,
                "the end of the log was removed: records {place} to {} are gone, though a head was committed for them (from {file} on)",
                committed.0
            ),
            What::Rewritten { to } => write!(
                f,
                "the log was rewritten: records between {place} and {} are not those that the signed head vouches for (seen in {file})",
                to.0
            ),
            What::HeadForged => write!(f, "the signed head at record {place} is forged (in {file})"),
            What::TombstoneForged => {
                write!(f, "the tombstone of a purge at record {place} is forged (in {file})")
            }
            What::UnknownKey { fingerprint } => write!(
                f,
                "record {place} (in {file}) is signed by the key {fingerprint}, which is not among the keys given"
            ),
            What::FileRenamed { to } => {
                write!(f, "the file {file}, which begins with record {place}, was renamed to {to}")
            }
            What::FileSwapped { with } => {
                write!(f, "the file {file} holds what belongs into {with} (its first record is {place})")
            }
            What::FileCopied => write!(f, "the file {file} repeats records that stand elsewhere already"),
            What::FileGarbage => {
                write!(f, "the file {file} is not a piece of the log: record {place} should begin it")
            }
            What::FileMissing => {
                write!(f, "the file {file}, which record {place} speaks of, is missing")
            }
            What::FileAltered => {
                write!(f, "the file {file} is not the one whose SHA-256 stands in the log at record {place}")
            }
        }
    }
}

/// What a verification could not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// No keys were given.
    NoKeys,
    /// No head from outside the log was given.
    NoAnchor,
    /// The given head speaks of records that have been purged since.
    AnchorPurged,
    /// No signed head vouches for the last records yet.
    Unvouched {
        /// How many.
        records: u64,
    },
    /// The server itself wrote that these numbers are not part of the log.
    Gap {
        /// The first.
        from: Place,
        /// The last.
        to: Place,
    },
    /// The last record is incomplete, as a crash leaves it; no committed head speaks of it.
    TornTail {
        /// Its number.
        place: Place,
    },
    /// The index of a segment is missing; it can be made again.
    IndexMissing {
        /// Its name.
        file: String,
    },
    /// Records up to this one were purged; a signed tombstone stands for them.
    Purged {
        /// The last that was purged.
        to: Place,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeys => f.write_str(
                "Not checked: signatures, as no public keys were given. Somebody who can write these files could have computed the whole chain again.",
            ),
            Self::NoAnchor => f.write_str(
                "Not checked: whether the end of the log is missing, as no head from outside the log was given. A log that was rolled back as a whole looks like an older log.",
            ),
            Self::AnchorPurged => f.write_str(
                "Not checked: the end of the log, as the given head is older than every record that is left.",
            ),
            Self::Unvouched { records } => {
                write!(f, "No signed head vouches for the last {records} records yet.")
            }
            Self::Gap { from, to } => write!(
                f,
                "There are no records {} to {}: the server wrote that an append had failed there, or that they were gone when it started.",
                from.0, to.0
            ),
            Self::TornTail { place } => write!(
                f,
                "Record {} is incomplete, as after a crash; no committed head speaks of it, and the server drops it when it starts.",
                place.0
            ),
            Self::IndexMissing { file } => write!(f, "{file} is missing; the server makes it again."),
            Self::Purged { to } => {
                write!(f, "Records up to {} were purged; a tombstone in the log stands for them.", to.0)
            }
        }
    }
}

/// What a verification saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The first frame that is there.
    pub first: Place,
    /// The last frame up to which everything is right.
    pub last: Place,
    /// Entries among them.
    pub entries: u64,
    /// Signed heads among them.
    pub heads: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// The newest head whose signature is right (or, without keys, that fits the chain).
    pub newest_head: Option<SignedHead>,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
    /// What could not be said.
    pub notes: Vec<Note>,
}

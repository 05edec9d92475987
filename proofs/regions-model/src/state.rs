//! What the Regions of one multi-Region key have committed, and the messages between them. Numbers are small, sets are bits:
//! a state is hashed millions of times. Crashes need no step of their own: every step is one commit, nothing volatile is
//! consulted, and a crash is a message that is never delivered.

use std::fmt;
use std::ops::{Index, IndexMut};

/// A Region. Three are enough for a primary, a promoted replica and one that hears of it late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    A,
    B,
    C,
}

/// All of them.
pub(crate) const PLACES: [Place; 3] = [Place::A, Place::B, Place::C];

/// One value for each Region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Each<T> {
    a: T,
    b: T,
    c: T,
}

impl<T: Copy> Each<T> {
    pub(crate) const fn of(all: T) -> Self {
        Self { a: all, b: all, c: all }
    }
}

impl<T> Index<Place> for Each<T> {
    type Output = T;

    fn index(&self, place: Place) -> &T {
        match place {
            Place::A => &self.a,
            Place::B => &self.b,
            Place::C => &self.c,
        }
    }
}

impl<T> IndexMut<Place> for Each<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        match place {
            Place::A => &mut self.a,
            Place::B => &mut self.b,
            Place::C => &mut self.c,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Each<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "[{:?} {:?} {:?}]", self.a, self.b, self.c)
    }
}

/// A set of key materials, which are numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Materials(u8);

impl Materials {
    pub(crate) const fn one(material: u8) -> Self {
        Self(1 << material)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, material: u8) -> bool {
        self.0 & (1 << material) != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn within(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    pub(crate) fn each(self) -> impl Iterator<Item = u8> {
        (0..8).filter(move |material| self.has(*material))
    }
}

impl fmt::Debug for Materials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.each()).finish()
    }
}

/// Whose turn it is to change what is shared. Two promotions may choose the same number without knowing of each other; the
/// Region breaks the tie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term {
    pub(crate) epoch: u8,
    pub(crate) primary: Place,
}

/// One shared change: the term that it was made in and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    pub(crate) term: Term,
    pub(crate) version: u8,
}

impl fmt::Debug for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{:?}.{}", self.term.epoch, self.term.primary, self.version)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{:?}", self.epoch, self.primary)
    }
}

/// What is shared of the key: what pushes carry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shared {
    pub(crate) mark: Mark,
    /// The primary and its replicas, each with the change that made it (`since`).
    pub(crate) members: Each<Option<Mark>>,
    /// Of each Region the newest life of a replica that is known to be over.
    pub(crate) gone: Each<Option<Mark>>,
    /// The material history.
    pub(crate) listed: Materials,
    /// What of it the primary has the bytes of.
    pub(crate) held: Materials,
    pub(crate) current: u8,
    pub(crate) pending: Option<u8>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mark, members, gone, listed, held, current, pending } = self;
        write!(out, "{mark:?} of {members:?} lists {listed:?} holds {held:?} current {current}")?;
        if let Some(pending) = pending {
            write!(out, " pending {pending}")?;
        }
        if *gone == Each::default() { Ok(()) } else { write!(out, " gone {gone:?}") }
    }
}

/// The key in one Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) shared: Shared,
    /// Materials that are here.
    pub(crate) bytes: Materials,
    /// What this Region encrypts with; `None` while it is Creating.
    pub(crate) current: Option<u8>,
    /// At a primary in state Updating: whom it promotes.
    pub(crate) demoting: Option<Place>,
    /// At a primary: the version of this term that each replica has acknowledged.
    pub(crate) acked: Each<Option<u8>>,
    /// At a primary with a pending material: the version that first had it.
    pub(crate) pending_since: u8,
    /// The newest promotion that this Region has refused.
    pub(crate) refused: Option<Mark>,
    /// Members that this Region knew of when it heard of a primary that does not list them.
    pub(crate) orphans: Each<Option<Mark>>,
}

/// What a Region has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Row {
    Absent,
    /// The tombstone of a deleted replica: its last mark, its `since`, and whether a primary knows.
    Gone {
        mark: Mark,
        since: Mark,
        told: bool,
    },
    Present(Key),
}

impl Row {
    pub(crate) const fn key(&self) -> Option<&Key> {
        match self {
            Self::Present(key) => Some(key),
            Self::Absent | Self::Gone { .. } => None,
        }
    }
}

/// The durable state of all Regions.
pub(crate) type Rows = Each<Row>;

/// What a Region answers to a push or a promotion: what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Status {
    pub(crate) mark: Mark,
    pub(crate) lacks: Materials,
    /// Materials that the primary does not have, with their bytes.
    pub(crate) extra: Materials,
    pub(crate) orphans: Each<Option<Mark>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Body {
    /// `Synchronize`, with the bytes of these materials.
    Push(Shared, Materials),
    /// The answer of a Region that has the key.
    Have(Status),
    /// The answer of a tombstone: its `since` and its last mark.
    IsGone(Mark, Mark),
    /// `Promote`: this shared state, of the old term; the receiver makes the new one.
    Promote(Shared),
    /// The answer "refused" to the promotion of this mark.
    Refused(Mark),
    /// `ReplicaGone`: the `since` and the last mark of the tombstone.
    ReplicaGone(Mark, Mark),
    /// A primary of this term has taken note of the end of this `since`.
    NotedGone(Mark, Term),
}

/// A message. It may be delivered at any time, any number of times, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) body: Body,
}

impl Key {
    /// Whether this Region is the primary as far as it knows, Updating or not.
    pub(crate) fn leads(&self, place: Place) -> bool {
        self.shared.mark.term.primary == place
    }

    /// Whether it makes shared changes.
    pub(crate) fn acts(&self, place: Place) -> bool {
        self.leads(place) && self.demoting.is_none()
    }

    pub(crate) fn lacks(&self) -> Materials {
        self.shared.listed.without(self.bytes)
    }

    /// What this Region tells whoever asked.
    pub(crate) fn status(&self) -> Status {
        // A Region that only heard of a term knows nothing yet that it could compare itself with.
        let heard_only = self.shared.mark.version == 0;
        let extra = if heard_only { Materials::default() } else { self.bytes.without(self.shared.held) };
        Status { mark: self.shared.mark, lacks: self.lacks(), extra, orphans: self.orphans }
    }
}

//! What was acknowledged of the keys of one history, and what nobody can say.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::Parameters;

/// A ciphertext that was answered.
#[derive(Debug, Clone)]
pub(super) struct Ciphertext {
    /// Base64.
    pub(super) blob: String,
    /// Base64.
    pub(super) plaintext: String,
    /// Where it was made.
    pub(super) made_in: &'static str,
    /// Under which material, where the answer said it.
    pub(super) material: Option<String>,
}

/// How sure it is that a copy is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doom {
    /// The waiting period is acknowledged to run.
    pub(super) certain: bool,
    /// It has passed.
    pub(super) passed: bool,
}

/// One multi-Region key.
#[derive(Debug)]
pub(super) struct KeyBook {
    /// `mrk-…`, the same in all Regions.
    pub(super) id: String,
    pub(super) primary: Primary,
    /// Regions in which it was made, as acknowledged.
    pub(super) copies: BTreeSet<&'static str>,
    /// Regions in which it may have been made.
    pub(super) maybe: BTreeSet<&'static str>,
    pub(super) doomed: BTreeMap<&'static str, Doom>,
    /// Whether an old primary may have acknowledged what was undone.
    pub(super) ever_forced: bool,
    pub(super) ciphertexts: Vec<Ciphertext>,
    /// Rotations that were acknowledged.
    pub(super) rotations: usize,
    /// Rotations that may have begun.
    pub(super) maybe_rotations: usize,
    /// Of a key with imported material all that it was given, and how to wrap it for a Region.
    pub(super) imported: Option<Vec<[u8; 32]>>,
    pub(super) parameters: BTreeMap<&'static str, Parameters>,
}

impl KeyBook {
    /// A key that was acknowledged.
    pub(super) fn new(id: String, primary: &'static str, imported: bool) -> Self {
        Self {
            id,
            primary: Primary::of(primary),
            copies: BTreeSet::from([primary]),
            maybe: BTreeSet::new(),
            doomed: BTreeMap::new(),
            ever_forced: false,
            ciphertexts: Vec::new(),
            rotations: 0,
            maybe_rotations: 0,
            imported: imported.then(Vec::new),
            parameters: BTreeMap::new(),
        }
    }

    /// Regions that have it, as far as the answers tell.
    pub(super) fn regions(&self) -> Vec<&'static str> {
        self.copies.iter().copied().filter(|name| !self.is_gone(name)).collect()
    }

    fn is_gone(&self, name: &str) -> bool {
        self.doomed.get(name).is_some_and(|doom| doom.passed)
    }

    /// Whether it must be deleted there.
    pub(super) fn must_be_gone(&self, name: &str) -> bool {
        self.doomed.get(name).is_some_and(|doom| doom.passed && doom.certain)
    }

    /// Whether it may be deleted there.
    pub(super) fn may_have_died(&self, name: &str) -> bool {
        self.doomed.contains_key(name)
    }

    /// Whether it must be there.
    pub(super) fn must_be_there(&self, name: &str) -> bool {
        self.copies.contains(name) && !self.is_gone(name)
    }

    /// Whether it may be deleted in every Region in which it certainly was.
    pub(super) fn may_be_gone(&self) -> bool {
        self.copies.iter().all(|name| self.is_gone(name))
    }

    /// It was, or may have been, asked for here.
    pub(super) fn replicated(&mut self, to: &'static str, certain: bool) {
        if certain {
            self.copies.insert(to);
            self.doomed.remove(to);
        } else {
            self.maybe.insert(to);
            self.doomed.entry(to).and_modify(|doom| doom.certain = false);
        }
    }

    /// A copy was promised here and is not made yet: it goes with its primary when that is replaced by force.
    pub(super) fn is_unmade(&mut self, at: &'static str) {
        if self.copies.remove(at) {
            self.maybe.insert(at);
        }
    }

    /// Its waiting period runs in this Region; `certain` where the answer said so.
    pub(super) fn doom(&mut self, at: &'static str, certain: bool) {
        let doom = self.doomed.entry(at).or_insert(Doom { certain, passed: false });
        doom.certain |= certain && !doom.passed;
        // Who is to be deleted refuses to become the primary.
        self.primary.may_refuse(at);
    }

    /// Its deletion was cancelled here, or may have been.
    pub(super) fn spared(&mut self, at: &'static str, certain: bool) {
        if certain {
            self.doomed.remove(at);
        } else {
            self.doomed.entry(at).and_modify(|doom| doom.certain = false);
        }
    }

    /// Longer than any waiting period has passed.
    pub(super) fn week_passed(&mut self) {
        self.doomed.values_mut().for_each(|doom| doom.passed = true);
    }
}

/// Where the primary may be, by all that was answered.
#[derive(Debug)]
pub(super) struct Primary {
    /// Where the next change is asked for.
    pub(super) believed: &'static str,
    may: BTreeSet<&'static str>,
    /// Where it may have been before the last acknowledged promotion.
    before: BTreeSet<&'static str>,
    /// Whether there may be two that do not know of each other.
    pub(super) forced: bool,
}

impl Primary {
    fn of(first: &'static str) -> Self {
        Self { believed: first, may: BTreeSet::from([first]), before: BTreeSet::new(), forced: false }
    }

    /// Where it is, if that is certain.
    pub(super) fn only(&self) -> Option<&'static str> {
        let first = self.may.first().copied();
        first.filter(|_| self.may.len() == 1)
    }

    /// The promotion of `to` was acknowledged by `by`.
    pub(super) fn promoted(&mut self, by: &'static str, to: &'static str) {
        self.believed = to;
        let known = self.only() == Some(by) || !self.forced;
        self.follow(to, known);
    }

    /// Two operators promoted `to` in place of `lost`.
    pub(super) fn forced(&mut self, lost: &'static str, to: &'static str) {
        self.believed = to;
        // Where the lost one was, for certain, the newest primary, nobody can be ahead of the new one; but for one that took
        // the role back by force, of which the new one may not have heard.
        let known = self.only() == Some(lost) && !self.forced;
        self.forced = true;
        self.follow(to, known);
    }

    fn follow(&mut self, to: &'static str, known: bool) {
        if known {
            self.before = std::mem::take(&mut self.may);
        }
        self.may.insert(to);
    }

    /// Nobody knows whether `to` was promoted.
    pub(super) fn maybe_promoted(&mut self, to: &'static str) {
        self.may.insert(to);
    }

    /// The key in this Region is not fit for a primary any more; a promotion that is under way ends as before it.
    fn may_refuse(&mut self, at: &str) {
        if self.may.contains(at) {
            self.may.extend(self.before.iter());
        }
    }

    /// Whether the primary may end there.
    pub(super) fn may_be(&self, name: &str) -> bool {
        self.may.contains(name)
    }

    /// All is healed, and the primary is here.
    pub(super) fn settled(&mut self, at: &'static str) {
        *self = Self::of(at);
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyBook, Primary};

    #[test]
    fn an_acknowledged_promotion_leaves_one_region_that_may_be_primary() {
        let mut primary = Primary::of("a");
        primary.promoted("a", "b");
        assert_eq!(primary.only(), Some("b"));
        primary.maybe_promoted("c");
        assert!(primary.may_be("b") && primary.may_be("c") && !primary.may_be("a"));
        primary.promoted("c", "a");
        assert_eq!(primary.only(), Some("a"));
    }

    #[test]
    fn an_old_primary_that_promotes_beside_a_forced_one_makes_two_candidates() {
        let mut primary = Primary::of("a");
        primary.forced("a", "b");
        assert_eq!(primary.only(), Some("b"));
        primary.promoted("a", "c");
        assert!(primary.may_be("b") && primary.may_be("c") && !primary.may_be("a"));
    }

    #[test]
    fn one_that_is_forced_after_another_may_not_have_heard_of_that() {
        let mut primary = Primary::of("a");
        primary.forced("b", "a");
        primary.forced("a", "b");
        assert!(primary.may_be("a") && primary.may_be("b"));
    }

    #[test]
    fn a_target_that_is_to_be_deleted_may_send_the_role_back() {
        let mut key = KeyBook::new("mrk-1".to_owned(), "a", false);
        key.replicated("b", true);
        key.primary.promoted("a", "b");
        key.doom("b", true);
        assert!(key.primary.may_be("a") && key.primary.may_be("b"));
        assert!(key.must_be_there("b") && !key.must_be_gone("b"));
        key.week_passed();
        assert!(!key.must_be_there("b") && key.must_be_gone("b") && !key.may_be_gone());
        key.replicated("b", true);
        assert!(key.must_be_there("b"));
    }
}

//! Seeded chance: the same seed repeats the same choices. No cryptography: nothing here is a secret.
//! SplitMix64 (Steele, Lea, Flood 2014): <https://doi.org/10.1145/2660193.2660195>.

/// A stream of choices.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent stream for one part of the work.
    pub(crate) fn branch(&self, parts: &[u64]) -> Self {
        let mut branch = self.clone();
        for part in parts {
            branch.0 = branch.next() ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        branch
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where there is none. The bias is below 2^-40 for the bounds of this crate.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// True this often in a hundred.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(random.get(..chunk.len()).unwrap_or_default());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_repeats_and_branches_differ() {
        let stream = |seed| std::iter::repeat_with(move || seed).take(1).map(|seed| Chance::new(seed).next());
        assert_eq!(stream(7).collect::<Vec<_>>(), stream(7).collect::<Vec<_>>());
        let root = Chance::new(7);
        let numbers = [&[1_u64][..], &[2], &[1, 1], &[1, 2]].map(|parts| root.branch(parts).next());
        assert_eq!(numbers.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_it() {
        let mut chance = Chance::new(1);
        let seen: std::collections::BTreeSet<usize> = (0..200).map(|_| chance.below(3)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(chance.below(0), 0);
    }
}

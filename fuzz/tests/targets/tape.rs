//! Choices read from bytes. Past the end every choice is the first one, so that a shorter tape is a simpler input.

pub(crate) struct Tape<'a> {
    rest: &'a [u8],
}

impl<'a> Tape<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// A number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let high = if end > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (high | usize::from(self.byte())) % end
    }

    /// True about once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<'t, T>(&mut self, table: &'t [T]) -> &'t T {
        &table[self.below(table.len())]
    }

    /// `len` bytes: the tape's, then copies of its last one.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        let mut bytes = taken.to_vec();
        bytes.resize(len, taken.last().copied().unwrap_or(0));
        bytes
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Up to `max` pieces of a table, one after the other.
    pub(crate) fn pieces(&mut self, table: &[&str], max: usize) -> String {
        (0..self.below(max + 1)).map(|_| *self.pick(table)).collect()
    }

    /// Changes one to three places; may by chance come out as it was.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len() + 1);
            match self.below(8) {
                0..=2 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
                3 if place < bytes.len() => bytes[place] = self.byte(),
                4 => bytes.insert(place, self.byte()),
                5 if place < bytes.len() => drop(bytes.remove(place)),
                6 => bytes.truncate(place),
                7 => {
                    let copied: Vec<u8> = bytes.iter().skip(place).take(self.below(16)).copied().collect();
                    let target = self.below(bytes.len() + 1);
                    bytes.splice(target..target, copied);
                }
                _ => bytes.push(self.byte()),
            }
        }
    }

    /// The bytes, changed; something is really different.
    pub(crate) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        self.mutate(&mut changed);
        if changed == bytes {
            match changed.first_mut() {
                Some(first) => *first ^= 1,
                None => changed.push(0),
            }
        }
        changed
    }

    /// The text, changed.
    pub(crate) fn mutated_text(&mut self, text: &str) -> String {
        String::from_utf8_lossy(&self.mutated(text.as_bytes())).into_owned()
    }
}

#[test]
fn a_mutation_always_changes_something() {
    for seed in 0..=u8::MAX {
        let tape: Vec<u8> = (0..64).map(|place: u8| place.wrapping_mul(seed).rotate_left(3)).collect();
        for bytes in [&b""[..], b"a", b"abcdefgh"] {
            assert_ne!(Tape::new(&tape).mutated(bytes), bytes, "{seed}");
        }
    }
}

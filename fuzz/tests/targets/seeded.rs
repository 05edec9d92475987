//! The engine of plain `cargo test`: a fixed sequence of tapes for each target, and the shortest that fails.
//!
//! Bolero's own test engine draws its seeds from the operating system, so that a failure would come and go.

use std::env;
use std::panic::RefUnwindSafe;

use bolero::bolero_engine::{driver, input, panic};
use bolero::{Engine, Test};

use crate::tape::Tape;

/// A target with the state that it keeps between tapes. What a panic left half done is not looked at again, except to
/// find a shorter tape.
pub(crate) struct Target<F>(F);

impl<F> RefUnwindSafe for Target<F> {}

impl<F: FnMut(&mut Tape<'_>)> Target<F> {
    pub(crate) const fn new(run: F) -> Self {
        Self(run)
    }

    pub(crate) fn run(&mut self, bytes: &[u8]) {
        (self.0)(&mut Tape::new(bytes));
    }
}

/// The tapes of one target.
pub(crate) struct Seeded {
    name: &'static str,
    cases: u64,
    seed: u64,
}

/// Longest tape, in bytes.
const TAPE_BYTES_MAX: u64 = 768;

impl Seeded {
    pub(crate) fn new(name: &'static str, cases: u64) -> Self {
        Self { name, cases: cases * number("KEYREEVE_FUZZ_FACTOR", 1), seed: number("KEYREEVE_FUZZ_SEED", 0) }
    }

    pub(crate) fn tape(&self, case: u64) -> Vec<u8> {
        let mut state = self.name.bytes().fold(self.seed ^ case.rotate_left(32), |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let len = usize::try_from(split_mix(&mut state) % (TAPE_BYTES_MAX + 1)).unwrap();
        let words = std::iter::repeat_with(|| split_mix(&mut state).to_le_bytes());
        words.flatten().take(len).collect()
    }
}

impl<T: Test> Engine<T> for Seeded
where
    T::Value: std::fmt::Debug,
{
    type Output = ();

    fn run(self, mut test: T, options: driver::Options) {
        panic::set_hook();
        for case in 0..self.cases {
            let tape = self.tape(case);
            panic::forward_panic(false);
            let outcome = test.test(&mut input::Bytes::new(&tape, &options));
            if let Err(error) = outcome {
                let shrunken = test.shrink(tape.clone(), None, &options);
                panic::forward_panic(true);
                let shortest = shrunken.map_or_else(|| format!("{tape:02x?}"), |failure| failure.to_string());
                panic!("{} of KEYREEVE_FUZZ_SEED={}, tape {case}: {error}\n{shortest}", self.name, self.seed);
            }
        }
        panic::forward_panic(true);
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
        Err(_) => default,
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[test]
fn tapes_repeat_and_differ_by_target_seed_and_case() {
    let tape = |name, seed, case| Seeded { name, cases: 1, seed }.tape(case);
    assert_eq!(tape("a", 0, 7), tape("a", 0, 7));
    for other in [tape("b", 0, 7), tape("a", 1, 7), tape("a", 0, 8)] {
        assert_ne!(tape("a", 0, 7), other);
    }
}

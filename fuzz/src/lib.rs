//! Fuzz targets on stable Rust: what strangers send, and what stands on a disk that strangers may have written to.
//!
//! Every target is a test of `tests/targets/`. Its input is a tape of bytes, from which it makes requests, keys and
//! documents; a target that fails prints the shortest tape that it found.
//!
//! # In the test command
//!
//! `cargo test -p keyreeve-fuzz` runs every target on a fixed sequence of tapes, in seconds and always alike.
//!
//! | variable | meaning |
//! |---|---|
//! | `KEYREEVE_FUZZ_FACTOR` | this many times the tapes (default 1), e.g. 100 for a night |
//! | `KEYREEVE_FUZZ_SEED` | another sequence of tapes (default 0), printed on failure |
//!
//! # Guided by coverage
//!
//! The same targets run under libFuzzer, AFL or honggfuzz with [cargo-bolero](https://crates.io/crates/cargo-bolero)
//! (libFuzzer's sanitizer needs a nightly compiler, `--sanitizer NONE` does not):
//!
//! ```text
//! cargo install cargo-bolero
//! cargo bolero list -p keyreeve-fuzz
//! cargo bolero test -p keyreeve-fuzz --sanitizer NONE --engine libfuzzer policies::documents
//! cargo bolero test -p keyreeve-fuzz --sanitizer NONE --engine afl policies::documents
//! ```
//!
//! An input that once failed is kept as a row of the target's table of regressions, not as a file.
#![forbid(unsafe_code)]

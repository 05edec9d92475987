//! The client built on the AWS SDK for Rust: a crate outside the workspace, exactly as its own `Cargo.lock` pins it.
//!
//! Its dependencies are none of Keyreeve's, so neither `tidy` nor `deny.toml` sees them.

use std::path::PathBuf;

use crate::{failure::Failure, house::House, step::Step};

/// Relative to the root.
const MANIFEST: &str = "tests/clients/rust-sdk/Cargo.toml";

/// Cargo shows its own progress and returns at once when nothing changed.
pub(super) fn ensure(house: &House) -> Result<(), Failure> {
    Step::cargo(house, &["build", "--locked", "--manifest-path", MANIFEST])
        .env("CARGO_TARGET_DIR", folder(house))
        .advice("check the network; what the client must see is in tests/clients/rust-sdk/src")
        .live()
}

/// Only this crate: `cargo fmt --all` stops at the workspace.
pub(super) fn fmt_check(house: &House) -> Result<(), Failure> {
    Step::cargo(house, &["fmt", "--check", "--manifest-path", MANIFEST])
        .advice(format!("run `cargo fmt --manifest-path {MANIFEST}`"))
        .live()
}

pub(super) fn program(house: &House) -> PathBuf {
    folder(house).join("debug").join("keyreeve-rust-sdk-client")
}

fn folder(house: &House) -> PathBuf {
    house.target.join("rust-sdk")
}

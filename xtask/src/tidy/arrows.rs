//! The arrows between our crates, as ARCHITECTURE.md draws them, and what each crate must never know.

use serde_json::Value;

use super::Finding;
use crate::{failure::Failure, house::House, step::Step};

/// A crate, what it may depend on of ours, and what it must not depend on at all.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

/// What a crate without input, output or async has no use for.
const PURE: &[&str] = &["tokio", "hyper", "rusqlite", "rustix", "rustls", "aws-lc-rs", "aws-lc-sys"];

/// What a development crate may measure or prove: any library that ships.
const SHIPPED: &[&str] = &[
    "keyreeve-model",
    "keyreeve-policy",
    "keyreeve-store",
    "keyreeve-native",
    "keyreeve-crypto",
    "keyreeve-audit",
    "keyreeve-sigv4",
    "keyreeve-http",
    "keyreeve-service",
    "keyreeve-server",
    "keyreeve-client",
];

/// What the long proofs use: everything shipped, and the model of the protocol between Regions.
const MODELLED: &[&str] = &[
    "keyreeve-model",
    "keyreeve-policy",
    "keyreeve-store",
    "keyreeve-native",
    "keyreeve-crypto",
    "keyreeve-audit",
    "keyreeve-sigv4",
    "keyreeve-http",
    "keyreeve-service",
    "keyreeve-server",
    "keyreeve-client",
    "keyreeve-regions-model",
];

/// The binary. Its tests may know every part, as they look into what the built binary leaves behind.
const TOP: &str = "keyreeve";

const ROOMS: &[Room] = &[
    Room { name: "keyreeve-model", may_use: &[], never: PURE },
    Room { name: "keyreeve-policy", may_use: &["keyreeve-model"], never: PURE },
    Room {
        name: "keyreeve-store",
        may_use: &["keyreeve-model"],
        never: &["aws-lc-rs", "aws-lc-sys", "sm2", "hyper", "rustls"],
    },
    Room { name: "keyreeve-native", may_use: &[], never: &["tokio", "hyper", "rusqlite"] },
    Room {
        name: "keyreeve-crypto",
        may_use: &["keyreeve-model", "keyreeve-native"],
        never: &["tokio", "hyper", "rusqlite", "rustls"],
    },
    Room {
        name: "keyreeve-audit",
        may_use: &["keyreeve-model", "keyreeve-crypto"],
        never: &["hyper", "rusqlite", "rustls", "aws-lc-rs", "aws-lc-sys"],
    },
    Room { name: "keyreeve-sigv4", may_use: &[], never: &["tokio", "hyper", "rusqlite", "rustls"] },
    Room { name: "keyreeve-http", may_use: &[], never: &["rusqlite", "aws-lc-rs", "aws-lc-sys"] },
    Room {
        name: "keyreeve-service",
        may_use: &[
            "keyreeve-model",
            "keyreeve-policy",
            "keyreeve-store",
            "keyreeve-crypto",
            "keyreeve-audit",
        ],
        never: &["hyper", "hyper-util", "rustls", "tokio-rustls", "rusqlite", "aws-lc-rs", "aws-lc-sys"],
    },
    // -native for what a process must do once at start (no core dumps, locked memory); everything else of it is -crypto's.
    Room {
        name: "keyreeve-server",
        may_use: &[
            "keyreeve-native",
            "keyreeve-model",
            "keyreeve-store",
            "keyreeve-crypto",
            "keyreeve-audit",
            "keyreeve-service",
            "keyreeve-sigv4",
            "keyreeve-http",
        ],
        never: &["rusqlite", "aws-lc-sys"],
    },
    // A client of any AWS KMS: it knows no more of our service than a stranger does, except how our ciphertext begins.
    Room {
        name: "keyreeve-client",
        may_use: &["keyreeve-model", "keyreeve-crypto", "keyreeve-sigv4", "keyreeve-http"],
        never: &["hyper", "rustls", "rusqlite", "aws-lc-rs", "aws-lc-sys"],
    },
    Room {
        name: TOP,
        may_use: &["keyreeve-model", "keyreeve-server", "keyreeve-client"],
        never: &["hyper", "rusqlite", "aws-lc-rs", "aws-lc-sys"],
    },
    // Development only: nothing depends on these.
    Room { name: "keyreeve-regions-model", may_use: &[], never: &[] },
    Room { name: "keyreeve-proofs", may_use: MODELLED, never: &[] },
    Room { name: "keyreeve-bench", may_use: SHIPPED, never: &[] },
    Room { name: "keyreeve-fuzz", may_use: SHIPPED, never: &[] },
    Room { name: "xtask", may_use: &[], never: &[] },
];

pub(super) fn check(house: &House) -> Result<Vec<Finding>, Failure> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps"];
    let text = Step::cargo(house, &arguments).output()?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| Failure::unreadable("cargo metadata", error))?;
    Ok(packages(&metadata).iter().flat_map(|(name, uses)| breaches(name, uses)).collect())
}

/// Each package of the workspace with everything it names as a dependency, for tests and build scripts too (but not for
/// the tests of the binary).
fn packages(metadata: &Value) -> Vec<(&str, Vec<&str>)> {
    let Some(packages) = metadata.get("packages").and_then(Value::as_array) else { return Vec::new() };
    packages
        .iter()
        .map(|package| {
            let uses =
                package.get("dependencies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let name = text_of(package);
            let shipped =
                |used: &&Value| name != TOP || used.get("kind").and_then(Value::as_str) != Some("dev");
            (name, uses.iter().filter(shipped).map(text_of).collect())
        })
        .collect()
}

fn text_of(package: &Value) -> &str {
    package.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn breaches(name: &str, uses: &[&str]) -> Vec<Finding> {
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        return vec![Finding::new(
            name,
            "a new crate: give it a row in xtask/src/tidy/arrows.rs and in ARCHITECTURE.md",
        )];
    };
    let ours = |used: &str| used == "xtask" || used == "keyreeve" || used.starts_with("keyreeve-");
    let wrong = uses.iter().filter_map(|used| {
        if room.never.contains(used) {
            Some(Finding::new(name, format!("must not know `{used}`")))
        } else if ours(used) && !room.may_use.contains(used) {
            Some(Finding::new(
                name,
                format!("may not depend on `{used}`: the arrows allow {:?}", room.may_use),
            ))
        } else {
            None
        }
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::{ROOMS, breaches, packages};
    use serde_json::json;

    #[test]
    fn arrows_against_the_drawing_are_refused() {
        for (name, uses, wanted) in [
            ("keyreeve-store", vec!["keyreeve-crypto"], 1),
            ("keyreeve-store", vec!["keyreeve-model", "rusqlite"], 0),
            ("keyreeve-service", vec!["hyper", "keyreeve-server"], 2),
            ("keyreeve-service", vec!["keyreeve-policy", "tokio"], 0),
            ("keyreeve-model", vec!["tokio"], 1),
            ("keyreeve-sigv4", vec!["keyreeve-model"], 1),
            ("keyreeve-new", vec![], 1),
        ] {
            assert_eq!(breaches(name, &uses).len(), wanted, "{name} {uses:?}");
        }
    }

    #[test]
    fn the_drawing_has_no_circle() {
        // Every arrow points to a room that stands earlier in the table.
        for (index, room) in ROOMS.iter().enumerate() {
            for used in room.may_use {
                let at = ROOMS.iter().position(|other| other.name == *used);
                assert!(at.is_some_and(|at| at < index), "{} → {used}", room.name);
            }
        }
    }

    #[test]
    fn metadata_is_read() {
        let metadata =
            json!({"packages": [{"name": "keyreeve-a", "dependencies": [{"name": "tokio", "kind": "dev"}]}]});
        assert_eq!(packages(&metadata), [("keyreeve-a", vec!["tokio"])]);
    }
}

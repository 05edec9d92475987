//! The corpus of mutations: a real trail, changed in thousands of ways by somebody without the signing key. Each change
//! is detected, and named rightly: what happened, and where.

mod mutation;
mod trail;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Finding, Input, Keys, verify};
use crate::SignedHead;
use crate::trail::{Chance, purged_trail, signing_key};
use mutation::{KINDS, Mutation};
use trail::Trail;

/// Of each kind.
const ROUNDS: usize = 440;
const SEED: u64 = 2026;

struct Setting {
    trail: Trail,
    key: crate::SigningKey,
    stranger: crate::SigningKey,
    head: SignedHead,
}

impl Setting {
    fn new() -> Self {
        let (folder, key, stranger) = (tempfile::tempdir().unwrap(), signing_key(), signing_key());
        let head = purged_trail(folder.path(), &key);
        Self { trail: Trail::read(folder.path()), key, stranger, head }
    }

    fn verified(&self, folder: &std::path::Path) -> Option<Finding> {
        let keys = Keys::new([self.key.public()]);
        let input = Input { folder: folder.to_owned(), keys, anchor: Some(self.head.clone()) };
        verify(&input, &mut |_, _| {}).unwrap().finding
    }

    /// Every so-manieth mutation, in a folder of one's own.
    fn work(&self, next: &AtomicUsize) -> BTreeMap<String, usize> {
        let folder = tempfile::tempdir().unwrap();
        self.trail.write(folder.path());
        assert_eq!(self.verified(folder.path()), None);
        let mut seen = BTreeMap::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, kind)) = KINDS.get(number / ROUNDS) else { return seen };
            let mut chance = Chance(SEED ^ (number as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
            let Mutation { files, expected } = kind(self, &mut chance);
            self.trail.replace(folder.path(), &files);
            let finding = self.verified(folder.path());
            self.trail.restore(folder.path(), &files);
            if finding.as_ref().is_some_and(|finding| expected.fits(finding)) {
                *seen.entry((*name).to_owned()).or_default() += 1;
            } else {
                // As an entry of its own: the test says all that is wrong, not only the first.
                seen.insert(format!("{name} {number}: wanted {expected:?}, found {finding:?}"), 0);
            }
        }
    }
}

#[test]
fn every_mutation_is_detected_and_named_rightly() {
    let setting = Setting::new();
    assert!(setting.trail.files.len() > 3, "{}", setting.trail.files.len());
    let next = AtomicUsize::new(0);
    let seen = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| setting.work(&next))).collect();
        let mut all = BTreeMap::new();
        for thread in threads {
            for (name, count) in thread.join().unwrap() {
                *all.entry(name).or_insert(0) += count;
            }
        }
        all
    });
    let wrong: Vec<_> = seen.iter().filter(|(_, count)| **count == 0).map(|(what, _)| what).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.values().sum::<usize>() >= 10_000, "{seen:?}");
    assert!(seen.values().all(|count| *count == ROUNDS), "{seen:?}");
}

//! The same random operations on all engines give the same answers. The seed is printed; set
//! `KEYREEVE_STORE_SEED` to repeat a run.

use std::collections::BTreeMap;

use futures_util::StreamExt;

use super::engines::engines;
use super::{block_on, id, path};
use crate::{Change, ChangeItem, Commit, Expect, Path, Revision, Store};

const STEPS: u64 = 2_000;
const DEFAULT_SEED: u64 = 20_260_101;

/// SplitMix64: small, seeded, good enough to choose operations.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Few paths, so that operations meet; with neighbours of `/` among them.
    fn path(&mut self) -> Path {
        let separator = ["/", "0", "", "."][self.roll(4) as usize];
        path(&format!("{}{separator}{}", self.roll(3), self.roll(4)))
    }

    fn commit(&mut self, step: u64, head: Revision) -> Commit {
        // Now and then an id of the past.
        let number = if self.roll(10) == 0 { self.roll(step + 1) } else { step };
        let mut commit = Commit::new(id(number));
        for _ in 0..self.roll(3) {
            let expect = match self.roll(4) {
                0 => Expect::Absent,
                1 | 2 => Expect::Present,
                _ => Expect::Revision(Revision(head.0.saturating_sub(self.roll(10)))),
            };
            commit = commit.check(self.path(), expect);
        }
        for _ in 0..self.roll(4) {
            let value = vec![step as u8; self.roll(200) as usize];
            commit = commit.put(self.path(), value);
        }
        for _ in 0..self.roll(3) {
            commit = commit.delete(self.path());
        }
        commit
    }
}

/// Does one operation and writes down the answer.
async fn step(store: &dyn Store, mut dice: Dice, step: u64, head: Revision) -> String {
    match dice.roll(6) {
        0..=2 => format!("{:?}", store.commit(dice.commit(step, head)).await),
        3 => {
            let paths: Vec<Path> = (0..dice.roll(6)).map(|_| dice.path()).collect();
            full(
                store
                    .get(&paths)
                    .await
                    .unwrap()
                    .rows
                    .into_iter()
                    .flatten()
                    .map(|row| (row.value, row.revision)),
            )
        }
        4 => {
            let prefix = ["", "1", "1/", "2/3", "1."][dice.roll(5) as usize];
            let after = (dice.roll(2) == 0).then(|| dice.path());
            let page = store.scan(prefix, after.as_ref(), dice.roll(12) as usize).await.unwrap();
            let rows = page.rows.into_iter().map(|(path, row)| (path, row.value, row.revision));
            format!("{} {:?} {}", page.more, page.revision, full(rows))
        }
        _ => {
            let known = store.committed(id(dice.roll(step + 1))).await;
            format!(
                "{known:?} {}",
                changes(store, Revision(head.0.saturating_sub(dice.roll(20))), head).await
            )
        }
    }
}

fn full(rows: impl Iterator<Item = impl std::fmt::Debug>) -> String {
    format!("{:?}", rows.collect::<Vec<_>>())
}

/// The latest change of each row: engines may leave out the ones before.
async fn changes(store: &dyn Store, after: Revision, head: Revision) -> String {
    let mut stream = store.changes(after);
    let mut found = BTreeMap::new();
    loop {
        match stream.next().await.unwrap() {
            ChangeItem::Changed(Change::Put { path, row }) => {
                drop(found.insert(path, (row.revision, Some(row.value))))
            }
            ChangeItem::Changed(Change::Delete { path, revision }) => {
                drop(found.insert(path, (revision, None)))
            }
            ChangeItem::Progress(revision) if revision >= head => return format!("{found:?}"),
            ChangeItem::Progress(_) => {}
            ended @ (ChangeItem::Resync | ChangeItem::Failed(_)) => return format!("{ended:?}"),
        }
    }
}

#[test]
fn random_operations_give_the_same_answers_on_every_engine() {
    let seed =
        std::env::var("KEYREEVE_STORE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(DEFAULT_SEED);
    println!("KEYREEVE_STORE_SEED={seed}");
    let engines = engines();
    let mut conflicts = 0;
    for number in 0..STEPS {
        let mut answers = Vec::new();
        for (name, store) in &engines.stores {
            let head = block_on(store.get(&[])).unwrap().revision;
            let dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(number));
            answers.push((name, block_on(step(store.as_ref(), dice, number, head))));
        }
        let (first, expected) = &answers[0];
        conflicts += u64::from(expected == "Err(Conflict)");
        for (name, answer) in &answers[1..] {
            assert_eq!(answer, expected, "step {number}: {name} differs from {first}");
        }
    }
    // The sequence is worth something only if it meets both outcomes often.
    assert!((STEPS / 20..STEPS / 2).contains(&conflicts), "{conflicts} conflicts");
}

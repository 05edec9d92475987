//! What was done in all histories: for the summary, and so that a proof in which little happens fails.

use std::collections::BTreeMap;

/// Histories of the long form, for which the least numbers are stated.
const LONG: usize = 500;
/// From so many histories on, the least numbers count, in proportion.
const ENOUGH: usize = 40;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Done {
    Keys,
    ImportedKeys,
    Replicas,
    Rotations,
    Imports,
    Promotions,
    PromotionsRefused,
    PromotionsUnknown,
    Forced,
    ForcedRefused,
    ForcedDead,
    ForcedCutOff,
    ForcedBeside,
    ChangedMeanwhile,
    Deletions,
    DeletedReplicas,
    DeletedKeys,
    MadeAgain,
    Pulls,
    Weeks,
    Kills,
    KillsInChange,
    LinkFaults,
    CutsInChange,
    Ciphertexts,
    Decrypted,
    Refused,
    Unknown,
}

/// Each with how the summary calls it, and the least number in 500 histories.
const ROWS: &[(Done, &str, usize)] = &[
    (Done::Keys, "keys made", 500),
    (Done::ImportedKeys, "of them with imported material", 100),
    (Done::Replicas, "ReplicateKey acknowledged", 600),
    (Done::Rotations, "rotations on demand acknowledged", 250),
    (Done::Imports, "imports of material acknowledged", 250),
    (Done::Promotions, "UpdatePrimaryRegion acknowledged", 150),
    (Done::PromotionsRefused, "UpdatePrimaryRegion refused", 300),
    (Done::PromotionsUnknown, "UpdatePrimaryRegion without a certain answer", 100),
    (Done::Forced, "forced promotions by two operators", 200),
    (Done::ForcedRefused, "forced promotions refused", 20),
    (Done::ForcedDead, "forced while the primary's process was dead", 40),
    (Done::ForcedCutOff, "forced while the primary was cut off", 80),
    (Done::ForcedBeside, "forced while the primary answered", 30),
    (Done::ChangedMeanwhile, "changes acknowledged by a cut-off primary after a forced promotion", 60),
    (Done::Deletions, "ScheduleKeyDeletion acknowledged", 200),
    (Done::DeletedReplicas, "replicas that were deleted while the key lived on", 40),
    (Done::DeletedKeys, "keys that were deleted everywhere", 1),
    (Done::MadeAgain, "replicas made again where one was deleted", 5),
    (Done::Pulls, "materials pulled by a Decrypt", 15),
    (Done::Weeks, "times that a week passed", 60),
    (Done::Kills, "kills (SIGKILL)", 500),
    (Done::KillsInChange, "of them in the middle of a change", 300),
    (Done::LinkFaults, "link faults", 2_000),
    (Done::CutsInChange, "of them cuts in the middle of a change", 1_000),
    (Done::Ciphertexts, "ciphertexts acknowledged", 1_000),
    (Done::Decrypted, "decryptions after healing, each right", 4_000),
    (Done::Refused, "requests refused", 1_000),
    (Done::Unknown, "requests without a certain answer", 300),
];

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<Done, usize>,
    /// The longest time from healing to rest, in milliseconds.
    pub(super) longest_healing_ms: u128,
}

impl Tally {
    pub(super) fn add(&mut self, done: Done) {
        self.add_if(done, true);
    }

    pub(super) fn add_if(&mut self, done: Done, so: bool) {
        *self.counts.entry(done).or_default() += usize::from(so);
    }

    fn of(&self, done: Done) -> usize {
        self.counts.get(&done).copied().unwrap_or_default()
    }

    /// The rows of the summary, as a table in Markdown.
    pub(super) fn table(&self) -> String {
        let rows = ROWS.iter().map(|(done, words, _)| format!("| {words} | {} |", self.of(*done)));
        let head = ["| what happened | times |".to_owned(), "|---|---|".to_owned()];
        head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// What happened too seldom in so many histories for them to prove anything about it.
    pub(super) fn thin(&self, histories: usize) -> Vec<String> {
        let least = |floor: usize| if histories < ENOUGH { 0 } else { floor * histories / LONG };
        let thin = ROWS.iter().filter(|(done, _, floor)| self.of(*done) < least(*floor));
        thin.map(|(done, words, floor)| format!("{words}: {}, not {}", self.of(*done), least(*floor)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Done, ROWS, Tally};

    #[test]
    fn a_proof_in_which_something_never_happens_is_thin() {
        let mut tally = Tally::default();
        for (done, _, floor) in ROWS {
            (0..*floor).for_each(|_| tally.add(*done));
        }
        assert!(tally.thin(500).is_empty());
        tally.counts.remove(&Done::Pulls);
        assert_eq!(tally.thin(500), ["materials pulled by a Decrypt: 0, not 15"]);
        assert_eq!(tally.thin(100).len(), 1);
        assert!(tally.thin(10).is_empty(), "a short form promises no numbers");
    }
}

//! The rules of the protocol, each of which a test switches off to see that the promises then break.

/// One rule of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A push is accepted only when it is newer, the term first.
    EpochFirst,
    /// Terms of one epoch number are ordered by their primary's Region.
    TieBreak,
    /// A pending material becomes current only when every replica has acknowledged it, or was unreachable for the grace.
    WaitForAcks,
    /// "Acknowledged" means that nothing is lacking.
    AckMeansBytes,
    /// An acknowledgement from an earlier life of a replica does not count.
    AckOfThisLife,
    /// The target of a promotion accepts only when it has every listed material.
    FullPush,
    /// The target accepts only the promotion that starts from exactly what it has.
    ExactBase,
    /// A refused promotion is refused for ever, and another try begins at a later version.
    RefusalIsPromise,
    /// A refusal ends only the try that it answers.
    RefusalNamesItsTry,
    /// Nothing shared changes while the primary is Updating.
    FrozenWhileUpdating,
    /// A deleted replica is made again only by a later ReplicateKey.
    Tombstone,
    /// What a tombstone says carries the last mark that was seen there, and an older term does not make the replica again.
    GoneTellsTerm,
    /// A primary strikes off a replica only when the life that ended is the one that it lists.
    GoneNamesSince,
    /// A Region answers pushes with the materials that the primary does not have.
    ReportExtra,
    /// A Region answers pushes with replicas that the primary does not list.
    ReportOrphans,
    /// A primary that only heard of a higher term still reports, after the first push of that term, what it knew as a primary.
    HeardKeepsMembers,
    /// Shared state remembers the ended lives of replicas.
    RememberGone,
    /// A replica that alone has a material is not deleted before the primary has it.
    DeleteOnlyWhatIsHeld,
    /// A replica makes current only what it has.
    CurrentNeedsBytes,
    /// A primary that hears of a higher term demotes itself.
    Demote,
    /// A push of the mark that the replica has already still brings its bytes.
    BytesOfSameMark,
}

/// The rules that are off.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    off: u32,
}

impl Rules {
    /// The protocol but for one rule.
    #[cfg(test)]
    pub(crate) const fn without(rule: Rule) -> Self {
        Self { off: 1 << rule as u32 }
    }

    pub(crate) const fn hold(self, rule: Rule) -> bool {
        self.off & (1 << rule as u32) == 0
    }
}

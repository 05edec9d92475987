//! What was asked and acknowledged while the recorder ran, and what a client knew at any moment of it. Pure.

use crate::world::witness::Witness;
use crate::world::writer::Writer;
use crate::world::{Change, Outcome};

/// One request that changes something.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) writer: usize,
    pub(crate) change: Change,
    /// When it was about to be sent.
    pub(crate) sent: u64,
    /// When its outcome was known, and the outcome; a request that a kill left without an answer is settled by what
    /// the next server shows.
    pub(crate) settled: Option<(u64, Outcome)>,
}

/// Everything that happened, in the order of each writer.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    /// When it was acknowledged, by which writer, and what.
    pub(crate) witnesses: Vec<(u64, usize, Witness)>,
}

impl History {
    /// What each of `count` writers knew at a moment.
    pub(crate) fn writers_at(&self, moment: u64, count: usize) -> Vec<Writer> {
        let mut writers: Vec<Writer> = (0..count).map(Writer::new).collect();
        for entry in self.entries.iter().filter(|entry| entry.sent <= moment) {
            let Some(writer) = writers.get_mut(entry.writer) else { continue };
            match &entry.settled {
                Some((at, Outcome::Applied(id))) if *at <= moment => {
                    writer.book(&entry.change, id.as_deref())
                }
                Some((at, Outcome::NotApplied)) if *at <= moment => {}
                Some(_) | None => writer.pending = Some(entry.change.clone()),
            }
        }
        for (_, writer, witness) in self.witnesses.iter().filter(|(at, ..)| *at <= moment) {
            if let Some(writer) = writers.get_mut(*writer) {
                writer.witnesses.push(witness.clone());
            }
        }
        writers
    }

    /// The moments at which something was acknowledged.
    pub(crate) fn acknowledgements(&self) -> Vec<u64> {
        let entries = self.entries.iter().filter_map(|entry| entry.settled.as_ref().map(|(at, _)| *at));
        entries.chain(self.witnesses.iter().map(|(at, ..)| *at)).collect()
    }

    /// Settles the last request of each writer that has no outcome yet.
    pub(crate) fn settle(&mut self, at: u64, outcomes: &[Outcome]) {
        for entry in self.entries.iter_mut().filter(|entry| entry.settled.is_none()) {
            if let Some(outcome) = outcomes.get(entry.writer) {
                entry.settled = Some((at, outcome.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, sent: u64, settled: Option<(u64, Outcome)>) -> Entry {
        let change = Change::SetAlias { name: format!("alias/w0-{name}"), key: "K".to_owned(), new: true };
        Entry { writer: 0, change, sent, settled }
    }

    #[test]
    fn a_request_is_pending_from_its_sending_to_its_outcome() {
        let mut history = History::default();
        history.entries.push(entry("a", 10, Some((20, Outcome::Applied(None)))));
        history.entries.push(entry("b", 30, None));
        let at = |history: &History, moment| {
            let writer = history.writers_at(moment, 1).remove(0);
            (writer.world.aliases.len(), writer.pending.is_some())
        };
        let seen = [5, 10, 19, 20, 29, 30, 99].map(|moment| at(&history, moment));
        let expected = [(0, false), (0, true), (0, true), (1, false), (1, false), (1, true), (1, true)];
        assert_eq!(seen, expected);
        history.settle(50, &[Outcome::NotApplied]);
        assert_eq!([49, 50].map(|moment| at(&history, moment)), [(1, true), (1, false)]);
        assert_eq!(history.acknowledgements(), [20, 50]);
    }
}

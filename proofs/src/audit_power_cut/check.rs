//! What must hold of the log in a rebuilt folder: it opens without an alarm, its chain holds from the first frame to the
//! last, everything acknowledged is in it once, and it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyreeve_audit::chain::{BEGINNING, Hash, link};
use keyreeve_audit::segment::{self, Next, Opening, SegmentReader};
use keyreeve_audit::{Entry, FrameKind, Journal, Place};
use uuid::Uuid;

use super::session::{Acknowledged, entry, options};
use crate::chance::Chance;
use crate::failure::Failure;

/// What stands in a log.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) entries: BTreeSet<Uuid>,
    hashes: BTreeMap<Place, Hash>,
}

/// Opens the log of a folder, holds it against what was acknowledged, appends to it, and looks at its files again.
pub(super) async fn check(
    data: &Path,
    acknowledged: &[&Acknowledged],
    chance: &mut Chance,
) -> Result<Contents, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let journal = Journal::open(&options(data)).map_err(|error| broken(&error))?;
    if let Some(alarm) = journal.alarms().first() {
        return Err(Failure::Broken(format!("a false alarm: {}", alarm.sentence)));
    }
    let contents = verify(&data.join("audit"))?;
    contents.hold(acknowledged)?;
    let read = read_back(&journal)?;
    if read != contents.entries {
        return Err(Failure::Broken("the journal reads other entries than its files hold".to_owned()));
    }
    let entry = entry(chance)?;
    let id = entry.id;
    journal.append(vec![entry]).await.map_err(|error| broken(&error))?;
    drop(journal);
    let after = verify(&data.join("audit"))?;
    after.hold(acknowledged)?;
    if !after.entries.contains(&id) || after.entries.len() != contents.entries.len() + 1 {
        return Err(Failure::Broken("an append after the cut is not what was added".to_owned()));
    }
    Ok(contents)
}

fn read_back(journal: &Journal) -> Result<BTreeSet<Uuid>, Failure> {
    let (mut ids, mut after) = (BTreeSet::new(), Place(0));
    loop {
        let frames = journal.read(after, 1 << 16).map_err(|error| Failure::Broken(error.to_string()))?;
        let Some(last) = frames.last() else { return Ok(ids) };
        after = last.number;
        let entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
        ids.extend(entries.filter_map(|frame| Entry::from_payload(&frame.payload)).map(|entry| entry.id));
    }
}

/// Reads all segments of a folder, and checks their chain.
fn verify(folder: &Path) -> Result<Contents, Failure> {
    let mut contents = Contents { entries: BTreeSet::new(), hashes: BTreeMap::from([(Place(0), BEGINNING)]) };
    for file in segment::list(folder).map_err(Failure::file(folder))? {
        let unreadable = |error| Failure::file(&file.path)(error);
        let mut reader = SegmentReader::open(&file.path).map_err(unreadable)?;
        while let Next::Frame { offset, frame } = reader.next_frame().map_err(unreadable)? {
            let at = format!("{}, byte {offset}", file.path.display());
            contents.add(&frame, offset == 0).map_err(|what| Failure::Broken(format!("{at}: {what}")))?;
        }
        if reader.last_nonzero().map_err(unreadable)?.is_some() {
            let text = format!("{}: garbage at byte {}", file.path.display(), reader.offset());
            return Err(Failure::Broken(text));
        }
    }
    Ok(contents)
}

impl Contents {
    fn add(&mut self, frame: &keyreeve_audit::Frame, first: bool) -> Result<(), &'static str> {
        let (last, before) = self.hashes.last_key_value().ok_or("no frame to begin with")?;
        if frame.number.0 != last.0 + 1 {
            return Err("a number is missing");
        }
        if link(before, frame.number, frame.kind, &frame.payload) != frame.hash {
            return Err("the chain is broken");
        }
        if first && Opening::of(frame).is_none() {
            return Err("a segment without an opening");
        }
        if frame.kind == FrameKind::Entry {
            let entry = Entry::from_payload(&frame.payload).ok_or("an entry that does not read back")?;
            if !self.entries.insert(entry.id) {
                return Err("an entry stands there twice");
            }
        }
        self.hashes.insert(frame.number, frame.hash);
        Ok(())
    }

    fn hold(&self, acknowledged: &[&Acknowledged]) -> Result<(), Failure> {
        for acknowledged in acknowledged {
            let there = match acknowledged {
                Acknowledged::Entries(ids) => ids.iter().all(|id| self.entries.contains(id)),
                Acknowledged::Head(place, hash) => {
                    self.hashes.get(place).is_some_and(|there| hex::encode(there) == *hash)
                }
            };
            if !there {
                return Err(Failure::Broken(format!("{acknowledged:?} was acknowledged, and is gone")));
            }
        }
        Ok(())
    }
}

//! Along the chain, from the first frame that is there to the last: the numbers, the links, the signed heads.

use std::collections::BTreeMap;
use std::io;

use super::diagnosis::{Ahead, Behind};
use super::folder::Folder;
use super::keys::Signature;
use super::report::{Finding, Note, Report, What};
use super::{Input, Progress};
use crate::chain::{BEGINNING, Hash, Place, SignedHead, link};
use crate::frame::{Frame, FrameKind};
use crate::index::IndexMade;
use crate::retention::Tombstone;
use crate::segment::{Next, Opening, SegmentReader, file_name};

/// Frames between two words to whoever watches.
const PROGRESS_FRAMES: u64 = 1024;

pub(super) struct Walk<'a> {
    pub(super) input: &'a Input,
    pub(super) folder: Folder,
    pub(super) report: Report,
    /// The number that must come next.
    pub(super) next: Place,
    /// The hash before it; `None` while nothing says it.
    pub(super) hash: Option<Hash>,
    /// The hash before the one before it.
    pub(super) earlier: Option<Hash>,
    /// The newest frame that a right head vouches for, that head's own frame included.
    vouched: Place,
    /// What the first frame that is there is chained to.
    pub(super) base: (Place, Option<Hash>),
    /// The last frame of each segment.
    pub(super) ends: Vec<(Place, Hash)>,
    pub(super) tombstone: Option<(Place, String, Tombstone)>,
    /// By segment: where its index is mentioned last.
    pub(super) indexes: BTreeMap<String, (Place, IndexMade)>,
    /// The last file ends within a frame.
    pub(super) torn: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(input: &'a Input) -> io::Result<Self> {
        let folder = Folder::look(&input.folder)?;
        let segments = u64::try_from(folder.segments.len()).unwrap_or_default();
        let report = Report { segments, bytes: folder.bytes, ..Report::default() };
        Ok(Self {
            input,
            folder,
            report,
            next: Place(1),
            hash: Some(BEGINNING),
            earlier: None,
            vouched: Place(0),
            base: (Place(0), Some(BEGINNING)),
            ends: Vec::new(),
            tombstone: None,
            indexes: BTreeMap::new(),
            torn: false,
        })
    }

    /// All of it.
    pub(super) fn run(mut self, progress: Progress<'_>) -> io::Result<Report> {
        let mut finding = self.anchor_itself();
        let (mut done, all) = (0, self.report.bytes);
        for index in 0..self.folder.segments.len() {
            if finding.is_some() {
                break;
            }
            finding = match self.enter(index) {
                Some(finding) => Some(self.gone_or_elsewhere(index, finding)?),
                None => self.file(index, &mut |bytes| progress(done + bytes, all))?,
            };
            done += self.folder.segments.get(index).map_or(0, |file| size_of(&file.path));
            progress(done, all);
            if let Some(hash) = self.hash {
                self.ends.push((Place(self.next.0.saturating_sub(1)), hash));
            }
        }
        self.report.last = Place(self.next.0.saturating_sub(1));
        self.report.finding = match finding {
            Some(finding) => Some(finding),
            None => self.at_end()?,
        };
        let unvouched = self.report.last.0.saturating_sub(self.vouched.0);
        if unvouched > 0 && self.report.finding.is_none() {
            self.report.notes.push(Note::Unvouched { records: unvouched });
        }
        Ok(self.report)
    }

    /// Whether the head that was given is signed at all.
    fn anchor_itself(&mut self) -> Option<Finding> {
        let (keys, anchor) = (self.input.keys.as_ref(), self.input.anchor.as_ref());
        if keys.is_none() {
            self.report.notes.push(Note::NoKeys);
        }
        let Some(anchor) = anchor else {
            self.report.notes.push(Note::NoAnchor);
            return None;
        };
        let what = wrong(keys?.check_head(anchor), &anchor.fingerprint)?;
        Some(Finding { place: anchor.place, file: "the given head".into(), what })
    }

    /// Begins a file.
    fn enter(&mut self, index: usize) -> Option<Finding> {
        let opening = self.folder.opening(index);
        if index > 0 {
            let honest = opening.filter(|opening| {
                opening.after.0.saturating_add(1) == self.next.0 && opening.before_hash() == self.hash
            });
            if let Some(opening) = honest.filter(|opening| opening.first > self.next) {
                let to = Place(opening.first.0.saturating_sub(1));
                self.report.notes.push(Note::Gap { from: self.next, to });
                self.next = opening.first;
            }
            return self.folder.finding(index, Some(self.next));
        }
        let first = self.folder.segments.first()?.first;
        self.base = match opening {
            Some(opening) => (opening.after, opening.before_hash()),
            None if first.0 > 1 => (Place(first.0.saturating_sub(1)), None),
            None => (Place(0), Some(BEGINNING)),
        };
        (self.next, self.report.first, self.hash) = (first, first, self.base.1);
        self.folder.finding(0, None)
    }

    /// Frames that are missing before a file may stand behind it.
    fn gone_or_elsewhere(&self, index: usize, finding: Finding) -> io::Result<Finding> {
        let (What::Removed { .. }, Some(file)) = (&finding.what, self.folder.segments.get(index)) else {
            return Ok(finding);
        };
        let elsewhere = Ahead::of(self, index, SegmentReader::open(&file.path)?, None)?.genuine;
        let what = if elsewhere { What::Reordered { found: file.first } } else { finding.what };
        Ok(Finding { what, ..finding })
    }

    /// Reads a file up to its end, or to what is wrong.
    fn file(&mut self, index: usize, tell: &mut dyn FnMut(u64)) -> io::Result<Option<Finding>> {
        let Some(file) = self.folder.segments.get(index).cloned() else { return Ok(None) };
        let name = file_name(file.first);
        let following: Option<Opening> = self.folder.opening(index + 1).cloned();
        let mut reader = SegmentReader::open(&file.path)?;
        loop {
            let over = following.as_ref().filter(|opening| self.next > opening.after);
            let offset = match reader.next_frame()? {
                Next::Frame { frame, offset } if over.is_none() => {
                    if !self.fits(&frame) {
                        return Ahead::of(self, index, reader, Some(&frame))?
                            .finding(self, &frame, &name)
                            .map(Some);
                    }
                    if let Some(finding) = self.take(&frame, &name) {
                        return Ok(Some(finding));
                    }
                    if frame.number.0.is_multiple_of(PROGRESS_FRAMES) {
                        tell(offset);
                    }
                    continue;
                }
                Next::EndOfFile { .. } => return Ok(None),
                Next::Zeros { offset } => match reader.last_nonzero()? {
                    None => return Ok(None),
                    Some(_) => offset,
                },
                Next::Frame { offset, .. } | Next::Garbage { offset } => offset,
            };
            let Some(opening) = over else {
                let behind = Behind::read(&file.path, offset)?;
                let finding = behind.finding(self, offset == 0, &name);
                self.torn = finding.is_none();
                return Ok(finding);
            };
            if opening.first.0 > opening.after.0.saturating_add(1) {
                // What an append that failed left behind: the opening that follows says that it is not part of the log.
                return Ok(None);
            }
            return Ok(Some(Finding { place: opening.first, file: name, what: What::Inserted }));
        }
    }

    fn fits(&self, frame: &Frame) -> bool {
        frame.number == self.next
            && self
                .hash
                .is_some_and(|hash| link(&hash, frame.number, frame.kind, &frame.payload) == frame.hash)
    }

    /// A frame that fits: what it says.
    fn take(&mut self, frame: &Frame, file: &str) -> Option<Finding> {
        let finding = |place, what| Some(Finding { place, file: file.to_owned(), what });
        let number = frame.number;
        match frame.kind {
            FrameKind::Entry => self.report.entries += 1,
            FrameKind::Opening => {
                // It fits the chain, but contradicts itself.
                if Opening::of(frame).is_none() {
                    return finding(Place(self.vouched.0.saturating_add(1)), What::Rewritten { to: number });
                }
            }
            FrameKind::Head => {
                if let Some((place, what)) = self.head(frame) {
                    return finding(place, what);
                }
            }
            FrameKind::Index => {
                if let Ok(made) = serde_json::from_slice::<IndexMade>(&frame.payload) {
                    self.indexes.insert(made.segment.clone(), (number, made));
                }
            }
            FrameKind::Tombstone => {
                if let Some(what) = self.tombstone(frame, file) {
                    return finding(number, what);
                }
            }
        }
        self.earlier = self.hash.replace(frame.hash);
        self.next = Place(number.0.saturating_add(1));
        let anchor = self.input.anchor.as_ref().filter(|anchor| anchor.place == number)?;
        if anchor.hash == hex::encode(frame.hash) {
            return None;
        }
        finding(Place(self.vouched.0.saturating_add(1)), What::Rewritten { to: number })
    }

    /// A signed head against the chain so far.
    fn head(&mut self, frame: &Frame) -> Option<(Place, What)> {
        let Ok(head) = serde_json::from_slice::<SignedHead>(&frame.payload) else {
            return Some((frame.number, What::HeadForged));
        };
        if let Some(keys) = &self.input.keys
            && let Some(what) = wrong(keys.check_head(&head), &head.fingerprint)
        {
            return Some((frame.number, what));
        }
        let here = self.hash.map(hex::encode);
        if head.place.0.saturating_add(1) != frame.number.0 || Some(&head.hash) != here.as_ref() {
            return Some((
                Place(self.vouched.0.saturating_add(1)),
                What::Rewritten { to: Place(frame.number.0.saturating_sub(1)) },
            ));
        }
        self.report.heads += 1;
        self.vouched = frame.number;
        self.report.newest_head = Some(head);
        None
    }

    fn tombstone(&mut self, frame: &Frame, file: &str) -> Option<What> {
        let Ok(tombstone) = serde_json::from_slice::<Tombstone>(&frame.payload) else {
            return Some(What::TombstoneForged);
        };
        if let Some(keys) = &self.input.keys {
            let seen = keys.check(&tombstone.fingerprint, &tombstone.to_sign(), &tombstone.signature);
            match wrong(seen, &tombstone.fingerprint) {
                Some(What::HeadForged) => return Some(What::TombstoneForged),
                Some(other) => return Some(other),
                None => {}
            }
        }
        self.tombstone = Some((frame.number, file.to_owned(), tombstone));
        None
    }

    /// The last frame that must be there: the one that holds the committed head.
    pub(super) fn committed(&self) -> Option<Place> {
        self.input.anchor.as_ref().map(|anchor| Place(anchor.place.0.saturating_add(1)))
    }
}

fn wrong(signature: Signature, fingerprint: &str) -> Option<What> {
    match signature {
        Signature::Right => None,
        Signature::Wrong => Some(What::HeadForged),
        Signature::UnknownKey => Some(What::UnknownKey { fingerprint: fingerprint.to_owned() }),
    }
}

fn size_of(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

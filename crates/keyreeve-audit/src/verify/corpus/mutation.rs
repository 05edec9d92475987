//! The kinds of mutations, each with what the verifier must say.

use keyreeve_model::timestamp::Timestamp;

use super::Setting;
use super::trail::{Changed, bytes_of};
use crate::chain::{Place, SignedHead, link};
use crate::frame::{FRAME_HEAD_BYTES, Frame, FrameKind};
use crate::segment::{Opening, file_name};
use crate::trail::Chance;
use crate::verify::{Finding, What};

pub(super) struct Mutation {
    pub(super) files: Changed,
    pub(super) expected: Expected,
}

#[derive(Debug)]
pub(super) enum Expected {
    /// This, at this place.
    Exactly(u64, What),
    /// Altered, at one of two neighbours: which of them cannot be known.
    AlteredBetween(u64, u64),
    /// Rewritten, with this place between the last good head and the next.
    Rewritten(u64),
    /// This, of this file.
    File(String, What),
}

impl Expected {
    pub(super) fn fits(&self, finding: &Finding) -> bool {
        let place = finding.place.0;
        let found = &finding.what;
        match self {
            Self::Exactly(wanted, what) => *wanted == place && what == found,
            Self::AlteredBetween(from, to) => *found == What::Altered && (*from..=*to).contains(&place),
            Self::Rewritten(n) => {
                matches!(found, What::Rewritten { to } if (place..=to.0).contains(n) && to.0 < n + 30)
            }
            Self::File(file, what) => *file == finding.file && what == found,
        }
    }
}

type Kind = fn(&Setting, &mut Chance) -> Mutation;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("a byte of a length", |s, c| flip(s, c, 0..4)),
    ("a byte of a number", |s, c| flip(s, c, 4..12)),
    ("a byte of a kind", |s, c| flip(s, c, 12..13)),
    ("a byte of a hash", |s, c| flip(s, c, 13..45)),
    ("a byte of a payload", |s, c| flip(s, c, 45..usize::MAX)),
    ("frames removed", removed),
    ("a forged frame inserted", inserted),
    ("a forged frame that fits inserted", inserted_fitting),
    ("a frame replayed", replayed),
    ("two frames swapped", swapped),
    ("a frame moved", moved),
    ("a frame replaced by one that fits", replaced_fitting),
    ("a frame wiped", wiped),
    ("bytes inserted", junk),
    ("a file truncated", truncated),
    ("a file removed", file_removed),
    ("a file renamed", file_renamed),
    ("two files swapped", files_swapped),
    ("a file overwritten", file_overwritten),
    ("a file copied", file_copied),
    ("the chain computed again", rewritten),
    ("the chain and heads computed again", rewritten_with_heads),
    ("a file beside the segments altered", beside),
];

fn any(setting: &Setting, chance: &mut Chance) -> (usize, usize) {
    let places = setting.trail.places();
    places[chance.below(places.len())]
}

fn number(setting: &Setting, place: (usize, usize)) -> u64 {
    setting.trail.frame(place).number.0
}

/// Changed frames, with one finding at one place.
fn exactly(setting: &Setting, frames: &[Vec<Frame>], place: u64, what: What) -> Mutation {
    Mutation { files: setting.trail.changed(frames), expected: Expected::Exactly(place, what) }
}

/// Changed bytes of one file, with one finding at one place.
fn file(name: String, bytes: Vec<u8>, place: u64, what: What) -> Mutation {
    let expected = Expected::Exactly(place, what);
    Mutation { files: [(name, Some(bytes))].into(), expected }
}

fn flip(setting: &Setting, chance: &mut Chance, field: std::ops::Range<usize>) -> Mutation {
    let place = any(setting, chance);
    let segment = &setting.trail.files[place.0];
    let length = FRAME_HEAD_BYTES + setting.trail.frame(place).payload.len();
    let at = field.start + chance.below(field.end.min(length) - field.start);
    let mut bytes = segment.bytes();
    bytes[segment.offset(place.1) + at] ^= 1 + chance.below(255) as u8;
    file(segment.name(), bytes, number(setting, place), What::Altered)
}

/// What frames up to `to`, of one file, being away is called.
fn gone(setting: &Setting, to: u64) -> What {
    if to == setting.trail.last() {
        What::TailRemoved { committed: Place(to) }
    } else {
        What::Removed { to: Place(to) }
    }
}

fn removed(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = any(setting, chance);
    let mut frames = setting.trail.frames();
    let count = 1 + chance.below(4).min(frames[place.0].len() - place.1 - 1);
    let from = number(setting, place);
    let to = from + count as u64 - 1;
    frames[place.0].drain(place.1..place.1 + count);
    exactly(setting, &frames, from, gone(setting, to))
}

fn forged(chance: &mut Chance, number: u64) -> Frame {
    let kind = FrameKind::ALL[chance.below(5)];
    let payload = (0..chance.below(80)).map(|_| chance.below(256) as u8).collect();
    let mut hash = [0; 32];
    hash.iter_mut().for_each(|byte| *byte = chance.below(256) as u8);
    Frame { number: Place(number), kind, hash, payload }
}

/// Puts a frame before one, or behind the last of the log; answers which number it stands before.
fn insert(setting: &Setting, chance: &mut Chance, frame: impl Fn(&mut Chance, u64) -> Frame) -> Mutation {
    let place = any(setting, chance);
    let mut frames = setting.trail.frames();
    let (n, last) = (number(setting, place), setting.trail.last());
    if n == last && chance.below(2) == 0 {
        let forged = frame(chance, last + 1);
        frames[place.0].push(forged);
        return exactly(setting, &frames, last + 1, What::Inserted);
    }
    // Before the first of a file is also behind the last of the file before.
    let at_end = place.1 == 0 && place.0 > 0 && chance.below(2) == 0;
    let forged = frame(chance, n);
    let before = if forged == *setting.trail.frame(place) { n + 1 } else { n };
    if at_end {
        frames[place.0 - 1].push(forged);
        return exactly(setting, &frames, n, What::Inserted);
    }
    frames[place.0].insert(place.1, forged);
    exactly(setting, &frames, before, What::Inserted)
}

fn inserted(setting: &Setting, chance: &mut Chance) -> Mutation {
    let last = setting.trail.last();
    insert(setting, chance, |chance, n| {
        let number = match chance.below(3) {
            0 => 1 + chance.below(last as usize) as u64,
            1 if n <= last => last + 1 + chance.below(9) as u64,
            _ => n,
        };
        forged(chance, number)
    })
}

fn before(setting: &Setting, place: (usize, usize)) -> crate::chain::Hash {
    match place {
        (file, 0) if file > 0 => setting.trail.files[file - 1].frames.last().unwrap().hash,
        (_, 0) => Opening::of(setting.trail.frame(place)).unwrap().before_hash().unwrap(),
        (file, at) => setting.trail.frame((file, at - 1)).hash,
    }
}

/// Its hash is right for its place, so that only what follows contradicts it.
fn inserted_fitting(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = inner(setting, chance);
    let n = number(setting, place);
    let mut frame = Frame { kind: FrameKind::Entry, ..forged(chance, n) };
    frame.hash = link(&before(setting, place), Place(n), frame.kind, &frame.payload);
    let mut frames = setting.trail.frames();
    frames[place.0].insert(place.1, frame);
    let expected = at_the_anchor(setting, n).unwrap_or(Expected::Exactly(n, What::Inserted));
    Mutation { files: setting.trail.changed(&frames), expected }
}

/// The committed head speaks of this very frame, and contradicts it before the next one does.
fn at_the_anchor(setting: &Setting, n: u64) -> Option<Expected> {
    (n == setting.head.place.0).then_some(Expected::Rewritten(n))
}

/// A frame that is neither the first nor the last of its file.
fn inner(setting: &Setting, chance: &mut Chance) -> (usize, usize) {
    loop {
        let place = any(setting, chance);
        if place.1 > 0 && place.1 + 1 < setting.trail.files[place.0].frames.len() {
            return place;
        }
    }
}

fn replayed(setting: &Setting, chance: &mut Chance) -> Mutation {
    let copy = setting.trail.frame(any(setting, chance)).clone();
    insert(setting, chance, |_, _| copy.clone())
}

fn replaced_fitting(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = inner(setting, chance);
    let n = number(setting, place);
    let mut frames = setting.trail.frames();
    let frame = &mut frames[place.0][place.1];
    frame.kind = FrameKind::Entry;
    frame.payload.push(b' ');
    frame.hash = link(&before(setting, place), Place(n), frame.kind, &frame.payload);
    let expected = at_the_anchor(setting, n).unwrap_or(Expected::AlteredBetween(n, n + 1));
    Mutation { files: setting.trail.changed(&frames), expected }
}

fn swapped(setting: &Setting, chance: &mut Chance) -> Mutation {
    let (mut a, mut b) = (any(setting, chance), any(setting, chance));
    while a == b {
        b = any(setting, chance);
    }
    if a > b {
        std::mem::swap(&mut a, &mut b);
    }
    let mut frames = setting.trail.frames();
    frames[a.0][a.1] = setting.trail.frame(b).clone();
    frames[b.0][b.1] = setting.trail.frame(a).clone();
    let found = Place(number(setting, b));
    exactly(setting, &frames, number(setting, a), What::Reordered { found })
}

/// To before another, but not to where it stands anyway.
fn moved(setting: &Setting, chance: &mut Chance) -> Mutation {
    loop {
        let (from, to) = (any(setting, chance), any(setting, chance));
        let (a, b) = (number(setting, from), number(setting, to));
        if a == b || a + 1 == b {
            continue;
        }
        let mut frames = setting.trail.frames();
        let frame = frames[from.0].remove(from.1);
        let shifted = usize::from(from.0 == to.0 && from.1 < to.1);
        frames[to.0].insert(to.1 - shifted, frame);
        let (place, found) = if a < b { (a, a + 1) } else { (b, a) };
        return exactly(setting, &frames, place, What::Reordered { found: Place(found) });
    }
}

fn wiped(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = any(setting, chance);
    let (segment, n) = (&setting.trail.files[place.0], number(setting, place));
    let mut bytes = segment.bytes();
    let from = segment.offset(place.1);
    let to = segment.offset(place.1 + 1);
    bytes[from..to].fill(0);
    let is_last = place.1 + 1 == segment.frames.len();
    let what = if is_last { gone(setting, n) } else { What::Altered };
    file(segment.name(), bytes, n, what)
}

/// Bytes that are no frame.
fn junk(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = any(setting, chance);
    let (segment, n) = (&setting.trail.files[place.0], number(setting, place));
    let mut bytes = segment.bytes();
    let behind = place.1 + 1 == segment.frames.len() && chance.below(2) == 0;
    let at = segment.offset(place.1 + usize::from(behind));
    let junk: Vec<u8> = (0..1 + chance.below(60)).map(|_| 128 + chance.below(128) as u8).collect();
    bytes.splice(at..at, junk);
    file(segment.name(), bytes, n + u64::from(behind), What::Inserted)
}

fn truncated(setting: &Setting, chance: &mut Chance) -> Mutation {
    let file_at = chance.below(setting.trail.files.len());
    let segment = &setting.trail.files[file_at];
    let end = segment.offset(segment.frames.len());
    let cut = chance.below(end);
    let mut bytes = segment.bytes();
    bytes.truncate(cut);
    let at = (0..segment.frames.len()).rfind(|at| segment.offset(*at) <= cut).unwrap();
    let to = segment.frames.last().unwrap().number.0;
    let from = segment.frames[at].number.0;
    file(segment.name(), bytes, from, gone(setting, to))
}

fn file_removed(setting: &Setting, chance: &mut Chance) -> Mutation {
    let segment = &setting.trail.files[chance.below(setting.trail.files.len())];
    let what = gone(setting, segment.frames.last().unwrap().number.0);
    let expected = Expected::Exactly(segment.first, what);
    Mutation { files: [(segment.name(), None)].into(), expected }
}

fn file_renamed(setting: &Setting, chance: &mut Chance) -> Mutation {
    let segment = &setting.trail.files[chance.below(setting.trail.files.len())];
    let taken = |number: u64| setting.trail.files.iter().any(|file| file.first == number);
    let mut other = chance.below(setting.trail.last() as usize + 50) as u64;
    while taken(other) {
        other += 1;
    }
    let to = match chance.below(3) {
        0 => format!("{}.old", segment.name()),
        1 => format!("{other}"),
        _ => file_name(Place(other)),
    };
    let files = [(segment.name(), None), (to.clone(), Some(segment.bytes()))].into();
    Mutation { files, expected: Expected::Exactly(segment.first, What::FileRenamed { to }) }
}

fn files_swapped(setting: &Setting, chance: &mut Chance) -> Mutation {
    let count = setting.trail.files.len();
    let a = chance.below(count - 1);
    let b = a + 1 + chance.below(count - a - 1);
    let (a, b) = (&setting.trail.files[a], &setting.trail.files[b]);
    let files = [(a.name(), Some(b.bytes())), (b.name(), Some(a.bytes()))].into();
    Mutation { files, expected: Expected::Exactly(a.first, What::FileSwapped { with: b.name() }) }
}

fn file_overwritten(setting: &Setting, chance: &mut Chance) -> Mutation {
    let segment = &setting.trail.files[chance.below(setting.trail.files.len())];
    let bytes = (0..1 + chance.below(4000)).map(|_| 128 + chance.below(128) as u8).collect();
    file(segment.name(), bytes, segment.first, What::FileGarbage)
}

fn file_copied(setting: &Setting, chance: &mut Chance) -> Mutation {
    let segment = &setting.trail.files[chance.below(setting.trail.files.len())];
    let taken = |number: u64| setting.trail.files.iter().any(|file| file.first == number);
    let mut other = setting.trail.files[0].first + chance.below(setting.trail.last() as usize) as u64;
    while taken(other) {
        other += 1;
    }
    let name = file_name(Place(other));
    let files = [(name.clone(), Some(segment.bytes()))].into();
    Mutation { files, expected: Expected::File(name, What::FileCopied) }
}

/// Changes a record and computes every hash from there on, as somebody without the key would; whether openings were
/// written anew too.
fn recompute(
    setting: &Setting,
    place: (usize, usize),
    chance: &mut Chance,
    mut head: impl FnMut(&mut Frame, &crate::chain::Hash),
) -> (Changed, bool) {
    let mut frames = setting.trail.frames();
    let n = number(setting, place);
    let mut hash = before(setting, place);
    let openings = chance.below(2) == 0;
    for frame in frames.iter_mut().flatten().filter(|frame| frame.number.0 >= n) {
        match frame.kind {
            _ if frame.number.0 == n => *frame.payload.last_mut().unwrap() ^= 1,
            FrameKind::Opening if openings => {
                let mut opening: Opening = serde_json::from_slice(&frame.payload).unwrap();
                opening.before = hex::encode(hash);
                frame.payload = serde_json::to_vec(&opening).unwrap();
            }
            FrameKind::Head => head(frame, &hash),
            FrameKind::Opening | FrameKind::Entry | FrameKind::Index | FrameKind::Tombstone => {}
        }
        frame.hash = link(&hash, frame.number, frame.kind, &frame.payload);
        hash = frame.hash;
    }
    (setting.trail.changed(&frames), openings)
}

fn any_entry(setting: &Setting, chance: &mut Chance) -> (usize, usize) {
    loop {
        let place = any(setting, chance);
        if setting.trail.frame(place).kind == FrameKind::Entry {
            return place;
        }
    }
}

fn rewritten(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = any_entry(setting, chance);
    let (files, _) = recompute(setting, place, chance, |_, _| {});
    Mutation { files, expected: Expected::Rewritten(number(setting, place)) }
}

fn rewritten_with_heads(setting: &Setting, chance: &mut Chance) -> Mutation {
    let place = any_entry(setting, chance);
    let n = number(setting, place);
    let mut all = setting.trail.files.iter().flat_map(|file| &file.frames);
    let next_head = all.find(|frame| frame.number.0 > n && frame.kind == FrameKind::Head).unwrap().number;
    let (signs, disguised) = (chance.below(2) == 0, chance.below(2) == 0);
    let opening_between = setting.trail.files.iter().any(|file| file.first > n && file.first < next_head.0);
    let (files, openings) = recompute(setting, place, chance, |frame, hash| {
        let mut head: SignedHead = serde_json::from_slice(&frame.payload).unwrap();
        head.hash = hex::encode(hash);
        if signs {
            let own = setting.stranger.sign_head(head.place, hash, Timestamp::from_millis(0)).unwrap();
            let fingerprint = if disguised { head.fingerprint } else { own.fingerprint.clone() };
            head = SignedHead { fingerprint, ..own };
        }
        frame.payload = serde_json::to_vec(&head).unwrap();
    });
    let stranger = setting.stranger.public().fingerprint.clone();
    let what = match (signs, disguised) {
        (true, false) => What::UnknownKey { fingerprint: stranger },
        _ => What::HeadForged,
    };
    // An opening that was not written anew contradicts itself; the committed head contradicts before its copy in the log.
    let expected = if (opening_between && !openings) || next_head.0 == setting.head.place.0 + 1 {
        Expected::Rewritten(n)
    } else {
        Expected::Exactly(next_head.0, what)
    };
    Mutation { files, expected }
}

/// A byte of an index or of the rows of purged segments; or the latter's file away.
fn beside(setting: &Setting, chance: &mut Chance) -> Mutation {
    let others: Vec<_> = setting.trail.others.iter().collect();
    let vouched: Vec<_> =
        others.iter().filter(|(name, _)| name.ends_with(".index") || name.ends_with(".rows")).collect();
    let (name, bytes) = vouched[chance.below(vouched.len())];
    if name.ends_with(".rows") && chance.below(2) == 0 {
        let files = [((*name).clone(), None)].into();
        return Mutation { files, expected: Expected::File((*name).clone(), What::FileMissing) };
    }
    let mut bytes = (*bytes).clone();
    let at = chance.below(bytes.len());
    bytes[at] ^= 1 + chance.below(255) as u8;
    let files = [((*name).clone(), Some(bytes))].into();
    Mutation { files, expected: Expected::File((*name).clone(), What::FileAltered) }
}

/// Only so that a reader sees at once that the pieces fit together.
#[test]
fn the_trail_is_written_as_it_was_read() {
    let setting = Setting::new();
    let segment = &setting.trail.files[0];
    assert_eq!(bytes_of(&segment.frames, 0).len(), segment.offset(segment.frames.len()));
    assert!(setting.trail.others.keys().any(|name| name.ends_with(".rows")));
    assert!(setting.trail.others.keys().any(|name| name.ends_with(".index")));
    let kinds: std::collections::HashSet<_> =
        setting.trail.files.iter().flat_map(|file| &file.frames).map(|frame| frame.kind).collect();
    assert_eq!(kinds.len(), FrameKind::ALL.len(), "{kinds:?}");
}

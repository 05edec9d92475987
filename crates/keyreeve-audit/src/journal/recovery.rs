//! Opening a log that an earlier process left: finds its end, checks the chain of the newest segment, and cuts off what a
//! crash left half written. What is damaged beyond that stays as it is, and a new segment is begun behind it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::disk::{Disk, Identity};
use super::layout::Segment;
use crate::chain::{BEGINNING, Hash, Place, link};
use crate::frame::{FRAME_HEAD_BYTES, Frame};
use crate::segment::{self, Next, Opening, SegmentFile, SegmentReader};

/// The most that a crash can leave half written: what is written between two syncs. More is damage, and is left alone.
pub(super) const TORN_BYTES_MAX: u64 = super::writer::WRITE_BYTES_MAX as u64;

/// What was found when a log was opened. The service compares it with the head that its store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The log's name, chosen by chance when it was begun.
    pub log: Uuid,
    /// The last frame that chains on; 0 for a new log.
    pub last: Place,
    /// Its hash.
    pub hash: Hash,
    /// Bytes behind it that were half written, and were cut off. Nothing in them had been acknowledged, unless somebody
    /// altered the file: then `last` is before the head in the store.
    pub torn_bytes: u64,
    /// Where these bytes were put, so that nothing is lost.
    pub torn_copy: Option<PathBuf>,
    /// Segments that are damaged. They were left as they are.
    pub damaged: Vec<PathBuf>,
}

/// What there is, and where to go on.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) recovered: Recovered,
    /// All segments; the last of them is open where `open` is there.
    pub(super) segments: Vec<Segment>,
    /// The newest segment and where its frames end.
    pub(super) open: Option<(File, u64)>,
    /// A number beyond every frame that may stand anywhere.
    pub(super) free: Place,
}

/// What stands in one segment.
#[derive(Debug)]
struct Scan {
    opening: Option<Opening>,
    last: Place,
    hash: Hash,
    /// Where the chain ends.
    end: u64,
    /// Bytes behind it up to the last that is not zero.
    rest: u64,
}

/// Looks at the segments of a folder, newest first, until one is found whose chain holds from its opening on.
pub(super) fn recover(disk: &Disk, folder: &Path) -> io::Result<Found> {
    let files = segment::list(folder)?;
    let fresh = Recovered {
        log: Uuid::new_v4(),
        last: Place(0),
        hash: BEGINNING,
        torn_bytes: 0,
        torn_copy: None,
        damaged: Vec::new(),
    };
    let segments = closed(&files);
    let mut found = Found { recovered: fresh, segments, open: None, free: Place(1) };
    for (at, file) in files.iter().enumerate().rev() {
        let scan = Scan::of(file);
        found.free = found.free.max(Place(scan.last.0 + 1 + scan.rest / FRAME_HEAD_BYTES as u64));
        let newest = at + 1 == files.len();
        if newest || scan.opening.is_none() {
            let last = if scan.opening.is_some() { scan.last } else { Place(found.free.0 - 1) };
            if let Some(segment) = found.segments.get_mut(at) {
                segment.last.get_or_insert(last);
                segment.lost = scan.opening.is_none();
            }
        }
        let Some(opening) = &scan.opening else {
            found.recovered.damaged.insert(0, file.path.clone());
            continue;
        };
        (found.recovered.log, found.recovered.last, found.recovered.hash) =
            (opening.log, scan.last, scan.hash);
        // A process that was killed may have written frames, or a name, that it did not sync; they count from now on.
        disk.sync(&File::open(&file.path)?)?;
        disk.sync_folder(folder)?;
        if newest {
            found.go_on(disk, file, &scan)?;
        }
        break;
    }
    Ok(found)
}

impl Found {
    /// Goes on in the newest segment, where it is whole or only torn.
    fn go_on(&mut self, disk: &Disk, file: &SegmentFile, scan: &Scan) -> io::Result<()> {
        let newest = Disk::open(&file.path)?;
        if scan.rest > 0 {
            let cut = scan.rest <= TORN_BYTES_MAX;
            match cut.then(|| cut_off(disk, &newest, &file.path, scan)) {
                Some(Ok(copy)) => {
                    self.recovered.torn_bytes = scan.rest;
                    self.recovered.torn_copy = Some(copy);
                }
                Some(Err(_)) | None => {
                    self.recovered.damaged.push(file.path.clone());
                    return Ok(());
                }
            }
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.last = None;
        }
        self.free = Place(scan.last.0 + 1);
        self.open = Some((newest, scan.end));
        Ok(())
    }
}

/// The segments of these files, the newest still without an end.
fn closed(files: &[SegmentFile]) -> Vec<Segment> {
    let next = files.iter().skip(1).map(|file| Some(Place(file.first.0.saturating_sub(1)))).chain([None]);
    let segment = |(file, last): (&SegmentFile, Option<Place>)| {
        let identity = Identity::at(&file.path).ok();
        let bytes = identity.map_or(0, |identity| identity.bytes);
        Segment {
            first: file.first,
            last,
            path: file.path.clone(),
            bytes,
            lost: false,
            identity,
            settled: false,
        }
    };
    files.iter().zip(next).map(segment).collect()
}

impl Scan {
    /// What cannot be read counts as a segment without an opening.
    fn of(file: &SegmentFile) -> Self {
        let mut scan = Self { opening: None, last: file.first, hash: BEGINNING, end: 0, rest: 0 };
        if scan.read(file).is_err() {
            scan.rest =
                fs::metadata(&file.path).map_or(0, |metadata| metadata.len()).saturating_sub(scan.end);
        }
        scan
    }

    fn read(&mut self, file: &SegmentFile) -> io::Result<()> {
        let mut reader = SegmentReader::open(&file.path)?;
        while let Next::Frame { frame, .. } = reader.next_frame()? {
            if !self.accept(file, &frame) {
                break;
            }
            self.end = reader.offset();
        }
        reader.seek(self.end)?;
        self.rest = reader.last_nonzero()?.map_or(0, |last| last + 1 - self.end);
        Ok(())
    }

    fn accept(&mut self, file: &SegmentFile, frame: &Frame) -> bool {
        if self.opening.is_none() {
            self.opening = Opening::of(frame).filter(|opening| opening.first == file.first);
            self.hash = frame.hash;
            return self.opening.is_some();
        }
        let next = Place(self.last.0 + 1);
        let holds = frame.number == next && link(&self.hash, next, frame.kind, &frame.payload) == frame.hash;
        if holds {
            (self.last, self.hash) = (next, frame.hash);
        }
        holds
    }
}

/// Puts what is half written into a file of its own, then writes zeros over it.
fn cut_off(disk: &Disk, file: &File, path: &Path, scan: &Scan) -> io::Result<PathBuf> {
    let mut torn = vec![0; usize::try_from(scan.rest).unwrap_or_default()];
    file.read_exact_at(&mut torn, scan.end)?;
    let (copy, copied) = torn_copy(disk, path.parent().unwrap_or(path), scan.last)?;
    disk.write(&copied, &torn, 0)?;
    disk.sync_size(&copied)?;
    torn.fill(0);
    disk.write(file, &torn, scan.end)?;
    disk.sync(file)?;
    Ok(copy)
}

/// A new file `torn-<last whole frame>-<n>.bin`.
fn torn_copy(disk: &Disk, folder: &Path, last: Place) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let path = folder.join(format!("torn-{:020}-{number}.bin", last.0));
        match disk.create(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

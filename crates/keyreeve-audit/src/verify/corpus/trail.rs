//! The files of a log in memory, and the folder in which one mutation after another is tried.

use std::collections::BTreeMap;
use std::path::Path;

use crate::frame::Frame;
use crate::segment::{file_name, first_of_name};

/// A folder's files; a mutation replaces some (`None`: takes one away).
pub(super) type Changed = BTreeMap<String, Option<Vec<u8>>>;

pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) frames: Vec<Frame>,
    /// What stands behind the frames.
    pub(super) zeros: usize,
}

pub(super) struct Trail {
    pub(super) files: Vec<Segment>,
    /// Indexes, rows, and whatever else there is.
    pub(super) others: BTreeMap<String, Vec<u8>>,
}

impl Segment {
    pub(super) fn name(&self) -> String {
        file_name(crate::Place(self.first))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        bytes_of(&self.frames, self.zeros)
    }

    /// The byte that a frame begins at.
    pub(super) fn offset(&self, at: usize) -> usize {
        bytes_of(&self.frames[..at], 0).len()
    }
}

pub(super) fn bytes_of(frames: &[Frame], zeros: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.write_to(&mut bytes));
    bytes.resize(bytes.len() + zeros, 0);
    bytes
}

impl Trail {
    pub(super) fn read(folder: &Path) -> Self {
        let (mut files, mut others) = (Vec::new(), BTreeMap::new());
        for found in std::fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = std::fs::read(&path).unwrap();
            let Some(first) = first_of_name(&name) else {
                others.insert(name, bytes);
                continue;
            };
            let (mut frames, mut rest) = (Vec::new(), bytes.as_slice());
            while let Some((frame, taken)) = Frame::read(rest) {
                frames.push(frame);
                rest = &rest[taken..];
            }
            assert!(rest.iter().all(|byte| *byte == 0));
            files.push(Segment { first: first.0, frames, zeros: rest.len() });
        }
        files.sort_by_key(|file| file.first);
        Self { files, others }
    }

    pub(super) fn write(&self, folder: &Path) {
        for file in &self.files {
            std::fs::write(folder.join(file.name()), file.bytes()).unwrap();
        }
        for (name, bytes) in &self.others {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }

    pub(super) fn replace(&self, folder: &Path, changed: &Changed) {
        for (name, bytes) in changed {
            match bytes {
                Some(bytes) => std::fs::write(folder.join(name), bytes).unwrap(),
                None => std::fs::remove_file(folder.join(name)).unwrap(),
            }
        }
    }

    pub(super) fn restore(&self, folder: &Path, changed: &Changed) {
        for name in changed.keys() {
            let segment = self.files.iter().find(|file| file.name() == *name).map(Segment::bytes);
            match segment.or_else(|| self.others.get(name).cloned()) {
                Some(bytes) => std::fs::write(folder.join(name), bytes).unwrap(),
                None => std::fs::remove_file(folder.join(name)).unwrap(),
            }
        }
    }

    /// Every frame as (file, position in it).
    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        let of = |(file, segment): (usize, &Segment)| {
            (0..segment.frames.len()).map(move |at| (file, at)).collect::<Vec<_>>()
        };
        self.files.iter().enumerate().flat_map(of).collect()
    }

    pub(super) fn frame(&self, place: (usize, usize)) -> &Frame {
        &self.files[place.0].frames[place.1]
    }

    pub(super) fn last(&self) -> u64 {
        self.files.last().unwrap().frames.last().unwrap().number.0
    }

    /// The frames of every file, to be changed.
    pub(super) fn frames(&self) -> Vec<Vec<Frame>> {
        self.files.iter().map(|file| file.frames.clone()).collect()
    }

    /// The files whose frames are others now.
    pub(super) fn changed(&self, frames: &[Vec<Frame>]) -> Changed {
        let pairs = self.files.iter().zip(frames).filter(|(file, frames)| file.frames != **frames);
        pairs.map(|(file, frames)| (file.name(), Some(bytes_of(frames, file.zeros)))).collect()
    }
}

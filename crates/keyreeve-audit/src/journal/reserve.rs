//! Space that is ready: spare files full of written zeros, so that a new segment needs no space of the file system, and
//! writing into it changes neither its size nor where its blocks lie (a third off each fdatasync).

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::health::{State, sentence};

const PREFIX: &str = "spare-";
const SUFFIX: &str = ".log";
const UNFINISHED: &str = ".tmp";
/// Written and made durable at a time: what an append may have to wait for at the disk.
const FILL_BYTES: usize = 1 << 20;
/// An opening is shorter: a spare with zeros here was never written.
const UNTOUCHED_BYTES: u64 = 4096;

/// The spares of a folder.
#[derive(Debug)]
pub(super) struct Reserve {
    disk: Disk,
    folder: PathBuf,
    /// Size of a spare.
    spare_bytes: u64,
    /// How many are to be ready. None: the log goes with the process, and its files are sparse.
    wanted: usize,
    stock: Mutex<Stock>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Stock {
    ready: VecDeque<PathBuf>,
    next: u64,
    stopped: bool,
}

impl Reserve {
    pub(super) fn new(disk: Disk, folder: PathBuf, spare_bytes: u64, wanted: usize) -> Self {
        Self { disk, folder, spare_bytes, wanted, stock: Mutex::default(), wake: Condvar::new() }
    }

    /// Takes stock of what an earlier process left: untouched spares are kept, what was half made or half begun is removed.
    /// Nothing that was acknowledged stands in them: a segment gets its name before the first append to it.
    pub(super) fn take_stock(&self) -> io::Result<()> {
        let mut stock = self.lock();
        stock.ready.clear();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let number = rest.strip_suffix(SUFFIX).and_then(|number| number.parse::<u64>().ok());
            stock.next = stock.next.max(number.unwrap_or_default() + 1);
            if number.is_some() && is_untouched(&path, self.spare_bytes).unwrap_or(false) {
                stock.ready.push_back(path);
            } else if number.is_some() || rest.ends_with(UNFINISHED) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// A file of zeros with at least this many bytes, and its path: a spare, or one that is made now.
    pub(super) fn take(&self, bytes: u64) -> io::Result<(File, PathBuf)> {
        if bytes <= self.spare_bytes {
            while let Some(path) = self.next_ready() {
                // One that somebody removed or cut short is no loss: there are others.
                if let Ok(file) = Disk::open(&path)
                    && file.metadata()?.len() == self.spare_bytes
                {
                    return Ok((file, path));
                }
            }
        }
        let bytes = bytes.max(self.spare_bytes);
        let path = self.make(bytes, &mut |_| Ok(()))?;
        Ok((Disk::open(&path)?, path))
    }

    /// Bytes that are ready.
    pub(super) fn bytes(&self) -> u64 {
        self.spare_bytes.saturating_mul(u64::try_from(self.lock().ready.len()).unwrap_or_default())
    }

    /// Ends [`Self::run`].
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_all();
    }

    /// Keeps as many spares ready as are wanted, until it is stopped.
    pub(super) fn run(&self, state: &State, beat: Duration) {
        loop {
            let full = |stock: &mut Stock| !stock.stopped && stock.ready.len() >= self.wanted;
            let stock = self.wake.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
            if stock.stopped {
                return;
            }
            drop(stock);
            match self.make(self.spare_bytes, &mut |took| self.pause(took)) {
                Ok(path) => {
                    self.lock().ready.push_back(path);
                    state.reserve(None);
                }
                Err(_) if self.lock().stopped => return,
                Err(error) => {
                    state.reserve(Some(sentence(
                        "making a spare segment of the audit log",
                        &error,
                        &self.folder,
                    )));
                    let waiting = |stock: &mut Stock| !stock.stopped;
                    // Whether it was woken or the time is over, it looks again.
                    drop(self.wake.wait_timeout_while(self.lock(), beat, waiting));
                }
            }
        }
    }

    /// Leaves the disk to the appends for as long as the last piece took, unless there is no spare at all.
    fn pause(&self, took: Duration) -> io::Result<()> {
        let waiting = |stock: &mut Stock| !stock.stopped && !stock.ready.is_empty();
        let waited = self.wake.wait_timeout_while(self.lock(), took, waiting);
        let (stock, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if stock.stopped { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    /// Makes a spare, durable with its name.
    fn make(&self, bytes: u64, between: &mut dyn FnMut(Duration) -> io::Result<()>) -> io::Result<PathBuf> {
        let number = {
            let mut stock = self.lock();
            stock.next += 1;
            stock.next
        };
        if self.wanted == 0 {
            let path = self.folder.join(format!("{PREFIX}{number}{SUFFIX}"));
            self.disk.create(&path)?.set_len(bytes)?;
            return Ok(path);
        }
        let unfinished = self.folder.join(format!("{PREFIX}{number}{UNFINISHED}"));
        let path = self.folder.join(format!("{PREFIX}{number}{SUFFIX}"));
        let made = self.fill(&unfinished, bytes, between).and_then(|()| {
            self.disk.rename(&unfinished, &path)?;
            self.disk.sync_folder(&self.folder)
        });
        if let Err(error) = made {
            // Best effort: it is removed at the next start, too.
            drop(fs::remove_file(&unfinished));
            drop(fs::remove_file(&path));
            return Err(error);
        }
        Ok(path)
    }

    fn fill(
        &self,
        path: &Path,
        bytes: u64,
        between: &mut dyn FnMut(Duration) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self.disk.create(path)?;
        let zeros = vec![0; FILL_BYTES];
        let mut offset = 0;
        while offset < bytes {
            let begun = Instant::now();
            let piece = usize::try_from(bytes - offset).unwrap_or(FILL_BYTES).min(FILL_BYTES);
            self.disk.write(&file, zeros.get(..piece).unwrap_or_default(), offset)?;
            self.disk.sync_size(&file)?;
            offset += u64::try_from(piece).unwrap_or_default();
            between(begun.elapsed())?;
        }
        Ok(())
    }

    fn next_ready(&self) -> Option<PathBuf> {
        let path = self.lock().ready.pop_front();
        self.wake.notify_all();
        path
    }

    fn lock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_untouched(path: &Path, bytes: u64) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut head = Vec::new();
    let length = file.metadata()?.len();
    file.take(UNTOUCHED_BYTES).read_to_end(&mut head)?;
    Ok(length == bytes && head.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_spares_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let mut written = vec![0; 8192];
        fs::write(place("spare-1.log"), &written).unwrap();
        fs::write(place("spare-2.log"), &written[1..]).unwrap();
        written[17] = 1;
        fs::write(place("spare-3.log"), &written).unwrap();
        fs::write(place("spare-4.tmp"), [0; 9]).unwrap();
        fs::write(place("segment-x"), [0; 9]).unwrap();
        let reserve = Reserve::new(Disk::default(), folder.path().to_owned(), 8192, 1);
        reserve.take_stock().unwrap();
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["segment-x", "spare-1.log"]);
        assert_eq!(reserve.bytes(), 8192);
        let (_, path) = reserve.take(10).unwrap();
        assert_eq!(path, place("spare-1.log"));
        let (file, path) = reserve.take(20_000).unwrap();
        assert_eq!((path, file.metadata().unwrap().len()), (place("spare-5.log"), 20_000));
    }
}

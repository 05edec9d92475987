//! The recorded run: sessions of concurrent writers on one folder, ended by a kill or politely, each compared with the
//! replay of what was recorded, so that a call that the recorder missed is noticed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use futures_util::future::try_join_all;

use super::disk::{Disk, Image};
use super::history::{Entry, History};
use super::recording::{Event, Recorder, now};
use crate::chance::Chance;
use crate::client::Kms;
use crate::failure::Failure;
use crate::server::{Launch, Server};
use crate::world::Outcome;
use crate::world::observer::look;
use crate::world::writer::{Ended, Step, Writer};

/// Writers at once.
pub(super) const WRITERS: usize = 8;

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// kill -9 while requests are under way: the next session begins with a recovery.
    Kill,
    /// SIGTERM: the log is moved into the database and truncated.
    Stop,
}

/// The sessions: a fresh folder and a kill; a recovery and a graceful stop; a normal start and a kill; a recovery.
pub(super) const SESSIONS: [End; 4] = [End::Kill, End::Stop, End::Kill, End::Stop];

/// The recorded run.
#[derive(Debug)]
pub(super) struct Run<'r> {
    launch: &'r Launch,
    recorder: &'r Recorder,
    root_inode: u64,
    chance: Chance,
    writers: Vec<Writer>,
    recorded: Recorded,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) history: History,
    pub(super) events: Vec<Event>,
}

impl<'r> Run<'r> {
    pub(super) fn new(launch: &'r Launch, recorder: &'r Recorder, root_inode: u64, chance: Chance) -> Self {
        let writers = (0..WRITERS).map(Writer::new).collect();
        Self { launch, recorder, root_inode, chance, writers, recorded: Recorded::default() }
    }

    pub(super) fn finish(self) -> Recorded {
        self.recorded
    }

    /// Runs all sessions.
    pub(super) async fn record(&mut self, requests: usize) -> Result<(), Failure> {
        for (session, end) in (0..).zip(SESSIONS) {
            let server = self.recorder.attach(self.launch.clone(), session).start()?;
            self.settle(&server).await?;
            let (writers, history) = (&mut self.writers, &mut self.recorded.history);
            let chance = self.chance.branch(&[session]);
            write(&server, writers, history, &chance, (requests, end)).await?;
            match end {
                End::Kill => server.kill()?,
                End::Stop => server.stop()?,
            }
            self.compare(session)?;
        }
        Ok(())
    }

    /// What became of the requests that the last kill left without an answer.
    async fn settle(&mut self, server: &Server) -> Result<(), Failure> {
        let named: BTreeSet<String> =
            self.writers.iter_mut().flat_map(|writer| writer.touched.drain(..)).collect();
        let outcomes = look(&server.address.into(), &self.writers, &named).await?.judge(&self.writers)?;
        self.recorded.history.settle(now(), &outcomes);
        for (writer, outcome) in self.writers.iter_mut().zip(outcomes) {
            if let (Some(change), Outcome::Applied(id)) = (writer.pending.take(), outcome) {
                writer.book(&change, id.as_deref());
            }
        }
        Ok(())
    }

    /// Holds the replay of all events against the folder. A kill may leave the last event of its session recorded and
    /// not carried out.
    fn compare(&mut self, session: u64) -> Result<(), Failure> {
        let mut events = self.recorded.events.clone();
        events.extend(self.recorder.events(session)?);
        let actual = read(&self.launch.data)?;
        let mut replayed = self.replay(&events)?;
        if replayed != actual {
            events.pop();
            replayed = self.replay(&events)?;
        }
        if replayed != actual {
            let text = format!("replayed: {}; actual: {}", names(&replayed), names(&actual));
            return Err(Failure::Setting(format!("the recorder missed a call: {text}")));
        }
        self.recorded.events = events;
        Ok(())
    }

    fn replay(&self, events: &[Event]) -> Result<Image, Failure> {
        let mut disk = Disk::new(self.root_inode);
        events.iter().try_for_each(|event| disk.play(&event.what)).map_err(Failure::Setting)?;
        Ok(disk.visible())
    }
}

/// Names, modes and sizes, to be shown.
pub(crate) fn names(image: &Image) -> String {
    let line = |(name, (mode, content)): (&String, &(u32, Option<Vec<u8>>))| {
        format!("{name} {mode:o} {:?}", content.as_ref().map(Vec::len))
    };
    image.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// Writes until this many requests were acknowledged. Before a kill, the others are left under way.
async fn write(
    server: &Server,
    writers: &mut [Writer],
    history: &mut History,
    chance: &Chance,
    (requests, end): (usize, End),
) -> Result<(), Failure> {
    let address = server.address;
    let (book, left) = (RefCell::new(history), std::cell::Cell::new(requests));
    let (book, left) = (&book, &left);
    let work = writers.iter_mut().map(async |writer| {
        let mut chance = chance.branch(&[u64::try_from(writer.number).unwrap_or(u64::MAX)]);
        let mut kms = Kms::open(address).await?;
        while left.get() > 0 {
            one(writer, &mut kms, &mut chance, book).await?;
            left.set(left.get().saturating_sub(1));
        }
        if end == End::Kill { Err(Stopped::Now) } else { Ok(()) }
    });
    // The first writer that ends a session to be killed drops the futures of the others: their requests are sent.
    match try_join_all(work).await {
        Ok(_) | Err(Stopped::Now) => Ok(()),
        Err(Stopped::Failed(failure)) => Err(failure),
    }
}

#[derive(Debug)]
enum Stopped {
    Now,
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn one(
    writer: &mut Writer,
    kms: &mut Kms,
    chance: &mut Chance,
    book: &RefCell<&mut History>,
) -> Result<(), Failure> {
    let step = writer.draw(chance);
    let number = writer.number;
    let index = if let Step::Change(change) = &step {
        let mut book = book.borrow_mut();
        book.entries.push(Entry { writer: number, change: change.clone(), sent: now(), settled: None });
        Some(book.entries.len() - 1)
    } else {
        None
    };
    let known = writer.witnesses.len();
    let Ended::Acknowledged(id) = writer.take(kms, step, chance).await? else {
        return Err(Failure::Server("the connection broke".to_owned()));
    };
    let mut book = book.borrow_mut();
    if let Some(entry) = index.and_then(|index| book.entries.get_mut(index)) {
        entry.settled = Some((now(), Outcome::Applied(id)));
    }
    let fresh = writer.witnesses.iter().skip(known).map(|witness| (now(), number, witness.clone()));
    book.witnesses.extend(fresh);
    Ok(())
}

/// The folder as it is, without shared memory and sockets, which no power cut leaves.
pub(crate) fn read(folder: &Path) -> Result<Image, Failure> {
    let mut image = Image::new();
    collect(folder, "", &mut image)?;
    Ok(image)
}

fn collect(folder: &Path, prefix: &str, image: &mut Image) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let path = entry.map_err(Failure::file(folder))?.path();
        let metadata = fs::symlink_metadata(&path).map_err(Failure::file(&path))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if metadata.file_type().is_socket() || name.ends_with("-shm") {
            continue;
        }
        let (mode, name) = (metadata.permissions().mode() & 0o7777, format!("{prefix}{name}"));
        if metadata.is_dir() {
            image.insert(name.clone(), (mode, None));
            collect(&path, &format!("{name}/"), image)?;
        } else {
            let content = fs::read(&path).map_err(Failure::file(&path))?;
            image.insert(name, (mode, Some(content)));
        }
    }
    Ok(())
}

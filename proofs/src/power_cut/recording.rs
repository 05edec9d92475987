//! The recorder: compiles `recorder.c`, loads it into the server, and reads the log that it wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::time::{ClockId, clock_gettime};

use crate::failure::Failure;
use crate::server::Launch;

const SOURCE: &str = include_str!("../../recorder/recorder.c");

/// Nanoseconds of the clock that the recorder stamps its events with.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// A compiled recorder and its logs, one a session: a kill may cut a log short.
#[derive(Debug)]
pub(crate) struct Recorder {
    library: PathBuf,
    logs: PathBuf,
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// When, on the clock of [`now`].
    pub(crate) at: u64,
    /// What.
    pub(crate) what: What,
}

/// What a process asked of the folder. Names are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Create { name: String, inode: u64, mode: u32 },
    MakeFolder { name: String, inode: u64, mode: u32 },
    Write { inode: u64, offset: usize, data: Vec<u8> },
    Truncate { inode: u64, len: usize },
    SyncBegins { inode: u64, number: i64 },
    SyncEnds { inode: u64, number: i64 },
    Rename { from: String, to: String },
    Link { from: String, to: String },
    Unlink { name: String },
    Mode { inode: u64, mode: u32 },
}

impl Recorder {
    /// Compiles the recorder into `folder`.
    pub(crate) fn build(folder: &Path) -> Result<Self, Failure> {
        let (source, library) = (folder.join("recorder.c"), folder.join("recorder.so"));
        std::fs::write(&source, SOURCE).map_err(Failure::file(&source))?;
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .arg(&source)
            .args(["-ldl", "-lpthread"]);
        let output = compiler.output().map_err(|error| {
            Failure::Setting(format!(
                "cannot start `cc`: {error}: install a C compiler (Debian: gcc libc6-dev)"
            ))
        })?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Setting(format!("the recorder does not compile:\n{text}")));
        }
        Ok(Self { library, logs: folder.to_owned() })
    }

    fn log(&self, session: u64) -> PathBuf {
        self.logs.join(format!("events-{session}.log"))
    }

    /// A launch under the recorder.
    pub(crate) fn attach(&self, mut launch: Launch, session: u64) -> Launch {
        launch.environment.extend(self.environment(&launch.data, session));
        launch
    }

    /// What has a process recorded.
    pub(crate) fn environment(&self, data: &Path, session: u64) -> [(String, String); 3] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("KEYREEVE_PROOF_ROOT".to_owned(), text(data)),
            ("KEYREEVE_PROOF_LOG".to_owned(), text(&self.log(session))),
        ]
    }

    /// All events of a session.
    pub(crate) fn events(&self, session: u64) -> Result<Vec<Event>, Failure> {
        let log = self.log(session);
        let log = std::fs::read(&log).map_err(Failure::file(&log))?;
        parse(&log).map_err(Failure::Setting)
    }
}

/// Reads a log. A record that was cut short by a kill can only be the last one, and is left out: its event was not
/// carried out.
fn parse(mut log: &[u8]) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    while let Some((event, rest)) = record(log)? {
        events.push(event);
        log = rest;
    }
    Ok(events)
}

fn record(log: &[u8]) -> Result<Option<(Event, &[u8])>, String> {
    let mut rest = log;
    let Some(at) = take(&mut rest).map(u64::from_le_bytes) else { return Ok(None) };
    let Some(kind) = take(&mut rest).map(u32::from_le_bytes) else { return Ok(None) };
    let Some(mode) = take(&mut rest).map(u32::from_le_bytes) else { return Ok(None) };
    let Some(inode) = take(&mut rest).map(u64::from_le_bytes) else { return Ok(None) };
    let Some(number) = take(&mut rest).map(i64::from_le_bytes) else { return Ok(None) };
    let Some(name_len) = take(&mut rest).map(u32::from_le_bytes) else { return Ok(None) };
    let Some(data_len) = take(&mut rest).map(u32::from_le_bytes) else { return Ok(None) };
    let Some((name, rest)) = rest.split_at_checked(name_len as usize) else { return Ok(None) };
    let Some((data, rest)) = rest.split_at_checked(data_len as usize) else { return Ok(None) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = text(name);
    let offset = usize::try_from(number).unwrap_or(0);
    let what = match kind {
        1 => What::Create { name, inode, mode },
        2 => What::MakeFolder { name, inode, mode },
        3 => What::Write { inode, offset, data: data.to_vec() },
        4 => What::Truncate { inode, len: offset },
        5 => What::SyncBegins { inode, number },
        6 => What::SyncEnds { inode, number },
        7 => What::Rename { from: name, to: text(data) },
        8 => What::Unlink { name },
        9 => What::Mode { inode, mode },
        11 => What::Link { from: name, to: text(data) },
        _ => return Err(format!("the server used `{name}`, which the recorder cannot replay (kind {kind})")),
    };
    Ok(Some((Event { at, what }, rest)))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(at: u64, kind: u32, inode: u64, number: i64, name: &str, data: &[u8]) -> Vec<u8> {
        let len = |len: usize| u32::try_from(len).unwrap_or(0).to_le_bytes();
        let parts: [&[u8]; 9] = [
            &at.to_le_bytes(),
            &kind.to_le_bytes(),
            &0o600_u32.to_le_bytes(),
            &inode.to_le_bytes(),
            &number.to_le_bytes(),
            &len(name.len()),
            &len(data.len()),
            name.as_bytes(),
            data,
        ];
        parts.concat()
    }

    #[test]
    fn a_log_reads_back_and_a_record_cut_short_is_left_out() {
        let log = [bytes(1, 1, 5, 0, "store/a", b""), bytes(2, 3, 5, 7, "", b"xyz")].concat();
        let create = What::Create { name: "store/a".to_owned(), inode: 5, mode: 0o600 };
        let write = What::Write { inode: 5, offset: 7, data: b"xyz".to_vec() };
        let expected = [Event { at: 1, what: create }, Event { at: 2, what: write }];
        assert_eq!(parse(&log).unwrap(), expected);
        for cut in 1..43 {
            assert_eq!(parse(&log[..log.len() - cut]).unwrap(), expected[..1], "{cut}");
        }
        assert!(parse(&bytes(1, 10, 5, 0, "writev", b"")).unwrap_err().contains("writev"));
    }
}

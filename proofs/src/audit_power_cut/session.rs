//! One session of the recorded run: this program again, as a process that appends to a log and says what was acknowledged.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::try_join_all;
use keyreeve_audit::{Durability, Entry, Journal, JournalOptions, Place, SigningKey};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use uuid::Uuid;

use crate::chance::Chance;
use crate::failure::Failure;
use crate::power_cut::recording::{Recorder, now};

/// Who append at once.
const WRITERS: u64 = 12;
/// Of a hundred appends, how many are followed by a signed head.
const HEADS_PERCENT: usize = 10;
/// Small, so that many segments are begun.
const SEGMENT_BYTES: u64 = 32 * 1024;

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// kill -9 while appends are under way.
    Kill,
    /// The log is closed.
    Stop,
}

/// What was acknowledged, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// Entries of one append.
    Entries(Vec<Uuid>),
    /// A signed head over this frame with this hash.
    Head(Place, String),
}

/// The log in a folder.
pub(super) fn options(data: &Path) -> JournalOptions {
    JournalOptions {
        folder: data.join("audit"),
        durability: Durability::Durable,
        segment_bytes: SEGMENT_BYTES,
        reserve_bytes: 2 * SEGMENT_BYTES,
    }
}

/// An entry of chance: most as long as a record, some longer than a segment.
pub(super) fn entry(chance: &mut Chance) -> Result<Entry, Failure> {
    let unknown = || Failure::Setting("an account or Region of the proof is none".to_owned());
    let bytes = if chance.percent(1) { 60_000 } else { 200 + chance.below(1800) };
    Ok(Entry {
        id: Uuid::from_bytes(chance.bytes()),
        time: Timestamp::from_millis(0),
        account: AccountId::parse("111122223333").ok_or_else(unknown)?,
        region: Region::parse("eu-central-1").ok_or_else(unknown)?,
        event: vec![b'x'; bytes],
        rows: Vec::new(),
    })
}

/// Runs a session on a folder under the recorder, until so many appends were acknowledged; answers what was, with the time.
pub(super) fn run(
    recorder: &Recorder,
    data: &Path,
    (session, seed): (u64, u64),
    (appends, end): (usize, End),
) -> Result<Vec<(u64, Acknowledged)>, Failure> {
    let program = std::env::current_exe().map_err(Failure::file(Path::new("this program")))?;
    let mut command = Command::new(&program);
    command.args(["audit-power-cut", "--seed", &seed.to_string(), "--audit-writer"]).arg(data);
    command.envs(recorder.environment(data, session));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(Failure::file(&program))?;
    let outcome = listen(&mut child, appends, end);
    let status = child.wait().map_err(Failure::file(&program))?;
    if end == End::Stop && !status.success() {
        return Err(Failure::Broken(format!("session {session} failed: {status}")));
    }
    outcome
}

fn listen(child: &mut Child, appends: usize, end: End) -> Result<Vec<(u64, Acknowledged)>, Failure> {
    let Some(stdout) = child.stdout.take() else {
        return Err(Failure::Setting("the writer has no output".to_owned()));
    };
    let mut acknowledged = Vec::new();
    // A kill may cut the last line short; then nobody read the answer.
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        acknowledged.extend(parse(&line));
        if acknowledged.len() == appends {
            match end {
                End::Kill => child.kill().map_err(Failure::file(Path::new("the writer")))?,
                End::Stop => drop(child.stdin.take()),
            }
        }
    }
    Ok(acknowledged)
}

fn parse(line: &str) -> Option<(u64, Acknowledged)> {
    let mut words = line.split(' ');
    let (kind, at) = (words.next()?, words.next()?.parse().ok()?);
    let acknowledged = match kind {
        "head" => Acknowledged::Head(
            Place(words.next()?.parse().ok()?),
            words.next().filter(|hash| hash.len() == 64)?.to_owned(),
        ),
        "entries" => Acknowledged::Entries(words.map(|id| Uuid::try_parse(id).ok()).collect::<Option<_>>()?),
        _ => return None,
    };
    Some((at, acknowledged))
}

/// What the process of a session does: appends until its input ends.
///
/// # Errors
/// When the log cannot be opened or written.
pub(crate) async fn write(data: &Path, seed: u64) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let journal = Journal::open(&options(data)).map_err(|error| failed(&error))?;
    let key = SigningKey::generate().and_then(|key| SigningKey::open(&key));
    let key = key.map_err(|_| Failure::Setting("there is no signing key".to_owned()))?;
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            // Whatever ends the input ends the session.
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            stop.store(true, Ordering::Relaxed);
        }
    });
    let writers = (0..WRITERS).map(async |number| {
        let mut chance = Chance::new(seed).branch(&[number]);
        while !stop.load(Ordering::Relaxed) {
            let entries = (0..=chance.below(3)).map(|_| entry(&mut chance)).collect::<Result<Vec<_>, _>>()?;
            let ids: String = entries.iter().map(|entry| format!(" {}", entry.id)).collect();
            journal.append(entries).await.map_err(|error| failed(&error))?;
            tell(&format!("entries {}{ids}", now()))?;
            if chance.percent(HEADS_PERCENT) {
                let head = journal.seal(&key, Timestamp::from_millis(0)).await;
                let head = head.map_err(|error| failed(&error))?;
                tell(&format!("head {} {} {}", now(), head.place.0, head.hash))?;
            }
        }
        Ok::<(), Failure>(())
    });
    try_join_all(writers).await.map(drop)
}

fn tell(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Failure::file(Path::new("the output")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_one_cut_short_does_not_count() {
        let id = Uuid::from_u128(7);
        let hash = "ab".repeat(32);
        assert_eq!(parse(&format!("entries 5 {id} {id}")), Some((5, Acknowledged::Entries(vec![id, id]))));
        assert_eq!(parse(&format!("head 6 9 {hash}")), Some((6, Acknowledged::Head(Place(9), hash.clone()))));
        for cut in [format!("entries 5 {id} 0000"), format!("head 6 9 {}", &hash[1..]), "head".to_owned()] {
            assert_eq!(parse(&cut), None, "{cut}");
        }
    }
}

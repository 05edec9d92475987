//! What a durable audit log costs the whole server: Encrypt against a server that answers once the record is on disk, beside
//! one that answers before, in alternating windows, and beside the device's own fdatasync in the same rounds.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::audit::{ALLOWANCE, median, prepare_probe, probe_window};
use crate::figures::{Series, Spread, Window};
use crate::load::{self, Pool};
use crate::pin::Pins;
use crate::report::{cell, spread_json};
use crate::request::Signer;
use crate::server::{AuditLog, Server};
use crate::setup::Subject;
use crate::workload::WORKLOADS;
use crate::{Failure, run};

/// Connections of the windows under load.
const CONNECTIONS: u16 = 64;
/// The ratio of requests per second that a durable log is to keep.
const GOAL: f64 = 0.5;

/// A server with one kind of log.
#[derive(Debug)]
struct Subjected {
    server: Server,
    signer: Signer,
    subject: Subject,
    together: Series,
    /// Median latency of each round, in microseconds.
    alone: Vec<f64>,
}

/// Both servers, and the device below them.
#[derive(Debug)]
pub(crate) struct Served {
    durable: Subjected,
    buffered: Subjected,
    probe: File,
    /// Median of each round, in microseconds.
    synced: Vec<f64>,
    _folder: TempDir,
}

impl Served {
    /// Starts both servers with their data in a folder of this one.
    ///
    /// # Errors
    /// When the folder cannot be written, or a server does not start.
    pub(crate) fn start(binary: &Path, folder: &Path, pins: Option<&Pins>) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(folder.canonicalize()?)?;
        let start = |name: &str, log| Subjected::start(binary, &folder.path().join(name), log, pins);
        Ok(Self {
            durable: start("durable", AuditLog::Durable)?,
            buffered: start("buffered", AuditLog::Buffered)?,
            probe: prepare_probe(&folder.path().join("probe"))?,
            synced: Vec::new(),
            _folder: folder,
        })
    }

    /// Every figure gets one window. Odd rounds go the other way round.
    ///
    /// # Errors
    /// Any answer but 200, or what the disk says.
    pub(crate) fn round(&mut self, round: u32, length: Duration) -> Result<(), Failure> {
        self.synced.push(micros(median(probe_window(&self.probe, length)?)));
        let mut servers = [&mut self.durable, &mut self.buffered];
        if !round.is_multiple_of(2) {
            servers.reverse();
        }
        for server in servers {
            server.measure(length)?;
        }
        Ok(())
    }

    /// Of each round: what the durable log keeps of the requests per second.
    fn kept(&self) -> Option<Spread> {
        let pairs = self.durable.together.windows.iter().zip(&self.buffered.together.windows);
        Spread::of(pairs.map(|(durable, buffered)| durable.per_second() / buffered.per_second()))
    }

    fn rows(&self) -> [(String, Option<Spread>, usize, &'static str); 7] {
        let alone = |subject: &Subjected| Spread::of(subject.alone.iter().copied());
        let together = |subject: &Subjected| subject.together.spread(Window::per_second);
        let limit = Spread::of(self.synced.iter().map(|synced| limit(*synced)));
        [
            ("fdatasync of the device, p50".to_owned(), Spread::of(self.synced.iter().copied()), 0, "us"),
            ("one request alone, buffered, p50".to_owned(), alone(&self.buffered), 0, "us"),
            ("one request alone, durable, p50".to_owned(), alone(&self.durable), 0, "us"),
            ("the most it may take: 2 x fdatasync + 1 ms".to_owned(), limit, 0, "us"),
            (format!("{CONNECTIONS} connections, buffered"), together(&self.buffered), 0, "requests/s"),
            (format!("{CONNECTIONS} connections, durable"), together(&self.durable), 0, "requests/s"),
            (format!("durable to buffered, at least {GOAL:.2}"), self.kept(), 2, ""),
        ]
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = "What a durable audit log costs: Encrypt 32 B\n".to_owned();
        for (title, spread, decimals, unit) in self.rows() {
            let line = format!("{title:<44}  {:>24} {unit}", cell(spread, decimals));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let rows = self.rows().map(
            |(title, spread, _, unit)| json!({ "name": title, "unit": unit, "figure": spread_json(spread) }),
        );
        json!(rows)
    }
}

impl Subjected {
    fn start(binary: &Path, data: &Path, log: AuditLog, pins: Option<&Pins>) -> Result<Self, Failure> {
        let server = Server::keyreeve_on(binary, data, log, pins)?;
        let signer = Signer::new(server.address())?;
        let subject = Subject::make(server.address(), &signer, 0)?;
        Ok(Self { server, signer, subject, together: Series::new("Encrypt 32 B"), alone: Vec::new() })
    }

    fn measure(&mut self, length: Duration) -> Result<(), Failure> {
        let [encrypt, ..] = &WORKLOADS;
        let pool = run::pool(&self.signer, &self.subject, encrypt)?;
        self.together.windows.push(load::window(&self.server, &pool, CONNECTIONS, length)?);
        self.alone.push(micros(median(alone(&self.server, &pool, length)?)));
        Ok(())
    }
}

/// How long each request took that waited for the one before.
fn alone(server: &Server, pool: &Pool, length: Duration) -> Result<Vec<Duration>, Failure> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut stream = TcpStream::connect(server.address()).await?;
        stream.set_nodelay(true)?;
        let (begun, mut answer, mut took) = (Instant::now(), Vec::new(), Vec::new());
        for request in pool.iter().cycle() {
            if begun.elapsed() >= length {
                break;
            }
            let before = Instant::now();
            load::exchange(&mut stream, request, &mut answer).await?;
            took.push(before.elapsed());
        }
        Ok(took)
    })
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The most that a request alone may take where an fdatasync takes so long; microseconds.
fn limit(synced: f64) -> f64 {
    2.0_f64.mul_add(synced, micros(ALLOWANCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_take_a_millisecond_over_two_syncs() {
        assert!((limit(250.0) - 1500.0).abs() < 1e-9);
    }
}

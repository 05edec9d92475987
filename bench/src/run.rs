//! One run: servers, keys, then rounds in which everything is measured once.

use crate::cli::Run;
use crate::figures::Series;
use crate::load::{self, Pool};
use crate::pin::Pins;
use crate::raw::{RawKeys, RawOperation};
use crate::request::Signer;
use crate::served::Served;
use crate::server::{Server, beside_this_program};
use crate::setup::Subject;
use crate::workload::{WORKLOADS, Workload};
use crate::{Failure, note, report};

/// Requests that are signed for a window; the connections go through them in turn.
const POOL: usize = 4096;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) echo: Series,
    pub(crate) raw: Vec<(RawOperation, Series)>,
    pub(crate) operations: Vec<(&'static Workload, Series)>,
    /// What a durable audit log costs.
    pub(crate) served: Option<Served>,
    pub(crate) pins: Option<Pins>,
}

impl Measured {
    /// What an operation is compared with besides the echo.
    pub(crate) fn raw_of(&self, workload: &Workload) -> Option<&Series> {
        let raw = workload.raw?;
        self.raw.iter().find(|(operation, _)| *operation == raw).map(|(_, series)| series)
    }
}

/// Measures; answers what to print.
///
/// # Errors
/// A server that does not start, any answer but 200, statistics that the kernel does not keep.
pub(crate) fn run(options: &Run) -> Result<String, Failure> {
    let chosen: Vec<&'static Workload> =
        if options.only.is_empty() { WORKLOADS.iter().collect() } else { options.only.clone() };
    let binary = options.binary.clone().map_or_else(beside_this_program, Ok)?;
    let pins = if options.no_pin { None } else { Pins::take() };
    let servers = Servers {
        echo: Server::echo(pins.as_ref())?,
        keyreeve: Server::keyreeve(&binary, pins.as_ref())?,
        raw: RawKeys::generate()?,
    };
    let signer = Signer::new(servers.keyreeve.address())?;
    let ciphertexts = if chosen.iter().any(|workload| workload.name == "decrypt") { POOL } else { 0 };
    let subject = Subject::make(servers.keyreeve.address(), &signer, ciphertexts)?;

    let raw = chosen.iter().filter_map(|workload| workload.raw);
    let mut measured = Measured {
        echo: Series::new("hyper echo"),
        raw: raw.map(|raw| (raw, Series::new(raw.title()))).collect(),
        operations: chosen.iter().map(|workload| (*workload, Series::new(workload.title))).collect(),
        served: if options.only.is_empty() {
            Some(Served::start(&binary, &options.folder, pins.as_ref())?)
        } else {
            None
        },
        pins,
    };
    for round in 0..options.rounds {
        note(&format!("round {} of {}", round + 1, options.rounds));
        one_round(round, options, &servers, &Requests { signer: &signer, subject: &subject }, &mut measured)?;
        if let Some(served) = &mut measured.served {
            served.round(round, options.seconds)?;
        }
    }
    Ok(if options.json { report::json(&measured, options) } else { report::table(&measured, options) })
}

struct Servers {
    echo: Server,
    keyreeve: Server,
    raw: RawKeys,
}

struct Requests<'a> {
    signer: &'a Signer,
    subject: &'a Subject,
}

impl Requests<'_> {
    fn pool(&self, workload: &Workload) -> Result<Pool, Failure> {
        pool(self.signer, self.subject, workload)
    }
}

/// Signed now: no window outlives its signatures.
pub(crate) fn pool(signer: &Signer, subject: &Subject, workload: &Workload) -> Result<Pool, Failure> {
    let sign = |number| {
        let body = (workload.body)(subject, number).to_string();
        signer.request(workload.operation, &body)
    };
    (0..POOL).map(sign).collect()
}

/// Every series gets one window. Odd rounds go the other way round, so that none always comes after the same one.
fn one_round(
    round: u32,
    options: &Run,
    servers: &Servers,
    requests: &Requests<'_>,
    measured: &mut Measured,
) -> Result<(), Failure> {
    let Measured { echo, raw, operations, .. } = measured;
    let load = |server, pool| load::window(server, &pool, options.connections, options.seconds);
    let mut turns: Vec<Turn<'_>> = vec![Turn::Echo(echo)];
    turns.extend(operations.iter_mut().map(|(workload, series)| Turn::Operation(workload, series)));
    turns.extend(raw.iter_mut().map(|(operation, series)| Turn::Raw(*operation, series)));
    if !round.is_multiple_of(2) {
        turns.reverse();
    }
    for turn in turns {
        match turn {
            // The echo gets the very requests of Encrypt.
            Turn::Echo(series) => {
                let [encrypt, ..] = &WORKLOADS;
                series.windows.push(load(&servers.echo, requests.pool(encrypt)?)?);
            }
            Turn::Operation(workload, series) => {
                series.windows.push(load(&servers.keyreeve, requests.pool(workload)?)?);
            }
            Turn::Raw(operation, series) => {
                series.windows.push(servers.raw.window(operation, options.seconds)?);
            }
        }
    }
    Ok(())
}

/// Whose window is next.
enum Turn<'a> {
    Echo(&'a mut Series),
    Operation(&'static Workload, &'a mut Series),
    Raw(RawOperation, &'a mut Series),
}

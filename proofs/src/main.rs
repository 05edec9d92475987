//! Long proofs of Keyreeve's promises, against the real binary. Development only; nothing here ships.
#![forbid(unsafe_code)]

mod audit_crash;
mod audit_lookup;
mod audit_power_cut;
mod chance;
mod client;
mod crash;
mod failure;
mod killing;
mod memory;
mod policy;
mod power_cut;
mod regions;
mod report;
mod server;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};

use crate::failure::Failure;
use crate::report::say;
use crate::server::Launch;

/// Proves what Keyreeve promises, against the real binary and a real disk.
#[derive(Debug, Parser)]
#[command(name = "keyreeve-proofs")]
#[command(
    after_help = "Examples:\n  cargo build -p keyreeve && cargo run -p keyreeve-proofs -- crash --short\n  keyreeve-proofs power-cut --rounds 500\n  keyreeve-proofs crash --seed 7        repeat what failed with seed 7\n\nThe exit code is 0 when the promise held, 1 when it was broken or the proof could not run;\nthe last lines say which, and exactly what was lost."
)]
struct Arguments {
    /// Which promise.
    proof: Proof,
    /// What chance begins with; a failure names its seed. Without it the clock chooses.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How many rounds (crash, audit-crash), cut points (power-cut, audit-power-cut), repetitions of the load (memory), records
    /// (audit-lookup), histories (regions) or cases (policy).
    #[arg(long, visible_alias = "cases", value_name = "NUMBER")]
    rounds: Option<usize>,
    /// A few rounds only, for the test command: under a minute.
    #[arg(long, conflicts_with = "rounds")]
    short: bool,
    /// The server to prove; without it, `keyreeve` beside this program.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Appends to the log in this folder, for the audit-power-cut proof, which starts it so.
    #[arg(long, value_name = "FOLDER", hide = true)]
    audit_writer: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// kill -9 at random moments under concurrent writes: everything acknowledged is there afterwards.
    Crash,
    /// The disk forgets what was not synced, at many moments: everything acknowledged is there afterwards.
    PowerCut,
    /// kill -9 at random moments under a load that is recorded: every answered call is in the audit log once, nothing is
    /// delivered twice, the chain verifies.
    AuditCrash,
    /// The power-cut proof for the audit log: everything answered is in it, whole, and its chain holds. Needs no server.
    AuditPowerCut,
    /// Among many audit records the first page of any lookup comes in a second, and the index is small. Needs no server, and
    /// a temporary folder with room for 1.2 kB a record.
    AuditLookup,
    /// Secrets are in memory only where they must be, and in no file, log or core.
    Memory,
    /// Random histories on three Regions as processes, with broken links and kills: after healing they agree, and nothing
    /// acknowledged is lost.
    Regions,
    /// The protocol between Regions, explored exhaustively as a model. Needs no server; one round is the short exploration, more
    /// are the long one.
    RegionsModel,
    /// The policy engine decides as iam-simulate and as a naive evaluator of our own, in random cases. Needs node, no server.
    Policy,
}

impl Proof {
    /// Rounds of the short and of the long form.
    const fn rounds(self) -> (usize, usize) {
        match self {
            Self::Crash => (6, 200),
            Self::AuditCrash => (6, 200),
            Self::PowerCut => (40, 500),
            Self::AuditPowerCut => (100, 2_000),
            Self::AuditLookup => (20_000, 10_000_000),
            Self::Memory => (2, 25),
            Self::Regions => (10, 500),
            Self::RegionsModel => (1, 2),
            Self::Policy => (5_000, 1_000_000),
        }
    }
}

/// What every proof is told.
#[derive(Debug)]
pub(crate) struct Setting {
    /// What chance begins with.
    pub(crate) seed: u64,
    /// The server.
    pub(crate) binary: PathBuf,
}

impl Setting {
    /// A folder for one proof, absolute and without symbolic links.
    pub(crate) fn folder(&self) -> Result<tempfile::TempDir, Failure> {
        let base = std::env::temp_dir();
        let base = base.canonicalize().map_err(Failure::file(&base))?;
        tempfile::Builder::new().prefix("keyreeve-proof-").tempdir_in(&base).map_err(Failure::file(&base))
    }

    /// A launch of the server on `data`.
    pub(crate) fn launch(&self, data: &Path, log: &Path) -> Launch {
        Launch::on(&self.binary, data, log)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match prove(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("\n{failure}"));
            ExitCode::FAILURE
        }
    }
}

fn prove(arguments: &Arguments) -> Result<(), Failure> {
    let (short, long) = arguments.proof.rounds();
    let rounds = arguments.rounds.unwrap_or(if arguments.short { short } else { long });
    let setting =
        Setting { seed: arguments.seed.unwrap_or_else(seed_of_the_clock), binary: binary(arguments)? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Setting(error.to_string()))?;
    if let Some(folder) = &arguments.audit_writer {
        return runtime.block_on(audit_power_cut::session::write(folder, setting.seed));
    }
    say(&format!(
        "{:?}: seed {}, {rounds} rounds, {}",
        arguments.proof,
        setting.seed,
        setting.binary.display()
    ));
    let started = Instant::now();
    runtime.block_on(async {
        match arguments.proof {
            Proof::Crash => crash::run(&setting, rounds).await,
            Proof::AuditCrash => audit_crash::run(&setting, rounds).await,
            Proof::PowerCut => power_cut::run(&setting, rounds).await,
            Proof::AuditPowerCut => audit_power_cut::run(&setting, rounds).await,
            Proof::AuditLookup => audit_lookup::run(&setting, rounds).await,
            Proof::Memory => memory::run(&setting, rounds).await,
            Proof::Regions => regions::run(&setting, rounds).await,
            Proof::RegionsModel => regions::model(rounds),
            Proof::Policy => policy::run(&setting, rounds),
        }
    })?;
    say(&format!("The promise held. {:.0} s, seed {}.", started.elapsed().as_secs_f32(), setting.seed));
    Ok(())
}

fn seed_of_the_clock() -> u64 {
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    age.map_or(0, |age| u64::from(age.subsec_nanos()) ^ age.as_secs())
}

fn binary(arguments: &Arguments) -> Result<PathBuf, Failure> {
    if [Proof::Policy, Proof::AuditPowerCut, Proof::AuditLookup, Proof::RegionsModel]
        .contains(&arguments.proof)
    {
        return std::env::current_exe().map_err(Failure::file(Path::new("this program")));
    }
    let beside = || {
        let this = std::env::current_exe().map_err(Failure::file(Path::new("this program")))?;
        Ok(this.with_file_name("keyreeve"))
    };
    let path = arguments.binary.clone().map_or_else(beside, Ok)?;
    path.canonicalize().map_err(|error| {
        let advice = "build it with `cargo build -p keyreeve`, or name it with --binary";
        Failure::Setting(format!("{}: {error}: {advice}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}

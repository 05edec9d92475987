//! The crash proof of the audit log: `kill -9` at moments that chance draws, under a load of reads, uses, changes and
//! refused calls that is recorded durably and delivered by a trail. Afterwards every call that was answered is in the log
//! once and as it was answered, the chain holds, the store agrees with the log, and every record was delivered once.

mod delivered;
mod load;
mod log;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use keyreeve_audit::signing_key::PublicKey;
use keyreeve_audit::verify::{Input, Keys, Note, verify};
use serde_json::{Value, json};

use self::delivered::Bucket;
use self::load::{Desk, Worker};
use self::log::Log;
use crate::Setting;
use crate::chance::Chance;
use crate::client::{Answered, Api, Book, Endpoint, Kms, Who};
use crate::crash::{WRITERS, keep, settle, touched};
use crate::failure::Failure;
use crate::killing::{Moment, Pulse, kill_a_start, kill_under};
use crate::report::{bar, say};
use crate::server::Launch;
use crate::world::witness::text;
use crate::world::writer::Writer;

const TRAIL: &str = "proof";
const BUCKET: &str = "proof-bucket";
/// How long the last log file and digest may take after the end of logging: both wait for some seconds on purpose.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(120);
const DELIVERY_LOOK: Duration = Duration::from_millis(200);

/// What was done, for the report.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    kills_in_start: usize,
}

/// Everything that the rounds share.
#[derive(Debug)]
struct Scene {
    launch: Launch,
    writers: Vec<Writer>,
    /// One beside each writer.
    workers: Vec<Worker>,
    book: Book,
    tally: Tally,
}

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when a record is missing, wrong or delivered twice, or the chain or the store does not hold.
pub(crate) async fn run(setting: &Setting, rounds: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let launch = setting.launch(&folder.path().join("data"), &folder.path().join("server.log"));
    let book = Book::default();
    let (writers, workers) = (0..WRITERS).map(|number| (Writer::new(number), Worker::default())).unzip();
    let mut scene = Scene { launch, writers, workers, book, tally: Tally::default() };
    let outcome = scene.play(setting.seed, rounds).await;
    if outcome.is_err() {
        keep(folder);
    }
    say(&outcome?);
    Ok(())
}

impl Scene {
    /// All of it; answers what to report.
    async fn play(&mut self, seed: u64, rounds: usize) -> Result<String, Failure> {
        let root = Chance::new(seed);
        let progress = bar(rounds, "rounds");
        self.begin().await.map_err(|error| error.at("before the first round"))?;
        for round in 0..rounds {
            let chance = root.branch(&[u64::try_from(round).unwrap_or(u64::MAX)]);
            let place = format!("round {round} of seed {seed}");
            self.round(chance).await.map_err(|error| error.at(&place))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        let keys = self.end().await.map_err(|error| error.at("after the last round"))?;
        self.judge(&keys, rounds)
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        let server = self.launch.start()?;
        let mut client = Kms::open(self.endpoint(server.address)).await?;
        let trail = json!({
            "Name": TRAIL, "S3BucketName": BUCKET, "IsMultiRegionTrail": true, "EnableLogFileValidation": true,
        });
        cloudtrail(&mut client, "CreateTrail", &trail).await?;
        cloudtrail(&mut client, "StartLogging", &json!({ "Name": TRAIL })).await?;
        server.stop()
    }

    async fn round(&mut self, mut chance: Chance) -> Result<(), Failure> {
        self.tally.kills_in_start += usize::from(kill_a_start(&self.launch, &mut chance)?);
        let server = self.launch.start()?;
        let endpoint = self.endpoint(server.address);
        self.settle(server.address).await?;
        let (pulse, moment) = (Pulse::of(self.writers.len()), Moment::draw(&mut chance));
        let work = self.workers.iter_mut().zip(&mut self.writers).map(|(worker, writer)| {
            let seed = chance.branch(&[u64::try_from(writer.number).unwrap_or(u64::MAX)]);
            worker.work(writer, Desk { endpoint: &endpoint, pulse: &pulse }, seed)
        });
        self.tally.kills += 1;
        kill_under(server, moment, &pulse, try_join_all(work)).await
    }

    fn endpoint(&self, address: SocketAddr) -> Endpoint {
        Endpoint { address, book: Some(Rc::clone(&self.book)), signer: None }
    }

    /// Which requests without an answer were carried out: the writers go on from there.
    async fn settle(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let (touched, endpoint) = (touched(&self.writers), self.endpoint(address));
        settle(&endpoint, &mut self.writers, &touched).await?;
        self.writers.iter_mut().for_each(|writer| writer.touched.clear());
        Ok(())
    }

    /// Ends logging, waits for the last of the delivery, and stops the server politely. Answers the published keys.
    async fn end(&mut self) -> Result<Vec<PublicKey>, Failure> {
        let server = self.launch.start()?;
        self.settle(server.address).await?;
        let mut client = Kms::open(self.endpoint(server.address)).await?;
        cloudtrail(&mut client, "StopLogging", &json!({ "Name": TRAIL })).await?;
        let begun = Instant::now();
        while !self.is_delivered()? {
            if begun.elapsed() > DELIVERY_PATIENCE {
                let status = cloudtrail(&mut client, "GetTrailStatus", &json!({ "Name": TRAIL })).await?;
                let status = format!("not everything was delivered in {DELIVERY_PATIENCE:?}: {status}");
                return Err(Failure::Broken(status));
            }
            tokio::time::sleep(DELIVERY_LOOK).await;
        }
        let listed = cloudtrail(&mut client, "ListPublicKeys", &json!({})).await?;
        server.stop()?;
        let listed = listed.get("PublicKeyList").and_then(Value::as_array);
        listed.into_iter().flatten().map(public_key).collect()
    }

    /// Whether everything up to StopLogging is in log files, and all of these in digests.
    fn is_delivered(&self) -> Result<bool, Failure> {
        let bucket = Bucket::read(&self.bucket())?;
        let log = Log::read(&self.audit())?;
        let expected = log.between_start_and_stop(Who::Owner.account());
        let delivered: BTreeSet<&str> = bucket.events().collect();
        Ok(expected.iter().all(|id| delivered.contains(id)) && bucket.everything_is_in_a_digest())
    }

    fn judge(&self, keys: &[PublicKey], rounds: usize) -> Result<String, Failure> {
        let broken = |losses: Vec<String>| Failure::Broken(losses.join("\n  "));
        let (log, bucket) = (Log::read(&self.audit())?, Bucket::read(&self.bucket())?);
        let answered: Vec<Answered> = self.book.borrow().clone();
        let mut losses = log.hold(&answered);
        losses.extend(bucket.hold(&log, Who::Owner.account()));
        let published = Keys::new(keys).filter(|keys| !keys.is_empty());
        let published = published.ok_or_else(|| Failure::Server("no public keys".to_owned()))?;
        losses.extend(bucket.check_digests(BUCKET, &published));
        losses.extend(chain(&self.audit(), published)?);
        if !losses.is_empty() {
            return Err(broken(losses));
        }
        self.command_agrees()?;
        let refused = answered.iter().filter(|answered| answered.error.is_some()).count();
        let Tally { kills, kills_in_start } = self.tally;
        Ok(format!(
            "audit-crash: {rounds} rounds, {kills} kills under load and {kills_in_start} during start; {} requests \
             answered ({refused} of them refused), each once in the log and as it was answered; {} changes with their \
             rows. {} events in the log ({} entries repeated after a kill, {} of requests that got no answer); {} delivered \
             in {} log files, each once, in {} digests whose signatures and chain hold. The chain verifies and the store \
             agrees.",
            answered.len(),
            answered.iter().filter(|answered| log::is_change(answered)).count(),
            log.events(),
            log.repeated,
            log.unanswered(&answered),
            bucket.events().count(),
            bucket.logs(),
            bucket.digests(),
        ))
    }

    /// `keyreeve audit verify --store` compares the log with the head and every row in the store.
    fn command_agrees(&self) -> Result<(), Failure> {
        let mut command = Command::new(&self.launch.binary);
        command.args(["audit", "verify", "--store", "--data"]).arg(&self.launch.data);
        let output = command.stdin(Stdio::null()).output().map_err(Failure::file(&self.launch.binary))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        if output.status.success() && !said.contains("Not checked") {
            return Ok(());
        }
        Err(Failure::Broken(format!("keyreeve audit verify --store: {}: {said}", output.status)))
    }

    fn audit(&self) -> PathBuf {
        self.launch.data.join("audit")
    }

    fn bucket(&self) -> PathBuf {
        self.launch.data.join("buckets").join(BUCKET)
    }
}

async fn cloudtrail(client: &mut Kms, operation: &str, input: &Value) -> Result<Value, Failure> {
    client.call_as(Who::Owner, Api::CloudTrail, operation, input).await?.done(operation)
}

fn public_key(listed: &Value) -> Result<PublicKey, Failure> {
    let odd = |_| Failure::Server(format!("an odd public key: {listed}"));
    let pkcs1 = STANDARD.decode(text(listed, "Value")?).map_err(odd)?;
    Ok(PublicKey { pkcs1, fingerprint: text(listed, "Fingerprint")? })
}

/// Verifies the chain with the published keys. A process that is killed loses nothing that it gave to the kernel: a gap is a
/// loss.
fn chain(folder: &Path, keys: Keys) -> Result<Vec<String>, Failure> {
    let input = Input { folder: folder.to_owned(), keys: Some(keys), anchor: None };
    let report = verify(&input, &mut |_, _| {}).map_err(Failure::file(folder))?;
    let gaps = report.notes.iter().filter(|note| matches!(note, Note::Gap { .. } | Note::TornTail { .. }));
    let mut losses: Vec<String> = gaps.map(ToString::to_string).collect();
    losses.extend(report.finding.map(|finding| format!("the chain does not verify: {finding}")));
    Ok(losses)
}

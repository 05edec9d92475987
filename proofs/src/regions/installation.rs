//! Three Regions of one installation, the links between them, and one client in each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};

use super::clock::Clock;
use super::deployment::Deployment;
use super::links::{Fate, Link};
use super::operators::Operators;
use crate::client::{Answer, Endpoint, Kms, Signer};
use crate::failure::Failure;

/// The Regions. Identities are kept in the first.
pub(super) const NAMES: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
/// How long the Regions may take until all know an account that was just made in one.
const IDENTITIES_PATIENCE: Duration = Duration::from_secs(60);
/// Errors of the server's side that are an answer while links are broken or processes die.
const EXCUSED: &[&str] = &["DependencyTimeoutException", "KMSInternalException"];

/// What came of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(Value),
    /// By the name of the error. Nothing was changed.
    Refused(String),
    /// No answer, or one that says that something on the way failed: it may have been carried out or not.
    Unknown,
}

/// What befalls the installation in the middle of a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blow {
    /// kill -9 of this Region.
    Kill(&'static str),
    /// Both links between two Regions.
    Part(&'static str, &'static str),
    /// One link.
    Cut(&'static str, &'static str),
}

/// The installation.
#[derive(Debug)]
pub(super) struct Installation {
    deployments: BTreeMap<&'static str, Deployment>,
    links: BTreeMap<(&'static str, &'static str), Link>,
    clients: BTreeMap<&'static str, Kms>,
    access_key_id: String,
    secret: String,
    clock: Clock,
    operators: Operators,
    /// Whether something was broken that excuses errors of the server's side.
    pub(super) disturbed: bool,
}

impl Installation {
    /// Makes and starts the Regions, which then trust each other over the links.
    pub(super) fn make(binary: &Path, folder: &Path) -> Result<Self, Failure> {
        let (mut deployments, mut links) = (BTreeMap::new(), BTreeMap::new());
        let clock = Clock::in_folder(folder)?;
        for name in NAMES {
            let mut deployment = Deployment::make(binary, folder, name, &clock)?;
            deployment.start()?;
            deployments.insert(name, deployment);
        }
        for (from, asker) in &deployments {
            for (to, other) in deployments.iter().filter(|(to, _)| *to != from) {
                let link = Link::to(other.region_address)?;
                asker.trust(other, &link, NAMES.first() == Some(to))?;
                links.insert((*from, *to), link);
            }
        }
        let operators = Operators::make(folder.join("operators"), deployments.values())?;
        Ok(Self {
            deployments,
            links,
            clients: BTreeMap::new(),
            access_key_id: String::new(),
            secret: String::new(),
            clock,
            operators,
            disturbed: false,
        })
    }

    /// Makes the account whose root user is the client, in the home of identities, and waits until all know it.
    pub(super) async fn open_account(&mut self) -> Result<(), Failure> {
        let home = NAMES.first().copied().unwrap_or_default();
        let reply = self.deployment(home)?.json(&["account", "create", "proofs"])?;
        let member = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (self.access_key_id, self.secret) = (member("AccessKeyId"), member("SecretAccessKey"));
        let begun = Instant::now();
        for name in NAMES {
            while !matches!(self.call(name, "ListKeys", &json!({})).await?, Outcome::Done(_)) {
                if begun.elapsed() > IDENTITIES_PATIENCE {
                    let text = format!("{name} does not know the account that was made in {home}");
                    return Err(Failure::Broken(text));
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    fn deployment(&self, name: &str) -> Result<&Deployment, Failure> {
        self.deployments.get(name).ok_or_else(|| Failure::Setting(format!("no Region {name}")))
    }

    /// Whether the process runs.
    pub(super) fn is_up(&self, name: &str) -> bool {
        self.deployments.get(name).is_some_and(|deployment| deployment.address().is_some())
    }

    /// kill -9.
    pub(super) fn kill(&mut self, name: &str) -> Result<(), Failure> {
        self.disturbed = true;
        self.clients.remove(name);
        self.deployments.get_mut(name).map_or(Ok(()), Deployment::kill)
    }

    /// Starts a Region that does not run.
    pub(super) fn restart(&mut self, name: &str) -> Result<(), Failure> {
        let down = self.deployments.get_mut(name).filter(|deployment| deployment.address().is_none());
        down.map_or(Ok(()), Deployment::start)
    }

    /// Sets what a link does.
    pub(super) fn set(&mut self, from: &str, to: &str, fate: Fate) {
        self.disturbed |= fate != Fate::Whole;
        if let Some((_, link)) = self.links.iter().find(|((one, other), _)| *one == from && *other == to) {
            link.set(fate);
        }
    }

    /// A stalled link goes on by itself after a while: an asker waits for it as for a slow network.
    pub(super) fn stall(&mut self, from: &str, to: &str, while_: Duration) {
        self.set(from, to, Fate::Stalled);
        let link = self.links.iter().find(|((one, other), _)| *one == from && *other == to);
        if let Some(link) = link.map(|(_, link)| link.clone()) {
            tokio::spawn(async move {
                tokio::time::sleep(while_).await;
                if link.fate() == Fate::Stalled {
                    link.set(Fate::Whole);
                }
            });
        }
    }

    /// All links work and all processes run.
    pub(super) fn heal(&mut self) -> Result<(), Failure> {
        self.links.values().for_each(|link| link.set(Fate::Whole));
        NAMES.into_iter().try_for_each(|name| self.restart(name))
    }

    /// Nobody gets through to a Region, nor it to anybody.
    pub(super) fn cut_off(&mut self, name: &str) {
        for other in NAMES.into_iter().filter(|other| *other != name) {
            self.set(name, other, Fate::Cut);
            self.set(other, name, Fate::Cut);
        }
    }

    /// Time passes in all Regions.
    pub(super) fn pass(&mut self, seconds: i64) -> Result<(), Failure> {
        self.clients.clear();
        self.clock.pass(seconds)
    }

    /// Seconds since the beginning that were added to the machine's.
    pub(super) fn ahead(&self) -> i64 {
        self.clock.ahead
    }

    /// Two operators make a Region the primary of a key in place of a lost one.
    pub(super) fn force_promote(
        &self,
        at: &str,
        key: &str,
        lost: &str,
    ) -> Result<Result<Value, String>, Failure> {
        self.operators.promote(self.deployment(at)?, key, lost)
    }

    fn strike(&mut self, blow: Blow) -> Result<(), Failure> {
        match blow {
            Blow::Kill(victim) => return self.kill(victim),
            Blow::Part(one, other) => {
                self.set(one, other, Fate::Cut);
                self.set(other, one, Fate::Cut);
            }
            Blow::Cut(from, to) => self.set(from, to, Fate::Cut),
        }
        Ok(())
    }

    /// What `keyreeve region status` says of another Region: whether it is reachable.
    pub(super) async fn reaches(&self, from: &str, to: &str) -> Result<bool, Failure> {
        let reply = self.deployment(from)?.json(&["region", "status"])?;
        let peers = reply.get("Peers").and_then(Value::as_array).cloned().unwrap_or_default();
        let named = peers.iter().find(|peer| peer.get("Region").and_then(Value::as_str) == Some(to));
        Ok(named.and_then(|peer| peer.get("Reachable")) == Some(&Value::Bool(true)))
    }

    async fn client(&mut self, name: &'static str) -> Result<Option<Kms>, Failure> {
        if let Some(client) = self.clients.remove(name) {
            return Ok(Some(client));
        }
        let Some(address) = self.deployment(name)?.address() else { return Ok(None) };
        let (access_key_id, secret, region) =
            (self.access_key_id.clone(), self.secret.clone(), name.to_owned());
        let ahead = self.clock.ahead;
        let signer = Some(Signer { access_key_id, secret, region, ahead });
        Kms::connect(Endpoint { address, book: None, signer }).await
    }

    /// One request to a Region.
    pub(super) async fn call(
        &mut self,
        name: &'static str,
        operation: &str,
        input: &Value,
    ) -> Result<Outcome, Failure> {
        let Some(mut client) = self.client(name).await? else { return Ok(Outcome::Unknown) };
        let answer = client.call(operation, input).await?;
        self.judge(name, client, operation, answer)
    }

    /// One request to a Region, and a blow so long after it began: in the middle of it, or of what follows.
    pub(super) async fn call_under(
        &mut self,
        name: &'static str,
        (operation, input): (&str, &Value),
        (blow, after): (Blow, Duration),
    ) -> Result<Outcome, Failure> {
        let Some(mut client) = self.client(name).await? else { return Ok(Outcome::Unknown) };
        self.disturbed = true;
        let strike = async {
            tokio::time::sleep(after).await;
            self.strike(blow)
        };
        let (answer, struck) = join(client.call(operation, input), strike).await;
        struck?;
        self.judge(name, client, operation, answer?)
    }

    fn judge(
        &mut self,
        name: &'static str,
        client: Kms,
        operation: &str,
        answer: Answer,
    ) -> Result<Outcome, Failure> {
        if !matches!(answer, Answer::Gone) && self.is_up(name) {
            self.clients.insert(name, client);
        }
        match answer {
            Answer::Done(value) => Ok(Outcome::Done(value)),
            Answer::Gone if self.disturbed => Ok(Outcome::Unknown),
            Answer::Gone => Err(Failure::Broken(format!("{name} broke the connection during {operation}"))),
            Answer::Refused { error, text } if text.starts_with('5') => {
                let error = error.rsplit('#').next().unwrap_or_default();
                if self.disturbed && EXCUSED.contains(&error) {
                    return Ok(Outcome::Unknown);
                }
                Err(Failure::Broken(format!("{operation} in {name}: {text}")))
            }
            Answer::Refused { error, .. } => {
                Ok(Outcome::Refused(error.rsplit('#').next().unwrap_or_default().to_owned()))
            }
        }
    }
}

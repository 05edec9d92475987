//! What every serving process does: wait for signals, write behind, reload certificates, stop gracefully.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keyreeve_model::region::Region;
use keyreeve_service::Service;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::deployment::{Deployment, DeploymentError};
use crate::limits::Limits;
use crate::listener::{Bound, Endpoint, Handler, Server, Stopped};
use crate::observe::Traffic;
use crate::regions::JoinError;
use crate::reporting::Reporting;
use crate::seed::SeedError;
use crate::streams::StreamsError;
use crate::tls::{DevCaError, TlsError, TlsServer};

/// How long requests may take to finish when the process is told to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often last uses are written behind.
const FLUSH_INTERVAL: Duration = Duration::from_secs(30);

/// How often the head of the audit log is committed while records arrive.
const HEAD_INTERVAL: Duration = Duration::from_secs(1);

/// How often the store is compared with the audit log.
const SCRUB_INTERVAL: Duration = Duration::from_secs(3600);

/// How often it is looked what is due of keys.
const TEND_INTERVAL: Duration = Duration::from_secs(1);
/// How often failed authentication is told of, while there is any.
const STRANGERS_INTERVAL: Duration = Duration::from_secs(1);

/// Why a process does not serve.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The deployment does not open.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The seed file is not used.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// An address cannot be bound.
    #[error("cannot listen on {endpoint}: {source}")]
    Listen {
        /// Where.
        endpoint: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The private CA cannot be made.
    #[error(transparent)]
    DevCa(#[from] DevCaError),
    /// The process does not find its place among Regions.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// A stream of the audit log does not start.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// The system refuses threads.
    #[error("the system refuses threads: {0}")]
    Threads(std::io::Error),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// The process cannot be hardened.
    #[error("{what}: {source}")]
    Hardening {
        /// What was tried, and what to do.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
}

/// The thread that waits while the workers serve.
#[derive(Debug)]
pub struct Serving {
    runtime: Runtime,
    signals: Option<Signals>,
}

/// What a supervisor and a terminal send.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on none of them ends the process by itself.
    fn heed() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Serving {
    /// Prepares to serve.
    ///
    /// # Errors
    /// [`RunError::Threads`].
    pub fn new() -> Result<Self, RunError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
        Ok(Self { runtime, signals: None })
    }

    /// Heeds signals before [`run`](Self::run) does: those that come from now on are kept for it.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn heed_signals(&mut self) -> Result<(), RunError> {
        let _runtime = self.runtime.enter();
        self.signals = Some(Signals::heed().map_err(RunError::Threads)?);
        Ok(())
    }

    /// Runs a future beside the wait for signals; it is dropped at the stop.
    pub fn beside(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(future));
    }

    /// Runs a future to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// [`RunError::Listen`] names the address.
    pub fn listen(
        &self,
        server: &Server,
        endpoint: Endpoint,
        handler: impl Handler,
        limits: Limits,
        traffic: Traffic,
    ) -> Result<Bound, RunError> {
        let name = match &endpoint {
            Endpoint::Tcp { address, .. } => address.to_string(),
            Endpoint::Unix { path } => path.display().to_string(),
        };
        server
            .listen(endpoint, handler, limits, traffic)
            .map_err(|source| RunError::Listen { endpoint: name, source })
    }

    /// Serves until SIGTERM or SIGINT; SIGHUP reloads the certificate.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn run(
        mut self,
        server: Server,
        deployment: &Deployment,
        reporting: Reporting,
        tls: Option<&TlsServer>,
    ) -> Result<(), RunError> {
        if self.signals.is_none() {
            self.heed_signals()?;
        }
        if let Some(signals) = self.signals.take() {
            self.runtime.block_on(wait(signals, deployment, &reporting, tls));
        }
        tracing::info!("stopping: requests in flight finish first");
        if server.stop(STOP_DEADLINE) == Stopped::Cut {
            tracing::warn!("some requests did not finish in time and were cut");
        }
        self.runtime.block_on(deployment.service.flush_usage());
        self.runtime.block_on(reporting.tell());
        self.runtime.block_on(commit_head(&deployment.service, reporting.home()));
        reporting.stop();
        deployment.service.audit().close();
        Ok(())
    }
}

async fn wait(mut signals: Signals, deployment: &Deployment, reporting: &Reporting, tls: Option<&TlsServer>) {
    let service = Arc::clone(&deployment.service);
    beside(&service, |service| async move { service.tend().await });
    let region = reporting.home().clone();
    beside(&service, |service| async move {
        commit_head(&service, &region).await;
        let home = region.clone();
        beside(&service, |service| async move { scrub(&service, &home).await });
        loop {
            tokio::time::sleep(HEAD_INTERVAL).await;
            commit_head(&service, &region).await;
        }
    });
    let own = reporting.home().clone();
    beside(&service, |service| async move {
        loop {
            service.tend_identities(&own).await;
            tokio::time::sleep(TEND_INTERVAL).await;
        }
    });
    let own = reporting.home().clone();
    beside(&service, |service| async move {
        let mut turn = tokio::time::interval(TEND_INTERVAL);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turn.tick() => {}
                () = service.peers_stirred() => {}
            }
            let own = own.clone();
            beside(&service, |service| async move { service.tend_peers(&own).await });
        }
    });
    beside(&service, |service| async move {
        loop {
            service.tend_keys().await;
            // What somebody waits for need not wait for the second.
            drop(tokio::time::timeout(TEND_INTERVAL, service.until_due()).await);
        }
    });
    beside(&service, |service| async move {
        loop {
            service.forget_deleted_material().await;
            tokio::time::sleep(TEND_INTERVAL).await;
        }
    });
    beside(&service, |service| async move {
        let (journal, folder) = (Arc::clone(service.audit()), service.audit().folder().to_owned());
        keyreeve_audit::index::run(journal, folder).await;
    });
    beside(&service, |service| async move {
        let mut turn = tokio::time::interval(TEND_INTERVAL);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turn.tick() => {}
                () = service.regions_stirred() => {}
            }
            // Beside the next turn: a Region that does not answer holds up only itself.
            beside(&service, |service| async move { service.tend_regions().await });
        }
    });
    let mut flush = tokio::time::interval(FLUSH_INTERVAL);
    let mut strangers = tokio::time::interval(STRANGERS_INTERVAL);
    strangers.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hangup.recv() => reload(tls),
            _ = flush.tick() => beside(&service, |service| async move { service.flush_usage().await }),
            _ = strangers.tick() => drop(tokio::spawn(reporting.tell())),
        }
    }
}

async fn commit_head(service: &Service, home: &Region) {
    if let Err(error) = service.commit_head(home).await {
        tracing::error!(%error, "the head of the audit log could not be committed yet");
    }
}

/// For ever: at once, then every hour.
async fn scrub(service: &Service, home: &Region) {
    loop {
        match service.scrub(home).await {
            Ok(findings) if findings.is_empty() => tracing::debug!("the store agrees with the audit log"),
            Ok(findings) => {
                tracing::error!(count = findings.len(), "rows of the store disagree with the audit log")
            }
            Err(error) => tracing::error!(%error, "the store could not be compared with the audit log"),
        }
        tokio::time::sleep(SCRUB_INTERVAL).await;
    }
}

/// Runs a job beside the wait for signals.
fn beside<F: Future<Output = ()> + Send + 'static>(
    service: &Arc<Service>,
    job: impl FnOnce(Arc<Service>) -> F,
) {
    drop(tokio::spawn(job(Arc::clone(service))));
}

fn reload(tls: Option<&TlsServer>) {
    match tls.map(TlsServer::reload) {
        Some(Ok(())) => tracing::info!("the certificate was reloaded"),
        Some(Err(error)) => tracing::error!(%error, "the certificate was not reloaded; the old one stays"),
        None => tracing::info!("SIGHUP reloads the certificate, and there is none"),
    }
}

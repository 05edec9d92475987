//! What every serving process does: wait for signals, write behind, reload certificates, stop gracefully.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keyreeve_service::Service;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::deployment::{Deployment, DeploymentError};
use crate::limits::Limits;
use crate::listener::{Bound, Endpoint, Handler, Server, Stopped};
use crate::observe::Traffic;
use crate::seed::SeedError;
use crate::tls::{DevCaError, TlsError, TlsServer};

/// How long requests may take to finish when the process is told to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often last uses are written behind.
const FLUSH_INTERVAL: Duration = Duration::from_secs(30);

/// How often keys whose waiting period has passed are deleted.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

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
        tls: Option<&TlsServer>,
    ) -> Result<(), RunError> {
        if self.signals.is_none() {
            self.heed_signals()?;
        }
        if let Some(signals) = self.signals.take() {
            self.runtime.block_on(wait(signals, deployment, tls));
        }
        tracing::info!("stopping: requests in flight finish first");
        if server.stop(STOP_DEADLINE) == Stopped::Cut {
            tracing::warn!("some requests did not finish in time and were cut");
        }
        self.runtime.block_on(deployment.service.flush_usage());
        Ok(())
    }
}

async fn wait(mut signals: Signals, deployment: &Deployment, tls: Option<&TlsServer>) {
    let service = Arc::clone(&deployment.service);
    beside(&service, |service| async move { service.tend().await });
    let mut flush = tokio::time::interval(FLUSH_INTERVAL);
    let mut expiry = tokio::time::interval(EXPIRY_INTERVAL);
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hangup.recv() => reload(tls),
            _ = flush.tick() => beside(&service, |service| async move { service.flush_usage().await }),
            _ = expiry.tick() => beside(&service, |service| async move { service.delete_expired_keys().await }),
        }
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

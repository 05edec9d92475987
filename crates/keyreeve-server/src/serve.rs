//! `keyreeve serve`: a deployment that was made by `keyreeve init`, with real identities, configured by a file.

mod store_watch;

use std::path::PathBuf;
use std::sync::Arc;

use keyreeve_service::clock::Clock;
use keyreeve_service::{RegionRule, Service};

use crate::clock::SystemClock;
use crate::config::passphrase::PassphraseError;
use crate::config::{Address, Config};
use crate::delivery::{Deliveries, Destinations, Pace};
use crate::deployment::{Deployment, DeploymentError, Mode, Secret, Unsealing};
use crate::doors::{Authenticator, AwsDoor, OperatorDoor, RegionDoor, Strangers};
use crate::limits::Limits;
use crate::listener::{Bound, Endpoint, Server};
use crate::observe::{AuditWatch, IdentitiesWatch, Metrics, Observation};
use crate::oidc::OidcKeys;
use crate::regions;
use crate::reporting::{Reporting, ReportingParts};
use crate::retention;
use crate::serving::{RunError, Serving};
use crate::tls::TlsServer;
use store_watch::StoreWatch;

/// Why `serve` or `init` does not do it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// As every serving process.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// `init` where there is something already.
    #[error(
        "there is a deployment in {} already, and its keys would be lost with it: serve it, or choose another folder",
        .0.display()
    )]
    AlreadyInitialised(PathBuf),
}

impl From<DeploymentError> for ServeError {
    fn from(error: DeploymentError) -> Self {
        Self::Run(error.into())
    }
}

/// Where a server answers, once it does.
#[derive(Debug)]
pub struct ServeReady {
    /// For AWS clients: `https://…`, `http://…` or `unix:…`, with the ports that the system chose.
    pub endpoints: Vec<String>,
    /// For operators.
    pub admin_socket: PathBuf,
    /// For health and metrics: `http://…`.
    pub observe: Option<String>,
    /// For other Regions: `https://…`.
    pub region: Option<String>,
}

/// Makes a deployment for `serve`: folder, root key, keyring, store.
///
/// # Errors
/// [`ServeError`]: sentences for whoever started it. An existing deployment is never touched.
pub fn init(folder: &crate::deployment::Folder, secret: Secret) -> Result<(), ServeError> {
    crate::hardening::apply(crate::hardening::Memory::Everything)?;
    if folder.is_initialised() {
        return Err(ServeError::AlreadyInitialised(folder.path().to_owned()));
    }
    let unsealing = Unsealing::or_create(secret);
    let serving = Serving::new()?;
    serving.block_on(Deployment::open(folder, Mode::Serve, &unsealing, Arc::new(SystemClock)))?;
    Ok(())
}

/// Serves until told to stop.
///
/// # Errors
/// [`ServeError`]: sentences for whoever started it.
pub fn run(config: &Config, ready: impl FnOnce(&ServeReady)) -> Result<(), ServeError> {
    crate::hardening::apply(crate::hardening::Memory::Everything)?;
    let tls = config.tls.as_ref().map(|files| TlsServer::from_pem_files(&files.certificate, &files.key));
    let tls = tls.transpose().map_err(RunError::from)?.map(Arc::new);
    let issuers = OidcKeys::new(config.oidc_ca_file.as_deref()).map_err(RunError::from)?;
    let mut serving = Serving::new()?;
    let server = Server::start(config.workers).map_err(RunError::Threads)?;
    let metrics = Arc::new(Metrics::new());
    let (watch, audit_watch) = (StoreWatch::starting(), AuditWatch::default());
    let identities_watch = IdentitiesWatch::default();
    // Before the root key is unsealed, which may wait for somebody to type: alive, and not ready.
    let watches = (watch.clone(), (audit_watch.clone(), identities_watch.clone()));
    let observe = observe(config, &serving, &server, &metrics, watches)?;
    let unsealing = Unsealing::existing(config.unseal.secret()?);
    let deployment = serving.block_on(Deployment::open_audited(
        &config.folder(),
        Mode::Serve,
        &unsealing,
        Arc::new(SystemClock),
        &config.audit.settings(),
    ))?;
    audit_watch.opened(deployment.service.audit());
    identities_watch.opened(&deployment.service);
    deployment.service.ask_issuers_by(Arc::new(issuers));
    if let Some(days) = config.domain_key_days {
        deployment.service.rotate_domain_keys_every(days);
    }
    metrics.opened(Arc::clone(&deployment.service), deployment.counts.clone());
    if let Some(store) = &deployment.store {
        watch.begin(store, &config.data).map_err(RunError::Threads)?;
    }
    let region_tls = serving.block_on(join(config, &deployment.service))?;
    // From here on a signal stops the server in good order, also before the first request.
    serving.heed_signals()?;
    let deliveries = deliver(config, &deployment.service)?;
    metrics.delivered(Arc::clone(&deployment.service), deliveries.backlogs().clone());
    serving.beside(deliveries.run());
    serving.beside(retention::tend(Arc::clone(&deployment.service), config.audit.retention.clone()));
    let reporting = report(config, &deployment.service, &metrics)?;
    let doors = Doors {
        config,
        serving: &serving,
        server: &server,
        metrics: &metrics,
        strangers: reporting.strangers(),
        tls: tls.as_ref(),
    };
    let endpoints = doors.open_for_clients(&deployment.service)?;
    doors.open_for_operators(&deployment.service)?;
    let region = doors.open_for_regions(&deployment.service, region_tls)?;
    ready(&ServeReady { endpoints, admin_socket: config.admin_socket.clone(), observe, region });
    serving.run(server, &deployment, reporting, tls.as_deref())?;
    Ok(())
}

/// The place of this process among Regions; answers what its listener for others is to speak, if it has one.
async fn join(config: &Config, service: &Service) -> Result<Option<Arc<TlsServer>>, RunError> {
    match (&config.region, config.regions.first()) {
        (Some(among), Some(region)) => {
            if let Some(seconds) = among.identities_max_age_seconds {
                service.limit_identities_age(i64::from(seconds));
            }
            let tls = regions::among_others(service, region, among).await?;
            regions::meet_others(service, region).await;
            Ok(Some(tls))
        }
        (_, _) => {
            regions::alone(service, RegionRule::Only(config.regions.clone())).await?;
            Ok(None)
        }
    }
}

/// Trails go to the configured destinations.
fn deliver(config: &Config, service: &Arc<Service>) -> Result<Deliveries, RunError> {
    let named = config.audit.destinations.iter();
    let named = named.map(|place| (place.bucket.clone(), place.destination.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(Deliveries::new(Arc::clone(service), Destinations::new(named, &clock)?, Pace::default()))
}

fn report(config: &Config, service: &Arc<Service>, metrics: &Metrics) -> Result<Reporting, RunError> {
    let parts = ReportingParts {
        journal: Arc::clone(service.audit()),
        clock: Arc::new(SystemClock),
        region: config.regions.first().cloned(),
        feeds: &config.audit.feeds,
        cursors: Some(config.folder().streams()),
    };
    Ok(Reporting::start(parts, metrics)?)
}

fn observe(
    config: &Config,
    serving: &Serving,
    server: &Server,
    metrics: &Arc<Metrics>,
    watches: (StoreWatch, (AuditWatch, IdentitiesWatch)),
) -> Result<Option<String>, RunError> {
    let Some(address) = config.observe else { return Ok(None) };
    let observation = Observation::new(Arc::clone(metrics), watches);
    let endpoint = Endpoint::Tcp { address, tls: None };
    let bound =
        serving.listen(server, endpoint, observation, Limits::default(), metrics.listener("observe"))?;
    Ok(Some(shown(&bound, false)))
}

/// What the listeners are made of.
struct Doors<'a> {
    config: &'a Config,
    serving: &'a Serving,
    server: &'a Server,
    metrics: &'a Metrics,
    strangers: &'a Arc<Strangers>,
    tls: Option<&'a Arc<TlsServer>>,
}

impl Doors<'_> {
    fn open_for_clients(&self, service: &Arc<Service>) -> Result<Vec<String>, RunError> {
        let mut endpoints = Vec::new();
        for address in &self.config.addresses {
            let regions = RegionRule::Only(self.config.regions.clone());
            let authenticator = Authenticator::new(regions, None, self.config.trusted_proxies.clone());
            let strangers = Arc::clone(self.strangers);
            let door = AwsDoor::new(Arc::clone(service), authenticator, self.metrics, strangers);
            let endpoint = match address {
                Address::Tcp(address) => Endpoint::Tcp { address: *address, tls: self.tls.cloned() },
                Address::Unix(path) => Endpoint::Unix { path: path.clone() },
            };
            let (limits, traffic) = (self.config.limits.clone(), self.metrics.listener("aws"));
            let bound = self.serving.listen(self.server, endpoint, door, limits, traffic)?;
            endpoints.push(shown(&bound, self.tls.is_some()));
        }
        Ok(endpoints)
    }

    fn open_for_regions(
        &self,
        service: &Arc<Service>,
        tls: Option<Arc<TlsServer>>,
    ) -> Result<Option<String>, RunError> {
        let (Some(tls), Some(among), Some(own)) = (tls, &self.config.region, self.config.regions.first())
        else {
            return Ok(None);
        };
        let door = RegionDoor::new(Arc::clone(service), own.clone());
        let endpoint = Endpoint::Tcp { address: among.listen, tls: Some(tls) };
        let traffic = self.metrics.listener("region");
        let bound = self.serving.listen(self.server, endpoint, door, regions::limits(), traffic)?;
        Ok(Some(shown(&bound, true)))
    }

    fn open_for_operators(&self, service: &Arc<Service>) -> Result<(), RunError> {
        let Some(region) = self.config.regions.first() else { return Ok(()) };
        let operators = OperatorDoor::new(Arc::clone(service), region.clone());
        let endpoint = Endpoint::Unix { path: self.config.admin_socket.clone() };
        let traffic = self.metrics.listener("admin");
        self.serving.listen(self.server, endpoint, operators, Limits::default(), traffic).map(drop)
    }
}

fn shown(bound: &Bound, tls: bool) -> String {
    match bound {
        Bound::Tcp(address) if tls => format!("https://{address}"),
        Bound::Tcp(address) => format!("http://{address}"),
        Bound::Unix(path) => format!("unix:{}", path.display()),
    }
}

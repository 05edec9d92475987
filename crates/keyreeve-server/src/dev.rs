//! `keyreeve dev`: an embedded store, every Region in one process, well-known credentials, and no switch that turns
//! signatures or policies off.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyreeve_model::region::Region;
use keyreeve_service::RegionRule;
use keyreeve_service::clock::Clock;

use crate::clock::{ShiftedClock, SystemClock};
use crate::delivery::{Deliveries, Destination, Destinations, Pace};
use crate::deployment::{AuditSettings, Deployment, Folder, Mode, Secret, Unsealing};
use crate::doors::{Authenticator, AwsDoor, OperatorDoor, TrustedProxies, WellKnownSecret};
use crate::limits::Limits;
use crate::listener::{Bound, Endpoint, Server};
use crate::observe::{AuditWatch, Metrics, Observation};
use crate::oidc::OidcKeys;
use crate::regions;
use crate::reporting::{Reporting, ReportingParts};
use crate::seed::SeedFile;
use crate::serving::{RunError, Serving};
use crate::streams::FeedSettings;
use crate::tls::{DevCa, TlsServer};

/// How `dev` speaks TLS.
#[derive(Debug, Clone)]
pub enum DevTls {
    /// Plain HTTP.
    Off,
    /// With a certificate of a private CA, for `localhost` and these names.
    PrivateCa(Vec<String>),
    /// With a certificate chain and its private key, PEM.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

/// What `dev` is told.
#[derive(Debug, Clone)]
pub struct DevOptions {
    /// Where keys are kept; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// A file that shifts the clock.
    pub clock: Option<PathBuf>,
    /// How to speak TLS, if at all.
    pub tls: DevTls,
    /// Where health and metrics are answered.
    pub observe: Option<SocketAddr>,
    /// Proxies that may say for whom they forward.
    pub trusted_proxies: TrustedProxies,
    /// Authorities of OpenID Connect providers, beside those of the system.
    pub oidc_ca: Option<PathBuf>,
    /// Keys that are there from the start.
    pub seed: Option<SeedFile>,
    /// Where buckets of trails are; every other one is a folder in the data folder.
    pub destinations: Vec<(String, Destination)>,
    /// How the audit log is written.
    pub audit: AuditSettings,
    /// Streams and notices out of it.
    pub feeds: Vec<FeedSettings>,
}

/// What a newcomer needs to know once `dev` answers.
#[derive(Debug)]
pub struct DevReady {
    /// Where it answers.
    pub endpoint: String,
    /// The secret of every access key: `test`, or a generated one.
    pub secret: String,
    /// The CA to trust, with TLS.
    pub ca: Option<PathBuf>,
    /// Where keys are kept.
    pub data: Option<PathBuf>,
    /// Where health and metrics are answered.
    pub observe: Option<SocketAddr>,
}

/// How long a record waits for others before a log file is delivered.
const DEV_GATHER: Duration = Duration::from_secs(5);
/// How often trails are looked at.
const DEV_LOOK: Duration = Duration::from_millis(200);
/// The Region of operators' commands that name none.
const OPERATORS_REGION: &str = "us-east-1";

/// Serves until told to stop.
///
/// # Errors
/// [`RunError`]: sentences for whoever started it.
pub fn run(options: &DevOptions, ready: impl FnOnce(&DevReady)) -> Result<(), RunError> {
    crate::hardening::apply(crate::hardening::Memory::Arena)?;
    let clock: Arc<dyn Clock> = match &options.clock {
        Some(file) => Arc::new(ShiftedClock::new(file.clone())),
        None => Arc::new(SystemClock),
    };
    let issuers = OidcKeys::new(options.oidc_ca.as_deref())?;
    let serving = Serving::new()?;
    let folder = options.data.clone().map(Folder::new);
    let deployment = match &folder {
        Some(folder) => {
            let unsealing = Unsealing::or_create(Secret::KeyFile(None));
            serving.block_on(Deployment::open_audited(
                folder,
                Mode::Dev,
                &unsealing,
                Arc::clone(&clock),
                &options.audit,
            ))?
        }
        None => Deployment::ephemeral(Arc::clone(&clock))?,
    };
    serving.block_on(regions::alone(&deployment.service, RegionRule::Every)).map_err(RunError::from)?;
    if let Some(seed) = &options.seed {
        let report = serving.block_on(seed.apply(&deployment.service))?;
        tracing::info!(report.created, report.present, "the keys of the seed file are there");
    }
    let secret = secret_for(options.listen)?;
    let well_known = WellKnownSecret::new(secret.as_bytes()).map_err(|_| RunError::Randomness)?;
    let metrics = Arc::new(Metrics::new());
    deployment.service.ask_issuers_by(Arc::new(issuers));
    metrics.opened(Arc::clone(&deployment.service), deployment.counts.clone());
    let deliveries = deliver(options, &deployment, folder.as_ref())?;
    metrics.delivered(Arc::clone(&deployment.service), deliveries.backlogs().clone());
    serving.beside(deliveries.run());
    let reporting = report(options, &deployment, clock, &metrics)?;
    let authenticator =
        Authenticator::new(RegionRule::Every, Some(well_known), options.trusted_proxies.clone());
    let door = AwsDoor::new(
        Arc::clone(&deployment.service),
        authenticator,
        &metrics,
        Arc::clone(reporting.strangers()),
    );
    let (ca, tls) = speak_tls(options, folder.as_ref())?;
    let scheme = if tls.is_some() { "https" } else { "http" };

    let server = Server::start(None).map_err(RunError::Threads)?;
    let endpoint = Endpoint::Tcp { address: options.listen, tls: tls.clone() };
    let bound = serving.listen(&server, endpoint, door, Limits::default(), metrics.listener("aws"))?;
    if let Some(folder) = &folder {
        let region = Region::parse(OPERATORS_REGION).ok_or(RunError::Randomness)?;
        let operators = OperatorDoor::new(Arc::clone(&deployment.service), region);
        let endpoint = Endpoint::Unix { path: folder.admin_socket() };
        serving.listen(&server, endpoint, operators, Limits::default(), metrics.listener("admin"))?;
    }
    let observe = match options.observe {
        Some(address) => {
            let watch = AuditWatch::default();
            watch.opened(deployment.service.audit());
            let observation = Observation::new(Arc::clone(&metrics), watch);
            let endpoint = Endpoint::Tcp { address, tls: None };
            let bound = serving.listen(
                &server,
                endpoint,
                observation,
                Limits::default(),
                metrics.listener("observe"),
            )?;
            address_of(&bound)
        }
        None => None,
    };
    ready(&DevReady {
        endpoint: address_of(&bound).map(|address| format!("{scheme}://{address}")).unwrap_or_default(),
        secret,
        ca: ca.as_ref().map(DevCa::ca_path),
        data: options.data.clone(),
        observe,
    });
    serving.run(server, &deployment, reporting, tls.as_deref())
}

/// Trails go to the given destinations, else to folders; nowhere else from a deployment that lives in memory. What waits
/// for others waits shorter than AWS's five minutes: somebody is watching.
fn deliver(
    options: &DevOptions,
    deployment: &Deployment,
    folder: Option<&Folder>,
) -> Result<Deliveries, RunError> {
    let mut destinations =
        Destinations::new(options.destinations.iter().cloned(), &(Arc::new(SystemClock) as _))?;
    if let Some(folder) = folder {
        destinations = destinations.or_below(&folder.buckets());
    }
    let pace = Pace { gather: DEV_GATHER, look: DEV_LOOK, retry_max: DEV_GATHER, ..Pace::default() };
    Ok(Deliveries::new(Arc::clone(&deployment.service), destinations, pace))
}

fn report(
    options: &DevOptions,
    deployment: &Deployment,
    clock: Arc<dyn Clock>,
    metrics: &Metrics,
) -> Result<Reporting, RunError> {
    let parts = ReportingParts {
        journal: Arc::clone(deployment.service.audit()),
        clock,
        region: Region::parse(OPERATORS_REGION),
        feeds: &options.feeds,
        cursors: options.data.clone().map(|data| Folder::new(data).streams()),
    };
    Ok(Reporting::start(parts, metrics)?)
}

const fn address_of(bound: &Bound) -> Option<SocketAddr> {
    match bound {
        Bound::Tcp(address) => Some(*address),
        Bound::Unix(_) => None,
    }
}

/// `test` on loopback; elsewhere a secret that nobody can guess, new at each start.
fn secret_for(listen: SocketAddr) -> Result<String, RunError> {
    if listen.ip().is_loopback() {
        return Ok("test".to_owned());
    }
    let random: [u8; 20] = keyreeve_crypto::random::array().map_err(|_| RunError::Randomness)?;
    Ok(hex::encode(random))
}

/// The private CA, where there is one, and what speaks TLS.
fn speak_tls(
    options: &DevOptions,
    folder: Option<&Folder>,
) -> Result<(Option<DevCa>, Option<Arc<TlsServer>>), RunError> {
    match &options.tls {
        DevTls::Off => Ok((None, None)),
        DevTls::PrivateCa(names) => {
            let ca = private_ca(names.clone(), options.listen, folder)?;
            let server = ca.server()?;
            Ok((Some(ca), Some(Arc::new(server))))
        }
        DevTls::Files { certificate, key } => {
            Ok((None, Some(Arc::new(TlsServer::from_pem_files(certificate, key)?))))
        }
    }
}

fn private_ca(
    mut names: Vec<String>,
    listen: SocketAddr,
    folder: Option<&Folder>,
) -> Result<DevCa, RunError> {
    let place = folder.map_or_else(|| std::env::temp_dir().join("keyreeve-dev-tls"), Folder::tls);
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    Ok(DevCa::open(&place, &names, std::time::SystemTime::now())?)
}

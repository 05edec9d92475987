//! The configuration of `keyreeve serve`: a TOML file, over it the environment, checked into types before anything is
//! opened. `settings.rs` is the table of what there is; nothing in it is a secret.

mod audit;
mod destination;
mod display;
mod nearest;
pub mod passphrase;
mod problem;
mod region;
pub mod settings;
mod values;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use keyreeve_model::region::Region;

use crate::deployment::{Folder, Secret};
use crate::doors::TrustedProxies;
use crate::limits::Limits;
use passphrase::PassphraseError;
use values::Values;

pub use audit::{AuditConfig, Retention};
pub use destination::BucketPlace;
pub use display::example;
pub use nearest::nearest;
pub use problem::{ConfigError, Place, Problem};
pub use region::RegionConfig;

/// Where `serve` answers AWS clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, mode 0600.
    Unix(PathBuf),
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// Where the secret is that opens the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseal {
    /// A key file.
    KeyFile(PathBuf),
    /// A file with a passphrase.
    PassphraseFile(PathBuf),
    /// A systemd credential with a passphrase.
    PassphraseCredential(String),
    /// Typed at each start.
    Prompt,
}

/// A configuration in which everything has been checked that can be without opening a file it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The deployment's folder.
    pub data: PathBuf,
    /// Regions that are served; never empty.
    pub regions: Vec<Region>,
    /// Where AWS clients are answered; never empty.
    pub addresses: Vec<Address>,
    /// The certificate; without one every TCP address is on loopback.
    pub tls: Option<TlsFiles>,
    /// Proxies that may say for whom they forward.
    pub trusted_proxies: TrustedProxies,
    /// Where operators are answered.
    pub admin_socket: PathBuf,
    /// Where health and metrics are answered.
    pub observe: Option<SocketAddr>,
    /// Authorities of OpenID Connect providers, beside those of the system.
    pub oidc_ca_file: Option<PathBuf>,
    /// What opens the root key.
    pub unseal: Unseal,
    /// Threads that serve; `None` is one for each core.
    pub workers: Option<NonZeroUsize>,
    /// Limits of each address.
    pub limits: Limits,
    /// How calls are recorded.
    pub audit: AuditConfig,
    /// Days after which the domain keys get a new epoch, where it is not the default.
    pub domain_key_days: Option<u32>,
    /// How this Region and others speak with each other, if they do.
    pub region: Option<RegionConfig>,
}

impl Unseal {
    /// Fetches the secret.
    ///
    /// # Errors
    /// [`PassphraseError`] where there is no passphrase to be had. A key file is read later.
    pub fn secret(&self) -> Result<Secret, PassphraseError> {
        Ok(match self {
            Self::KeyFile(path) => Secret::KeyFile(Some(path.clone())),
            Self::PassphraseFile(path) => Secret::Passphrase(passphrase::from_file(path)?),
            Self::PassphraseCredential(name) => {
                let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
                Secret::Passphrase(passphrase::from_credential(name, directory.as_deref())?)
            }
            Self::Prompt => Secret::Passphrase(passphrase::from_terminal("Passphrase of the root key")?),
        })
    }
}

impl Config {
    /// Reads the file, if there is one, and lays the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] names every problem with its place.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        let text = match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
            None => String::new(),
        };
        // Of the file's folder, so that it does not matter where the process is started.
        let base = path.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        Self::parse(&text, variables, base.unwrap_or(Path::new("")))
            .map_err(|problems| ConfigError::Problems { path: path.map(Path::to_owned), problems })
    }

    /// As [`load`](Self::load), from a file's text; relative paths are joined to `base`.
    ///
    /// # Errors
    /// Every problem.
    pub fn parse(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
        base: &Path,
    ) -> Result<Self, Vec<Problem>> {
        let mut values = Values::default();
        values.read_toml(text);
        values.read_environment(variables);
        let config = Self::check(&mut values, base);
        match config {
            Some(config) if values.problems.is_empty() => Ok(config),
            Some(_) | None => Err(values.problems),
        }
    }

    /// The deployment's folder.
    pub fn folder(&self) -> Folder {
        Folder::new(self.data.clone())
    }

    /// Every check runs, so that one reading shows every problem; `None` only beside a problem.
    fn check(values: &mut Values, base: &Path) -> Option<Self> {
        let data = required_path(values, "deployment.data", base);
        let regions = regions(values);
        let tls = tls(values, base);
        let addresses = addresses(values, base, tls.is_some());
        let trusted_proxies = trusted_proxies(values);
        let observe = values.text("listen.observe").map(str::to_owned);
        let observe = observe.and_then(|text| match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                let place = values.place("listen.observe");
                values.refuse(place, format!("listen.observe is ADDRESS:PORT, and this is `{text}`"));
                None
            }
        });
        let oidc_ca_file = path(values, "identity.oidc_ca_file", base);
        let unseal = unseal(values, base);
        let default = Limits::default();
        let limits = Limits {
            connections: values.count("limits.connections").unwrap_or(default.connections),
            concurrent_requests: values
                .count("limits.concurrent_requests")
                .unwrap_or(default.concurrent_requests),
            ..default
        };
        let workers = values.count("limits.workers").and_then(NonZeroUsize::new);
        let audit = audit::check(values, base);
        let days = values.count("keys.domain_key_days");
        let domain_key_days = days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
        let region = region::check(values, regions.len());
        let data = data?;
        let admin_socket = path(values, "listen.admin_socket", base)
            .unwrap_or_else(|| Folder::new(data.clone()).admin_socket());
        Some(Self {
            data,
            regions,
            addresses,
            tls,
            trusted_proxies,
            admin_socket,
            observe,
            oidc_ca_file,
            unseal: unseal?,
            workers,
            limits,
            audit,
            domain_key_days,
            region,
        })
    }
}

fn path(values: &Values, name: &str, base: &Path) -> Option<PathBuf> {
    values.text(name).map(|text| base.join(text))
}

fn required_path(values: &mut Values, name: &str, base: &Path) -> Option<PathBuf> {
    let found = path(values, name, base);
    if found.is_none() {
        missing(values, name);
    }
    found
}

/// A value that was given in a wrong shape has its problem already.
fn missing(values: &mut Values, name: &str) {
    if !values.problems.iter().any(|problem| problem.text.starts_with(name)) {
        let example = settings::SETTINGS.iter().find(|setting| setting.full_name() == name);
        let example = example.map_or("", |setting| setting.example);
        values.refuse(Place::Absent, format!("{name} is missing; for example {example}"));
    }
}

fn regions(values: &mut Values) -> Vec<Region> {
    let (name, place) = ("deployment.regions", values.place("deployment.regions"));
    let given = values.texts(name).map(<[_]>::to_vec).unwrap_or_default();
    if given.is_empty() {
        missing(values, name);
    }
    let mut regions = Vec::new();
    for text in given {
        match Region::parse(&text) {
            Some(region) if regions.contains(&region) => {
                values.refuse(place.clone(), format!("{name} names {text} twice"));
            }
            Some(region) => regions.push(region),
            None => values.refuse(
                place.clone(),
                format!("{name}: `{text}` has not the form of a Region's name, such as eu-central-1"),
            ),
        }
    }
    regions
}

fn tls(values: &mut Values, base: &Path) -> Option<TlsFiles> {
    let (certificate, key) = ("listen.tls_certificate", "listen.tls_key");
    match (path(values, certificate, base), path(values, key, base)) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            values.refuse(values.place(certificate), format!("{certificate} needs {key} beside it"));
            None
        }
        (None, Some(_)) => {
            values.refuse(values.place(key), format!("{key} needs {certificate} beside it"));
            None
        }
    }
}

fn addresses(values: &mut Values, base: &Path, tls: bool) -> Vec<Address> {
    let (name, place) = ("listen.addresses", values.place("listen.addresses"));
    let given = values.texts(name).map(<[_]>::to_vec).unwrap_or_default();
    if given.is_empty() {
        missing(values, name);
    }
    let mut addresses = Vec::new();
    for text in given {
        match address(&text, base) {
            None => values.refuse(
                place.clone(),
                format!("{name}: `{text}` is neither ADDRESS:PORT, such as 127.0.0.1:8080, nor unix:/path"),
            ),
            // A half-given certificate has its own problem; this one would only distract from it.
            Some(Address::Tcp(open)) if !tls && !open.ip().is_loopback() && !half_tls(values) => values.refuse(
                place.clone(),
                format!(
                    "{name}: {open} is open to other machines, and without TLS plaintext keys would cross the network: \
                     set listen.tls_certificate and listen.tls_key, or listen on 127.0.0.1 or unix:/path"
                ),
            ),
            Some(address) => addresses.push(address),
        }
    }
    addresses
}

fn trusted_proxies(values: &mut Values) -> TrustedProxies {
    let (name, place) = ("listen.trusted_proxies", values.place("listen.trusted_proxies"));
    let given = values.texts(name).map(<[_]>::to_vec).unwrap_or_default();
    for text in &given {
        if let Err(problem) = TrustedProxies::parse([text.as_str()]) {
            values.refuse(place.clone(), format!("{name}: `{text}` is {problem}"));
        }
    }
    TrustedProxies::parse(given.iter().map(String::as_str)).unwrap_or_default()
}

fn half_tls(values: &Values) -> bool {
    ["listen.tls_certificate", "listen.tls_key"].iter().any(|name| values.text(name).is_some())
}

fn address(text: &str, base: &Path) -> Option<Address> {
    match text.strip_prefix("unix:") {
        Some(path) if !path.is_empty() => Some(Address::Unix(base.join(path))),
        Some(_) => None,
        None => text.parse().ok().map(Address::Tcp),
    }
}

fn unseal(values: &mut Values, base: &Path) -> Option<Unseal> {
    let ways = [
        ("unseal.key_file", path(values, "unseal.key_file", base).map(Unseal::KeyFile)),
        ("unseal.passphrase_file", path(values, "unseal.passphrase_file", base).map(Unseal::PassphraseFile)),
        (
            "unseal.passphrase_credential",
            values.text("unseal.passphrase_credential").map(str::to_owned).map(Unseal::PassphraseCredential),
        ),
        ("unseal.prompt", values.flag("unseal.prompt").then_some(Unseal::Prompt)),
    ];
    let mut given: Vec<_> = ways.into_iter().filter_map(|(name, way)| Some((name, way?))).collect();
    match (given.pop(), given.first()) {
        (Some((_, way)), None) => Some(way),
        (Some((second, _)), Some((first, _))) => {
            let text = format!("{first} and {second} are both given: keep the one that opens the root key");
            values.refuse(values.place(second), text);
            None
        }
        (None, _) => {
            if !values.problems.iter().any(|problem| problem.text.contains("unseal")) {
                values.refuse(
                    Place::Absent,
                    "nothing says how to open the root key: set one of unseal.key_file, unseal.passphrase_file, \
                     unseal.passphrase_credential, unseal.prompt"
                        .to_owned(),
                );
            }
            None
        }
    }
}

#[cfg(test)]
mod tests;

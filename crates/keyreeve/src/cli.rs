//! The command line. `--help` teaches.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A key management service that you run yourself and that every AWS KMS client already speaks to.
#[derive(Debug, Parser)]
#[command(name = "keyreeve", version, propagate_version = true)]
#[command(
    after_help = "Start here:\n  keyreeve dev                      a KMS on this machine, in under a second\n  export AWS_ENDPOINT_URL_KMS=http://127.0.0.1:8080\n  aws kms create-key                or any other AWS KMS client, unchanged\n\nA real deployment:\n  keyreeve config example > keyreeve.toml\n  keyreeve init --config keyreeve.toml\n  keyreeve serve --config keyreeve.toml\n  keyreeve account create NAME --config keyreeve.toml\n\nLogging: RUST_LOG=keyreeve=debug keyreeve dev"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves on this machine, for development and tests: no configuration, every Region, test/test credentials.
    Dev(Dev),
    /// Makes a deployment for `serve`: its folder, root key and store.
    Init(crate::command::init::Init),
    /// Serves a deployment: real identities, sealed storage, TLS.
    Serve(crate::command::serve::Serve),
    /// Checks a configuration, or prints one to begin with.
    #[command(subcommand)]
    Config(crate::command::config::Configuration),
    /// Creates, lists and limits accounts of a running server.
    #[command(subcommand)]
    Account(crate::command::account::Account),
    /// Makes roles act as services, which may speak for others.
    #[command(subcommand)]
    Service(crate::command::service::Service),
    /// Verifies, shows and copies the audit log.
    #[command(subcommand)]
    Audit(crate::command::audit::Audit),
    /// Explains why somebody may or may not do something.
    Explain(crate::command::explain::Explain),
    /// Lists and describes keys of a running server, and imports key material.
    #[command(subcommand)]
    Key(crate::command::key::Key),
    /// Moves ciphertexts to the newest material of their key, or to another key, by ReEncrypt.
    Reencrypt(crate::command::reencrypt::Reencrypt),
    /// Writes a sealed backup, also while the server serves; or verifies one.
    Backup(crate::command::backup::Backup),
    /// Makes a deployment from a backup.
    Restore(crate::command::restore::Restore),
    /// Lists what a restored deployment brings back, and lets it serve.
    AcceptRollback(crate::command::accept_rollback::AcceptRollback),
    /// Trusts other Regions of the installation, shows how they are, and lets one take over.
    #[command(subcommand)]
    Region(crate::command::region::Region),
    /// Rotates the root key of a running server.
    #[command(subcommand)]
    Root(crate::command::root::Root),
    /// Prints shell completions: keyreeve completions bash > /etc/bash_completion.d/keyreeve
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page: keyreeve man | man -l -
    Man,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Credentials: access key `test`, secret `test` is the root user of account 000000000000; any 12-digit\naccess key with secret `test` is the root user of that account. Signatures are checked."
)]
pub(crate) struct Dev {
    /// Folder that keeps the keys, sealed; they survive restarts.
    #[arg(long, value_name = "FOLDER", env = "KEYREEVE_DATA", default_value_os_t = default_data())]
    pub(crate) data: PathBuf,
    /// Keeps the keys in memory only; they are gone when it stops.
    #[arg(long, conflicts_with = "data")]
    pub(crate) ephemeral: bool,
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, value_name = "PORT", env = "KEYREEVE_PORT", default_value_t = 8080)]
    pub(crate) port: u16,
    /// Address to listen on. Beyond loopback the secret `test` is replaced by a generated one.
    #[arg(long, value_name = "ADDRESS", env = "KEYREEVE_LISTEN", default_value = "127.0.0.1")]
    pub(crate) listen: std::net::IpAddr,
    /// Speaks TLS with a certificate of a private CA, and prints how to trust it.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Speaks TLS with this certificate chain (PEM); SIGHUP reads it and its key again.
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Further names or addresses for the certificate.
    #[arg(long, value_name = "NAME", requires = "tls")]
    pub(crate) tls_name: Vec<String>,
    /// Address that answers /health/live, /health/ready and /metrics.
    #[arg(long, value_name = "ADDRESS:PORT", env = "KEYREEVE_OBSERVE")]
    pub(crate) observe: Option<SocketAddr>,
    /// Network of proxies whose X-Forwarded-For names the source address of a request; may be repeated.
    #[arg(long, value_name = "CIDR", env = "KEYREEVE_TRUSTED_PROXY", value_delimiter = ',')]
    pub(crate) trusted_proxy: Vec<String>,
    /// Certificate authorities (PEM) that OpenID Connect providers may have, beside those of the system.
    #[arg(long, value_name = "FILE", env = "KEYREEVE_OIDC_CA")]
    pub(crate) oidc_ca: Option<PathBuf>,
    /// File of keys that are there from the start, with chosen ids and material: TOML, JSON, or the YAML of local-kms.
    #[arg(long, value_name = "FILE", env = "KEYREEVE_SEED")]
    pub(crate) seed: Option<PathBuf>,
    /// Region of seeded keys that name none.
    #[arg(long, value_name = "REGION", env = "KMS_REGION", default_value = "us-east-1", requires = "seed")]
    pub(crate) seed_region: String,
    /// Account of seeded keys that name none.
    #[arg(
        long,
        value_name = "ACCOUNT",
        env = "KMS_ACCOUNT_ID",
        default_value = "000000000000",
        requires = "seed"
    )]
    pub(crate) seed_account: String,
    /// Where every audit record goes besides the log: stdout, unix:/path of a collector's socket, or the URL of an
    /// OpenTelemetry (OTLP) receiver; may be repeated.
    #[arg(long, value_name = "TARGET", env = "KEYREEVE_AUDIT_STREAM", value_delimiter = ',')]
    pub(crate) audit_stream: Vec<String>,
    /// Where notices in EventBridge's shape go: the URL of a webhook or unix:/path; may be repeated.
    #[arg(long, value_name = "TARGET", env = "KEYREEVE_AUDIT_NOTICES", value_delimiter = ',')]
    pub(crate) audit_notices: Vec<String>,
    /// Where a bucket of CloudTrail's trails is: BUCKET=/folder or BUCKET=https://s3.example, with credentials from
    /// AWS_ACCESS_KEY_ID and its kin; may be repeated. Every other bucket is a folder in the data folder.
    #[arg(long, value_name = "BUCKET=PLACE", env = "KEYREEVE_AUDIT_DESTINATION", value_delimiter = ',')]
    pub(crate) audit_destination: Vec<String>,
    /// Answers before the record of a call is on disk: faster, and a power cut loses records. `serve` cannot do that.
    #[arg(long)]
    pub(crate) audit_buffered: bool,
    /// File that shifts the clock, such as +8d or -300s, read at each request: for tests of deletion and expiry.
    #[arg(long, value_name = "FILE")]
    pub(crate) clock: Option<PathBuf>,
}

/// Where the XDG base directory specification puts data.
pub(crate) fn default_data() -> PathBuf {
    let home = || std::env::home_dir().map(|home| home.join(".local/share"));
    let base =
        std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("keyreeve/dev")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}

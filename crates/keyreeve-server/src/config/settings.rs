//! The table of settings: one row each. The reader, the environment, `config example`, `config check` and the
//! suggestions for misspelt names all come from it. No setting is a secret: secrets are named by where they are.

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text; paths too.
    Text,
    /// A list of texts; in the environment separated by commas.
    Texts,
    /// A whole number above zero.
    Count,
    /// `true` or `false`.
    Flag,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its table in the file.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it is for, for the commented example: lines of at most 110 characters.
    pub about: &'static str,
    /// A value as it stands in TOML.
    pub example: &'static str,
    /// Whether the example leaves it commented out.
    pub optional: bool,
}

/// What every environment variable begins with.
const VARIABLE_PREFIX: &str = "KEYREEVE_";

impl Setting {
    /// `listen.addresses`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// `KEYREEVE_LISTEN_ADDRESSES`.
    pub fn variable(&self) -> String {
        format!("{}{}", variable_prefix(self.section), self.name.to_ascii_uppercase())
    }
}

/// `KEYREEVE_LISTEN_`: variables that begin so and name no setting are misspelt.
pub fn variable_prefix(section: &str) -> String {
    format!("{VARIABLE_PREFIX}{}_", section.to_ascii_uppercase())
}

const fn setting(section: &'static str, name: &'static str, shape: Shape, example: &'static str) -> Setting {
    Setting { section, name, shape, about: "", example, optional: false }
}

impl Setting {
    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }
}

/// What each section is about.
pub const SECTIONS: &[(&str, &str)] = &[
    ("deployment", "What is served. Paths are relative to this file."),
    ("listen", "Where. Without a certificate only on loopback and Unix sockets."),
    ("identity", "Who is believed beside signatures."),
    ("unseal", "What opens the root key at each start: exactly one of these four."),
    ("keys", "How keys are kept; the number is the default."),
    (
        "audit",
        "How calls are recorded; nothing need be said. The numbers are the defaults, but for retention: without it all is kept.",
    ),
    (
        "region",
        "How this Region and others of the installation speak: each its own deployment. `keyreeve region --help` goes on.",
    ),
    ("limits", "What is accepted before a request is refused; the numbers are the defaults."),
];

use Shape::{Count, Flag, Text, Texts};

/// Every setting, in the order of the example.
pub const SETTINGS: &[Setting] = &[
    setting("deployment", "data", Text, r#""/var/lib/keyreeve""#).about(
        "Folder of the store, the root key's envelope and the admin socket; `keyreeve init` makes it.",
    ),
    setting("deployment", "regions", Texts, r#"["eu-central-1"]"#)
        .about("Regions that are served: a request must be signed for one of them."),
    setting("listen", "addresses", Texts, r#"["127.0.0.1:8080"]"#)
        .about("ADDRESS:PORT or unix:/path/of/socket; port 0 lets the system choose."),
    setting("listen", "tls_certificate", Text, r#""tls/server.pem""#)
        .optional()
        .about("Certificate chain in PEM, the server's own first. SIGHUP reads both files again."),
    setting("listen", "tls_key", Text, r#""tls/server.key""#).optional().about("Its private key in PEM."),
    setting("listen", "trusted_proxies", Texts, r#"["10.0.0.0/8"]"#).optional().about(
        "Networks of proxies whose X-Forwarded-For names the source address; from others it is ignored.",
    ),
    setting("listen", "admin_socket", Text, r#""/var/lib/keyreeve/admin.sock""#)
        .optional()
        .about("Unix socket for operators, mode 0600; by default admin.sock in the data folder."),
    setting("listen", "observe", Text, r#""127.0.0.1:9464""#)
        .optional()
        .about("ADDRESS:PORT that answers /health/live, /health/ready and /metrics in plain HTTP."),
    setting("identity", "oidc_ca_file", Text, r#""tls/cluster-ca.pem""#).optional().about(
        "Certificate authorities in PEM that OpenID Connect providers may have, beside those of the system.",
    ),
    setting("unseal", "key_file", Text, r#""/var/lib/keyreeve/root.key""#)
        .about("A key file, mode 0600. Keep it on another disk than the store: who has both has every key."),
    setting("unseal", "passphrase_file", Text, r#""/run/secrets/keyreeve""#)
        .optional()
        .about("A file, mode 0600, that holds the passphrase."),
    setting("unseal", "passphrase_credential", Text, r#""keyreeve-passphrase""#).optional().about(
        "Name of a systemd credential that holds it (LoadCredentialEncrypted=keyreeve-passphrase:...).",
    ),
    setting("unseal", "prompt", Flag, "true").optional().about("Asks for the passphrase on the terminal."),
    setting("keys", "domain_key_days", Count, "7").optional().about(
        "Days after which the keys that wrap key material are replaced: a deleted key is as gone as it gets two later.",
    ),
    setting("audit", "records_per_second", Count, "20").optional().about(
        "Space for an hour of so many records is kept ready: when the disk is full, so long requests are answered.",
    ),
    setting("audit", "segment_mib", Count, "16").optional().about("Size of the files that the log consists of."),
    setting("audit", "retention_days", Count, "400").optional().about("Records that are older are purged."),
    setting("audit", "retention_gib", Count, "100").optional().about("When the log is larger, its oldest part is purged."),
    setting("audit", "export_folder", Text, r#""/var/backups/keyreeve-audit""#)
        .optional()
        .about("Where purged parts are put before."),
    setting("audit", "hashed_context_keys", Texts, r#"["PatientId"]"#)
        .optional()
        .about("Keys of encryption contexts whose values are hashed, with a key, in records."),
    setting("region", "listen", Text, r#""0.0.0.0:8443""#).optional().about(
        "ADDRESS:PORT where other Regions are answered, over TLS with certificates that Keyreeve makes itself.",
    ),
    setting("region", "endpoint", Text, r#""https://kms.eu-central-1.example:8443""#)
        .optional()
        .about("Where other Regions find this one. Then deployment.regions has one name."),
    setting("region", "identities_max_age_seconds", Count, "86400").optional().about(
        "A copy of another Region's identities that is older authenticates nobody. Without it there is no limit.",
    ),
    setting("limits", "connections", Count, "10000")
        .optional()
        .about("Connections open at one time on one address."),
    setting("limits", "concurrent_requests", Count, "4096")
        .optional()
        .about("Requests being read or answered at one time on one address."),
    setting("limits", "workers", Count, "8")
        .optional()
        .about("Threads that serve; by default one for each core."),
];

/// A list of tables, such as `[[audit.stream]]`. The environment has none.
#[derive(Debug)]
pub struct List {
    /// Its section in the file.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What its tables have; their section is the list's full name.
    pub settings: &'static [Setting],
}

impl List {
    /// `audit.stream`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// Every list, in the order of the example.
pub const LISTS: &[List] = &[
    List {
        section: "audit",
        name: "stream",
        about: "Every record to a collector, as it is written; one table each. Only by a file, not by the environment.",
        settings: &[
            setting("audit.stream", "kind", Text, r#""otlp""#)
                .about("\"stdout\": a line of JSON each. \"unix\": the same to a collector's socket. \"otlp\": OpenTelemetry."),
            setting("audit.stream", "url", Text, r#""https://collector.example:4318""#)
                .about("Of an OTLP receiver, for kind \"otlp\": https, or http on this machine."),
            setting("audit.stream", "headers_file", Text, r#""/run/secrets/otlp-headers""#)
                .optional()
                .about("A file with `Name: value` lines, such as Authorization, for kind \"otlp\"."),
            setting("audit.stream", "ca_file", Text, r#""tls/collector-ca.pem""#)
                .optional()
                .about("Certificate authorities in PEM beside those of the system, for kind \"otlp\"."),
            setting("audit.stream", "path", Text, r#""/run/collector.sock""#)
                .optional()
                .about("The socket, for kind \"unix\"."),
            setting("audit.stream", "name", Text, r#""siem""#)
                .optional()
                .about("In metrics, and where its place is kept; by default the kind."),
            setting("audit.stream", "from_beginning", Flag, "true")
                .optional()
                .about("A new stream begins with all that the log has, not with what comes next."),
        ],
    },
    List {
        section: "audit",
        name: "notices",
        about: "Rotations, deletions, expired material and integrity alarms, in EventBridge's shape; one table each.",
        settings: &[
            setting("audit.notices", "kind", Text, r#""webhook""#)
                .about("\"webhook\": a POST each. \"unix\": a line of JSON each to a socket."),
            setting("audit.notices", "url", Text, r#""https://hooks.example/keyreeve""#)
                .about("For kind \"webhook\": https, or http on this machine. 2xx takes a notice."),
            setting("audit.notices", "token_file", Text, r#""/run/secrets/hook-token""#)
                .optional()
                .about("A file with a bearer token, for kind \"webhook\"."),
            setting("audit.notices", "ca_file", Text, r#""tls/hooks-ca.pem""#)
                .optional()
                .about("Certificate authorities in PEM beside those of the system, for kind \"webhook\"."),
            setting("audit.notices", "path", Text, r#""/run/notices.sock""#)
                .optional()
                .about("The socket, for kind \"unix\"."),
            setting("audit.notices", "name", Text, r#""pager""#)
                .optional()
                .about("In metrics, and where its place is kept; by default the kind."),
            setting("audit.notices", "from_beginning", Flag, "true")
                .optional()
                .about("Begins with all that the log has, not with what comes next."),
        ],
    },
    List {
        section: "audit",
        name: "destination",
        about: "Where the buckets are that CloudTrail's trails deliver log files and digests to; one table each.",
        settings: &[
            setting("audit.destination", "bucket", Text, r#""audit""#)
                .about("The bucket's name, as CreateTrail has it; no other bucket can be named there."),
            setting("audit.destination", "directory", Text, r#""/srv/audit""#)
                .about("A folder that stands for the bucket. It must be there: an absent disk is not written past."),
            setting("audit.destination", "endpoint", Text, r#""https://s3.example""#)
                .optional()
                .about("Or the S3 server that has the bucket: https, or http on this machine."),
            setting("audit.destination", "region", Text, r#""us-east-1""#)
                .optional()
                .about("The Region that the S3 server wants in signatures."),
            setting("audit.destination", "credentials_file", Text, r#""/etc/keyreeve/s3-credentials""#)
                .optional()
                .about("Credentials as AWS clients keep them, read at each use; by default AWS_ACCESS_KEY_ID and its kin."),
            setting("audit.destination", "profile", Text, r#""default""#).optional().about("The profile in that file."),
            setting("audit.destination", "role_arn", Text, r#""arn:aws:iam::111122223333:role/audit""#)
                .optional()
                .about("A role that these credentials assume, and that puts the files."),
            setting("audit.destination", "sts_endpoint", Text, r#""https://sts.us-east-1.amazonaws.com""#)
                .optional()
                .about("Where it is assumed; by default AWS's STS of the region."),
            setting("audit.destination", "ca_file", Text, r#""tls/s3-ca.pem""#)
                .optional()
                .about("Certificate authorities in PEM beside those of the system."),
        ],
    },
];

/// The settings of a section, or of the tables of a list.
pub fn of_section(section: &str) -> impl Iterator<Item = &'static Setting> {
    let listed = LISTS.iter().flat_map(|list| list.settings);
    SETTINGS.iter().chain(listed).filter(move |setting| setting.section == section)
}

/// The setting of this section, or list, and name.
pub fn find(section: &str, name: &str) -> Option<&'static Setting> {
    of_section(section).find(|setting| setting.name == name)
}

/// The list of this section and name.
pub fn find_list(section: &str, name: &str) -> Option<&'static List> {
    LISTS.iter().find(|list| list.section == section && list.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique_and_every_section_is_described() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            let twin = SETTINGS.iter().skip(index + 1).find(|other| other.variable() == setting.variable());
            assert!(twin.is_none(), "{}", setting.full_name());
            assert!(SECTIONS.iter().any(|(name, _)| *name == setting.section), "{}", setting.section);
            assert!(!setting.about.is_empty(), "{}", setting.full_name());
        }
        for list in LISTS {
            assert!(list.settings.iter().all(|row| row.section == list.full_name() && !row.about.is_empty()));
        }
    }
}

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

/// The setting of this section and name.
pub fn find(section: &str, name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.section == section && setting.name == name)
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
    }
}

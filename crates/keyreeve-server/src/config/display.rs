//! The configuration as text: the commented example, and what is in effect.

use std::fmt;

use super::audit::{GIB, MIB};
use super::settings::{LISTS, SECTIONS, SETTINGS};
use super::{Address, AuditConfig, Config, Unseal};
use crate::streams::{Endpoint, FeedSettings, Target};

/// A configuration to begin with, every setting explained.
pub fn example() -> String {
    let mut text = String::from(
        "# Configuration of `keyreeve serve`. `keyreeve config check --config FILE` tells what is wrong with it.\n\
         # Each setting is an environment variable too, which wins: KEYREEVE_<SECTION>_<NAME>.\n\
         # No secret stands here: secrets come from a file, a systemd credential or a prompt.\n",
    );
    for (section, about) in SECTIONS {
        text.push_str(&format!("\n# {about}\n[{section}]\n"));
        for setting in SETTINGS.iter().filter(|setting| setting.section == *section) {
            let mark = if setting.optional { "# " } else { "" };
            text.push_str(&format!("# {}\n{mark}{} = {}\n", setting.about, setting.name, setting.example));
        }
        for list in LISTS.iter().filter(|list| list.section == *section) {
            text.push_str(&format!("\n# {}\n# [[{}]]\n", list.about, list.full_name()));
            for setting in list.settings {
                let mark = if setting.optional { "#   # " } else { "#   " };
                text.push_str(&format!(
                    "#   # {}\n{mark}{} = {}\n",
                    setting.about, setting.name, setting.example
                ));
            }
        }
    }
    text
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &dyn fmt::Display) -> String {
    toml::Value::from(text.to_string()).to_string()
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for Unseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFile(path) => write!(f, "key_file = {}", quoted(&path.display())),
            Self::PassphraseFile(path) => write!(f, "passphrase_file = {}", quoted(&path.display())),
            Self::PassphraseCredential(name) => write!(f, "passphrase_credential = {}", quoted(name)),
            Self::Prompt => f.write_str("prompt = true"),
        }
    }
}

/// What is in effect, defaults included, as TOML that could be the file.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[deployment]\ndata = {}", quoted(&self.data.display()))?;
        writeln!(f, "regions = {}\n", list(&self.regions))?;
        writeln!(f, "[listen]\naddresses = {}", list(&self.addresses))?;
        if let Some(tls) = &self.tls {
            writeln!(f, "tls_certificate = {}", quoted(&tls.certificate.display()))?;
            writeln!(f, "tls_key = {}", quoted(&tls.key.display()))?;
        }
        let proxies: Vec<_> = self.trusted_proxies.networks().collect();
        if !proxies.is_empty() {
            writeln!(f, "trusted_proxies = {}", list(&proxies))?;
        }
        writeln!(f, "admin_socket = {}", quoted(&self.admin_socket.display()))?;
        if let Some(observe) = self.observe {
            writeln!(f, "observe = {}", quoted(&observe))?;
        }
        if let Some(path) = &self.oidc_ca_file {
            writeln!(f, "\n[identity]\noidc_ca_file = {}", quoted(&path.display()))?;
        }
        writeln!(f, "\n[unseal]\n{}\n", self.unseal)?;
        writeln!(f, "[limits]\nconnections = {}", self.limits.connections)?;
        write!(f, "concurrent_requests = {}", self.limits.concurrent_requests)?;
        if let Some(workers) = self.workers {
            write!(f, "\nworkers = {workers}")?;
        }
        if let Some(region) = &self.region {
            write!(f, "\n\n[region]\nlisten = {}", quoted(&region.listen))?;
            write!(f, "\nendpoint = {}", quoted(&region.endpoint))?;
            if let Some(seconds) = region.identities_max_age_seconds {
                write!(f, "\nidentities_max_age_seconds = {seconds}")?;
            }
        }
        write!(f, "\n\n{}", self.audit)
    }
}

impl fmt::Display for AuditConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[audit]\nrecords_per_second = {}", self.records_per_second)?;
        write!(f, "\nsegment_mib = {}", self.segment_bytes / MIB)?;
        if let Some(days) = self.retention.days {
            write!(f, "\nretention_days = {days}")?;
        }
        if let Some(bytes) = self.retention.bytes {
            write!(f, "\nretention_gib = {}", bytes / GIB)?;
        }
        if let Some(folder) = &self.retention.export_folder {
            write!(f, "\nexport_folder = {}", quoted(&folder.display()))?;
        }
        if !self.hashed_context_keys.is_empty() {
            write!(f, "\nhashed_context_keys = {}", list(&self.hashed_context_keys))?;
        }
        self.feeds.iter().try_for_each(|feed| write!(f, "\n\n{feed}"))?;
        self.destinations.iter().try_for_each(|place| write!(f, "\n\n{place}"))
    }
}

impl fmt::Display for FeedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[audit.{}]]\nname = {}", self.content.word(), quoted(&self.name))?;
        write!(f, "kind = {}", quoted(&self.target.kind()))?;
        match &self.target {
            Target::Stdout => {}
            Target::Unix(path) => write!(f, "\npath = {}", quoted(&path.display()))?,
            Target::Otlp(endpoint) | Target::Webhook(endpoint) => endpoint.fmt(f)?,
        }
        if self.from_beginning { f.write_str("\nfrom_beginning = true") } else { Ok(()) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nurl = {}", quoted(&self.url))?;
        let files = [
            ("headers_file", &self.headers_file),
            ("token_file", &self.token_file),
            ("ca_file", &self.ca_file),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                write!(f, "\n{name} = {}", quoted(&path.display()))?;
            }
        }
        Ok(())
    }
}

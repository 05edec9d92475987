//! The configuration as text: the commented example, and what is in effect.

use std::fmt;

use super::settings::{SECTIONS, SETTINGS};
use super::{Address, Config, Unseal};

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
    }
    text
}

/// A text as TOML writes it.
fn quoted(text: &dyn fmt::Display) -> String {
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
        match self.workers {
            Some(workers) => write!(f, "\nworkers = {workers}"),
            None => Ok(()),
        }
    }
}

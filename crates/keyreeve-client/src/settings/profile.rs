//! The shared files of AWS tools: `~/.aws/credentials` and `~/.aws/config`.
//! AWS: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::SettingsError;
use super::environment::Environment;

/// One profile of the two files, and where it was looked for.
#[derive(Default)]
pub(super) struct Profiles {
    pub(super) name: String,
    pub(super) credentials_file: PathBuf,
    settings: Section,
    services: Section,
}

/// Names in lower case; a nested `name = value` under `kms =` is `kms.name`.
type Section = BTreeMap<String, Zeroizing<String>>;

impl Profiles {
    /// Reads the profile that the command line or `AWS_PROFILE` names, or else `default`.
    ///
    /// # Errors
    /// When a file cannot be read, or a profile that was named is in neither.
    pub(super) fn read(chosen: Option<&str>, environment: &Environment<'_>) -> Result<Self, SettingsError> {
        let named = chosen.map(str::to_owned).or_else(|| environment.get("AWS_PROFILE"));
        let name = named.clone().unwrap_or_else(|| "default".to_owned());
        let credentials_file = environment.file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config_file = environment.file("AWS_CONFIG_FILE", "config");
        let (credentials, config) = (text_of(&credentials_file)?, text_of(&config_file)?);
        let (mut credentials, mut config) = (sections(&credentials), sections(&config));
        let of_config = config.remove(&format!("profile {name}"));
        let of_config = of_config.or_else(|| (name == "default").then(|| config.remove("default")).flatten());
        let of_credentials = credentials.remove(&name);
        if named.is_some() && of_config.is_none() && of_credentials.is_none() {
            return Err(SettingsError::NoProfile {
                profile: name,
                credentials: credentials_file,
                config: config_file,
            });
        }
        let mut settings = of_config.unwrap_or_default();
        settings.extend(of_credentials.unwrap_or_default());
        let services =
            settings.get("services").and_then(|name| config.remove(&format!("services {}", name.as_str())));
        Ok(Self { name, credentials_file, settings, services: services.unwrap_or_default() })
    }

    /// A setting of the profile.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A setting for KMS in the `services` section that the profile names.
    pub(super) fn of_kms(&self, name: &str) -> Option<&str> {
        self.services
            .get(&format!("kms.{name}"))
            .map(|value| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// The text of a file; nothing where there is none.
fn text_of(path: &Path) -> Result<Zeroizing<String>, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Zeroizing::default())
        }
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}

/// What both files consist of. Lines that are nothing are passed over, as the AWS tools do.
fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut found: BTreeMap<String, Section> = BTreeMap::new();
    let (mut section, mut parent) = (None::<String>, String::new());
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(heading) = bare.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let name = heading.0.split_whitespace().collect::<Vec<_>>().join(" ").replace(['"', '\''], "");
            found.entry(name.clone()).or_default();
            section = Some(name);
            continue;
        }
        let (Some(section), Some((name, value))) = (&section, bare.split_once('=')) else { continue };
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        let name = if line.starts_with([' ', '\t']) {
            format!("{parent}.{name}")
        } else {
            parent.clone_from(&name);
            name
        };
        found.entry(section.clone()).or_default().insert(name, Zeroizing::new(value.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_names_and_nested_settings_are_read() {
        let text = "stray = 1\n# comment\n[default]\nregion=eu-west-1\n\n[profile \"two words\"]\n  \n\
                    AWS_Access_Key_Id = AKIA= \n; comment\n[ services   local ]\nkms =\n  endpoint_url = http://localhost:1\n\
                    s3 =\n\tendpoint_url = http://localhost:2\nnothing\n";
        let found = sections(text);
        let value = |section: &str, name: &str| Some(found.get(section)?.get(name)?.as_str().to_owned());
        for (section, name, expected) in [
            ("default", "region", Some("eu-west-1")),
            ("profile two words", "aws_access_key_id", Some("AKIA=")),
            ("services local", "kms.endpoint_url", Some("http://localhost:1")),
            ("services local", "s3.endpoint_url", Some("http://localhost:2")),
            ("services local", "endpoint_url", None),
            ("default", "stray", None),
        ] {
            assert_eq!(value(section, name).as_deref(), expected, "{section} {name}");
        }
    }
}

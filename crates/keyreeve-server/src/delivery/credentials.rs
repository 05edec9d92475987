//! Who signs requests to an S3 server: credentials of the environment or of a file, read at each use, so that a file that
//! somebody renews is renewed.
//! AWS: <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>

use std::path::PathBuf;

use keyreeve_sigv4::SecretAccessKey;
use zeroize::Zeroizing;

/// Where credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialsSource {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, with temporary ones, `AWS_SESSION_TOKEN`.
    Environment,
    /// A credentials file as AWS clients have it, and the profile in it. Whoever renews temporary credentials of a role
    /// writes them there.
    File {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
    },
}

/// Credentials, as they are now.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret: SecretAccessKey,
    pub(super) session_token: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl CredentialsSource {
    /// Reads them.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub(super) fn read(&self) -> Result<Credentials, String> {
        match self {
            Self::Environment => {
                let variable = |name: &str| std::env::var(name.to_ascii_uppercase()).ok().map(Zeroizing::new);
                credentials(variable).ok_or_else(|| {
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment of the server".to_owned()
                })
            }
            Self::File { path, profile } => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let text = Zeroizing::new(text);
                credentials(|name| setting(&text, profile, name))
                    .ok_or_else(|| format!("{}: no whole credentials in [{profile}]", path.display()))
            }
        }
    }
}

fn credentials(read: impl Fn(&str) -> Option<Zeroizing<String>>) -> Option<Credentials> {
    let given = |name: &str| read(name).filter(|value| !value.is_empty());
    Some(Credentials {
        access_key_id: given("aws_access_key_id")?.to_string(),
        secret: SecretAccessKey::new(given("aws_secret_access_key")?.as_bytes()).ok()?,
        session_token: given("aws_session_token"),
    })
}

/// A setting of a profile of an ini file.
fn setting(text: &str, profile: &str, name: &str) -> Option<Zeroizing<String>> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = section.trim() == profile;
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case(name)
        {
            return Some(Zeroizing::new(value.trim().to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_a_file_has_its_own_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let text = "# kept\n[default]\naws_access_key_id = ONE\naws_secret_access_key=a=b\n\n[ other ]\n\
                    AWS_ACCESS_KEY_ID=TWO\naws_secret_access_key = c\naws_session_token = t\n[half]\naws_access_key_id=X\n";
        std::fs::write(&path, text).unwrap();
        let read = |profile: &str| {
            let source = CredentialsSource::File { path: path.clone(), profile: profile.to_owned() };
            source
                .read()
                .map(|found| (found.access_key_id, found.session_token.map(|token| token.to_string())))
        };
        assert_eq!(read("default").unwrap(), ("ONE".to_owned(), None));
        assert_eq!(read("other").unwrap(), ("TWO".to_owned(), Some("t".to_owned())));
        assert!(read("half").is_err() && read("absent").is_err());
    }
}

//! `[[audit.destination]]`: where the buckets of trails are.

use std::fmt;
use std::path::Path;

use super::display::quoted;
use super::problem::Place;
use super::values::Values;
use crate::delivery::{CredentialsSource, Destination, RoleSource, S3_REGION, S3Destination};
use crate::http_client::Url;

const LIST: &str = "audit.destination";
/// What belongs to an S3 server only.
const OF_SERVERS: [&str; 6] =
    ["region", "credentials_file", "profile", "role_arn", "sts_endpoint", "ca_file"];

/// A bucket and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPlace {
    /// The bucket's name, as trails have it.
    pub bucket: String,
    /// Where it is.
    pub destination: Destination,
}

/// Every destination; what is wrong with one becomes a problem.
pub(super) fn check(values: &mut Values, base: &Path) -> Vec<BucketPlace> {
    let mut places: Vec<BucketPlace> = Vec::new();
    for (index, place) in values.list(LIST).into_iter().enumerate() {
        let table = Table { prefix: format!("{LIST}.{index}"), place: place.clone(), base };
        let Some(found) = table.read(values) else { continue };
        if places.iter().any(|other| other.bucket == found.bucket) {
            values.refuse(place, format!("two {LIST} have the bucket `{}`: keep one", found.bucket));
        }
        places.push(found);
    }
    places
}

/// One table of the list.
struct Table<'a> {
    prefix: String,
    place: Place,
    base: &'a Path,
}

impl Table<'_> {
    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn text(&self, values: &Values, name: &str) -> Option<String> {
        values.text(&self.full(name)).map(str::to_owned)
    }

    fn refuse(&self, values: &mut Values, name: &str, text: String) {
        let place = match values.place(&self.full(name)) {
            Place::Absent => self.place.clone(),
            place @ (Place::Line(_) | Place::Variable(_)) => place,
        };
        values.refuse(place, text);
    }

    fn read(&self, values: &mut Values) -> Option<BucketPlace> {
        let Some(bucket) = self.text(values, "bucket") else {
            self.refuse(values, "bucket", format!("{LIST} needs bucket, the name that trails have for it"));
            return None;
        };
        let directory = super::path(values, &self.full("directory"), self.base);
        let endpoint = self.text(values, "endpoint");
        let destination = match (directory, endpoint) {
            (Some(folder), None) => {
                for name in OF_SERVERS {
                    if self.text(values, name).is_some() {
                        self.refuse(
                            values,
                            name,
                            format!("{LIST}.{name} belongs to an endpoint, not to a directory"),
                        );
                    }
                }
                Destination::Directory(folder)
            }
            (None, Some(endpoint)) => Destination::S3(Box::new(self.server(values, &endpoint)?)),
            (Some(_), Some(_)) | (None, None) => {
                let text = format!("{LIST} has either directory or endpoint");
                self.refuse(values, "endpoint", text);
                return None;
            }
        };
        Some(BucketPlace { bucket, destination })
    }

    fn server(&self, values: &mut Values, endpoint: &str) -> Option<S3Destination> {
        let url = self.url(values, "endpoint", endpoint)?;
        let region = self.text(values, "region").unwrap_or_else(|| S3_REGION.to_owned());
        let profile = self.text(values, "profile");
        let file = super::path(values, &self.full("credentials_file"), self.base);
        if profile.is_some() && file.is_none() {
            self.refuse(values, "profile", format!("{LIST}.profile needs credentials_file beside it"));
        }
        let credentials = file.map_or(CredentialsSource::Environment, |path| CredentialsSource::File {
            path,
            profile: profile.unwrap_or_else(|| "default".to_owned()),
        });
        Some(S3Destination {
            endpoint: url,
            role: self.role(values, &region)?,
            region,
            credentials,
            ca_file: super::path(values, &self.full("ca_file"), self.base),
        })
    }
}

impl Table<'_> {
    /// The role to be assumed, if there is one; `None` only beside a problem.
    #[expect(clippy::option_option, reason = "a problem, no role, a role")]
    fn role(&self, values: &mut Values, region: &str) -> Option<Option<RoleSource>> {
        let sts = self.text(values, "sts_endpoint");
        let Some(arn) = self.text(values, "role_arn") else {
            if sts.is_some() {
                self.refuse(values, "sts_endpoint", format!("{LIST}.sts_endpoint needs role_arn beside it"));
            }
            return Some(None);
        };
        let sts = sts.unwrap_or_else(|| format!("https://sts.{region}.amazonaws.com"));
        Some(Some(RoleSource { arn, sts: self.url(values, "sts_endpoint", &sts)? }))
    }

    fn url(&self, values: &mut Values, name: &str, text: &str) -> Option<Url> {
        match Url::parse(text) {
            Ok(url) => Some(url),
            Err(fault) => {
                self.refuse(values, name, format!("{LIST}.{name}: `{text}` is {fault}"));
                None
            }
        }
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[{LIST}]]\nbucket = {}", quoted(&self.bucket))?;
        match &self.destination {
            Destination::Directory(folder) => write!(f, "\ndirectory = {}", quoted(&folder.display())),
            Destination::S3(server) => {
                write!(f, "\nendpoint = {}\nregion = {}", quoted(&server.endpoint), quoted(&server.region))?;
                if let CredentialsSource::File { path, profile } = &server.credentials {
                    write!(f, "\ncredentials_file = {}", quoted(&path.display()))?;
                    write!(f, "\nprofile = {}", quoted(profile))?;
                }
                if let Some(role) = &server.role {
                    write!(f, "\nrole_arn = {}\nsts_endpoint = {}", quoted(&role.arn), quoted(&role.sts))?;
                }
                match &server.ca_file {
                    Some(path) => write!(f, "\nca_file = {}", quoted(&path.display())),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const START: &str = "[deployment]\ndata = \"/d\"\nregions = [\"eu-central-1\"]\n[listen]\naddresses = [\"127.0.0.1:1\"]\n\
                         [unseal]\nprompt = true\n";

    fn parsed(tables: &str) -> Result<Config, Vec<String>> {
        let parsed =
            Config::parse(&format!("{START}{tables}"), std::iter::empty(), std::path::Path::new("/etc"));
        parsed.map_err(|problems| problems.into_iter().map(|problem| problem.text).collect())
    }

    #[test]
    fn a_destination_is_shown_as_it_was_given() {
        for table in [
            "[[audit.destination]]\nbucket = \"audit\"\ndirectory = \"/srv/audit\"",
            "[[audit.destination]]\nbucket = \"audit\"\nendpoint = \"https://s3.example/\"\nregion = \"eu-west-1\"",
            "[[audit.destination]]\nbucket = \"audit\"\nendpoint = \"https://s3.example/\"\nregion = \"us-east-1\"\n\
             credentials_file = \"/etc/s3\"\nprofile = \"audit\"\n\
             role_arn = \"arn:aws:iam::111122223333:role/audit\"\nsts_endpoint = \"https://sts.example/\"\n\
             ca_file = \"/etc/ca.pem\"",
        ] {
            let config = parsed(table).unwrap();
            assert_eq!(config.audit.destinations[0].to_string(), table);
            assert_eq!(parsed(&config.audit.destinations[0].to_string()).unwrap(), config);
        }
    }

    #[test]
    fn what_is_no_destination_is_refused_with_the_reason() {
        for (table, reason) in [
            ("directory = \"/a\"", "needs bucket"),
            ("bucket = \"a\"", "either directory or endpoint"),
            (
                "bucket = \"a\"\ndirectory = \"/a\"\nendpoint = \"https://x.example\"",
                "either directory or endpoint",
            ),
            ("bucket = \"a\"\ndirectory = \"/a\"\nregion = \"x\"", "belongs to an endpoint"),
            ("bucket = \"a\"\nendpoint = \"http://x.example\"", "without TLS"),
            (
                "bucket = \"a\"\nendpoint = \"https://x.example\"\nsts_endpoint = \"https://y.example\"",
                "needs role_arn",
            ),
            ("bucket = \"a\"\nendpoint = \"https://x.example\"\nprofile = \"p\"", "needs credentials_file"),
            (
                "bucket = \"a\"\ndirectory = \"/a\"\n[[audit.destination]]\nbucket = \"a\"\ndirectory = \"/b\"",
                "keep one",
            ),
        ] {
            let problems = parsed(&format!("[[audit.destination]]\n{table}")).unwrap_err();
            assert!(problems.iter().any(|text| text.contains(reason)), "{table}: {problems:?}");
        }
    }
}

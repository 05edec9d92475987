//! Where buckets are: the operator's table of their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyreeve_service::clock::Clock;
use keyreeve_service::cloudtrail::Buckets;

use super::credentials::CredentialsSource;
use super::role::RoleSource;
use super::{directory, s3};
use crate::http_client::{Url, UrlFault};
use crate::tls::TlsError;

/// Where one bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A folder, which must be there.
    Directory(PathBuf),
    /// A bucket of this name on an S3 server.
    S3(Box<S3Destination>),
}

/// An S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Destination {
    /// Its URL; buckets are the first part of paths.
    pub endpoint: Url,
    /// The Region that requests are signed for.
    pub region: String,
    /// Who signs.
    pub credentials: CredentialsSource,
    /// The role that signs instead, once they have assumed it.
    pub role: Option<RoleSource>,
    /// Certificate authorities in PEM, beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Why a text is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationFault {
    /// Not `bucket=…`.
    #[error("not like audit=/srv/audit or audit=https://s3.example")]
    Malformed,
    /// Not a URL to deliver to.
    #[error(transparent)]
    Url(#[from] UrlFault),
}

impl Destination {
    /// `audit=/srv/audit` or `audit=https://s3.example`: the bucket and where it is, with credentials from the
    /// environment.
    ///
    /// # Errors
    /// [`DestinationFault`].
    pub fn parse(text: &str) -> Result<(String, Self), DestinationFault> {
        let (bucket, place) = text.split_once('=').ok_or(DestinationFault::Malformed)?;
        if bucket.is_empty() || place.is_empty() {
            return Err(DestinationFault::Malformed);
        }
        let destination = if place.contains("://") {
            Self::S3(Box::new(S3Destination {
                endpoint: Url::parse(place)?,
                region: S3_REGION.to_owned(),
                credentials: CredentialsSource::Environment,
                role: None,
                ca_file: None,
            }))
        } else {
            Self::Directory(PathBuf::from(place))
        };
        Ok((bucket.to_owned(), destination))
    }
}

/// The Region of S3 servers that know none.
pub const S3_REGION: &str = "us-east-1";

/// Something to be put.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) body: Vec<u8>,
    pub(super) metadata: Vec<(&'static str, String)>,
}

/// Why an object was not put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PutFault {
    /// As S3 names it: what GetTrailStatus tells tenants.
    pub(super) code: String,
    /// A sentence for operators, with folders and servers in it.
    pub(super) why: String,
}

/// A server that cannot be reached, or has no answer.
impl From<String> for PutFault {
    fn from(why: String) -> Self {
        Self { code: "ServiceUnavailable".to_owned(), why }
    }
}

/// All destinations of a deployment.
#[derive(Debug)]
pub struct Destinations {
    named: BTreeMap<String, Place>,
    /// Where every other bucket is a folder: `dev` only.
    others_below: Option<PathBuf>,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    S3(Box<s3::Client>),
}

impl Destinations {
    /// These, and no other; `clock` dates signatures, which the receiver compares with its own.
    ///
    /// # Errors
    /// When authorities of one cannot be read.
    pub fn new(
        named: impl IntoIterator<Item = (String, Destination)>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let mut places = BTreeMap::new();
        for (bucket, destination) in named {
            let place = match destination {
                Destination::Directory(folder) => Place::Directory(folder),
                Destination::S3(server) => Place::S3(Box::new(s3::Client::new(*server, Arc::clone(clock))?)),
            };
            places.insert(bucket, place);
        }
        Ok(Self { named: places, others_below: None })
    }

    /// With every other bucket as a folder below this one; made when something is delivered there.
    #[must_use]
    pub fn or_below(mut self, folder: &Path) -> Self {
        self.others_below = Some(folder.to_owned());
        self
    }

    /// Puts an object, in place of what has its name.
    ///
    /// # Errors
    /// [`PutFault`].
    pub(super) async fn put(&self, object: Object) -> Result<(), PutFault> {
        match (self.named.get(&object.bucket), &self.others_below) {
            (Some(Place::S3(client)), _) => client.put(&object).await,
            (Some(Place::Directory(folder)), _) => in_folder(folder.clone(), false, object).await,
            (None, Some(below)) => in_folder(below.join(&object.bucket), true, object).await,
            (None, None) => {
                let why = format!("no destination has the bucket {}", object.bucket);
                Err(PutFault { code: "NoSuchBucket".to_owned(), why })
            }
        }
    }
}

async fn in_folder(folder: PathBuf, makes: bool, object: Object) -> Result<(), PutFault> {
    let put = tokio::task::spawn_blocking(move || directory::put(&folder, makes, &object)).await;
    put.map_err(|error| error.to_string())?
}

impl Buckets for Destinations {
    fn exists(&self, bucket: &str) -> bool {
        self.named.contains_key(bucket) || self.others_below.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_folder_or_a_url() {
        let directory = |path: &str| Ok(("audit".to_owned(), Destination::Directory(PathBuf::from(path))));
        assert_eq!(Destination::parse("audit=/srv/a=b"), directory("/srv/a=b"));
        assert_eq!(Destination::parse("audit=kept"), directory("kept"));
        let (bucket, Destination::S3(server)) = Destination::parse("audit=https://s3.example:9000").unwrap()
        else {
            panic!("not S3");
        };
        assert_eq!(
            (bucket.as_str(), server.endpoint.to_string().as_str()),
            ("audit", "https://s3.example:9000/")
        );
        for text in [
            "audit",
            "=x",
            "audit=",
            "audit=ftp://x",
            "audit=http://s3.example",
            "audit=https://u@s3.example",
        ] {
            assert!(Destination::parse(text).is_err(), "{text}");
        }
    }
}

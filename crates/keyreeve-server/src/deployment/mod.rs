//! A deployment's folder: the store, the root key's envelope, the admin socket; opened, unsealed, and made a service.
//!
//! | name | what |
//! |---|---|
//! | `store/` | the database, with every row sealed |
//! | `root.json` | the root key, wrapped once for each way to unseal it |
//! | `root.key` | the key file that unseals it, mode 0600 (absent where a passphrase does) |
//! | `audit/` | the audit log, in segment files |
//! | `streams/` | how far each stream of it has come |
//! | `buckets/` | what trails of `dev` deliver, one folder a bucket |
//! | `tls/` | the private CA of `dev --tls` |
//! | `admin.sock` | where operators reach a running server |
//! | `restored.json` | that it was made from a backup, until an operator accepts the roll-back |

mod audit;
mod command;
mod error;
mod site;
mod unsealing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use keyreeve_audit::Journal;
use keyreeve_crypto::keyring::{Keyring, WrappedKeyring};
use keyreeve_crypto::root_key::{self, RootKey};
use keyreeve_service::clock::Clock;
use keyreeve_service::premises::Restored;
use keyreeve_service::records::path as rows;
use keyreeve_service::{Service, ServiceParts};
use keyreeve_store::{Commit, CommitId, Expect, MemoryStore, OpenOptions, Revision, SqliteStore, Store};

use crate::observe::{CountedStore, StoreCounts};
pub use audit::AuditSettings;
pub use command::harden;
pub use error::DeploymentError;
pub use keyreeve_audit::Durability;
use site::Site;
pub use unsealing::{Secret, Unsealing};

/// What a store is for; a store made for one is refused by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `keyreeve dev`: well-known credentials.
    Dev,
    /// `keyreeve serve`: real ones.
    Serve,
}

impl Mode {
    const fn kind(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Serve => "serve",
        }
    }
}

/// The folder of a deployment.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The deployment in this folder.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The note of a restore whose roll-back nobody accepted yet.
    pub(crate) fn restored_note(&self) -> PathBuf {
        self.0.join("restored.json")
    }

    /// What that note says.
    fn restored(&self) -> std::io::Result<Option<Restored>> {
        match std::fs::read(self.restored_note()) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The key file.
    pub fn key_file(&self) -> PathBuf {
        self.0.join("root.key")
    }

    /// The audit log.
    pub fn audit(&self) -> PathBuf {
        self.0.join("audit")
    }

    /// How far each stream of the audit log has come.
    pub fn streams(&self) -> PathBuf {
        self.0.join("streams")
    }

    /// Folders that stand for buckets, in `dev`.
    pub fn buckets(&self) -> PathBuf {
        self.0.join("buckets")
    }

    /// The private CA of `dev --tls`.
    pub fn tls(&self) -> PathBuf {
        self.0.join("tls")
    }

    /// The admin socket.
    pub fn admin_socket(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// Whether a deployment was made here.
    pub fn is_initialised(&self) -> bool {
        self.0.join("root.json").exists()
    }
}

/// An opened deployment.
#[derive(Debug)]
pub struct Deployment {
    /// The rules over its store.
    pub service: Arc<Service>,
    /// The store on disk; absent in an ephemeral deployment.
    pub store: Option<Arc<SqliteStore>>,
    /// What went through the store.
    pub counts: StoreCounts,
}

impl Deployment {
    /// One that lives in memory and is gone with the process.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn ephemeral(clock: Arc<dyn Clock>) -> Result<Self, DeploymentError> {
        let keyring = Keyring::generate(clock.now())?;
        let counts = StoreCounts::default();
        let store: Arc<dyn Store> = Arc::new(CountedStore::new(Arc::new(MemoryStore::new()), counts.clone()));
        let audit = Arc::new(Journal::ephemeral()?);
        let service = Arc::new(Service::new(ServiceParts { store, keyring, clock, audit }));
        Ok(Self { service, store: None, counts })
    }

    /// Opens the deployment of a folder; makes it first where `unsealing` says how.
    ///
    /// # Errors
    /// [`DeploymentError`]: sentences for the operator.
    pub async fn open(
        folder: &Folder,
        mode: Mode,
        unsealing: &Unsealing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeploymentError> {
        Self::open_audited(folder, mode, unsealing, clock, &AuditSettings::of(mode)).await
    }

    /// As [`open`](Self::open), with an audit log that is written so.
    ///
    /// # Errors
    /// As there.
    pub async fn open_audited(
        folder: &Folder,
        mode: Mode,
        unsealing: &Unsealing,
        clock: Arc<dyn Clock>,
        audit: &AuditSettings,
    ) -> Result<Self, DeploymentError> {
        // Also a note that does not parse: whoever damaged it accepted nothing.
        if folder.restored_note().exists() {
            return Err(DeploymentError::RolledBack(folder.path().to_owned()));
        }
        Self::open_accepted(folder, mode, unsealing, clock, audit).await
    }

    async fn open_accepted(
        folder: &Folder,
        mode: Mode,
        unsealing: &Unsealing,
        clock: Arc<dyn Clock>,
        audit: &AuditSettings,
    ) -> Result<Self, DeploymentError> {
        let initialised = folder.is_initialised();
        if !initialised && !unsealing.creates() {
            return Err(DeploymentError::NotInitialised(folder.path().to_owned()));
        }
        make_folder(folder.path())?;
        // The store's lock comes first: whoever holds it may touch the envelope.
        let options =
            OpenOptions { path: folder.store(), create: !initialised, kind: mode.kind().to_owned() };
        let store = Arc::new(SqliteStore::open(options)?);
        let stored = stored_keyring(store.as_ref()).await?;
        if !initialised {
            if stored.is_some() {
                return Err(DeploymentError::EnvelopeMissing(folder.path().to_owned()));
            }
            unsealing.create_root(folder)?;
        }
        let unsealed = unsealing.unseal(folder)?;
        let (root, keyring, revision) = match stored {
            Some((wrapped, revision)) => {
                let root = unsealed.for_keyring(&wrapped)?;
                root_key::settle(folder.path(), &root)?;
                let keyring = Keyring::unwrap(&root, &wrapped)?;
                (root, keyring, revision)
            }
            // Also a creation that was interrupted before its keyring was stored.
            None => {
                let root = unsealed.generation(1)?;
                let (keyring, revision) = first_keyring(store.as_ref(), &root, clock.as_ref()).await?;
                (root, keyring, revision)
            }
        };
        let site = Site {
            folder: folder.clone(),
            key_file: unsealing.key_file(folder),
            root: RwLock::new(Arc::new(root)),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
        };
        let counts = StoreCounts::default();
        let counted = CountedStore::new(Arc::clone(&store) as Arc<dyn Store>, counts.clone());
        let journal = Arc::new(Journal::open(&audit.options(folder))?);
        keyreeve_audit::retention::resume(&journal, journal.folder())?;
        let parts = ServiceParts { store: Arc::new(counted), keyring, clock, audit: journal };
        let service = Arc::new(Service::new(parts).at(Arc::new(site), revision));
        service.check_log().await.map_err(DeploymentError::Service)?;
        let hashed = service.hash_context_keys(audit.hashed_context_keys.clone());
        hashed.await.map_err(DeploymentError::Service)?;
        Ok(Self { service, store: Some(store), counts })
    }
}

fn make_folder(path: &Path) -> Result<(), DeploymentError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| DeploymentError::Folder { path: path.to_owned(), source })
}

async fn stored_keyring(store: &dyn Store) -> Result<Option<(WrappedKeyring, Revision)>, DeploymentError> {
    let snapshot = store.get(&[rows::keyring().map_err(DeploymentError::Service)?]).await?;
    let row = snapshot.rows.into_iter().next().flatten();
    Ok(row.map(|row| (WrappedKeyring::from_bytes(row.value.to_vec()), row.revision)))
}

/// Makes the keyring of a new store; used only once it was read back.
async fn first_keyring(
    store: &dyn Store,
    root: &RootKey,
    clock: &dyn Clock,
) -> Result<(Keyring, Revision), DeploymentError> {
    let keyring = Keyring::generate(clock.now())?;
    let wrapped = keyring.wrap(root)?;
    let id = CommitId::new(keyreeve_crypto::random::array()?);
    let path = rows::keyring().map_err(DeploymentError::Service)?;
    let commit = Commit::new(id).check(path.clone(), Expect::Absent).put(path, wrapped.as_bytes().to_vec());
    store.commit(commit).await?;
    match stored_keyring(store).await? {
        Some((stored, revision)) if keyring.is_wrapped_in(root, &stored) => Ok((keyring, revision)),
        Some(_) | None => Err(DeploymentError::KeyringReadsBack),
    }
}

//! Keys that a seed file names: chosen ids and material, so that a team's fixtures are stable. What is there already
//! stays as it is; only material, spec and usage are held against the seed.

use keyreeve_crypto::open_key;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::region::AccountId;
use keyreeve_model::tag::Tags;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::context::NoContext;
use keyreeve_policy::key_policy::default_key_policy;
use keyreeve_policy::principal::Principal;

use super::alias::AliasRecord;
use super::material::{binding, current_slot, material_id};
use super::{CheckedPolicy, KeyAccess, NewKey};
use crate::audit::Cause;
use crate::identity::Identity;
use crate::records::path;

/// A key as a seed file describes it.
#[derive(Debug)]
pub struct SeedKey {
    /// Region, account and id.
    pub arn: KeyArn,
    /// What kind of key.
    pub spec: KeySpec,
    /// What it may be used for.
    pub usage: KeyUsage,
    /// AWS_KMS or EXTERNAL.
    pub origin: Origin,
    /// Free text.
    pub description: String,
    /// Its policy; AWS's default where there is none.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its aliases.
    pub aliases: Vec<AliasName>,
    /// Raw bytes of a symmetric or HMAC key, PKCS#8 DER of a private key. Without it an AWS_KMS key gets random
    /// material, and an EXTERNAL one waits for its import.
    pub material: Option<SecretBytes>,
}

/// What came of a seeded key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeded {
    /// It was created.
    Created,
    /// It was there.
    Present,
}

/// Why a key is not seeded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedFault {
    /// The stored key has other material.
    #[error(
        "the stored key has other material: give the fixture another id, or start with an empty --data folder"
    )]
    OtherMaterial,
    /// The stored key is of another kind.
    #[error(
        "the stored key is {0} for {1}: give the fixture another id, or start with an empty --data folder"
    )]
    OtherKind(KeySpec, KeyUsage),
    /// The id belongs to another account.
    #[error("the id belongs to account {0} already: ids are unique in a Region")]
    OtherAccount(AccountId),
    /// The material does not fit the spec.
    #[error("the material is no {0} key: {expected}", expected = expected(*.0))]
    Material(KeySpec),
    /// The usage does not fit the spec.
    #[error("usage {0} does not fit spec {1}")]
    Usage(KeyUsage, KeySpec),
    /// Material of this spec cannot come from elsewhere.
    #[error("origin {0} does not fit spec {1}")]
    Origin(Origin, KeySpec),
    /// Not offered in the Region, as on AWS.
    #[error("{0} is not offered in this Region, as on AWS: SM2 keys live in cn-* Regions")]
    NotOffered(KeySpec),
    /// `alias/aws/…` is AWS's.
    #[error("the alias {0} is reserved")]
    Reserved(AliasName),
    /// The policy, or the store.
    #[error("{0}")]
    Refused(KmsError),
}

impl From<KmsError> for SeedFault {
    fn from(error: KmsError) -> Self {
        Self::Refused(error)
    }
}

const fn expected(spec: KeySpec) -> &'static str {
    match spec {
        KeySpec::SymmetricDefault => "32 bytes in hexadecimal or base64 are needed",
        KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
            "bytes in hexadecimal or base64 are needed, as many as the digest has or more"
        }
        KeySpec::Rsa2048
        | KeySpec::Rsa3072
        | KeySpec::Rsa4096
        | KeySpec::EccNistP256
        | KeySpec::EccNistP384
        | KeySpec::EccNistP521
        | KeySpec::EccSecgP256k1
        | KeySpec::EccNistEdwards25519
        | KeySpec::Sm2
        | KeySpec::MlDsa44
        | KeySpec::MlDsa65
        | KeySpec::MlDsa87
        | KeySpec::MlKem512
        | KeySpec::MlKem768
        | KeySpec::MlKem1024 => "a private key of that kind as PEM, or PKCS#8 DER in base64, is needed",
    }
}

impl KeyAccess {
    /// Creates the key with its aliases, unless it is there.
    pub(crate) async fn seed(
        &self,
        identity: &Identity,
        key: SeedKey,
        now: Timestamp,
    ) -> Result<Seeded, SeedFault> {
        check(&key)?;
        let aliases: Vec<_> = key.aliases.iter().map(|name| alias_arn(&key.arn, name)).collect();
        let arn = key.arn.clone();
        let stored = self.records.read::<KeyRecord>(&path::key(&arn)?).await?;
        let seeded = match stored {
            Some(stored) => {
                self.same_as_stored(&key, &stored.value).await?;
                Seeded::Present
            }
            None => {
                self.create_seeded(identity, key, now).await?;
                Seeded::Created
            }
        };
        for alias in &aliases {
            self.seed_alias(&arn, alias, now).await?;
        }
        Ok(seeded)
    }

    async fn same_as_stored(&self, key: &SeedKey, stored: &KeyRecord) -> Result<(), SeedFault> {
        if (key.spec, key.usage) != (stored.spec, stored.usage) {
            return Err(SeedFault::OtherKind(stored.spec, stored.usage));
        }
        let Some(material) = &key.material else { return Ok(()) };
        // Its owner deleted what was seeded, or let it expire.
        if stored.origin == Origin::External && !stored.has_material {
            return Ok(());
        }
        let slot = current_slot(&key.arn, stored);
        let row = self.records.read_bytes(&path::material(&slot)?).await?.ok_or(SeedFault::OtherMaterial)?;
        let unwrapped = self.records.keyring().unwrap_material(&row.value, &binding(&slot, stored));
        let unwrapped = unwrapped.map_err(|_| KmsError::Internal)?;
        let seeded = KeyMaterial::from(SecretBytes::from(material.expose_secret().to_vec()));
        if unwrapped.ct_eq(&seeded) { Ok(()) } else { Err(SeedFault::OtherMaterial) }
    }

    async fn create_seeded(
        &self,
        identity: &Identity,
        key: SeedKey,
        now: Timestamp,
    ) -> Result<(), SeedFault> {
        let arn = key.arn;
        let owner = self.records.read::<AccountId>(&path::key_owner(&arn.region, arn.key_id)?).await?;
        if let Some(owner) = owner {
            return Err(SeedFault::OtherAccount(owner.value));
        }
        let policy = match key.policy {
            Some(text) => {
                let policy = CheckedPolicy::parse(identity, &text).await?;
                policy.leaves_control_to(&Principal::Root(arn.account), &arn, &NoContext)?;
                policy
            }
            None => CheckedPolicy::built_in(default_key_policy(arn.region.partition(), arn.account)),
        };
        let material = match (key.material, key.origin) {
            (Some(bytes), _) => Some(KeyMaterial::from(bytes)),
            (None, Origin::External) => None,
            (None, _) => Some(open_key::generate(key.spec).map_err(|_| KmsError::Internal)?),
        };
        let multi_region = arn.key_id.is_multi_region().then(|| MultiRegion::first(arn.region.clone()));
        let mut record = KeyRecord {
            description: key.description,
            state: if material.is_some() { KeyState::Enabled } else { KeyState::PendingImport },
            policy: policy.text,
            policy_pins: policy.pins,
            tags: key.tags,
            has_material: material.is_some(),
            multi_region,
            ..KeyRecord::new(key.spec, key.usage, key.origin, now)
        };
        if let Some(material) = &material {
            let opened = material_id(&arn, &record, material);
            record.current_material = opened.map_err(|_| SeedFault::Material(key.spec))?;
        }
        Ok(self.create(&NewKey { arn, record, material }, None, now, Cause::Upkeep(now)).await?)
    }

    /// Points a new alias at the key. One that exists stays as it is: somebody may have moved it since.
    async fn seed_alias(&self, key: &KeyArn, alias: &AliasArn, now: Timestamp) -> Result<(), SeedFault> {
        match self.records.read::<AliasRecord>(&path::alias(alias)?).await? {
            Some(present) if present.value.target == key.key_id => return Ok(()),
            Some(present) => {
                tracing::warn!(alias = %alias.name, target = %present.value.target, seed = %key.key_id, "a seeded alias points to another key since: it stays");
                return Ok(());
            }
            None => {}
        }
        let record = AliasRecord { target: key.key_id, created: now, updated: now };
        let draft = self.records.draft()?.put(&path::alias(alias)?, None, &record)?;
        let draft = self.relist(draft, key, |names| names.push(alias.name.clone())).await?;
        Ok(self.commit_alias(draft, alias, &[key], Cause::Upkeep(now)).await?)
    }
}

fn alias_arn(key: &KeyArn, name: &AliasName) -> AliasArn {
    AliasArn { region: key.region.clone(), account: key.account, name: name.clone() }
}

fn check(key: &SeedKey) -> Result<(), SeedFault> {
    if !key.spec.row().usages.contains(&key.usage) {
        return Err(SeedFault::Usage(key.usage, key.spec));
    }
    if !key.spec.offered_in(key.arn.region.as_str()) {
        return Err(SeedFault::NotOffered(key.spec));
    }
    let importable = key.origin == Origin::External && key.spec.row().importable;
    if key.origin != Origin::AwsKms && !importable {
        return Err(SeedFault::Origin(key.origin, key.spec));
    }
    match key.aliases.iter().find(|alias| alias.is_reserved()) {
        Some(alias) => Err(SeedFault::Reserved(alias.clone())),
        None => Ok(()),
    }
}

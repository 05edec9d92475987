//! The table of paths: where every kind of row lies. A path is authenticated with its row, so that rows cannot be
//! swapped.
//!
//! | path | row |
//! |---|---|
//! | `keyring` | the wrapped keyring |
//! | `domain-epochs` | what could open the root key while an epoch of the domain keys was wrapped under it |
//! | `deleted/<epoch>/<region>/<account>/<id>` | a deleted key whose material was wrapped under domain keys up to this epoch |
//! | `kms/<region>/key-id/<id>` | the account that owns this id: unique in a Region across accounts |
//! | `kms/<region>/<account>/key/<id>` | the key: state, policy, tags |
//! | `kms/<region>/<account>/material/<id>/<material id, or "only">` | wrapped key material |
//! | `kms/<region>/<account>/material-history/<id>` | the materials of a key since it was made: ids and dates, no secret |
//! | `kms/<region>/<account>/alias/<name>` | the alias |
//! | `kms/<region>/<account>/aliases-of/<id>` | names of the aliases of a key |
//! | `kms/<region>/<account>/last-usage/<id>` | last use of a key |
//! | `kms/<region>/<account>/material-usage/<id>` | last uses of the materials of a key for decryption |
//! | `kms/<region>/<account>/grant/<key id>/<grant id>` | a grant |
//! | `kms/<region>/<account>/grantee/<key id>/<digest of grantee>/<grant id>` | the same grant, for decisions |
//! | `kms/<region>/<account>/grant-name/<key id>/<digest of name and parameters>` | id of the grant of this name |
//! | `kms/<region>/retiring/<digest of principal>/<account>/<key id>/<grant id>` | the same grant, for who may retire it |
//! | `kms/<region>/<account>/replication/<key id>` | how far each replica of a primary is |
//! | `kms/<region>/<account>/replica-gone/<key id>` | what a deleted replica leaves, so that no late message brings it back |
//! | `kms/<region>/<account>/replica-gone-to-tell/<key id>` | Regions that have not heard of it |
//! | `region/work/<region>/<account>/<key id>` | a key of which other Regions are to hear |
//! | `due/<region>/<when>/<account>/<id>` | a key of which something is due then: deletion, expiry, rotation; `when` in zero-padded milliseconds |
//! | `iam/account/<id>` | an account |
//! | `iam/account-alias/<alias>` | the account that has this alias: unique across accounts |
//! | `iam/access-key/<id>` | an access key |
//! | `iam/access-key-usage/<id>` | last use of an access key |
//! | `iam/session-token-key/<n>` | a key of session tokens; `n` in zero-padded decimals |
//! | `iam/<account>/root-access-keys` | ids of the root user's access keys |
//! | `iam/service/<name>` | the role that an operator registered as a service |
//! | `iam/<account>/renamed-user/<id>` | the present name of a user that was renamed, by its unique id |
//! | `iam/<account>/<noun>/<name>` | a user, role, group, policy, instance profile; the name in lower case |
//! | `iam/<account>/oidc-provider/<host and path>` | an OpenID Connect provider; the name in lower case |
//! | `audit/head` | the newest committed head of the log |
//! | `audit/outbox/<event id>` | a record that is not yet in the log |
//! | `audit/signing-key/<n>` | a key that signs heads and digests; `n` in zero-padded decimals |
//! | `audit/baseline` | that the log knows every row |
//! | `audit/usage/<log>` | up to where the log's uses of keys stand in the rows of last uses |
//! | `audit/quarantine/<key id>` | a key whose rows do not agree with the log |
//! | `trail/<home region>/<account>/<name>` | a trail of CloudTrail |
//! | `trail-delivery/<home region>/<account>/<name>` | how far its delivery has come |
//! | `region/transport-key/<region>` | the transport key of an own Region |
//! | `region/certificate/<region>` | the certificate by which other Regions know this one, and its key |
//! | `region/peer/<region>` | a trusted Region: where it answers, and its keys |
//! | `region/home` | in which term, and by whose signatures, the identities have their home, once the first home was lost |
//! | `region/identities` | where the identities are kept, and how far they have arrived from there |
//! | `region/operator-keys` | the public keys by which operators confirm what cannot be undone |
//! | `region/confirmation/<nonce>` | a request that operators confirmed: none counts twice |
//! | `rollback/<n>` | a restored backup that an operator accepted; `n` in zero-padded decimals |

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::MaterialSlot;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::Path;
use uuid::Uuid;

use crate::cloudtrail::TrailId;

/// Every part is bounded and plain ASCII by its own type, so that this fails for no input.
fn path(text: &str) -> Result<Path, KmsError> {
    Path::parse(text).map_err(|_| KmsError::Internal)
}

/// The wrapped keyring.
pub fn keyring() -> Result<Path, KmsError> {
    path("keyring")
}

/// Which unseal slots there were while each epoch of the domain keys was in the keyring.
pub fn domain_epochs() -> Result<Path, KmsError> {
    path("domain-epochs")
}

/// Prefix of the deleted keys whose material an older disk may still give back.
pub const DELETED_PREFIX: &str = "deleted/";

/// A deleted key, by the last epoch of the domain keys that may have wrapped its material. Epochs are padded, so that
/// paths are in their order.
pub fn deleted(last_epoch: u32, arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("{DELETED_PREFIX}{last_epoch:010}/{}/{}/{}", arn.region, arn.account, arn.key_id))
}

/// The last epoch and the key that a path of a deleted key names.
pub fn deleted_key(path: &Path) -> Option<(u32, KeyArn)> {
    let mut parts = path.as_str().strip_prefix(DELETED_PREFIX)?.split('/');
    let last_epoch = parts.next()?.parse().ok()?;
    let region = Region::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    Some((last_epoch, KeyArn { region, account, key_id: KeyId::parse(parts.next()?)? }))
}

/// What the audit itself stores: the log does not record it.
pub const AUDIT_PREFIX: &str = "audit/";

/// The newest committed head of the log.
pub fn audit_head() -> Result<Path, KmsError> {
    path("audit/head")
}

/// That the log knows every row.
pub fn audit_baseline() -> Result<Path, KmsError> {
    path("audit/baseline")
}

/// Prefix of the records that are not yet in the log.
pub const OUTBOX_PREFIX: &str = "audit/outbox/";

/// A record that is not yet in the log.
pub fn outbox(event_id: Uuid) -> Result<Path, KmsError> {
    path(&format!("{OUTBOX_PREFIX}{event_id}"))
}

/// Prefix of the keys that sign heads and digests.
pub const SIGNING_KEYS_PREFIX: &str = "audit/signing-key/";

/// A key that signs heads and digests.
pub fn signing_key(number: u32) -> Result<Path, KmsError> {
    path(&format!("{SIGNING_KEYS_PREFIX}{number:010}"))
}

/// Up to where the uses of keys that a log tells of are stored; logs have names of their own.
pub fn audit_usage(log: Uuid) -> Result<Path, KmsError> {
    path(&format!("audit/usage/{log}"))
}

/// Prefix of the keys whose rows do not agree with the log.
pub const QUARANTINE_PREFIX: &str = "audit/quarantine/";

/// A key whose rows do not agree with the log.
pub fn quarantined(id: KeyId) -> Result<Path, KmsError> {
    path(&format!("{QUARANTINE_PREFIX}{id}"))
}

/// Prefix of everything of keys.
pub const KMS_PREFIX: &str = "kms/";

/// Prefix of the owners of all key ids of a Region.
pub fn key_owners_prefix(region: &Region) -> String {
    format!("kms/{region}/key-id/")
}

/// Prefix of the owners of the multi-Region keys of a Region.
pub fn multi_region_owners_prefix(region: &Region) -> String {
    format!("kms/{region}/key-id/mrk-")
}

/// Owner of a key id.
pub fn key_owner(region: &Region, id: KeyId) -> Result<Path, KmsError> {
    path(&format!("{}{id}", key_owners_prefix(region)))
}

/// Prefix of an account's keys.
pub fn keys_prefix(region: &Region, account: AccountId) -> String {
    format!("kms/{region}/{account}/key/")
}

/// A key.
pub fn key(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("{}{}", keys_prefix(&arn.region, arn.account), arn.key_id))
}

/// Prefix of the materials of a key.
pub fn materials_prefix(arn: &KeyArn) -> String {
    format!("kms/{}/{}/material/{}/", arn.region, arn.account, arn.key_id)
}

/// One material of a key.
pub fn material(slot: &MaterialSlot) -> Result<Path, KmsError> {
    let prefix = materials_prefix(&slot.key);
    match &slot.material {
        Some(id) => path(&format!("{prefix}{id}")),
        None => path(&format!("{prefix}only")),
    }
}

/// The material that a path of a material names.
pub fn material_slot(path: &Path) -> Option<MaterialSlot> {
    let mut parts = path.as_str().strip_prefix("kms/")?.split('/');
    let region = Region::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    let (Some("material"), Some(id), Some(material), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let material = match material {
        "only" => None,
        id => Some(MaterialId::parse(id)?),
    };
    Some(MaterialSlot { key: KeyArn { region, account, key_id: KeyId::parse(id)? }, material })
}

/// The history of a key's materials.
pub fn material_history(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/material-history/{}", arn.region, arn.account, arn.key_id))
}

/// How far each replica of a primary is.
pub fn replication(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/replication/{}", arn.region, arn.account, arn.key_id))
}

/// What a deleted replica leaves.
pub fn replica_gone(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/replica-gone/{}", arn.region, arn.account, arn.key_id))
}

/// Regions that have not heard of it.
pub fn replica_gone_to_tell(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/replica-gone-to-tell/{}", arn.region, arn.account, arn.key_id))
}

/// Prefix of the keys of which other Regions are to hear.
pub const REGION_WORK_PREFIX: &str = "region/work/";

/// A key of which other Regions are to hear.
pub fn region_work(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("{REGION_WORK_PREFIX}{}/{}/{}", arn.region, arn.account, arn.key_id))
}

/// The key that such a path names.
pub fn region_work_key(path: &Path) -> Option<KeyArn> {
    let mut parts = path.as_str().strip_prefix(REGION_WORK_PREFIX)?.split('/');
    let region = Region::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    Some(KeyArn { region, account, key_id: KeyId::parse(parts.next()?)? })
}

/// Prefix of an account's aliases.
pub fn aliases_prefix(region: &Region, account: AccountId) -> String {
    format!("kms/{region}/{account}/")
}

/// An alias; its name begins with `alias/`.
pub fn alias(arn: &AliasArn) -> Result<Path, KmsError> {
    path(&format!("{}{}", aliases_prefix(&arn.region, arn.account), arn.name))
}

/// The alias that a path of an alias names.
pub fn alias_name(path: &Path, region: &Region, account: AccountId) -> Option<AliasName> {
    AliasName::parse(path.as_str().strip_prefix(&aliases_prefix(region, account))?).ok()
}

/// Names of the aliases of a key.
pub fn aliases_of(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/aliases-of/{}", arn.region, arn.account, arn.key_id))
}

/// Last use of a key.
pub fn last_usage(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/last-usage/{}", arn.region, arn.account, arn.key_id))
}

/// Last uses of the materials of a key for decryption.
pub fn material_usage(arn: &KeyArn) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/material-usage/{}", arn.region, arn.account, arn.key_id))
}

/// SHA-256 of a name in a path.
pub type Digest = [u8; 32];

/// Prefix of the grants on a key.
pub fn grants_prefix(key: &KeyArn) -> String {
    format!("kms/{}/{}/grant/{}/", key.region, key.account, key.key_id)
}

/// A grant; the id was checked to be hexadecimal digits.
pub fn grant(key: &KeyArn, id: &str) -> Result<Path, KmsError> {
    path(&format!("{}{id}", grants_prefix(key)))
}

/// Prefix of the grants on a key to one grantee.
pub fn grantee_prefix(key: &KeyArn, grantee: &Digest) -> String {
    format!("kms/{}/{}/grantee/{}/{}/", key.region, key.account, key.key_id, hex::encode(grantee))
}

/// A grant, by its grantee.
pub fn grantee(key: &KeyArn, grantee: &Digest, id: &str) -> Result<Path, KmsError> {
    path(&format!("{}{id}", grantee_prefix(key, grantee)))
}

/// The id of a grant, by its name and parameters.
pub fn grant_name(key: &KeyArn, name: &Digest) -> Result<Path, KmsError> {
    path(&format!("kms/{}/{}/grant-name/{}/{}", key.region, key.account, key.key_id, hex::encode(name)))
}

/// Prefix of the grants of a Region that one principal may retire.
pub fn retiring_prefix(region: &Region, retiring: &Digest) -> String {
    format!("kms/{region}/retiring/{}/", hex::encode(retiring))
}

/// A grant, by its retiring principal.
pub fn retiring(key: &KeyArn, retiring: &Digest, id: &str) -> Result<Path, KmsError> {
    path(&format!("{}{}/{}/{id}", retiring_prefix(&key.region, retiring), key.account, key.key_id))
}

/// The key that a path under a prefix of [`retiring_prefix`] names.
pub fn retiring_key(path: &Path, prefix: &str, region: &Region) -> Option<KeyArn> {
    let mut parts = path.as_str().strip_prefix(prefix)?.split('/');
    let account = AccountId::parse(parts.next()?)?;
    Some(KeyArn { region: region.clone(), account, key_id: KeyId::parse(parts.next()?)? })
}

/// Prefix of all keys of which something is due at some time.
pub const DUE_PREFIX: &str = "due/";

/// Prefix of those of one Region.
pub fn due_prefix(region: &Region) -> String {
    format!("{DUE_PREFIX}{region}/")
}

/// A path after all that begin with the prefix, which ends with a slash, and before all that do not and come later.
pub fn end_of(prefix: &str) -> Result<Path, KmsError> {
    path(&format!("{prefix}~"))
}

/// A key of which something is due at this time. Milliseconds are padded, so that paths of a Region are in order of time.
pub fn due(arn: &KeyArn, when: Timestamp) -> Result<Path, KmsError> {
    path(&format!("{DUE_PREFIX}{}/{:015}/{}/{}", arn.region, when.as_millis(), arn.account, arn.key_id))
}

/// The key and time that such a path names.
pub fn due_key(path: &Path) -> Option<(KeyArn, Timestamp)> {
    let mut parts = path.as_str().strip_prefix(DUE_PREFIX)?.split('/');
    let region = Region::parse(parts.next()?)?;
    let when = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let account = AccountId::parse(parts.next()?)?;
    let key_id = KeyId::parse(parts.next()?)?;
    Some((KeyArn { region, account, key_id }, when))
}

/// Prefix of all accounts.
pub const ACCOUNTS_PREFIX: &str = "iam/account/";

/// An account.
pub fn account(id: AccountId) -> Result<Path, KmsError> {
    path(&format!("{ACCOUNTS_PREFIX}{id}"))
}

/// Prefix of all access keys.
pub const ACCESS_KEYS_PREFIX: &str = "iam/access-key/";

/// An access key; the id was checked to be plain letters and digits.
pub fn access_key(id: &str) -> Result<Path, KmsError> {
    path(&format!("{ACCESS_KEYS_PREFIX}{id}"))
}

/// Last use of an access key; the id was checked as that of [`access_key`].
pub fn access_key_usage(id: &str) -> Result<Path, KmsError> {
    path(&format!("iam/access-key-usage/{id}"))
}

/// Prefix of the keys of session tokens.
pub const SESSION_TOKEN_KEYS_PREFIX: &str = "iam/session-token-key/";

/// A key of session tokens.
pub fn session_token_key(number: u32) -> Result<Path, KmsError> {
    path(&format!("{SESSION_TOKEN_KEYS_PREFIX}{number:010}"))
}

/// The number that such a path names.
pub fn session_token_key_number(path: &Path) -> Option<u32> {
    path.as_str().strip_prefix(SESSION_TOKEN_KEYS_PREFIX)?.parse().ok()
}

/// Ids of the root user's access keys.
pub fn root_access_keys(account: AccountId) -> Result<Path, KmsError> {
    path(&format!("iam/{account}/root-access-keys"))
}

/// Present name of a renamed user; the unique id was made here.
pub fn renamed_user(account: AccountId, id: &str) -> Result<Path, KmsError> {
    path(&format!("iam/{account}/renamed-user/{id}"))
}

/// Owner of an account alias, which was checked to be one.
pub fn account_alias(alias: &str) -> Result<Path, KmsError> {
    path(&format!("iam/account-alias/{alias}"))
}

/// Prefix of all registered services.
pub const SERVICES_PREFIX: &str = "iam/service/";

/// A registered service; its name is lower-case words and dots.
pub fn service(name: &str) -> Result<Path, KmsError> {
    path(&format!("{SERVICES_PREFIX}{name}"))
}

/// Prefix of an account's entities of a kind.
pub fn entities_prefix(account: AccountId, segment: &str) -> String {
    format!("iam/{account}/{segment}/")
}

/// An entity. IAM's names differ in more than letter case; what is outside their characters names nothing.
pub fn entity(account: AccountId, segment: &str, name: &str) -> Result<Path, KmsError> {
    path(&format!("{}{}", entities_prefix(account, segment), name.to_ascii_lowercase()))
}

/// Prefix of all trails.
pub const TRAILS_PREFIX: &str = "trail/";

/// Prefix of an account's trails whose home is one Region.
pub fn trails_prefix(home: &Region, account: AccountId) -> String {
    format!("{TRAILS_PREFIX}{home}/{account}/")
}

/// A trail; its name was checked to be one.
pub fn trail(id: &TrailId) -> Result<Path, KmsError> {
    path(&format!("{}{}", trails_prefix(&id.home, id.account), id.name))
}

/// Prefix of the deliveries of all trails.
pub const TRAIL_DELIVERIES_PREFIX: &str = "trail-delivery/";

/// How far the delivery of a trail has come.
pub fn trail_delivery(id: &TrailId) -> Result<Path, KmsError> {
    path(&format!("{TRAIL_DELIVERIES_PREFIX}{}/{}/{}", id.home, id.account, id.name))
}

/// Prefix of the transport keys of the own Regions.
pub const TRANSPORT_KEYS_PREFIX: &str = "region/transport-key/";

/// The transport key of an own Region.
pub fn region_transport_key(region: &Region) -> Result<Path, KmsError> {
    path(&format!("{TRANSPORT_KEYS_PREFIX}{region}"))
}

/// Prefix of the certificates of the own Regions.
pub const CERTIFICATES_PREFIX: &str = "region/certificate/";

/// The certificate of an own Region.
pub fn region_certificate(region: &Region) -> Result<Path, KmsError> {
    path(&format!("{CERTIFICATES_PREFIX}{region}"))
}

/// Prefix of the trusted Regions.
pub const PEERS_PREFIX: &str = "region/peer/";

/// A trusted Region.
pub fn region_peer(region: &Region) -> Result<Path, KmsError> {
    path(&format!("{PEERS_PREFIX}{region}"))
}

/// The term of the home of the identities.
pub fn region_home() -> Result<Path, KmsError> {
    path("region/home")
}

/// Where the identities are kept, and how far they have arrived from there.
pub fn region_identities() -> Result<Path, KmsError> {
    path("region/identities")
}

/// The operators' public keys: one row, so that none is added beside a change that its adder did not see.
pub fn operator_keys() -> Result<Path, KmsError> {
    path("region/operator-keys")
}

/// Prefix of the requests that operators confirmed.
pub const CONFIRMATIONS_PREFIX: &str = "region/confirmation/";

/// A request that operators confirmed; the nonce is hexadecimal.
pub fn confirmation(nonce: &str) -> Result<Path, KmsError> {
    path(&format!("{CONFIRMATIONS_PREFIX}{nonce}"))
}

/// Prefix of the accepted roll-backs.
pub const ROLLBACKS_PREFIX: &str = "rollback/";

/// An accepted roll-back, numbered from 1.
pub fn rollback(number: u64) -> Result<Path, KmsError> {
    path(&format!("{ROLLBACKS_PREFIX}{number:010}"))
}

//! The table of paths: where every kind of row lies. A path is authenticated with its row, so that rows cannot be
//! swapped.
//!
//! | path | row |
//! |---|---|
//! | `keyring` | the wrapped keyring |
//! | `kms/<region>/key-id/<id>` | the account that owns this id: unique in a Region across accounts |
//! | `kms/<region>/<account>/key/<id>` | the key: state, policy, tags |
//! | `kms/<region>/<account>/material/<id>/<material id, or "only">` | wrapped key material |
//! | `kms/<region>/<account>/alias/<name>` | the alias |
//! | `kms/<region>/<account>/aliases-of/<id>` | names of the aliases of a key |
//! | `kms/<region>/<account>/last-usage/<id>` | last use of a key |
//! | `due/<region>/<when>/<account>/<id>` | a key to be deleted then; `when` in zero-padded milliseconds |
//! | `iam/account/<id>` | an account |
//! | `iam/access-key/<id>` | an access key |
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

/// Every part is bounded and plain ASCII by its own type, so that this fails for no input.
fn path(text: &str) -> Result<Path, KmsError> {
    Path::parse(text).map_err(|_| KmsError::Internal)
}

/// The wrapped keyring.
pub fn keyring() -> Result<Path, KmsError> {
    path("keyring")
}

/// Prefix of the owners of all key ids of a Region.
pub fn key_owners_prefix(region: &Region) -> String {
    format!("kms/{region}/key-id/")
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

/// Prefix of all keys that wait for their deletion.
pub const DUE_PREFIX: &str = "due/";

/// A key to be deleted at this time. Milliseconds are padded, so that paths of a Region are in order of time.
pub fn due(arn: &KeyArn, when: Timestamp) -> Result<Path, KmsError> {
    path(&format!("{DUE_PREFIX}{}/{:015}/{}/{}", arn.region, when.as_millis(), arn.account, arn.key_id))
}

/// The key and time that a path of a due deletion names.
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

/// Prefix of the accepted roll-backs.
pub const ROLLBACKS_PREFIX: &str = "rollback/";

/// An accepted roll-back, numbered from 1.
pub fn rollback(number: u64) -> Result<Path, KmsError> {
    path(&format!("{ROLLBACKS_PREFIX}{number:010}"))
}

//! The only holder of the keys' rows: what resolves, judges, opens and changes keys.
//!
//! An operation reaches a key through a proof that `gatehouse.rs` made for it, and in no other way.

mod alias;
mod authorized;
mod counts;
mod create;
mod deletion;
mod due;
mod entry;
mod explain;
mod gatehouse;
mod grant;
mod grant_change;
mod grant_list;
mod grant_token;
mod import;
mod import_token;
mod imported;
mod inventory;
mod key_policy;
mod last_usage;
mod list;
mod managed;
mod material;
mod material_history;
mod material_usage;
mod multi_region;
mod quarantine;
mod resolve;
mod retirement;
mod rewrap;
mod rotate;
mod rotation_list;
mod seed;
mod shredding;
mod survey;
mod usage_replay;

use std::sync::Arc;

use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::{AccountId, Region};
use quick_cache::sync::Cache;

use crate::records::Records;
use crate::records::coherent::Coherent;
use counts::Counts;
use grant::{GrantPlace, Grants};
use material::MaterialName;

pub(crate) use alias::AliasEntry;
pub(crate) use authorized::{AuthorizedAlias, AuthorizedCall, AuthorizedKey, AuthorizedPair};
pub(crate) use create::{NewKey, new_key_id};
pub(crate) use entry::KeyEntry;
pub(crate) use gatehouse::{AliasNames, PairNames};
pub(crate) use grant::{GrantId, GrantName, GrantPrincipal, is_service};
pub(crate) use grant_list::{AuthorizedRetirer, GrantFilter};
pub(crate) use import::Import;
pub(crate) use imported::ImportTerms;
pub(crate) use inventory::Inventory;
pub(crate) use key_policy::CheckedPolicy;
pub(crate) use material::{Material, material_id};
pub(crate) use multi_region::{NextPush, Promotions, Task};
pub(crate) use quarantine::key_of_row;
pub(crate) use resolve::KeyName;
pub(crate) use retirement::AuthorizedRetirement;
pub use seed::{SeedFault, SeedKey, Seeded};
pub(crate) use survey::SurveyedKey;
pub(crate) use usage_replay::KeyUsage;

/// Keys, aliases and materials of every account and Region, read through bounded caches.
#[derive(Debug)]
pub(crate) struct KeyAccess {
    records: Arc<Records>,
    keys: Coherent<KeyArn, Option<Arc<KeyEntry>>>,
    aliases: Coherent<AliasArn, Option<Arc<AliasEntry>>>,
    owners: Coherent<(Region, KeyId), Option<AccountId>>,
    /// Materials never change under their name; what is deleted is forgotten by whoever deletes it.
    materials: Cache<MaterialName, Arc<Material>>,
    counts: Counts<(Region, AccountId)>,
    grants: Coherent<GrantPlace, Grants>,
    grant_counts: Counts<KeyArn>,
    /// Something was changed that other Regions shall hear of.
    stir: tokio::sync::Notify,
}

/// Keys whose rows and opened materials are kept in memory.
const CACHED_KEYS_MAX: usize = 10_000;
/// Grantees on a key whose grants are kept in memory, those without any among them.
const CACHED_GRANTEES_MAX: usize = 50_000;

impl KeyAccess {
    pub(crate) fn new(records: Arc<Records>) -> Self {
        Self {
            records,
            keys: Coherent::new(CACHED_KEYS_MAX),
            aliases: Coherent::new(CACHED_KEYS_MAX),
            owners: Coherent::new(CACHED_KEYS_MAX),
            materials: Cache::new(CACHED_KEYS_MAX),
            counts: Counts::default(),
            grants: Coherent::new(CACHED_GRANTEES_MAX),
            grant_counts: Counts::default(),
            stir: tokio::sync::Notify::new(),
        }
    }

    /// Misses of the caches of keys, aliases, owners and grants.
    pub(crate) fn cache_misses(&self) -> [u64; 4] {
        [self.keys.misses(), self.aliases.misses(), self.owners.misses(), self.grants.misses()]
    }

    fn forget_key(&self, arn: &KeyArn) {
        self.keys.forget(arn);
        self.owners.forget(&(arn.region.clone(), arn.key_id));
    }
}

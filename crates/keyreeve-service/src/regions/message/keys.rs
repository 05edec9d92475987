//! What Regions say to each other about multi-Region keys. No secret but sealed to the Region that is told it.

use std::collections::BTreeMap;

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::alias::AliasName;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::{Replica, SharedVersion};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::rotation::{OnDemandRotation, RotationSchedule, RotationType};
use keyreeve_model::tag::Tags;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// A multi-Region key, whatever Region it is asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyOfAll {
    /// Its account.
    pub account: AccountId,
    /// Its id, the same in every Region.
    pub key_id: KeyId,
}

/// What all Regions of a key agree about. The primary alone changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedKey {
    /// Which key.
    pub key: KeyOfAll,
    /// Never changes.
    pub spec: KeySpec,
    /// Never changes.
    pub usage: KeyUsage,
    /// Never changes.
    pub origin: Origin,
    /// How new this is, and whose word.
    pub at: SharedVersion,
    /// Since when the key is in the primary's Region.
    pub since: SharedVersion,
    /// Where replicas are, and since when.
    pub replicas: Vec<Replica>,
    /// Of Regions whose replicas are gone: the newest that was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gone: BTreeMap<Region, SharedVersion>,
    /// Automatic rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSchedule>,
    /// Rotations on demand.
    #[serde(default)]
    pub on_demand: OnDemandRotation,
    /// The material that encrypts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<MaterialId>,
    /// The material that the next rotation makes current: decrypts already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<MaterialId>,
    /// Every material since the key was made, oldest first.
    pub history: Vec<SharedMaterial>,
}

/// What is known of a material everywhere. Until when an imported one is there, and whether, each Region knows for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMaterial {
    /// Its id; `None` for the only material of a key whose materials have no ids.
    pub id: Option<MaterialId>,
    /// When it was generated, or imported first.
    pub created: Timestamp,
    /// When and why it became current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<(Timestamp, RotationType)>,
    /// Of an imported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<SharedImport>,
    /// The primary knows of it and does not have it: it was promoted before it got it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// What an import said of a material to all Regions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedImport {
    /// `KeyMaterialDescription`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tells whether other bytes are the same material, where it has no id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A material, sealed to the transport key of the Region that it is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedMaterial {
    /// Its id; `None` for an only material.
    pub id: Option<MaterialId>,
    /// The epoch that it is sealed for.
    pub epoch: u64,
    /// Base64.
    pub sealed: String,
}

/// What a replica is born with and nobody shares afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// When ReplicateKey was asked for.
    pub created: Timestamp,
    /// The key policy.
    pub policy: String,
    /// Unique ids of the users and roles in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_pins: BTreeMap<String, String>,
    /// The description.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// The primary's shared state of a key, and materials that the replica said it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synchronize {
    /// The whole shared state.
    pub shared: SharedKey,
    /// For a replica that does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<Birth>,
    /// Materials, if this is not older than what the Region has; of imported ones what shows that they are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<SealedMaterial>,
}

/// What the replica has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Synchronized {
    /// The key is there.
    Here(Box<Standing>),
    /// The key was never there, and nothing was said to make it of.
    Absent,
    /// The replica was deleted.
    Gone(Tombstone),
    /// The asker is not listed there, and is not believed until it shows that it has one of these materials.
    Stranger(Vec<Option<MaterialId>>),
}

/// What a deleted replica leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The version of the ReplicateKey that had made it.
    pub since: SharedVersion,
    /// The newest that it knew.
    pub at: SharedVersion,
}

impl Tombstone {
    /// The newest word of a primary that it tells of.
    pub(crate) fn newest(&self) -> &SharedVersion {
        (&self.at).max(&self.since)
    }
}

/// How far a Region is with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The newest that it knows.
    pub at: SharedVersion,
    /// The state of the key there.
    pub state: KeyState,
    /// Materials that it knows of and does not have: the most needed first, and not more than fit into a message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Option<MaterialId>>,
    /// Imported materials that are there now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Option<MaterialId>>,
    /// Materials that it has and the asker does not, by what it was just told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(SharedMaterial, SealedMaterial)>,
    /// Replicas of which the asker does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Replica>,
}

/// Asks for one material of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// The key.
    pub key: KeyOfAll,
    /// How the id of the material begins: 32 hexadecimal digits, as ciphertexts say it.
    pub prefix: String,
}

/// The material, or that it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pulled {
    /// It is here.
    Known(SealedMaterial),
    /// This Region has none of that name for the asker.
    Unknown,
}

/// Asks a Region whether an account may have one more key there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayReplicate {
    /// The key that is to be replicated.
    pub key: KeyOfAll,
}

/// What the asked Region's quota of keys says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// There is room.
    Free,
    /// The account has as many keys there as it may.
    Full,
}

/// Asks a replica's Region what judges whether somebody may make it the primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayPromote {
    /// The key.
    pub key: KeyOfAll,
}

/// The key as it is in the asked Region, for the asker to judge its caller by; `None` where it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionVerdict {
    /// The key's row: policy, state, tags.
    pub record: Option<Box<KeyRecord>>,
    /// Its aliases, for conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<AliasName>,
}

/// Makes the asked Region the primary of a key, in the next epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promote {
    /// The last shared state of the epoch that ends.
    pub shared: SharedKey,
    /// What replicas that do not exist yet are born with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub births: BTreeMap<Region, Birth>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromotionAnswer {
    /// It is the primary, or was already; the shared state there.
    Promoted(Box<SharedKey>),
    /// It does not have everything yet: it must be told first.
    NotReady(Synchronized),
    /// It never will be by this request, however late it arrives.
    Refused(String),
}

/// Tells the primary that a replica was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaGone {
    /// The key.
    pub key: KeyOfAll,
    /// What it left.
    pub tombstone: Tombstone,
}

/// What the asked Region makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplicaGoneAnswer {
    /// The primary of this term knows it.
    Noted(SharedVersion),
    /// Another Region is the primary, or this one cannot note it now.
    NotNow,
    /// The key is not there.
    Unknown,
}

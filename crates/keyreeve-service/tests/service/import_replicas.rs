//! Imported material of a key with a replica: what the primary changes, and what each Region keeps for itself.

use serde_json::{Value, json};

use crate::importing::{import_body, import_with};
use crate::rig::{ACCOUNT, REGION, Rig, b64, root_of, text};

const WEST: &str = "eu-west-1";
const A: [u8; 32] = [0xa; 32];
const B: [u8; 32] = [0xb; 32];
const HOUR_SECONDS: i64 = 3600;

/// A key with a replica, both with material A.
struct Pair {
    rig: Rig,
    primary: String,
    replica: String,
}

impl Pair {
    fn new() -> Self {
        let rig = Rig::new();
        let primary = rig.key(json!({"Origin": "EXTERNAL", "MultiRegion": true}));
        rig.ok("ImportKeyMaterial", import_body(&rig, &primary, A));
        rig.ok("ReplicateKey", json!({"KeyId": primary, "ReplicaRegion": WEST}));
        let pair = Self { replica: primary.replace(REGION, WEST), primary, rig };
        pair.settle();
        pair.import_there(A, &json!({})).unwrap();
        pair.settle();
        pair
    }

    /// Everything that is left to do between Regions, and of time.
    fn settle(&self) {
        for _ in 0..4 {
            self.rig.block_on(async {
                self.rig.service.tend_keys().await;
                self.rig.service.tend_regions().await;
            });
        }
    }

    fn there(&self, operation: &str, body: &Value) -> Result<Value, String> {
        self.rig.try_as(&root_of(ACCOUNT, WEST), operation, body).map_err(|error| error.code.to_owned())
    }

    fn import_there(&self, material: [u8; 32], others: &Value) -> Result<Value, String> {
        self.there("ImportKeyMaterial", &import_with(&self.rig, &self.replica, material, others))
    }

    /// New material, which waits; answers its id.
    fn import_new(&self, material: [u8; 32]) -> String {
        let new = json!({"ImportType": "NEW_KEY_MATERIAL"});
        let answer = self.rig.ok("ImportKeyMaterial", import_with(&self.rig, &self.primary, material, &new));
        text(&answer, "/KeyMaterialId")
    }

    fn rotate(&self) -> Result<Value, String> {
        let answer =
            self.rig.try_as(&root_of(ACCOUNT, REGION), "RotateKeyOnDemand", &json!({"KeyId": self.primary}));
        answer.map_err(|error| error.code.to_owned())
    }

    fn metadata_there(&self) -> Value {
        self.there("DescribeKey", &json!({"KeyId": self.replica})).unwrap()["KeyMetadata"].clone()
    }

    fn encrypt_there(&self) -> Result<Value, String> {
        self.there("Encrypt", &json!({"KeyId": self.replica, "Plaintext": b64("x")}))
    }
}

#[test]
fn a_replica_enforces_the_expiry_of_material_that_a_rotation_made_current() {
    let pair = Pair::new();
    let new = pair.import_new(B);
    pair.settle();
    let valid_to = pair.rig.now().as_millis() / 1000 + HOUR_SECONDS;
    pair.import_there(B, &json!({"ValidTo": valid_to})).unwrap();
    assert_eq!(pair.metadata_there()["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
    pair.settle();
    pair.rotate().unwrap();
    pair.settle();
    let there = pair.metadata_there();
    assert_eq!(text(&there, "/CurrentKeyMaterialId"), new);
    assert_eq!(there["ExpirationModel"], "KEY_MATERIAL_EXPIRES", "{there:#}");
    pair.encrypt_there().unwrap();
    pair.rig.pass_millis(HOUR_SECONDS * 1000);
    assert_eq!(pair.encrypt_there().unwrap_err(), "KMSInvalidStateException");
    // The bytes go too.
    pair.settle();
    let materials = pair
        .there("ListKeyRotations", &json!({"KeyId": pair.replica, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}));
    let materials = materials.unwrap();
    assert_eq!(materials["Rotations"][1]["ImportState"], "PENDING_IMPORT", "{materials:#}");
    assert_eq!(pair.rig.state(&pair.primary), "Enabled");
}

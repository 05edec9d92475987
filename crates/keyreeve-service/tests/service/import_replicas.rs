//! Imported material of a key with a replica: what the primary changes, and what each Region keeps for itself.

use keyreeve_store::Store as _;
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

    /// Deletes a material in a Region.
    fn delete(&self, region: &str, id: &str) {
        let body = json!({"KeyId": self.primary.replace(REGION, region), "KeyMaterialId": id});
        self.rig.ok_as(&root_of(ACCOUNT, region), "DeleteImportedKeyMaterial", body);
    }

    fn materials_there(&self) -> Vec<Value> {
        let body = json!({"KeyId": self.replica, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        self.there("ListKeyRotations", &body).unwrap()["Rotations"].as_array().unwrap().clone()
    }

    /// How many materials have their bytes at the replica.
    fn bytes_there(&self) -> usize {
        let rows = self.rig.block_on(self.rig.store.scan("kms/", None, 1000)).unwrap().rows;
        rows.iter()
            .filter(|(path, _)| path.as_str().contains(&format!("kms/{WEST}/{ACCOUNT}/material/")))
            .count()
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
    let materials = pair.materials_there();
    assert_eq!((&materials[1]["ImportState"], pair.bytes_there()), (&json!("PENDING_IMPORT"), 1));
    assert_eq!(pair.rig.state(&pair.primary), "Enabled");
}

#[test]
fn material_that_the_primary_deletes_while_it_waits_is_no_loss_to_a_replica() {
    for imported_there in [false, true] {
        let pair = Pair::new();
        let new = pair.import_new(B);
        pair.settle();
        if imported_there {
            pair.import_there(B, &json!({})).unwrap();
        }
        assert_eq!((pair.materials_there().len(), pair.bytes_there()), (2, 1 + usize::from(imported_there)));
        pair.delete(REGION, &new);
        pair.settle();
        assert_eq!((pair.materials_there().len(), pair.bytes_there()), (1, 1));
        pair.import_there(A, &json!({})).unwrap();
        assert_eq!(pair.metadata_there()["KeyState"], "Enabled");
        pair.encrypt_there().unwrap();
        // It may come again.
        assert_eq!(pair.import_new(B), new);
        pair.settle();
        pair.import_there(B, &json!({})).unwrap();
        pair.settle();
        pair.rotate().unwrap();
        pair.settle();
        assert_eq!(text(&pair.metadata_there(), "/CurrentKeyMaterialId"), new);
    }
}

#[test]
fn what_a_replica_deletes_while_it_waits_holds_up_the_rotation_and_can_be_imported_again() {
    let pair = Pair::new();
    let new = pair.import_new(B);
    pair.settle();
    pair.import_there(B, &json!({})).unwrap();
    pair.settle();
    pair.delete(WEST, &new);
    assert_eq!((pair.materials_there().len(), pair.bytes_there()), (2, 1));
    // The primary heard last that it is there.
    assert_eq!(pair.rotate().unwrap_err(), "KMSInvalidStateException");
    let listed = |state: &str| {
        let body = json!({"KeyId": pair.primary, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        assert_eq!(pair.rig.ok("ListKeyRotations", body)["Rotations"][1]["KeyMaterialState"], json!(state));
    };
    listed("PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    pair.import_there(B, &json!({})).unwrap();
    pair.settle();
    listed("PENDING_ROTATION");
    pair.rotate().unwrap();
    pair.settle();
    let there = pair.metadata_there();
    assert_eq!(
        (text(&there, "/CurrentKeyMaterialId"), text(&there, "/KeyState")),
        (new, "Enabled".to_owned())
    );
}

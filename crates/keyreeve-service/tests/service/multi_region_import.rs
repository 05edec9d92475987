//! Imported material in several Regions, all in one process: it never crosses, so each Region is given it, keeps it for
//! as long as it was told there, and nobody encrypts with new material before everybody has it.

use keyreeve_store::Store as _;
use serde_json::{Value, json};

use crate::importing::import_with;
use crate::multi_region_kit::{EAST, WEST, ask, in_region, metadata, ok, replicated, settle, state};
use crate::rig::{REGION, Rig, START_SECONDS, b64, blob, id_of, text};

const HOUR: i64 = 3600;
const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];

/// ImportKeyMaterial in a Region.
fn try_import(
    rig: &Rig,
    region: &str,
    key: &str,
    material: &[u8],
    others: Value,
) -> Result<Value, (String, String)> {
    let body = import_with(rig, &in_region(key, region), material, &others);
    ask(rig, region, "ImportKeyMaterial", body)
}

fn import(rig: &Rig, region: &str, key: &str, material: &[u8], others: Value) -> String {
    let answer = try_import(rig, region, key, material, others);
    text(&answer.unwrap_or_else(|error| panic!("{region}: {error:?}")), "/KeyMaterialId")
}

/// A key with the first material in these Regions; the first one has the primary.
fn imported(rig: &Rig, to: &[&str]) -> String {
    let key = rig.key(json!({"Origin": "EXTERNAL", "MultiRegion": true}));
    import(rig, REGION, &key, &FIRST, json!({}));
    for region in to {
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": region}));
    }
    settle(rig);
    to.iter().for_each(|region| drop(import(rig, region, &key, &FIRST, json!({}))));
    settle(rig);
    key
}

fn encrypt(rig: &Rig, region: &str, key: &str) -> Value {
    ok(rig, region, "Encrypt", json!({"KeyId": id_of(key), "Plaintext": b64("x")}))["CiphertextBlob"].clone()
}

fn opens(rig: &Rig, region: &str, sealed: &Value) {
    let opened = ok(rig, region, "Decrypt", json!({"CiphertextBlob": sealed}));
    assert_eq!(blob(&opened, "/Plaintext"), b"x");
}

/// Id and state of every material, oldest first.
fn materials(rig: &Rig, region: &str, key: &str) -> Vec<(String, String)> {
    let body = json!({"KeyId": id_of(key), "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    let listed = ok(rig, region, "ListKeyRotations", body);
    let rows = listed["Rotations"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "/KeyMaterialId"), text(row, "/KeyMaterialState"))).collect()
}

/// Materials whose bytes are stored in a Region.
fn stored(rig: &Rig, region: &str) -> usize {
    let rows = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap().rows;
    let of_region = format!("kms/{region}/");
    rows.iter()
        .filter(|(path, _)| path.as_str().starts_with(&of_region))
        .filter(|(path, _)| path.as_str().contains("/material/"))
        .count()
}

fn pending_import(rig: &Rig, region: &str, key: &str) {
    assert_eq!(state(rig, region, key), "PendingImport", "{region}");
    let arn = in_region(key, region);
    let error = ask(rig, region, "Encrypt", json!({"KeyId": arn, "Plaintext": b64("x")})).unwrap_err();
    assert_eq!(error, ("KMSInvalidStateException".to_owned(), format!("{arn} is pending import.")));
}

#[test]
fn imported_material_never_crosses_and_each_region_is_given_the_same() {
    let rig = Rig::new();
    let key = replicated(&rig, json!({"Origin": "EXTERNAL"}), &[]);
    let replicate = json!({"KeyId": key, "ReplicaRegion": WEST});
    let pending = format!("{key} is pending import.");
    rig.refuses("ReplicateKey", replicate.clone(), "KMSInvalidStateException", &pending);
    let id = import(&rig, REGION, &key, &FIRST, json!({"KeyMaterialDescription": "first"}));
    rig.ok("ReplicateKey", replicate);
    settle(&rig);
    pending_import(&rig, WEST, &key);
    assert_eq!(stored(&rig, WEST), 0);
    let sealed = encrypt(&rig, REGION, &key);
    let replica = in_region(&key, WEST);
    let other = try_import(&rig, WEST, &key, &SECOND, json!({})).unwrap_err();
    let text = format!("Imported key material does not have the expected identifier ({id}).");
    assert_eq!(other, ("IncorrectKeyMaterialException".to_owned(), text));
    let new = try_import(&rig, WEST, &key, &SECOND, json!({"ImportType": "NEW_KEY_MATERIAL"})).unwrap_err();
    let text = format!("{replica} is not a multi-region primary key.");
    assert_eq!(new, ("UnsupportedOperationException".to_owned(), text));
    assert_eq!(import(&rig, WEST, &key, &FIRST, json!({})), id);
    opens(&rig, WEST, &sealed);
    opens(&rig, REGION, &encrypt(&rig, WEST, &key));
    settle(&rig);
    assert_eq!(metadata(&rig, WEST, &key)["CurrentKeyMaterialId"], json!(id));
    assert_eq!(materials(&rig, WEST, &key), [(id, "CURRENT".to_owned())]);
    opens(&rig.restarted(), WEST, &sealed);
}

#[test]
fn a_key_without_material_ids_takes_the_same_material_in_each_region() {
    let rig = Rig::new();
    let key = rig.key(json!({"Origin": "EXTERNAL", "MultiRegion": true, "KeySpec": "HMAC_256",
                             "KeyUsage": "GENERATE_VERIFY_MAC"}));
    try_import(&rig, REGION, &key, &FIRST, json!({})).unwrap();
    rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": WEST}));
    settle(&rig);
    let error = try_import(&rig, WEST, &key, &SECOND, json!({})).unwrap_err();
    assert_eq!(error.0, "IncorrectKeyMaterialException");
    try_import(&rig, WEST, &key, &FIRST, json!({})).unwrap();
    let mac = |region| {
        let body = json!({"KeyId": id_of(&key), "Message": b64("m"), "MacAlgorithm": "HMAC_SHA_256"});
        ok(&rig, region, "GenerateMac", body)["Mac"].clone()
    };
    assert_eq!(mac(WEST), mac(REGION));
}

#[test]
fn new_material_waits_until_every_region_was_given_it() {
    let rig = Rig::new();
    let key = imported(&rig, &[WEST, EAST]);
    let old = encrypt(&rig, EAST, &key);
    let first = text(&metadata(&rig, REGION, &key), "/CurrentKeyMaterialId");
    let second = import(&rig, REGION, &key, &SECOND, json!({"ImportType": "NEW_KEY_MATERIAL"}));
    let none = format!("No available key material pending rotation for the key: {key}.");
    let waits = |there: &str| {
        settle(&rig);
        let expected = [(first.clone(), "CURRENT".to_owned()), (second.clone(), there.to_owned())];
        assert_eq!(materials(&rig, REGION, &key), expected);
    };
    for region in [WEST, EAST] {
        waits("PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
        rig.refuses("RotateKeyOnDemand", json!({"KeyId": key}), "KMSInvalidStateException", &none);
        assert_eq!(import(&rig, region, &key, &SECOND, json!({})), second);
        assert_eq!(state(&rig, region, &key), "Enabled");
    }
    waits("PENDING_ROTATION");
    rig.ok("RotateKeyOnDemand", json!({"KeyId": key}));
    settle(&rig);
    for region in [REGION, WEST, EAST] {
        assert_eq!(metadata(&rig, region, &key)["CurrentKeyMaterialId"], json!(second), "{region}");
        let states = [(first.clone(), "NON_CURRENT".to_owned()), (second.clone(), "CURRENT".to_owned())];
        assert_eq!(materials(&rig, region, &key), states, "{region}");
        opens(&rig, region, &old);
        opens(&rig, region, &encrypt(&rig, WEST, &key));
    }
    // A Region that comes later is given both.
    rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": "sa-east-1"}));
    settle(&rig);
    import(&rig, "sa-east-1", &key, &SECOND, json!({}));
    pending_import(&rig, "sa-east-1", &key);
    import(&rig, "sa-east-1", &key, &FIRST, json!({}));
    opens(&rig, "sa-east-1", &old);
}

#[test]
fn material_expires_in_the_region_that_was_told_so_alone() {
    for (expires, stays) in [(WEST, REGION), (REGION, WEST)] {
        let rig = Rig::new();
        let key = imported(&rig, &[WEST]);
        let soon = json!({"ValidTo": START_SECONDS + HOUR});
        import(&rig, expires, &key, &FIRST, soon.clone());
        settle(&rig);
        assert_eq!(metadata(&rig, expires, &key)["ValidTo"], soon["ValidTo"]);
        assert_eq!(metadata(&rig, stays, &key)["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
        rig.pass_millis(HOUR * 1000);
        pending_import(&rig, expires, &key);
        let sealed = encrypt(&rig, stays, &key);
        settle(&rig);
        assert_eq!((stored(&rig, expires), stored(&rig, stays)), (0, 1));
        pending_import(&rig, expires, &key);
        opens(&rig, stays, &sealed);
        import(&rig, expires, &key, &FIRST, json!({}));
        opens(&rig, expires, &sealed);
    }
}

#[test]
fn while_the_primary_moves_each_region_still_decides_about_its_own_bytes() {
    let rig = Rig::new();
    let key = imported(&rig, &[WEST]);
    let sealed = encrypt(&rig, REGION, &key);
    rig.ok("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": WEST}));
    assert_eq!(state(&rig, REGION, &key), "Updating");
    let updating = Err(("KMSInvalidStateException".to_owned(), format!("{key} is updating.")));
    for shared in [json!({"ImportType": "NEW_KEY_MATERIAL"}), json!({"KeyMaterialDescription": "another"})] {
        let material = if shared.get("ImportType").is_some() { SECOND } else { FIRST };
        assert_eq!(try_import(&rig, REGION, &key, &material, shared), updating);
    }
    import(&rig, REGION, &key, &FIRST, json!({"ValidTo": START_SECONDS + HOUR}));
    assert_eq!(state(&rig, REGION, &key), "Updating");
    opens(&rig, REGION, &sealed);
    rig.pass_millis(HOUR * 1000);
    rig.block_on(rig.service.tend_keys());
    assert_eq!(stored(&rig, REGION), 0, "its time is up");
    settle(&rig);
    pending_import(&rig, REGION, &key);
    assert_eq!(metadata(&rig, WEST, &key)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    opens(&rig, WEST, &sealed);
    import(&rig, REGION, &key, &FIRST, json!({}));
    opens(&rig, REGION, &sealed);
    let refused = ask(&rig, REGION, "ReplicateKey", json!({"KeyId": key, "ReplicaRegion": EAST}));
    assert!(refused.is_err(), "it is a replica now");
}

//! Multi-Region keys with all Regions in one process: asking in each, and letting them finish.

use serde_json::{Value, json};

use crate::rig::{ACCOUNT, REGION, Rig, id_of, root_of, text};

pub(crate) const WEST: &str = "eu-west-1";
pub(crate) const EAST: &str = "us-east-1";

/// Calls as the root user of the account in a Region.
pub(crate) fn ask(rig: &Rig, region: &str, operation: &str, body: Value) -> Result<Value, (String, String)> {
    rig.try_as(&root_of(ACCOUNT, region), operation, &body)
        .map_err(|error| (error.code.to_owned(), error.message.unwrap_or_default()))
}

/// Holds that it is answered.
pub(crate) fn ok(rig: &Rig, region: &str, operation: &str, body: Value) -> Value {
    ask(rig, region, operation, body.clone())
        .unwrap_or_else(|error| panic!("{region} {operation} {body}: {error:?}"))
}

/// What DescribeKey says in a Region.
pub(crate) fn metadata(rig: &Rig, region: &str, key: &str) -> Value {
    ok(rig, region, "DescribeKey", json!({"KeyId": id_of(key)}))["KeyMetadata"].clone()
}

/// The state of the key in a Region.
pub(crate) fn state(rig: &Rig, region: &str, key: &str) -> String {
    text(&metadata(rig, region, key), "/KeyState")
}

/// The ARN of the same key in another Region.
pub(crate) fn in_region(key: &str, region: &str) -> String {
    key.replace(REGION, region)
}

/// Everything that is left to do between Regions, and of time.
pub(crate) fn settle(rig: &Rig) {
    for _ in 0..6 {
        rig.block_on(async {
            rig.service.tend_keys().await;
            rig.service.tend_regions().await;
        });
    }
}

/// A key with replicas; its ARN.
pub(crate) fn replicated(rig: &Rig, body: Value, to: &[&str]) -> String {
    let mut body = body;
    body["MultiRegion"] = json!(true);
    let key = rig.key(body);
    for region in to {
        rig.ok("ReplicateKey", json!({"KeyId": key, "ReplicaRegion": region}));
    }
    settle(rig);
    key
}

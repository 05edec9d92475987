//! What a request asks another Region before it changes anything.

use std::sync::atomic::Ordering;

use keyreeve_model::limits::KEYS_PER_ACCOUNT_MAX;
use serde_json::{Value, json};

use crate::catalogue::Api;
use crate::records::path;
use crate::regions::identities::tests::world::{Place, World, account};

async fn kms(place: &Place, operation: &str, body: Value) -> Result<Value, (String, String)> {
    place.call(&place.root(), Api::Kms, operation, body).await
}

async fn rows(place: &Place, prefix: &str) -> usize {
    place.service.records().stored_below(prefix, None, 1000).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_replica_region_that_is_full_refuses_and_nothing_is_left_behind() {
    let world = World::new().await;
    let (home, away) = (&world.home, &world.away);
    world.tend().await;
    let made = kms(home, "CreateKey", json!({"MultiRegion": true})).await.unwrap();
    let key = made["KeyMetadata"]["KeyId"].clone();
    let replicate = || kms(home, "ReplicateKey", json!({"KeyId": key, "ReplicaRegion": away.region}));
    away.service.keys.suppose_keys(&away.region, account(), KEYS_PER_ACCOUNT_MAX);
    let before = (rows(home, "kms/").await, rows(away, "kms/").await);
    let described = kms(home, "DescribeKey", json!({"KeyId": key})).await.unwrap();
    let text = "The maximum number of keys for this account in this Region (100000) has been reached.";
    assert_eq!(replicate().await.unwrap_err(), ("LimitExceededException".to_owned(), text.to_owned()));
    home.service.tend_regions().await;
    assert_eq!((rows(home, "kms/").await, rows(away, "kms/").await), before);
    assert_eq!(rows(home, path::REGION_WORK_PREFIX).await, 0);
    assert_eq!(kms(home, "DescribeKey", json!({"KeyId": key})).await.unwrap(), described);
    assert_eq!(kms(away, "DescribeKey", json!({"KeyId": key})).await.unwrap_err().0, "NotFoundException");
    // With room again the same request goes through.
    away.service.keys.forget_key_counts(&away.region, account());
    replicate().await.unwrap();
    home.service.tend_regions().await;
    let there = kms(away, "DescribeKey", json!({"KeyId": key})).await.unwrap();
    assert_eq!(there["KeyMetadata"]["KeyState"], "Enabled");
}

#[tokio::test]
async fn a_replica_region_that_is_away_is_believed_to_have_room() {
    let world = World::new().await;
    let (home, away) = (&world.home, &world.away);
    world.tend().await;
    let made = kms(home, "CreateKey", json!({"MultiRegion": true})).await.unwrap();
    let key = made["KeyMetadata"]["KeyId"].clone();
    world.link.cut.store(true, Ordering::Relaxed);
    kms(home, "ReplicateKey", json!({"KeyId": key, "ReplicaRegion": away.region})).await.unwrap();
    world.link.cut.store(false, Ordering::Relaxed);
    world.clock.pass_seconds(60);
    home.service.tend_regions().await;
    assert_eq!(
        kms(away, "DescribeKey", json!({"KeyId": key})).await.unwrap()["KeyMetadata"]["KeyState"],
        "Enabled"
    );
}

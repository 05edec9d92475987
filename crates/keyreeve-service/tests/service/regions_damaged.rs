//! Keys of which something is damaged, or that wait for a Region that never answers: they hold up no other key, and there
//! is a way out.

use keyreeve_store::{Commit, CommitId, Path, Store as _};
use serde_json::{Value, json};

use crate::regions_world::{EAST, HERE, WEST, World};
use crate::rig::{ACCOUNT, text};

/// The row of a key is not what it was, and nobody remembers it.
fn damage(world: &mut World, name: &str, id: &str) {
    let rig = world.rig(name);
    let place = format!("kms/{name}/{ACCOUNT}/key/{id}");
    let row = rig.block_on(rig.store.scan(&place, None, 1)).unwrap().rows;
    assert_eq!(row.len(), 1, "{place}");
    let commit =
        Commit::new(CommitId::new([0xdd; 16])).put(Path::parse(&place).unwrap(), b"damaged".to_vec());
    rig.block_on(rig.store.commit(commit)).unwrap();
    world.start_again(name);
    assert!(world.ask(name, "DescribeKey", json!({"KeyId": id})).is_err());
}

fn several(world: &World, count: usize) -> Vec<String> {
    let mut ids: Vec<_> = (0..count).map(|_| world.replicated(&[WEST])).collect();
    ids.sort();
    ids
}

fn pass(world: &World, times: usize) {
    for _ in 0..times {
        world.pass_millis(33_000);
        world.tick();
    }
}

fn current(world: &World, name: &str, id: &str) -> Value {
    world.metadata(name, id)["CurrentKeyMaterialId"].clone()
}

#[test]
fn a_damaged_key_holds_up_no_other_key_of_the_same_regions() {
    let mut world = World::new();
    let ids = several(&world, 6);
    damage(&mut world, WEST, &ids[0]);
    for id in &ids {
        world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    }
    pass(&world, 3);
    for id in &ids[1..] {
        assert_eq!(current(&world, WEST, id), current(&world, HERE, id));
        let rotations = world.ok(WEST, "ListKeyRotations", json!({"KeyId": id}));
        assert_eq!(rotations["Rotations"].as_array().unwrap().len(), 1, "{id}");
    }
}

#[test]
fn a_damaged_key_does_not_end_a_forced_promotion_of_all() {
    let mut world = World::new();
    let ids = several(&world, 3);
    damage(&mut world, WEST, &ids[0]);
    world.links.isolate(HERE);
    let forced = world.force(WEST, HERE).unwrap();
    assert_eq!(forced["Keys"].as_array().unwrap().len(), 2, "{forced}");
    let failed = forced["Failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{forced}");
    assert!(failed[0].as_str().unwrap().contains(&ids[0]), "{forced}");
    for id in &ids[1..] {
        assert_eq!(world.metadata(WEST, id)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    }
}

#[test]
fn a_role_that_was_on_its_way_to_a_lost_region_is_taken_back_by_force() {
    for told in [false, true] {
        let mut world = World::new();
        let id = world.replicated(&[WEST]);
        world.ok(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": WEST}));
        if told {
            world.links.lose_replies(HERE, WEST);
            world.links.cut(WEST, HERE);
        } else {
            world.links.isolate(WEST);
        }
        pass(&world, 3);
        let there = world.metadata(WEST, &id)["MultiRegionConfiguration"]["MultiRegionKeyType"].clone();
        assert_eq!(there == "PRIMARY", told);
        world.links.isolate(WEST);
        assert_eq!(world.metadata(HERE, &id)["KeyState"], "Updating", "told: {told}");
        let forced = world.force(HERE, WEST).unwrap();
        assert_eq!(forced["Keys"].as_array().unwrap().len(), 1, "{forced}");
        let key = world.metadata(HERE, &id);
        assert_eq!(key["KeyState"], "Enabled", "told: {told}");
        assert_eq!(key["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY", "told: {told}");
        world.encrypt_everywhere(&id);
        world.heal();
        world.check(&id, &format!("told: {told}"));
        assert_eq!(world.metadata(WEST, &id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"], HERE);
    }
}

#[test]
fn a_replica_that_was_never_given_its_material_goes_on_being_made_when_its_deletion_is_cancelled() {
    let mut world = World::new();
    let id = text(&world.ok(HERE, "CreateKey", json!({"MultiRegion": true})), "/KeyMetadata/KeyId");
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": WEST}));
    world.links.isolate(WEST);
    assert_eq!(world.metadata(WEST, &id)["KeyState"], "Creating");
    world.ok(WEST, "ScheduleKeyDeletion", json!({"KeyId": id}));
    world.ok(WEST, "CancelKeyDeletion", json!({"KeyId": id}));
    assert_eq!(world.metadata(WEST, &id)["KeyState"], "Creating");
    assert!(world.ask(WEST, "EnableKey", json!({"KeyId": id})).is_err());
    let forced = world.force(WEST, HERE).unwrap();
    assert_eq!(forced["Keys"].as_array().unwrap().len(), 0, "{forced}");
    world.heal();
    assert_eq!(world.metadata(WEST, &id)["KeyState"], "Enabled");
    world.check(&id, "made");
}

#[test]
fn a_material_that_was_pulled_before_its_primary_is_told_of_it_holds_nothing_up() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.links.isolate(EAST);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    pass(&world, 6);
    let sealed =
        text(&world.ok(WEST, "Encrypt", json!({"KeyId": id, "Plaintext": "eA=="})), "/CiphertextBlob");
    assert_ne!(current(&world, WEST, &id), current(&world, EAST, &id));
    world.links.isolate(HERE);
    world.force(EAST, HERE).unwrap();
    world.links.heal_between(WEST, EAST);
    // At once: before the new primary has said a word.
    world.ok(EAST, "Decrypt", json!({"CiphertextBlob": sealed}));
    pass(&world, 3);
    let rotations = || {
        world.ok(EAST, "ListKeyRotations", json!({"KeyId": id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}))["Rotations"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rotations(), 2, "the new primary lists it");
    let before = current(&world, EAST, &id);
    world.ok(EAST, "RotateKeyOnDemand", json!({"KeyId": id}));
    pass(&world, 6);
    assert_ne!(current(&world, EAST, &id), before, "a rotation ends");
    assert_eq!(current(&world, EAST, &id), current(&world, WEST, &id));
    world.heal();
    world.check(&id, "pulled");
}

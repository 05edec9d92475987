//! A primary that is restored from a backup: it knows less than its replicas, and goes on as the primary without losing
//! what they have.

use keyreeve_store::{Commit, CommitId, Path, Store as _};
use serde_json::json;

use crate::regions::region;
use crate::regions_world::{EAST, HERE, WEST, World};

/// What a backup has: keys, and what is to be told of them.
const KEPT: [&str; 2] = ["kms/", "region/"];

type Rows = Vec<(Path, Vec<u8>)>;

fn rows(world: &World, name: &str) -> Rows {
    let rig = world.rig(name);
    let below = |prefix: &&str| {
        let page = rig.block_on(rig.store.scan(prefix, None, 1000)).unwrap();
        assert!(!page.more);
        page.rows.into_iter().map(|(path, row)| (path, row.value.to_vec()))
    };
    KEPT.iter().flat_map(below).collect()
}

fn restore(world: &mut World, name: &str, kept: &Rows) {
    let gone = rows(world, name).into_iter().map(|(path, _)| path);
    let commit = Commit::new(CommitId::new([0xbb; 16]));
    let commit = gone.filter(|path| !kept.iter().any(|(kept, _)| kept == path)).fold(commit, Commit::delete);
    let commit = kept.iter().fold(commit, |commit, (path, value)| commit.put(path.clone(), value.clone()));
    let rig = world.rig(name);
    rig.block_on(rig.store.commit(commit)).unwrap();
    world.start_again(name);
}

fn pass(world: &World, times: usize) {
    for _ in 0..times {
        world.pass_millis(33_000);
        world.tick();
    }
}

fn rotate(world: &World, id: &str) {
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    pass(world, 3);
}

fn move_to(world: &World, from: &str, to: &str, id: &str) {
    world.ok(from, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": to}));
    pass(world, 3);
    assert_eq!(world.metadata(to, id)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
}

/// What happens between the backup and the loss of the disk.
struct Forgotten {
    name: &'static str,
    act: fn(&World, &str),
}

const FORGOTTEN: &[Forgotten] = &[
    Forgotten { name: "nothing", act: |_, _| {} },
    Forgotten { name: "two rotations", act: |world, id| (0..2).for_each(|_| rotate(world, id)) },
    Forgotten {
        name: "it was a replica for a while",
        act: |world, id| {
            move_to(world, HERE, WEST, id);
            move_to(world, WEST, HERE, id);
            rotate(world, id);
        },
    },
    Forgotten {
        name: "it is a replica since",
        act: |world, id| {
            rotate(world, id);
            move_to(world, HERE, WEST, id);
        },
    },
    Forgotten {
        name: "another replica was made",
        act: |world, id| {
            world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
            rotate(world, id);
        },
    },
];

#[test]
fn a_primary_that_forgot_what_it_said_is_told_and_heard_again() {
    for forgotten in FORGOTTEN {
        let mut world = World::new();
        let id = world.replicated(&[WEST]);
        let kept = rows(&world, HERE);
        (forgotten.act)(&world, &id);
        world.encrypt_everywhere(&id);
        restore(&mut world, HERE, &kept);
        let before = world.metadata(HERE, &id)["CurrentKeyMaterialId"].clone();
        world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
        world.heal();
        world.check(&id, forgotten.name);
        assert_ne!(world.metadata(HERE, &id)["CurrentKeyMaterialId"], before, "{}", forgotten.name);
    }
}

#[test]
fn a_replica_is_made_anew_by_a_primary_that_forgot_that_it_was_there_and_gone() {
    let mut world = World::new();
    let id = world.replicated(&[WEST]);
    let kept = rows(&world, HERE);
    for _ in 0..3 {
        rotate(&world, &id);
    }
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
    pass(&world, 3);
    world.ok(EAST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.pass_millis(7 * 86_400_000);
    world.heal();
    assert!(world.ask(EAST, "DescribeKey", json!({"KeyId": id})).is_err());
    world.encrypt_everywhere(&id);
    restore(&mut world, HERE, &kept);
    // It has nobody to learn from but the one that is gone.
    world.links.cut(HERE, WEST);
    world.links.cut(WEST, HERE);
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
    pass(&world, 3);
    assert_eq!(world.metadata(EAST, &id)["KeyState"], "Enabled");
    world.heal();
    world.check(&id, "made anew");
    assert_eq!(world.metadata(EAST, &id)["KeyState"], "Enabled");
}

#[test]
fn a_primary_that_is_being_deleted_and_forgot_who_else_has_the_key_gets_to_its_end() {
    let mut world = World::new();
    let id = world.replicated(&[WEST]);
    let kept = rows(&world, HERE);
    move_to(&world, HERE, WEST, &id);
    move_to(&world, WEST, HERE, &id);
    restore(&mut world, HERE, &kept);
    world.ok(HERE, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.ok(WEST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.pass_millis(7 * 86_400_000);
    world.heal();
    assert!(world.ask(WEST, "DescribeKey", json!({"KeyId": id})).is_err());
    assert_eq!(world.metadata(HERE, &id)["KeyState"], "PendingDeletion");
}

fn meet(world: &World, name: &str) {
    let rig = world.rig(name);
    rig.block_on(rig.service.tend_peers(&region(name)));
}

#[test]
fn a_primary_that_forgot_its_end_and_hears_of_it_from_a_third_region_is_told_again_by_the_new_one() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    let kept = rows(&world, HERE);
    rotate(&world, &id);
    move_to(&world, HERE, WEST, &id);
    world.encrypt_everywhere(&id);
    restore(&mut world, HERE, &kept);
    world.links.cut(HERE, WEST);
    world.links.cut(WEST, HERE);
    meet(&world, HERE);
    assert_eq!(primary(&world, HERE, &id), WEST);
    world.links.join();
    meet(&world, HERE);
    world.heal();
    world.check(&id, "told again");
    assert_eq!(primary(&world, HERE, &id), WEST);
}

#[test]
fn a_primary_that_forgot_that_it_is_one_hears_it_from_whom_it_told() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    let kept = rows(&world, HERE);
    move_to(&world, HERE, WEST, &id);
    world.encrypt_everywhere(&id);
    world.links.isolate(WEST);
    world.force(HERE, WEST).unwrap();
    pass(&world, 3);
    assert_eq!(primary(&world, EAST, &id), HERE);
    restore(&mut world, HERE, &kept);
    // First it hears of the term between, from whom that was taken.
    world.links.isolate(EAST);
    world.links.heal_between(HERE, WEST);
    meet(&world, HERE);
    assert_eq!(primary(&world, HERE, &id), WEST);
    world.pass_millis(2_000);
    world.links.join();
    meet(&world, HERE);
    assert_eq!(primary(&world, HERE, &id), HERE);
    world.heal();
    world.check(&id, "it speaks on");
    assert_eq!(primary(&world, EAST, &id), HERE);
}

fn primary(world: &World, name: &str, id: &str) -> String {
    let known = world.metadata(name, id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"].clone();
    known.as_str().unwrap().to_owned()
}

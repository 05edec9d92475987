//! A Region that was replaced while it was away hears of it when it meets the others, before it acts on what it believes;
//! nobody waits for a Region that does not answer. No time passes in these tests but where it is said.

use serde_json::json;

use crate::regions::region;
use crate::regions_world::{EAST, HERE, WEST, World};
use crate::rig::b64;

fn primary(world: &World, name: &str, id: &str) -> String {
    let known = world.metadata(name, id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"].clone();
    known.as_str().unwrap().to_owned()
}

fn meet(world: &World, name: &str) {
    let rig = world.rig(name);
    rig.block_on(rig.service.tend_peers(&region(name)));
}

#[test]
fn a_primary_that_was_replaced_knows_it_from_its_first_contact_on() {
    for restarts in [false, true] {
        let mut world = World::new();
        let id = world.replicated(&[WEST, EAST]);
        if !restarts {
            // It was in touch before, and noticed that it was cut off.
            meet(&world, HERE);
            world.links.isolate(HERE);
            world.pass_millis(6_000);
            meet(&world, HERE);
        }
        world.links.isolate(HERE);
        world.force(WEST, HERE).unwrap();
        world.tick();
        assert_eq!((primary(&world, HERE, &id), primary(&world, EAST, &id)), (HERE.into(), WEST.into()));
        world.pass_millis(2_000);
        world.links.join();
        meet(&world, HERE);
        assert_eq!(primary(&world, HERE, &id), WEST, "restarts: {restarts}");
        let refused = world.ask(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
        assert!(refused.is_err(), "a replica does not rotate");
        world.heal();
        world.check(&id, "returned");
    }
}

#[test]
fn a_replica_that_heard_of_the_new_primary_is_enough() {
    let world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.links.isolate(HERE);
    world.force(WEST, HERE).unwrap();
    world.tick();
    world.links.isolate(WEST);
    world.links.cut(HERE, WEST);
    world.links.heal_between(HERE, EAST);
    meet(&world, HERE);
    assert_eq!(primary(&world, HERE, &id), WEST);
}

#[test]
fn a_region_that_is_heard_again_is_told_at_once_what_waited_for_it() {
    let world = World::new();
    let id = world.replicated(&[WEST]);
    meet(&world, HERE);
    world.links.isolate(WEST);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    for _ in 0..12 {
        world.tick();
        meet(&world, HERE);
    }
    let tend = || {
        let rig = world.rig(HERE);
        rig.block_on(rig.service.tend_regions());
    };
    let told = || world.links.names_of_messages().iter().filter(|name| **name == "Synchronize").count();
    world.links.join();
    let before = told();
    tend();
    assert_eq!(told(), before, "it is asked less and less");
    meet(&world, WEST);
    tend();
    assert!(told() > before, "its word ends the pause");
}

#[test]
fn nobody_waits_for_a_region_that_does_not_answer() {
    let world = World::new();
    let id = world.replicated(&[WEST]);
    world.links.isolate(HERE);
    meet(&world, HERE);
    let sealed = world.ok(HERE, "Encrypt", json!({"KeyId": id, "Plaintext": b64("p")}));
    world.ok(HERE, "Decrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
    assert_eq!(primary(&world, HERE, &id), HERE);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
}

#[test]
fn regions_that_know_all_of_each_other_only_greet_now_and_then() {
    let world = World::new();
    world.replicated(&[WEST, EAST]);
    for name in [HERE, WEST, EAST] {
        meet(&world, name);
    }
    let sent = world.links.names_of_messages().len();
    for name in [HERE, WEST, EAST] {
        meet(&world, name);
    }
    assert_eq!(world.links.names_of_messages().len(), sent);
    world.pass_millis(5_000);
    meet(&world, HERE);
    assert_eq!(world.links.names_of_messages()[sent..], ["Hello", "Hello"]);
}

#[test]
fn the_account_of_a_key_sees_who_forced_its_promotion() {
    let world = World::new();
    let id = world.replicated(&[WEST]);
    world.links.isolate(HERE);
    let (forced, records) = world.rig(WEST).recorded(|| world.force(WEST, HERE).unwrap());
    let arn = forced["Keys"][0].as_str().unwrap();
    let of_key: Vec<_> = records
        .iter()
        .filter(|record| record["eventName"] == "ForcePromote" && record["eventType"] == "AwsServiceEvent")
        .collect();
    let [record] = of_key[..] else { panic!("{records:#?}") };
    assert_eq!(record["recipientAccountId"], crate::rig::ACCOUNT);
    assert_eq!(record["resources"][0]["ARN"], arn);
    let details = &record["serviceEventDetails"];
    assert_eq!((&details["keyId"], &details["lostRegion"]), (&json!(id), &json!(HERE)));
    assert_eq!((&details["epoch"], &details["confirmedBy"]), (&json!(2), &json!(["alice", "bob"])));
    let command = records
        .iter()
        .find(|record| record["eventName"] == "ForcePromote" && record["eventType"] != "AwsServiceEvent")
        .unwrap();
    assert_eq!(command["requestID"], details["requestId"]);
}

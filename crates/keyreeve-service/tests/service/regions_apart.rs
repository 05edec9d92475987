//! Three Regions in processes of their own, which agree after healing whatever happens to their messages; a Region that is
//! away; a primary that is lost.

use serde_json::json;

use crate::regions_scenarios::{SCENARIOS, Scenario};
use crate::regions_world::{ALL, EAST, Fate, HERE, WEST, World};
use crate::rig::{b64, text};

/// One run; answers how many messages there were.
fn run(scenario: &Scenario, plan: Option<(usize, Fate)>) -> usize {
    let mut world = World::new();
    let id = world.replicated(scenario.replicas);
    world.encrypt_everywhere(&id);
    let before = world.links.names_of_messages().len();
    if let Some((number, fate)) = plan {
        world.links.plan(before + number, fate);
    }
    let acted = (scenario.act)(&world, &id);
    assert!(acted.is_ok() || plan.is_some(), "{}: {acted:?}", scenario.name);
    for _ in 0..scenario.ticks {
        world.tick();
        world.encrypt_everywhere(&id);
    }
    let messages = world.links.names_of_messages().len() - before;
    world.heal();
    let context = format!("{} with {plan:?}", scenario.name);
    world.check(&id, &context);
    assert!(acted.is_err() || (scenario.came_to)(&world, &id), "{context}: it was acknowledged");
    messages
}

#[test]
fn whatever_happens_to_any_message_everybody_agrees_after_healing() {
    let mut runs = 0;
    for scenario in SCENARIOS {
        let messages = run(scenario, None);
        assert!(messages >= 2, "{}: {messages}", scenario.name);
        for number in 0..messages {
            for fate in [Fate::LoseRequest, Fate::LoseReply, Fate::Twice, Fate::Late] {
                run(scenario, Some((number, fate)));
                runs += 1;
            }
        }
    }
    assert!(runs >= 60, "only {runs} runs");
}

#[test]
fn where_all_links_work_nobody_pulls() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    for _ in 0..4 {
        world.tick();
        world.encrypt_everywhere(&id);
        for (sealed, _) in &world.made {
            for name in ALL {
                world.ok(name, "Decrypt", json!({"CiphertextBlob": sealed}));
            }
        }
    }
    assert!(!world.links.names_of_messages().contains(&"Pull"));
    world.check(&id, "rotation");
}

#[test]
fn a_replica_that_is_away_delays_a_rotation_and_then_pulls_what_it_lacks() {
    let world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    let current = |name: &str| world.metadata(name, &id)["CurrentKeyMaterialId"].clone();
    let before = current(HERE);
    world.links.isolate(EAST);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(100_000);
    world.tick();
    assert_eq!(current(HERE), before, "it waits for the Region that is away");
    world.pass_millis(30_000);
    world.tick();
    world.tick();
    assert_ne!(current(HERE), before, "but not for ever");
    let sealed =
        world.ok(HERE, "Encrypt", json!({"KeyId": id, "Plaintext": b64("new")}))["CiphertextBlob"].clone();
    let decrypt = || world.ask(EAST, "Decrypt", json!({"CiphertextBlob": sealed}));
    assert_eq!(decrypt().unwrap_err().code, "DependencyTimeoutException");
    world.links.join();
    world.links.cut(HERE, EAST);
    world.links.cut(EAST, HERE);
    decrypt().unwrap();
    assert_eq!(current(EAST), before, "it still encrypts as it was told last");
    let made_up =
        text(&world.ok(HERE, "Encrypt", json!({"KeyId": id, "Plaintext": b64("x")})), "/CiphertextBlob");
    let mut bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, made_up).unwrap();
    bytes[20..36].copy_from_slice(&[7; 16]);
    let unknown = json!({"CiphertextBlob": b64(&bytes)});
    assert_eq!(world.ask(EAST, "Decrypt", unknown.clone()).unwrap_err().code, "DependencyTimeoutException");
    world.heal();
    assert_eq!(world.ask(EAST, "Decrypt", unknown.clone()).unwrap_err().code, "InvalidCiphertextException");
    let pulls = || world.links.names_of_messages().iter().filter(|name| **name == "Pull").count();
    let asked = pulls();
    assert!(world.ask(EAST, "Decrypt", unknown).is_err());
    assert_eq!(pulls(), asked, "nobody is asked again for a while");
    assert_eq!(current(EAST), current(HERE));
}

#[test]
fn without_an_answer_the_primary_does_not_begin_to_move() {
    let world = World::new();
    let id = world.replicated(&[WEST]);
    world.links.isolate(WEST);
    let error =
        world.ask(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": WEST})).unwrap_err();
    assert_eq!(error.code, "KMSInternalException");
    assert_eq!(world.metadata(HERE, &id)["KeyState"], "Enabled");
    assert!(
        world.ask(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": "sa-east-1"})).is_err(),
        "nobody trusts it"
    );
}

#[test]
fn a_lost_primary_is_replaced_and_what_it_alone_had_is_kept() {
    let mut world = World::new();
    let id = world.replicated(&[WEST]);
    world.encrypt_everywhere(&id);
    world.links.isolate(HERE);
    // The lost primary goes on for a while: a rotation, and a replica of which only it knows.
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.encrypt_everywhere(&id);
    world.links.join();
    world.links.cut(HERE, WEST);
    world.links.cut(WEST, HERE);
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
    world.pass_millis(40_000);
    world.tick();
    assert_eq!(world.metadata(EAST, &id)["KeyState"], "Enabled");
    world.links.isolate(HERE);
    let forced = world.force(WEST, HERE).unwrap();
    assert_eq!(forced["Keys"].as_array().unwrap().len(), 1);
    world.tick();
    assert_eq!(world.metadata(WEST, &id)["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    world.ok(WEST, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.pass_millis(130_000);
    world.tick();
    world.tick();
    world.encrypt_everywhere(&id);
    world.heal();
    world.check(&id, "forced");
    let regions = &world.metadata(HERE, &id)["MultiRegionConfiguration"];
    assert_eq!(regions["PrimaryKey"]["Region"], WEST);
    assert_eq!(regions["ReplicaKeys"].as_array().unwrap().len(), 2, "{regions}");
}

#[test]
fn two_forced_promotions_of_one_epoch_leave_one_primary() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    for name in ALL {
        world.links.isolate(name);
    }
    for name in [WEST, EAST] {
        world.force(name, HERE).unwrap();
        world.ok(name, "RotateKeyOnDemand", json!({"KeyId": id}));
    }
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.tick();
    world.encrypt_everywhere(&id);
    world.heal();
    world.check(&id, "forced twice");
}

#[test]
fn a_material_that_only_a_deleted_replica_has_is_taken_in_before_it_goes() {
    let mut world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.links.isolate(HERE);
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.tick();
    world.pass_millis(130_000);
    world.tick();
    world.encrypt_everywhere(&id);
    world.force(WEST, HERE).unwrap();
    world.heal();
    world.links.isolate(HERE);
    world.ok(HERE, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.pass_millis(7 * 86_400_000);
    world.heal();
    world.check(&id, "deleted");
    assert!(world.ask(HERE, "DescribeKey", json!({"KeyId": id})).is_err());
}

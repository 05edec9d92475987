//! A trusted Region that lies: it gets no material of a key that does not list it, and takes nobody's place. And one that
//! tells the truth of which nobody could know.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::multi_region::{Replica, SharedVersion};
use keyreeve_model::region::AccountId;
use keyreeve_service::regions::message::keys::{
    Birth, KeyOfAll, Promote, PromotionAnswer, ReplicaGone, ReplicaGoneAnswer, SharedKey, Synchronize,
    Synchronized, Tombstone,
};
use keyreeve_service::regions::{PeerFault, PeerReply, PeerRequest};
use serde_json::{Value, json};

use crate::importing::import_body;
use crate::regions::region;
use crate::regions_world::{EAST, HERE, WEST, World};
use crate::rig::{ACCOUNT, text};

fn at(epoch: u64, primary: &str, version: u64) -> SharedVersion {
    SharedVersion { epoch, primary: region(primary), version }
}

/// A symmetric key of which nothing else is known.
fn shared(id: &str, at: &SharedVersion) -> SharedKey {
    SharedKey {
        key: KeyOfAll { account: AccountId::parse(ACCOUNT).unwrap(), key_id: KeyId::parse(id).unwrap() },
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        at: at.clone(),
        since: at.clone(),
        replicas: [HERE, WEST].map(|name| Replica { region: region(name), since: at.clone() }).into(),
        gone: Default::default(),
        rotation: None,
        on_demand: Default::default(),
        current: None,
        pending: None,
        history: Vec::new(),
    }
}

/// What one Region answers to another.
fn tell(world: &World, (from, to): (&str, &str), request: PeerRequest) -> Result<PeerReply, PeerFault> {
    let service = &world.rig(to).service;
    world.rig(to).block_on(service.answer_peer(&region(from), &region(to), request))
}

fn promote(shared: SharedKey) -> PeerRequest {
    PeerRequest::Promote(Box::new(Promote { shared, births: Default::default() }))
}

fn synchronize(shared: SharedKey) -> PeerRequest {
    PeerRequest::Synchronize(Box::new(Synchronize { shared, birth: None, materials: Vec::new() }))
}

fn primary(world: &World, name: &str, id: &str) -> Value {
    world.metadata(name, id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"].clone()
}

#[test]
fn a_region_that_a_key_does_not_list_is_given_no_material_and_not_believed() {
    let mut world = World::new();
    let replicated = world.replicated(&[WEST]);
    let alone = text(&world.ok(HERE, "CreateKey", json!({"MultiRegion": true})), "/KeyMetadata/KeyId");
    for (id, to) in [(&replicated, WEST), (&replicated, HERE), (&alone, HERE)] {
        let tells = |request| tell(&world, (EAST, to), request);
        let stolen = tells(promote(shared(id, &at(1, HERE, 1))));
        assert!(matches!(stolen, Err(PeerFault::Refused(_))), "{to}: {stolen:?}");
        for epoch in [1, 2, 999] {
            let answer = tells(promote(shared(id, &at(epoch, EAST, 1))));
            let Ok(PeerReply::Promote(answer)) = answer else { panic!("{to}, {epoch}: {answer:?}") };
            let PromotionAnswer::NotReady(Synchronized::Here(standing)) = *answer else {
                panic!("{to}, {epoch}: {answer:?}")
            };
            assert!(standing.extra.is_empty(), "{to}, {epoch}");
        }
        for epoch in [2, 999] {
            let answer = tells(synchronize(shared(id, &at(epoch, EAST, 1))));
            let Ok(PeerReply::Synchronize(answer)) = answer else { panic!("{to}, {epoch}: {answer:?}") };
            assert!(matches!(*answer, Synchronized::Stranger(_)), "{to}, {epoch}: {answer:?}");
        }
        assert_eq!(primary(&world, to, id), HERE);
    }
    world.heal();
    world.check(&replicated, "lies");
}

#[test]
fn a_new_primary_that_only_the_lost_one_knew_of_is_followed_as_it_has_the_key() {
    for spec in ["SYMMETRIC_DEFAULT", "HMAC_256", "ECC_NIST_P256"] {
        let usage = match spec {
            "SYMMETRIC_DEFAULT" => "ENCRYPT_DECRYPT",
            "HMAC_256" => "GENERATE_VERIFY_MAC",
            _ => "SIGN_VERIFY",
        };
        let mut world = World::new();
        let body = json!({"MultiRegion": true, "KeySpec": spec, "KeyUsage": usage});
        let id = text(&world.ok(HERE, "CreateKey", body), "/KeyMetadata/KeyId");
        world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": WEST}));
        world.tick();
        world.links.cut(HERE, WEST);
        world.links.cut(WEST, HERE);
        world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
        world.tick();
        assert_eq!(world.metadata(EAST, &id)["KeyState"], "Enabled");
        world.links.isolate(HERE);
        world.force(EAST, HERE).unwrap();
        for _ in 0..3 {
            world.pass_millis(33_000);
            world.tick();
        }
        assert_eq!(primary(&world, WEST, &id), EAST, "{spec}: without a word from the lost one");
        world.heal();
        for name in [HERE, WEST, EAST] {
            assert_eq!(primary(&world, name, &id), EAST, "{spec} in {name}");
        }
        if spec == "SYMMETRIC_DEFAULT" {
            world.check(&id, "followed");
        }
    }
}

#[test]
fn a_primary_hears_of_another_one_from_regions_of_its_key_alone() {
    let mut world = World::new();
    let id = world.replicated(&[WEST]);
    let gone = |at: SharedVersion| {
        let key = shared(&id, &at).key;
        PeerRequest::ReplicaGone(ReplicaGone { key, tombstone: Tombstone { since: at.clone(), at } })
    };
    for (from, epoch) in [(EAST, 2), (EAST, u64::MAX), (WEST, u64::MAX)] {
        let answer = tell(&world, (from, HERE), gone(at(epoch, "zz-west-1", 1)));
        let nothing = matches!(
            answer,
            Ok(PeerReply::ReplicaGone(ReplicaGoneAnswer::NotNow)) | Err(PeerFault::Refused(_))
        );
        assert!(nothing, "{from}, {epoch}: {answer:?}");
        assert_eq!(primary(&world, HERE, &id), HERE, "{from}, {epoch}");
    }
    let far = tell(&world, (WEST, HERE), synchronize(shared(&id, &at(u64::MAX, WEST, 1))));
    assert!(matches!(far, Err(PeerFault::Refused(_))), "{far:?}");
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.heal();
    world.check(&id, "lies");
}

#[test]
fn who_was_deleted_shows_the_newest_material_or_is_not_believed() {
    let world = World::new();
    let id = world.replicated(&[WEST, EAST]);
    world.ok(EAST, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    world.pass_millis(7 * 86_400_000);
    world.heal();
    assert!(world.ask(EAST, "DescribeKey", json!({"KeyId": id})).is_err());
    world.ok(HERE, "RotateKeyOnDemand", json!({"KeyId": id}));
    world.heal();
    let current = text(&world.metadata(WEST, &id), "/CurrentKeyMaterialId");
    let answer = tell(&world, (EAST, WEST), synchronize(shared(&id, &at(2, EAST, 1))));
    let Ok(PeerReply::Synchronize(answer)) = answer else { panic!("{answer:?}") };
    let Synchronized::Stranger(asked) = *answer else { panic!("{answer:?}") };
    let asked: Vec<_> = asked.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(asked, [current]);
}

#[test]
fn nobody_makes_a_replica_that_is_ages_ahead() {
    let world = World::new();
    let id = text(&world.ok(HERE, "CreateKey", json!({"MultiRegion": true})), "/KeyMetadata/KeyId");
    let birth = Birth {
        created: world.rig(HERE).service.clock().now(),
        policy: text(&world.ok(HERE, "GetKeyPolicy", json!({"KeyId": id})), "/Policy"),
        policy_pins: Default::default(),
        description: String::new(),
        tags: Default::default(),
    };
    let shared = shared(&id, &at(u64::MAX, EAST, 1));
    let said = Synchronize { shared, birth: Some(birth), materials: Vec::new() };
    let answer = tell(&world, (EAST, WEST), PeerRequest::Synchronize(Box::new(said)));
    assert!(matches!(answer, Err(PeerFault::Refused(_))), "{answer:?}");
    assert!(world.ask(WEST, "DescribeKey", json!({"KeyId": id})).is_err());
}

/// A replica of imported material that waits for its own has nothing by which it could know another Region.
#[test]
fn where_there_is_no_material_to_compare_a_region_of_the_key_vouches_for_the_new_primary() {
    let world = World::new();
    let made = world.ok(HERE, "CreateKey", json!({"MultiRegion": true, "Origin": "EXTERNAL"}));
    let (id, arn) = (text(&made, "/KeyMetadata/KeyId"), text(&made, "/KeyMetadata/Arn"));
    world.ok(HERE, "ImportKeyMaterial", import_body(world.rig(HERE), &arn, [7; 32]));
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": WEST}));
    world.tick();
    world.links.isolate(WEST);
    world.ok(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST}));
    world.tick();
    world.force(EAST, HERE).unwrap();
    let pass = || {
        for _ in 0..3 {
            world.pass_millis(33_000);
            world.tick();
        }
    };
    pass();
    assert_eq!(primary(&world, HERE, &id), EAST);
    world.links.heal_between(EAST, WEST);
    pass();
    assert_eq!(primary(&world, WEST, &id), HERE, "a Region that it never heard of is not believed");
    world.links.join();
    pass();
    assert_eq!(primary(&world, WEST, &id), EAST);
    assert_eq!(world.metadata(WEST, &id)["KeyState"], "PendingImport");
}

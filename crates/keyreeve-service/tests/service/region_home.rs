//! The home of the identities is lost for good, and two operators make another Region the home: three Regions with a store,
//! keyring and log each.

use std::collections::BTreeSet;

use keyreeve_model::region::AccountId;
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::regions::message::reunion::Reunion;
use keyreeve_service::regions::{HomeTerm, PeerRequest};
use serde_json::{Value, json};

use crate::regions::{Person, operator, region, signed};
use crate::regions_world::{ALL, EAST, HERE, WEST, World};
use crate::rig::{ACCOUNT, b64, root_of};

/// Three Regions whose identities are kept in the first, and two operators whose keys are registered in `knowing`.
fn installation(knowing: &[&str]) -> (World, [Person; 2]) {
    let (world, people) = (World::new(), [Person::new(), Person::new()]);
    let rig = world.rig(HERE);
    let made = rig.service.identity().create_account(
        AccountId::parse(ACCOUNT).unwrap(),
        "acme".to_owned(),
        rig.service.clock().now(),
    );
    rig.block_on(made).unwrap();
    let introduction = operator(rig, HERE, "InitRegion", json!({})).unwrap();
    for name in [WEST, EAST] {
        let input = json!({"Introduction": introduction["Introduction"].to_string(),
                           "Fingerprint": introduction["Fingerprint"], "Home": true});
        operator(world.rig(name), name, "TrustRegion", input).unwrap();
    }
    for name in knowing {
        register(&world, name, &people);
    }
    iam(&world, HERE, "CreateUser", json!({"UserName": "ada"})).unwrap();
    tend(&world);
    assert_eq!(users_everywhere(&world), vec![BTreeSet::from(["ada".to_owned()]); 3]);
    (world, people)
}

fn register(world: &World, name: &str, people: &[Person; 2]) {
    for (who, person) in ["alice", "bob"].iter().zip(people) {
        let input = json!({"Name": who, "PublicKey": b64(&person.public)});
        operator(world.rig(name), name, "AddOperatorKey", input).unwrap();
    }
}

/// What every Region does in a second, twice over, without that time passes.
fn tend(world: &World) {
    for _ in 0..2 {
        for (name, rig) in &world.rigs {
            rig.block_on(async {
                rig.service.tend_peers(&region(name)).await;
                rig.service.tend_identities(&region(name)).await;
            });
        }
    }
}

/// As the root user of the account.
fn iam(world: &World, name: &str, operation: &str, body: Value) -> Result<Value, (String, String)> {
    let (rig, row) = (world.rig(name), find(Api::Iam, operation).unwrap());
    let (caller, body) = (root_of(ACCOUNT, name), body.to_string());
    match rig.block_on(rig.service.call(&caller, row, body.as_bytes())) {
        Ok(answer) if answer.is_empty() => Ok(Value::Null),
        Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap()),
        Err(error) => {
            let wire = error.wire();
            Err((wire.code.to_owned(), wire.message.unwrap_or_default()))
        }
    }
}

fn users(world: &World, name: &str) -> BTreeSet<String> {
    let listed = iam(world, name, "ListUsers", json!({})).unwrap();
    let users = listed["Users"].as_array().unwrap().iter();
    users.map(|user| user["UserName"].as_str().unwrap().to_owned()).collect()
}

fn users_everywhere(world: &World) -> Vec<BTreeSet<String>> {
    ALL.iter().map(|name| users(world, name)).collect()
}

/// Where the identities are kept, as a Region knows it.
fn home(world: &World, name: &str) -> String {
    world.rig(name).service.regions().home().map_or(name.to_owned(), |home| home.region.to_string())
}

fn homes(world: &World) -> Vec<String> {
    ALL.iter().map(|name| home(world, name)).collect()
}

fn request(world: &World, name: &str, lost: &str) -> Result<Value, String> {
    let wanted = json!({"What": "TakeHome", "LostRegion": lost});
    operator(world.rig(name), name, "RequestConfirmation", wanted)
}

fn take(world: &World, name: &str, lost: &str, people: &[Person; 2]) -> Value {
    let request = request(world, name, lost).unwrap();
    let input = signed(&request, &[&people[0], &people[1]]);
    operator(world.rig(name), name, "TakeHome", input).unwrap()
}

fn status(world: &World, name: &str) -> Value {
    operator(world.rig(name), name, "RegionStatus", json!({})).unwrap()
}

#[test]
fn another_region_becomes_the_home_and_all_others_follow_it_also_the_old_one() {
    let (world, people) = installation(&ALL);
    world.links.isolate(HERE);
    // What nobody copied, and what the new home makes of the same name.
    iam(&world, HERE, "CreateUser", json!({"UserName": "eve"})).unwrap();
    iam(&world, HERE, "UpdateUser", json!({"UserName": "ada", "NewPath": "/here/"})).unwrap();
    let (taken, records) = world.rig(WEST).recorded(|| take(&world, WEST, HERE, &people));
    assert_eq!((&taken["LostRegion"], &taken["Term"]), (&json!(HERE), &json!(2)));
    assert!(taken["IdentitiesAgreed"].is_number(), "{taken}");
    let record = records.iter().find(|record| record["eventName"] == "TakeHome").unwrap();
    assert_eq!(record["responseElements"]["confirmedBy"][1]["name"], "bob", "{record:#}");
    iam(&world, WEST, "CreateUser", json!({"UserName": "bea"})).unwrap();
    tend(&world);
    assert_eq!(homes(&world), [HERE, WEST, WEST]);
    assert_eq!(users(&world, EAST), users(&world, WEST));
    let (code, text) = iam(&world, EAST, "CreateUser", json!({"UserName": "x"})).unwrap_err();
    assert!(code == "UnmodifiableEntity" && text.contains(WEST), "{text}");

    // It notices that nobody answers, and that somebody does again.
    world.pass_millis(6_000);
    tend(&world);
    assert_eq!(homes(&world), [HERE, WEST, WEST]);
    world.links.join();
    world.pass_millis(2_000);
    let ((), records) = world.rig(HERE).recorded(|| tend(&world));
    assert_eq!(homes(&world), [WEST, WEST, WEST]);
    let everywhere = BTreeSet::from(["ada".to_owned(), "bea".to_owned()]);
    assert_eq!(users_everywhere(&world), vec![everywhere; 3]);
    let (code, text) = iam(&world, HERE, "CreateUser", json!({"UserName": "x"})).unwrap_err();
    assert!(code == "UnmodifiableEntity" && text.contains(WEST), "{text}");
    let moved = records.iter().find(|record| record["eventName"] == "IdentitiesHomeMoved").unwrap();
    assert_eq!(moved["serviceEventDetails"]["confirmedBy"], json!(["alice", "bob"]), "{moved:#}");
    // What is lost is named, also after a restart.
    let lost = |name: &str| world.rig(name).service.identities_standing().unwrap().replaced;
    let named = lost(HERE).unwrap();
    let path = |user: &str| format!("iam/{ACCOUNT}/user/{user}");
    assert!(named.paths.contains(&path("eve")) && named.paths.contains(&path("ada")), "{named:?}");
    assert_eq!(named.rows, named.paths.len() as u64);
    assert_eq!(lost(EAST), None, "a copy has nothing of its own");
    let shown = status(&world, HERE);
    assert_eq!(shown["IdentitiesReplaced"]["Rows"], json!(named.rows), "{shown:#}");
    let restarted = world.rig(HERE).restarted();
    restarted.block_on(restarted.service.regions().load()).unwrap();
    assert_eq!(restarted.service.regions().home().unwrap().region, region(WEST));
}

#[test]
fn the_home_can_be_taken_back_and_what_was_changed_meanwhile_stays() {
    let (world, people) = installation(&ALL);
    take(&world, WEST, HERE, &people);
    iam(&world, WEST, "CreateUser", json!({"UserName": "bea"})).unwrap();
    tend(&world);
    tend(&world);
    assert_eq!(take(&world, HERE, WEST, &people)["Term"], 3);
    iam(&world, HERE, "CreateUser", json!({"UserName": "carl"})).unwrap();
    tend(&world);
    assert_eq!(homes(&world), [HERE, HERE, HERE]);
    assert_eq!(users_everywhere(&world), vec![users(&world, HERE); 3]);
    assert_eq!(users(&world, HERE).len(), 3);
    assert_eq!(world.rig(WEST).service.identities_standing().unwrap().replaced, None, "nothing was lost");
}

#[test]
fn two_homes_of_one_term_give_way_to_one() {
    let (world, people) = installation(&ALL);
    ALL.iter().for_each(|name| world.links.isolate(name));
    for name in [WEST, EAST] {
        take(&world, name, HERE, &people);
        iam(&world, name, "CreateUser", json!({"UserName": name})).unwrap();
    }
    world.links.join();
    tend(&world);
    tend(&world);
    assert_eq!(homes(&world), [EAST, EAST, EAST]);
    assert_eq!(users_everywhere(&world), vec![BTreeSet::from(["ada".to_owned(), EAST.to_owned()]); 3]);
}

#[test]
fn a_confirmation_counts_for_one_home_and_for_nothing_else() {
    let (world, people) = installation(&ALL);
    let both = [&people[0], &people[1]];
    let run = |command: &str, input: Value| operator(world.rig(WEST), WEST, command, input);
    let home = request(&world, WEST, HERE).unwrap();
    assert_eq!(home["action"], json!({"TakeHome": {"lost": HERE, "epoch": 2}}));
    let refused = run("ForcePromote", signed(&home, &both)).unwrap_err();
    assert!(refused.contains("take the home of the identities"), "{refused}");
    let wanted = json!({"What": "ForcePromote", "All": true, "LostRegion": HERE});
    let promotion = run("RequestConfirmation", wanted).unwrap();
    let refused = run("TakeHome", signed(&promotion, &both)).unwrap_err();
    assert!(refused.contains("to force a promotion"), "{refused}");
    // Signatures of the one under the other, and one operator twice.
    let mut mixed = signed(&promotion, &both);
    mixed["Request"] = json!(home.to_string());
    assert!(run("TakeHome", mixed).unwrap_err().contains("not one of this request"));
    assert!(run("TakeHome", signed(&home, &[both[0], both[0]])).unwrap_err().contains("1 of 2"));
    assert!(request(&world, WEST, EAST).unwrap_err().contains("kept in eu-central-1"));
    assert!(request(&world, HERE, WEST).unwrap_err().contains("kept here already"));
    let late = request(&world, WEST, HERE).unwrap();
    run("TakeHome", signed(&home, &both)).unwrap();
    assert!(run("TakeHome", signed(&home, &both)).unwrap_err().contains("carried out already"));
    assert!(run("TakeHome", signed(&late, &both)).unwrap_err().contains("kept here already"));
    assert_eq!(self::home(&world, WEST), WEST);
    // Whoever is the home follows nobody by mistake.
    let introduction = operator(world.rig(HERE), HERE, "InitRegion", json!({})).unwrap();
    let input = json!({"Introduction": introduction["Introduction"].to_string(),
                       "Fingerprint": introduction["Fingerprint"], "Home": true});
    assert!(run("TrustRegion", input).unwrap_err().contains("identities of its own"));
}

#[test]
fn a_copy_that_never_was_whole_becomes_no_home() {
    let (world, _) = installation(&ALL);
    let fresh = World::new();
    let introduction = operator(fresh.rig(HERE), HERE, "InitRegion", json!({})).unwrap();
    let input = json!({"Introduction": introduction["Introduction"].to_string(),
                       "Fingerprint": introduction["Fingerprint"], "Home": true});
    operator(fresh.rig(WEST), WEST, "TrustRegion", input).unwrap();
    assert!(request(&fresh, WEST, HERE).unwrap_err().contains("ever arrived here"));
    drop(world);
}

#[test]
fn whoever_cannot_check_the_signatures_follows_nobody_changes_nothing_and_says_why() {
    let (world, people) = installation(&[WEST]);
    take(&world, WEST, HERE, &people);
    tend(&world);
    assert_eq!(homes(&world), [HERE, WEST, HERE]);
    let (code, text) = iam(&world, HERE, "CreateUser", json!({"UserName": "x"})).unwrap_err();
    assert_eq!(code, "UnmodifiableEntity");
    assert!(text.contains("operator-key add") && text.contains(WEST), "{text}");
    assert_eq!(status(&world, HERE)["HomeInDoubt"], json!(text));
    for name in [HERE, EAST] {
        register(&world, name, &people);
    }
    world.pass_millis(2_000);
    tend(&world);
    assert_eq!(homes(&world), [WEST, WEST, WEST]);
    assert_eq!(status(&world, HERE)["HomeInDoubt"], Value::Null);
}

#[test]
fn a_region_that_was_broken_into_makes_nobody_follow_it() {
    let (world, people) = installation(&ALL);
    let honest = request(&world, WEST, HERE).unwrap();
    let signatures = signed(&honest, &[&people[0]])["Signatures"].clone();
    let mut higher = honest.clone();
    higher["action"]["TakeHome"]["epoch"] = json!(9);
    let say = |epoch: u64, home: &str, request: &Value, signatures: &Value| {
        let term = json!({"epoch": epoch, "home": home, "request": request, "signatures": signatures});
        let term: HomeTerm = serde_json::from_value(term).unwrap();
        let said = PeerRequest::Reunion(Box::new(Reunion { home: Some(term), keys: Vec::new() }));
        let (rig, from, to) = (world.rig(HERE), region(WEST), region(HERE));
        rig.block_on(rig.service.answer_peer(&from, &to, said)).unwrap();
        assert_eq!(homes(&world), [HERE, HERE, HERE]);
    };
    let both = signed(&honest, &[&people[0], &people[1]])["Signatures"].clone();
    say(2, WEST, &honest, &signatures);
    say(2, WEST, &honest, &json!([]));
    say(9, WEST, &honest, &both);
    say(9, WEST, &higher, &both);
    say(2, EAST, &honest, &both);
    // Until it is untrusted, or says something else, changes are refused: it may be true.
    iam(&world, HERE, "CreateUser", json!({"UserName": "x"})).unwrap_err();
    operator(world.rig(HERE), HERE, "UntrustRegion", json!({"Region": WEST})).unwrap();
    iam(&world, HERE, "CreateUser", json!({"UserName": "x"})).unwrap();
}

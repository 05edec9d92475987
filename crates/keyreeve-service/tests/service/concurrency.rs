//! Many requests at the same moment: nothing that was acknowledged is lost, and no cache decides by what was before.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use keyreeve_model::error::WireError;
use serde_json::{Value, json};

use crate::rig::{Rig, b64, call_bytes, root, runtime, text};

const THREADS: usize = 8;
const ROUNDS: usize = 5;
/// Far more than any queue of so few threads: a request that fails so often fails for ever.
const RETRIES_MAX: usize = 2000;

/// Asks again while others are in the way, as every SDK does after a server's error.
fn persist(rig: &Rig, operation: &str, body: &Value) -> Result<Value, WireError> {
    let runtime = runtime();
    let bytes = body.to_string().into_bytes();
    for _ in 0..RETRIES_MAX {
        match runtime.block_on(call_bytes(&rig.service, &root(), operation, &bytes)) {
            Err(error) if error.code == "KMSInternalException" => {
                let text = "The key is being changed by other requests. Retry the request.";
                assert_eq!(error.message.as_deref(), Some(text), "{operation}");
            }
            outcome => return outcome,
        }
    }
    panic!("{operation} never gets through");
}

/// Runs the work on every thread at once, with the thread's number.
fn everywhere(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn no_acknowledged_tag_or_alias_is_lost() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    everywhere(|number| {
        for round in 0..ROUNDS {
            let name = format!("n{number}-{round}");
            let tag = json!({"KeyId": key, "Tags": [{"TagKey": name, "TagValue": ""}]});
            persist(&rig, "TagResource", &tag).unwrap();
            let alias = json!({"AliasName": format!("alias/{name}"), "TargetKeyId": key});
            persist(&rig, "CreateAlias", &alias).unwrap();
            if round % 2 == 0 {
                persist(&rig, "UntagResource", &json!({"KeyId": key, "TagKeys": [name]})).unwrap();
                persist(&rig, "DeleteAlias", &json!({"AliasName": format!("alias/{name}")})).unwrap();
            }
        }
    });
    let wanted: Vec<_> = (0..THREADS)
        .flat_map(|number| {
            (0..ROUNDS).filter(|round| round % 2 == 1).map(move |round| format!("n{number}-{round}"))
        })
        .collect();
    for rig in [&rig, &rig.restarted()] {
        let tags = rig.ok("ListResourceTags", json!({"KeyId": key}));
        let names: Vec<_> = tags["Tags"].as_array().unwrap().iter().map(|tag| text(tag, "/TagKey")).collect();
        assert_eq!(names, wanted);
        let aliases = rig.ok("ListAliases", json!({"KeyId": key}));
        let names: Vec<_> =
            aliases["Aliases"].as_array().unwrap().iter().map(|alias| text(alias, "/AliasName")).collect();
        assert_eq!(names, wanted.iter().map(|name| format!("alias/{name}")).collect::<Vec<_>>());
    }
}

#[test]
fn one_of_many_wins_a_name() {
    let rig = Rig::new();
    let keys: Vec<_> = (0..THREADS).map(|_| rig.key(json!({}))).collect();
    let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    everywhere(|number| {
        let body = json!({"AliasName": "alias/one", "TargetKeyId": keys[number]});
        match persist(&rig, "CreateAlias", &body) {
            Ok(_) => won.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                assert_eq!(error.code, "AlreadyExistsException");
                lost.fetch_add(1, Ordering::Relaxed)
            }
        };
    });
    assert_eq!((won.into_inner(), lost.into_inner()), (1, THREADS - 1));
}

#[test]
fn all_see_the_same_managed_key_however_many_ask_first() {
    let rig = Rig::new();
    let seen = std::sync::Mutex::new(Vec::new());
    everywhere(|_| {
        let answer = persist(&rig, "DescribeKey", &json!({"KeyId": "alias/aws/s3"})).unwrap();
        seen.lock().unwrap().push(text(&answer, "/KeyMetadata/Arn"));
    });
    let mut seen = seen.into_inner().unwrap();
    seen.dedup();
    assert_eq!(seen.len(), 1);
    assert_eq!(rig.ok("ListKeys", json!({}))["Keys"].as_array().unwrap().len(), 1);
}

/// Ends the readers, also when an assertion failed before.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_cache_decides_after_a_key_was_disabled() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let stop = AtomicBool::new(false);
    let body = json!({"KeyId": key, "Plaintext": b64("x")}).to_string().into_bytes();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let runtime = runtime();
                // Keeps every cache warm, and fills it at the worst moments.
                while !stop.load(Ordering::Relaxed) {
                    drop(runtime.block_on(call_bytes(&rig.service, &root(), "Encrypt", &body)));
                }
            });
        }
        let _stops = Stops(&stop);
        let wanted = |operation: &str, enabled: bool| {
            persist(&rig, operation, &json!({"KeyId": key})).unwrap();
            rig.try_bytes(&root(), "Encrypt", &body).is_ok() == enabled
        };
        let held = (0..200).all(|_| wanted("DisableKey", false) && wanted("EnableKey", true));
        assert!(held, "a request after the acknowledgement was decided by the old state");
    });
}

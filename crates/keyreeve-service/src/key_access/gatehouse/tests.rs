//! What a judgement costs: nothing on the heap, as long as no condition asks for anything.

use std::sync::Arc;

use futures_util::FutureExt as _;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::MemoryStore;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::audit::Notes;
use crate::caller::{Caller, Principal};
use crate::catalogue::{Api, find};
use crate::clock::Clock;
use crate::identity::Owner;
use crate::service::{Service, ServiceParts};

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000)
    }
}

const ACCOUNT: &str = "111122223333";

fn service() -> Service {
    let keyring = Keyring::generate(StoppedClock.now()).unwrap();
    let audit = Arc::new(keyreeve_audit::Journal::ephemeral().unwrap());
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(StoppedClock));
    Service::new(ServiceParts { store, keyring, clock, audit })
}

/// The store is in memory: every future is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn call(service: &Service, caller: &Caller, api: Api, operation: &str, body: Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = body.to_string();
    let answer =
        runtime.block_on(service.call(caller, find(api, operation).unwrap(), body.as_bytes())).unwrap();
    if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
}

fn caller(principal: Principal) -> Caller {
    Caller::bare(principal, Region::parse("eu-central-1").unwrap(), Uuid::nil())
}

/// A user with one managed policy.
fn user(service: &Service, root: &Caller) -> Caller {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let made = call(service, root, Api::Iam, "CreateUser", json!({"UserName": "Alice"}));
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    call(service, root, Api::Iam, "AttachUserPolicy", json!({"UserName": "Alice", "PolicyArn": arn}));
    let id = made["User"]["UserId"].as_str().unwrap().to_owned();
    let owner = Owner::User { account, name: "Alice".to_owned(), id };
    let (principal, profile) = now(service.identity().signer(&owner)).unwrap().unwrap();
    Caller { profile, ..caller(principal) }
}

#[test]
fn a_judgement_without_conditions_allocates_nothing() {
    let service = service();
    let root = caller(Principal::Root(AccountId::parse(ACCOUNT).unwrap()));
    let made = call(&service, &root, Api::Kms, "CreateKey", json!({}));
    let Ok(KeyRef::Arn(arn)) = KeyRef::parse(made["KeyMetadata"]["Arn"].as_str().unwrap()) else {
        panic!("{made}")
    };
    let alice = user(&service, &root);
    let entry = now(service.keys.entry(&arn)).unwrap().unwrap();
    let alias = AliasName::parse("alias/a").unwrap();
    let row = find(Api::Kms, "Encrypt").unwrap();
    for caller in [&root, &alice] {
        let desk = Desk {
            service: &service,
            caller,
            now: StoppedClock.now(),
            row,
            body: b"{}",
            notes: &Notes::new(),
        };
        for alias in [None, Some(&alias)] {
            let naming = KeyNaming { alias, ..KeyNaming::default() };
            let mut permitted = false;
            let count = allocation_counter::measure(|| {
                permitted = now(permit_key(&desk, "kms:Encrypt", &entry, naming)).is_ok();
            });
            assert!(permitted, "{}", caller.principal);
            assert_eq!(count.count_total, 0, "{}", caller.principal);
        }
    }
}

/// A grant permits what policies do not; the text of a denial is written only where none does.
#[test]
fn a_grant_permits_what_policies_do_not() {
    let service = service();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let root = caller(Principal::Root(account));
    let made = call(&service, &root, Api::Kms, "CreateKey", json!({}));
    let text = made["KeyMetadata"]["Arn"].as_str().unwrap();
    let Ok(KeyRef::Arn(arn)) = KeyRef::parse(text) else { panic!("{made}") };
    let id = call(&service, &root, Api::Iam, "CreateUser", json!({"UserName": "Bob"}));
    let owner = Owner::User {
        account,
        name: "Bob".to_owned(),
        id: id["User"]["UserId"].as_str().unwrap().to_owned(),
    };
    let (principal, profile) = now(service.identity().signer(&owner)).unwrap().unwrap();
    let grantee = principal.to_string();
    let grant = json!({"KeyId": text, "GranteePrincipal": grantee, "Operations": ["Encrypt"]});
    call(&service, &root, Api::Kms, "CreateGrant", grant);
    let bob = Caller { profile, ..caller(principal) };
    let row = find(Api::Kms, "Encrypt").unwrap();
    let desk = Desk {
        service: &service,
        caller: &bob,
        now: StoppedClock.now(),
        row,
        body: b"{}",
        notes: &Notes::new(),
    };
    let entry = now(service.keys.entry(&arn)).unwrap().unwrap();
    let permit = now(permit_key(&desk, "kms:Encrypt", &entry, KeyNaming::default())).unwrap();
    assert!(matches!(permit, Permit::Grant));
    let denied = now(permit_key(&desk, "kms:Decrypt", &entry, KeyNaming::default())).unwrap_err();
    assert!(matches!(denied, KmsError::AccessDenied(text) if text.contains("kms:Decrypt")));
}

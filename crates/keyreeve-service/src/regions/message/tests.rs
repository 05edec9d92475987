//! Every message survives JSON, and no request is read as another.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::{Replica, SharedVersion};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;

use super::identities::{IdentityRow, Position, RowState, Span};
use super::reunion::KeyTerm;
use super::*;

fn shared() -> keys::SharedKey {
    let region = Region::parse("eu-central-1").unwrap();
    let (account, key_id) = (AccountId::ZERO, KeyId::new([7; 16], true));
    keys::SharedKey {
        key: keys::KeyOfAll { account, key_id },
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
        at: tombstone().at,
        since: tombstone().since,
        replicas: vec![Replica { region, since: tombstone().since }],
        gone: Default::default(),
        rotation: None,
        on_demand: Default::default(),
        current: Some(MaterialId::new([1; 32])),
        pending: None,
        history: Vec::new(),
    }
}

fn tombstone() -> keys::Tombstone {
    let at = SharedVersion::first(Region::parse("eu-central-1").unwrap());
    keys::Tombstone { since: at.clone(), at }
}

fn home_term() -> crate::regions::HomeTerm {
    let (home, lost) = (Region::parse("eu-west-1").unwrap(), Region::parse("eu-central-1").unwrap());
    let action = crate::regions::Action::TakeHome { lost, epoch: 2 };
    let now = Timestamp::from_millis(7000);
    let request = crate::regions::Confirmation::new(home.clone(), "00".to_owned(), action, now).unwrap();
    crate::regions::HomeTerm { epoch: 2, home, request, signatures: Vec::new() }
}

fn sealed() -> keys::SealedMaterial {
    keys::SealedMaterial { id: None, epoch: 1, sealed: "AA==".to_owned() }
}

/// One of each; the match below fails to compile when a variant is missing in it.
fn requests() -> Vec<PeerRequest> {
    vec![
        PeerRequest::Hello(Hello {}),
        PeerRequest::Reunion(Box::new(Reunion {
            home: Some(home_term()),
            keys: vec![KeyTerm { key: shared().key, at: shared().at }],
        })),
        PeerRequest::Synchronize(Box::new(Synchronize {
            shared: shared(),
            birth: None,
            materials: vec![sealed()],
        })),
        PeerRequest::Pull(Pull { key: shared().key, prefix: "00".repeat(16) }),
        PeerRequest::MayReplicate(MayReplicate { key: shared().key }),
        PeerRequest::MayPromote(Box::new(MayPromote { key: shared().key })),
        PeerRequest::Promote(Box::new(Promote { shared: shared(), births: Default::default() })),
        PeerRequest::ReplicaGone(ReplicaGone { key: shared().key, tombstone: tombstone() }),
        PeerRequest::Identities(Identities {
            incarnation: "00".to_owned(),
            position: Position::Listing { since: 7, section: 1, after: Some("iam/a".to_owned()) },
        }),
        PeerRequest::Forward(Box::new(Forward {})),
    ]
}

fn reply_to(request: &PeerRequest) -> PeerReply {
    match request {
        PeerRequest::Hello(_) => {
            let region = Region::parse("eu-central-1").unwrap();
            PeerReply::Hello(Greeting {
                region,
                now: Timestamp::from_millis(7),
                version: "1".to_owned(),
                identities: None,
            })
        }
        PeerRequest::Reunion(_) => {
            let newer = vec![KeyTerm { key: shared().key, at: shared().at }];
            PeerReply::Reunion(Box::new(Reunited { home: Some(home_term()), newer }))
        }
        PeerRequest::Synchronize(_) => PeerReply::Synchronize(Box::new(Synchronized::Gone(tombstone()))),
        PeerRequest::Pull(_) => PeerReply::Pull(Box::new(Pulled::Known(sealed()))),
        PeerRequest::MayReplicate(_) => PeerReply::MayReplicate(Room::Full),
        PeerRequest::MayPromote(_) => {
            PeerReply::MayPromote(Box::new(PromotionVerdict { record: None, aliases: Vec::new() }))
        }
        PeerRequest::Promote(_) => {
            PeerReply::Promote(Box::new(PromotionAnswer::Promoted(Box::new(shared()))))
        }
        PeerRequest::ReplicaGone(_) => PeerReply::ReplicaGone(ReplicaGoneAnswer::Noted(tombstone().at)),
        PeerRequest::Identities(_) => PeerReply::Identities(Box::new(page_of_identities())),
        PeerRequest::Forward(_) => PeerReply::Forward(Box::new(Forwarded {})),
    }
}

fn page_of_identities() -> IdentitiesPage {
    let row = |state| IdentityRow { path: "iam/account/1".to_owned(), revision: 7, state };
    IdentitiesPage {
        incarnation: "00".to_owned(),
        spans: vec![Span {
            prefix: "iam/account/".to_owned(),
            after: None,
            to: Some("iam/account/1".to_owned()),
        }],
        rows: vec![
            row(RowState::Put(serde_json::json!({"name": "a"}))),
            row(RowState::Gone),
            row(RowState::Unreadable),
        ],
        next: Position::After(7),
        complete: true,
    }
}

/// What stands in the outermost object.
fn tag(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), 1, "{json}");
    object.keys().next().unwrap().clone()
}

#[test]
fn every_request_and_its_reply_survive_json_under_the_same_name() {
    let mut names = std::collections::BTreeSet::new();
    for request in requests() {
        let json = serde_json::to_string(&request).unwrap();
        let again: PeerRequest = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
        assert_eq!((tag(&json).as_str(), again.name()), (request.name(), request.name()));
        let reply = serde_json::to_string(&reply_to(&request)).unwrap();
        let again: PeerReply = serde_json::from_str(&reply).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), reply);
        assert_eq!(tag(&reply), request.name());
        names.insert(request.name());
    }
    assert_eq!(names.len(), requests().len());
}

#[test]
fn unknown_requests_are_no_requests() {
    for json in [r#"{"Destroy":{}}"#, r#""Hello""#, "{}", "[]", r#"{"Hello":{},"Pull":{}}"#] {
        assert!(serde_json::from_str::<PeerRequest>(json).is_err(), "{json}");
    }
}

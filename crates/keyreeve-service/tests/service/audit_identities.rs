//! `userIdentity` in all its forms. AWS:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use keyreeve_service::catalogue::{Api, find};
use serde_json::{Value, json};

use crate::condition_world::{Who, World};
use crate::rig::{ACCOUNT, text};
use crate::web_identity::{Issuer, OPERATION};

fn identity_of(world: &World, who: Who) -> (Value, Value) {
    let statements = [json!({"Effect": "Allow", "Action": "*", "Resource": "*"})];
    let caller = world.caller(who, &statements);
    let row = find(Api::Kms, "DescribeKey").unwrap();
    let body = json!({"KeyId": world.kit.symmetric});
    let (_, records) = world.rig.recorded(|| drop(world.call(&caller, row, &body)));
    (records[0]["userIdentity"].clone(), records[0].clone())
}

#[test]
fn each_kind_of_caller_has_its_form() {
    let world = World::new();
    let (user, _) = identity_of(&world, Who::User);
    assert_eq!(user["type"], "IAMUser");
    assert_eq!(user["userName"], "Alice");

    let (session, _) = identity_of(&world, Who::Session);
    assert_eq!(session["type"], "AssumedRole");
    assert_eq!(session["arn"], format!("arn:aws:sts::{ACCOUNT}:assumed-role/Worker/work"));
    assert!(session["principalId"].as_str().unwrap().ends_with(":work"));
    let issuer = &session["sessionContext"]["sessionIssuer"];
    assert_eq!((&issuer["type"], &issuer["userName"]), (&json!("Role"), &json!("Worker")));
    assert_eq!(session["sessionContext"]["attributes"]["mfaAuthenticated"], "false");
    assert!(session["sessionContext"]["webIdFederationData"]["federatedProvider"].is_string());

    let (via, record) = identity_of(&world, Who::Via);
    assert_eq!(via["type"], "IAMUser");
    assert!(via["invokedBy"].as_str().unwrap().ends_with(".amazonaws.com"));
    assert_eq!((&record["sourceIPAddress"], &record["userAgent"]), (&via["invokedBy"], &via["invokedBy"]));

    let (service, _) = identity_of(&world, Who::Service);
    assert_eq!(service, json!({"type": "AWSService", "invokedBy": via["invokedBy"]}));
}

#[test]
fn whoever_an_identity_provider_vouches_for_is_a_web_identity_user_and_its_tokens_are_not_recorded() {
    let issuer = Issuer::new();
    let token = issuer.token(json!({}));
    let (answer, records) = issuer.rig.recorded(|| issuer.try_assume(&token).unwrap());
    let record = &records[0];
    assert_eq!(record["eventName"], OPERATION);
    assert_eq!(record["userIdentity"]["type"], "WebIdentityUser");
    assert_eq!(record["recipientAccountId"], ACCOUNT);
    assert_eq!(record["resources"][0]["type"], "AWS::IAM::Role");
    let credentials = &record["responseElements"]["credentials"];
    assert_eq!(credentials["accessKeyId"], answer["Credentials"]["AccessKeyId"]);
    let whole = record.to_string();
    for secret in ["/Credentials/SecretAccessKey", "/Credentials/SessionToken"] {
        assert!(!whole.contains(&text(&answer, secret)), "{secret}");
    }
    assert!(!whole.contains(&token));
}

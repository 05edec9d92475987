//! Key policies are stored and checked; what they decide comes with the authorization issue.

use serde_json::{Value, json};

use crate::kit::OPEN_POLICY;
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, Rig, root};

fn policy(rig: &Rig, key: &str) -> String {
    let answer = rig.ok("GetKeyPolicy", json!({"KeyId": key, "PolicyName": "default"}));
    assert_eq!(answer["PolicyName"], "default");
    answer["Policy"].as_str().unwrap().to_owned()
}

/// A policy of one statement with these elements laid over an open one.
fn statement(changes: Value) -> String {
    let mut document: Value = serde_json::from_str(OPEN_POLICY).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            document["Statement"][0].as_object_mut().unwrap().remove(name);
        } else {
            document["Statement"][0][name] = value.clone();
        }
    }
    document.to_string()
}

#[test]
fn a_key_without_a_policy_gets_the_default_as_aws_prints_it() {
    let rig = Rig::new();
    let text = policy(&rig, &rig.key(json!({})));
    assert!(text.starts_with(
        "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
    ));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["Statement"][0]["Principal"]["AWS"], json!(format!("arn:aws:iam::{ACCOUNT}:root")));
}

#[test]
fn a_policy_comes_back_as_it_was_put() {
    let rig = Rig::new();
    assert_eq!(policy(&rig, &rig.key(json!({"Policy": OPEN_POLICY}))), OPEN_POLICY);
    let key = rig.key(json!({}));
    rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": OPEN_POLICY, "PolicyName": "default"}));
    assert_eq!(policy(&rig.restarted(), &key), OPEN_POLICY);
    assert_eq!(
        rig.ok("ListKeyPolicies", json!({"KeyId": key})),
        json!({"PolicyNames": ["default"], "Truncated": false})
    );
}

#[test]
fn whoever_would_lock_himself_out_is_refused_unless_he_insists() {
    let rig = Rig::new();
    let lockout = "The new key policy will not allow you to update the key policy in the future.";
    for changes in [
        json!({"Effect": "Deny"}),
        json!({"Principal": {"AWS": OTHER_ACCOUNT}}),
        json!({"Principal": {"AWS": format!("arn:aws:iam::{OTHER_ACCOUNT}:root")}}),
        json!({"Principal": {"Service": "s3.amazonaws.com"}}),
        json!({"Action": "kms:Encrypt"}),
        json!({"Action": null, "NotAction": "kms:PutKeyPolicy"}),
        json!({"Principal": null, "NotPrincipal": {"AWS": ACCOUNT}}),
        json!({"Resource": null}),
    ] {
        let text = statement(changes);
        // Whoever insists is locked out indeed: each case has a key of its own.
        let key = rig.key(json!({}));
        let bodies =
            [("CreateKey", json!({"Policy": text})), ("PutKeyPolicy", json!({"KeyId": key, "Policy": text}))];
        for (operation, mut body) in bodies {
            rig.refuses(operation, body.clone(), "MalformedPolicyDocumentException", lockout);
            body["BypassPolicyLockoutSafetyCheck"] = json!(true);
            rig.ok(operation, body);
        }
        let again = json!({"KeyId": key, "Policy": statement(json!({}))});
        assert_eq!(rig.try_as(&root(), "PutKeyPolicy", &again).unwrap_err().code, "AccessDeniedException");
    }
    let key = rig.key(json!({}));
    for changes in [
        json!({"Principal": {"AWS": ACCOUNT}}),
        json!({"Principal": "*"}),
        json!({"Principal": {"AWS": [format!("arn:aws:iam::{OTHER_ACCOUNT}:root"), format!("arn:aws:iam::{ACCOUNT}:root")]}}),
        json!({"Principal": null, "NotPrincipal": {"AWS": OTHER_ACCOUNT}}),
        json!({"Action": ["kms:put*"]}),
        json!({"Action": "KMS:PutKeyPolic?"}),
        json!({"Action": "*"}),
    ] {
        rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": statement(changes)}));
    }
}

#[test]
fn a_user_or_role_that_does_not_exist_is_no_principal() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for principal in ["user/Nobody", "role/Nobody", "user/a/Nobody"] {
        let names = json!([
            format!("arn:aws:iam::{ACCOUNT}:root"),
            format!("arn:aws:iam::{OTHER_ACCOUNT}:{principal}")
        ]);
        let body = json!({"KeyId": key, "Policy": statement(json!({"Principal": {"AWS": names}}))});
        let text = "Policy contains a statement with one or more invalid principals.";
        rig.refuses("PutKeyPolicy", body, "MalformedPolicyDocumentException", text);
    }
}

#[test]
fn a_key_policy_follows_a_renamed_user_and_no_namesake() {
    let rig = Rig::new();
    rig.user_of(ACCOUNT, "Ada");
    let names = |name: &str| {
        json!([format!("arn:aws:iam::{ACCOUNT}:root"), format!("arn:aws:iam::{ACCOUNT}:user/{name}")])
    };
    let key = rig.key(json!({"Policy": statement(json!({"Principal": {"AWS": names("Ada")}}))}));
    rig.iam("UpdateUser", json!({"UserName": "Ada", "NewUserName": "Cleo"}));
    rig.user_of(ACCOUNT, "Ada");
    rig.ok_as(&rig.user("Cleo"), "DescribeKey", json!({"KeyId": key}));
    let namesake = rig.try_as(&rig.user("Ada"), "DescribeKey", &json!({"KeyId": key})).unwrap_err();
    assert_eq!(namesake.code, "AccessDeniedException");
    let shown: Value = serde_json::from_str(&policy(&rig, &key)).unwrap();
    assert_eq!(shown.pointer("/Statement/0/Principal/AWS"), Some(&names("Cleo")));
    rig.iam("UpdateUser", json!({"UserName": "Cleo", "NewPath": "/people/"}));
    let shown: Value = serde_json::from_str(&policy(&rig, &key)).unwrap();
    assert_eq!(shown.pointer("/Statement/0/Principal/AWS"), Some(&names("people/Cleo")));
}

#[test]
fn what_is_no_policy_is_malformed() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let before = policy(&rig, &key);
    for text in [
        "{".to_owned(),
        "[]".to_owned(),
        "\"x\"".to_owned(),
        "{}".to_owned(),
        r#"{"Statement":[]}"#.to_owned(),
        r#"{"Statement":[1]}"#.to_owned(),
        OPEN_POLICY.replace("2012-10-17", "2020-01-01"),
        OPEN_POLICY.replace("\"Version\"", "\"Verzion\""),
        statement(json!({"Effect": "allow"})),
        statement(json!({"Sig": "x"})),
        statement(json!({"NotAction": "kms:*"})),
        statement(json!({"Action": "Encrypt"})),
        statement(json!({"Action": []})),
        statement(json!({"Action": 1})),
        statement(json!({"Principal": null})),
        statement(json!({"Principal": {"AWS": "nobody"}})),
        statement(json!({"Principal": {"AWS": "arn:aws:iam::1:root"}})),
        statement(json!({"Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:user/*")}})),
        statement(json!({"Principal": {"Nobody": "x"}})),
        statement(json!({"NotResource": "*"})),
        statement(json!({"Condition": {"StringSimilar": {"a": "b"}}})),
        statement(json!({"Condition": {"StringEquals": "b"}})),
        statement(json!({"Condition": []})),
    ] {
        for (operation, mut body) in [("CreateKey", json!({})), ("PutKeyPolicy", json!({"KeyId": key}))] {
            body["Policy"] = json!(text);
            let error = rig.try_as(&crate::rig::root(), operation, &body).expect_err(&text);
            assert_eq!(error.code, "MalformedPolicyDocumentException", "{text}");
        }
    }
    assert_eq!(policy(&rig, &key), before);
}

#[test]
fn a_policy_has_at_most_32_kib() {
    let rig = Rig::new();
    let sized = |len: usize| {
        let padding = len - statement(json!({"Sid": ""})).len();
        statement(json!({"Sid": "x".repeat(padding)}))
    };
    assert_eq!(sized(32_768).len(), 32_768);
    rig.key(json!({"Policy": sized(32_768)}));
    let text = "The key policy exceeds the maximum size of 32768 bytes.";
    rig.refuses("CreateKey", json!({"Policy": sized(32_769)}), "LimitExceededException", text);
}

#[test]
fn default_is_the_only_name() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for (name, text) in [
        ("AWS_RAM", "The AWS_RAM policy can only be managed by the RAM service"),
        ("other", "PolicyName must be \"default\"."),
        ("Default", "PolicyName must be \"default\"."),
    ] {
        let body = json!({"KeyId": key, "PolicyName": name, "Policy": OPEN_POLICY});
        rig.refuses("GetKeyPolicy", body.clone(), "ValidationException", text);
        rig.refuses("PutKeyPolicy", body, "ValidationException", text);
    }
}

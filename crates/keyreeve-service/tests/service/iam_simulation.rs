//! Simulated requests: decisions, the statements that made them, what limits them, and what is missing.

use serde_json::{Value, json};

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, root_of, text};

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SIMULATE: &str = "SimulateCustomPolicy";
const SIMULATE_PRINCIPAL: &str = "SimulatePrincipalPolicy";

fn statement(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(action: &str) -> String {
    policy(&[statement("Allow", action, "*")])
}

fn decisions(answer: &Value) -> Vec<(String, String, String)> {
    let results = answer["EvaluationResults"].as_array().unwrap().iter();
    let part = |result: &Value, name: &str| text(result, &format!("/{name}"));
    results
        .map(|one| (part(one, "EvalActionName"), part(one, "EvalResourceName"), part(one, "EvalDecision")))
        .collect()
}

/// The decision of a simulation with one action and one resource.
fn decision(answer: &Value) -> String {
    let decisions = decisions(answer);
    assert_eq!(decisions.len(), 1);
    decisions[0].2.clone()
}

fn matched(answer: &Value, index: usize) -> Vec<(String, String)> {
    let statements = answer["EvaluationResults"][index]["MatchedStatements"].as_array().unwrap().iter();
    statements.map(|one| (text(one, "/SourcePolicyId"), text(one, "/SourcePolicyType"))).collect()
}

#[test]
fn every_action_meets_every_resource() {
    let rig = Rig::new();
    let document = policy(&[
        statement("Allow", "kms:*", "arn:aws:kms:*:*:key/*"),
        statement("Deny", "kms:Delete*", "*"),
        statement("Allow", "kms:List*", "*"),
    ]);
    let body = json!({
        "PolicyInputList": [document], "ActionNames": ["kms:Encrypt", "kms:DeleteAlias", "kms:ListKeys"],
        "ResourceArns": [KEY, "*"],
    });
    let answer = rig.iam(SIMULATE, body);
    let expected = [
        ("kms:Encrypt", KEY, "allowed"),
        ("kms:Encrypt", "*", "implicitDeny"),
        ("kms:DeleteAlias", KEY, "explicitDeny"),
        ("kms:DeleteAlias", "*", "explicitDeny"),
        ("kms:ListKeys", KEY, "allowed"),
        ("kms:ListKeys", "*", "allowed"),
    ];
    let owned = |(action, resource, decision): &(&str, &str, &str)| {
        ((*action).to_owned(), (*resource).to_owned(), (*decision).to_owned())
    };
    assert_eq!(decisions(&answer), expected.iter().map(owned).collect::<Vec<_>>());
    assert_eq!(answer["IsTruncated"], false);
    let first =
        |index: usize| answer["EvaluationResults"][index]["MatchedStatements"].as_array().unwrap().len();
    assert_eq!([first(0), first(1), first(2), first(4)], [1, 0, 1, 2]);
}

#[test]
fn statements_are_named_with_their_place() {
    let rig = Rig::new();
    let document = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}";
    let answer = rig
        .iam(SIMULATE, json!({"PolicyInputList": [allow("s3:*"), document], "ActionNames": ["kms:Encrypt"]}));
    let expected = json!([{
        "EvalActionName": "kms:Encrypt", "EvalResourceName": "*", "EvalDecision": "allowed",
        "MatchedStatements": [{
            "SourcePolicyId": "PolicyInputList.2", "SourcePolicyType": "none",
            "StartPosition": {"Line": 3, "Column": 17}, "EndPosition": {"Line": 8, "Column": 6},
        }],
        "MissingContextValues": [],
    }]);
    assert_eq!(answer["EvaluationResults"], expected);
}

#[test]
fn conditions_see_the_context_entries_by_their_type() {
    let rig = Rig::new();
    let document = policy(&[json!({
        "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {
            "NumericLessThan": {"kms:RotationPeriodInDays": "100"},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]},
        },
    })]);
    let simulate = |entries: Value| {
        let body =
            json!({"PolicyInputList": [document], "ActionNames": ["kms:Encrypt"], "ContextEntries": entries});
        rig.iam(SIMULATE, body)
    };
    let entry = |name: &str, kind: &str, values: &[&str]| json!({"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": values});
    let missing = |answer: &Value| answer["EvaluationResults"][0]["MissingContextValues"].clone();
    let keys = |values: &[&str]| entry("KMS:EncryptionContextKeys", "stringList", values);
    let days = |value: &str| entry("kms:RotationPeriodInDays", "numeric", &[value]);
    let none = simulate(json!([]));
    assert_eq!(decision(&none), "implicitDeny");
    assert_eq!(missing(&none), json!(["kms:RotationPeriodInDays", "kms:EncryptionContextKeys"]));
    for (entries, expected) in [
        (json!([days("99"), keys(&["a", "b"])]), "allowed"),
        (json!([days("99"), keys(&["a", "c"])]), "implicitDeny"),
        (json!([days("100"), keys(&["a"])]), "implicitDeny"),
    ] {
        let answer = simulate(entries.clone());
        assert_eq!((decision(&answer).as_str(), missing(&answer)), (expected, json!([])), "{entries}");
    }
}

#[test]
fn a_boundary_limits_and_grants_nothing() {
    let rig = Rig::new();
    let simulate = |inputs: &[String], boundaries: &[String]| {
        let body = json!({
            "PolicyInputList": inputs, "PermissionsBoundaryPolicyInputList": boundaries,
            "ActionNames": ["kms:Encrypt"],
        });
        rig.iam(SIMULATE, body)
    };
    let detail = |answer: &Value| answer["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"].clone();
    let allows = |value: bool| json!({"AllowedByPermissionsBoundary": value});
    for (inputs, boundary, expected, by_boundary) in [
        (allow("kms:*"), allow("kms:*"), "allowed", true),
        (allow("kms:*"), allow("s3:*"), "implicitDeny", false),
        (allow("s3:*"), allow("kms:*"), "implicitDeny", true),
        (allow("kms:*"), policy(&[statement("Deny", "kms:*", "*")]), "explicitDeny", false),
    ] {
        let answer = simulate(&[inputs], std::slice::from_ref(&boundary));
        assert_eq!(
            (decision(&answer).as_str(), detail(&answer)),
            (expected, allows(by_boundary)),
            "{boundary}"
        );
        let granting = usize::from(expected != "implicitDeny");
        assert_eq!(matched(&answer, 0).len(), granting, "{boundary}");
    }
    assert_eq!(detail(&simulate(&[allow("*")], &[])), Value::Null);
    let body = json!({
        "PolicyInputList": [], "PermissionsBoundaryPolicyInputList": [allow("*"), allow("*")],
        "ActionNames": ["kms:Encrypt"],
    });
    let text = "Only one permissions boundary can be in effect at a time.";
    rig.iam_refuses(SIMULATE, body, "InvalidInput", text);
}

#[test]
fn a_resource_policy_decides_as_a_key_policy_does() {
    let rig = Rig::new();
    let (alice, stranger) =
        (format!("arn:aws:iam::{ACCOUNT}:user/alice"), format!("arn:aws:iam::{OTHER_ACCOUNT}:user/bob"));
    let naming = |effect: &str, principal: &str| {
        policy(&[
            json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}),
        ])
    };
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let other_root = format!("arn:aws:iam::{OTHER_ACCOUNT}:root");
    for (inputs, resource_policy, caller, expected, by) in [
        (vec![], naming("Allow", &alice), &alice, "allowed", vec!["ResourcePolicy"]),
        (vec![], naming("Allow", &root), &alice, "implicitDeny", vec![]),
        (
            vec![allow("*")],
            naming("Allow", &root),
            &alice,
            "allowed",
            vec!["ResourcePolicy", "PolicyInputList.1"],
        ),
        (vec![allow("*")], naming("Allow", &stranger), &alice, "implicitDeny", vec![]),
        (vec![allow("*")], naming("Deny", &alice), &alice, "explicitDeny", vec!["ResourcePolicy"]),
        (vec![], naming("Allow", &other_root), &stranger, "implicitDeny", vec![]),
        (
            vec![allow("*")],
            naming("Allow", &other_root),
            &stranger,
            "allowed",
            vec!["ResourcePolicy", "PolicyInputList.1"],
        ),
    ] {
        let body = json!({
            "PolicyInputList": inputs, "ActionNames": ["kms:Encrypt"], "ResourceArns": [KEY],
            "ResourcePolicy": resource_policy, "CallerArn": caller,
        });
        let answer = rig.iam(SIMULATE, body);
        let ids: Vec<_> = matched(&answer, 0).into_iter().map(|(id, _)| id).collect();
        assert_eq!(
            (decision(&answer).as_str(), ids),
            (expected, by.iter().map(|id| (*id).to_owned()).collect()),
            "{resource_policy} {caller}"
        );
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    let anyone = policy(&[json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})]);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let user = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let unclear =
        |arn: &str| format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
    for (more, message) in [
        (
            json!({"ResourcePolicy": anyone, "ResourceArns": [KEY]}),
            "Invalid caller - Caller cannot be null or empty.".to_owned(),
        ),
        (json!({"ResourcePolicy": anyone, "CallerArn": user}), unclear("*")),
        (json!({"CallerArn": role}), unclear(&role)),
        (json!({"ResourceOwner": "me"}), unclear("me")),
        (json!({"ResourceArns": ["bucket"]}), unclear("bucket")),
        (json!({"ActionNames": ["Encrypt"]}), "Invalid action name: Encrypt".to_owned()),
        (json!({"ActionNames": ["kms:*"]}), "Invalid action name: kms:*".to_owned()),
    ] {
        let mut body = json!({"PolicyInputList": [allow("*")], "ActionNames": ["kms:Encrypt"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rig.iam_refuses(SIMULATE, body, "InvalidInput", &message);
    }
    let body = json!({"PolicyInputList": ["{}"], "ActionNames": ["kms:Encrypt"]});
    let error = rig.try_iam_as(&crate::rig::root(), SIMULATE, &body).unwrap_err();
    assert_eq!(error.code, "InvalidInput");
    assert!(error.message.unwrap().starts_with("PolicyInputList.1: "));
    for member in ["ResourceHandlingOption", "OrderedOrganizationPolicyInputList"] {
        let value = if member == "ResourceHandlingOption" { json!("EC2-VPC-EBS") } else { json!([]) };
        let mut body = json!({"PolicyInputList": [allow("*")], "ActionNames": ["kms:Encrypt"]});
        body[member] = value;
        assert!(rig.try_iam_as(&crate::rig::root(), SIMULATE, &body).is_err(), "{member}");
    }
}

#[test]
fn results_come_in_pages() {
    let rig = Rig::new();
    let actions: Vec<String> = (0..5).map(|number| format!("kms:Action{number}")).collect();
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut body = json!({
        "PolicyInputList": [allow("*")], "ActionNames": actions, "ResourceArns": [KEY, "*"], "MaxItems": 3,
    });
    loop {
        let page = rig.iam(SIMULATE, body.clone());
        seen.extend(decisions(&page));
        pages += 1;
        if page["Marker"].is_null() {
            break;
        }
        body["Marker"] = page["Marker"].clone();
    }
    let pairs = actions
        .iter()
        .flat_map(|action| [KEY, "*"].map(|arn| (action.clone(), arn.to_owned(), "allowed".to_owned())));
    assert_eq!((seen, pages), (pairs.collect(), 4));
    body["Marker"] = json!("bm9uZQ");
    rig.iam_refuses(SIMULATE, body, "ValidationError", "Invalid Marker.");
}

#[test]
fn a_user_is_simulated_with_its_boundary_name_and_tags() {
    let rig = Rig::new();
    let boundary = rig.iam("CreatePolicy", json!({"PolicyName": "B", "PolicyDocument": allow("kms:*")}));
    let boundary = text(&boundary, "/Policy/Arn");
    rig.iam(
        "CreateUser",
        json!({
            "UserName": "Alice", "Path": "/eng/", "PermissionsBoundary": boundary,
            "Tags": [{"Key": "team", "Value": "a"}],
        }),
    );
    let alice = format!("arn:aws:iam::{ACCOUNT}:user/eng/Alice");
    let own = policy(&[json!({
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {
            "aws:username": "Alice", "aws:PrincipalTag/Team": "a", "aws:PrincipalArn": alice, "aws:PrincipalType": "User",
        }},
    })]);
    let simulate = |more: Value| {
        let mut body = json!({"PolicySourceArn": alice, "PolicyInputList": [own], "ActionNames": ["kms:Encrypt", "s3:GetObject"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rig.iam(SIMULATE_PRINCIPAL, body)
    };
    let of =
        |answer: &Value| decisions(answer).into_iter().map(|(_, _, decision)| decision).collect::<Vec<_>>();
    let bounded = simulate(json!({}));
    assert_eq!(of(&bounded), ["allowed", "implicitDeny"]);
    assert_eq!(
        bounded["EvaluationResults"][1]["PermissionsBoundaryDecisionDetail"],
        json!({"AllowedByPermissionsBoundary": false})
    );
    assert_eq!(bounded["EvaluationResults"][0]["MissingContextValues"], json!([]));
    // The boundary of the request stands in for the user's own.
    assert_eq!(
        of(&simulate(json!({"PermissionsBoundaryPolicyInputList": [allow("s3:*")]}))),
        ["implicitDeny", "allowed"]
    );
    let excluded = json!({"PolicyExclusionList": [{"PolicyType": "permission-boundary"}]});
    assert_eq!(of(&simulate(excluded)), ["allowed", "allowed"]);
    let entry =
        json!({"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["Bob"]});
    assert_eq!(of(&simulate(json!({"ContextEntries": [entry]}))), ["implicitDeny", "implicitDeny"]);
    // A user needs no other caller where a resource has a policy.
    let anyone =
        policy(&[json!({"Effect": "Allow", "Principal": {"AWS": alice}, "Action": "*", "Resource": "*"})]);
    let named = simulate(json!({"ResourcePolicy": anyone, "ResourceArns": [KEY]}));
    assert_eq!(of(&named), ["allowed", "allowed"]);
}

#[test]
fn attached_and_inline_policies_are_named_by_their_origin_and_can_be_left_out() {
    let rig = Rig::new();
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    let managed =
        rig.iam("CreatePolicy", json!({"PolicyName": "M", "Path": "/x/", "PolicyDocument": allow("kms:*")}));
    let managed = text(&managed, "/Policy/Arn");
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    rig.iam(
        "PutUserPolicy",
        json!({"UserName": "Alice", "PolicyName": "I", "PolicyDocument": allow("kms:*")}),
    );
    for arn in [administrator, &managed] {
        rig.iam("AttachUserPolicy", json!({"UserName": "Alice", "PolicyArn": arn}));
    }
    let simulate = |exclusions: Value| {
        let body = json!({
            "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "ActionNames": ["kms:Encrypt"],
            "PolicyExclusionList": exclusions,
        });
        let answer = rig.iam(SIMULATE_PRINCIPAL, body);
        let found = matched(&answer, 0);
        assert_eq!(decision(&answer), if found.is_empty() { "implicitDeny" } else { "allowed" });
        found.into_iter().map(|(id, kind)| format!("{kind}: {id}")).collect::<Vec<_>>()
    };
    let [inline, user_managed, aws_managed] =
        ["user: I", "user-managed: M", "aws-managed: AdministratorAccess"];
    let identifier =
        |holder: &str| json!({"PolicyName": "I", "AttachmentType": "user", "AttachmentName": holder});
    for (exclusions, expected) in [
        (json!([]), vec![inline, user_managed, aws_managed]),
        (json!([{"PolicyArn": managed}]), vec![inline, aws_managed]),
        (json!([{"PolicyType": "inline"}]), vec![user_managed, aws_managed]),
        (json!([{"PolicyType": "aws-managed"}, {"PolicyType": "user-managed"}]), vec![inline]),
        (json!([{"InlinePolicyIdentifier": identifier("Alice")}]), vec![user_managed, aws_managed]),
        (json!([{"InlinePolicyIdentifier": identifier("Bob")}]), vec![inline, user_managed, aws_managed]),
        (
            json!([{"PolicyType": "inline"}, {"PolicyType": "user-managed"}, {"PolicyArn": administrator}]),
            vec![],
        ),
    ] {
        let mut found = simulate(exclusions.clone());
        found.sort();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(found, expected, "{exclusions}");
    }
    let body = json!({
        "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "ActionNames": ["kms:Encrypt"],
        "PolicyExclusionList": [{"PolicyArn": managed, "PolicyType": "inline"}],
    });
    let message =
        "A policy to exclude is named by exactly one of PolicyArn, PolicyType and InlinePolicyIdentifier.";
    rig.iam_refuses(SIMULATE_PRINCIPAL, body, "InvalidInput", message);
}

#[test]
fn a_role_is_simulated_as_one_of_its_sessions() {
    let rig = Rig::new();
    let trust =
        json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}).to_string();
    rig.iam("CreateRole", json!({"RoleName": "R", "Path": "/x/", "AssumeRolePolicyDocument": trust}));
    let role = format!("arn:aws:iam::{ACCOUNT}:role/x/R");
    let own = policy(&[json!({
        "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": role}, "StringEquals": {"aws:PrincipalType": "AssumedRole"}},
    })]);
    rig.iam("PutRolePolicy", json!({"RoleName": "R", "PolicyName": "I", "PolicyDocument": own}));
    let answer =
        rig.iam(SIMULATE_PRINCIPAL, json!({"PolicySourceArn": role, "ActionNames": ["kms:Encrypt"]}));
    assert_eq!(
        (decision(&answer).as_str(), matched(&answer, 0)),
        ("allowed", vec![("I".to_owned(), "role".to_owned())])
    );
    let keys = rig.iam("GetContextKeysForPrincipalPolicy", json!({"PolicySourceArn": role}));
    assert_eq!(keys["ContextKeyNames"], json!(["aws:PrincipalArn", "aws:PrincipalType"]));
}

#[test]
fn the_guard_of_the_account_limits_simulated_requests_too() {
    let rig = Rig::new();
    rig.operate("CreateAccount", json!({"AccountName": "payments", "AccountId": ACCOUNT}));
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    rig.operate("SetAccount", json!({"AccountId": ACCOUNT, "Guard": allow("kms:*")}));
    let body = json!({
        "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "PolicyInputList": [allow("*")],
        "ActionNames": ["kms:Encrypt", "s3:GetObject"],
    });
    let answer = rig.iam(SIMULATE_PRINCIPAL, body);
    for (index, (expected, by_guard)) in [("allowed", true), ("implicitDeny", false)].into_iter().enumerate()
    {
        let result = &answer["EvaluationResults"][index];
        assert_eq!(result["EvalDecision"], expected);
        assert_eq!(result["OrganizationsDecisionDetail"], json!({"AllowedByOrganizations": by_guard}));
    }
    assert_eq!(matched(&answer, 0), [("PolicyInputList.1".to_owned(), "none".to_owned())]);
}

#[test]
fn a_source_must_exist_and_be_of_the_account() {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "Alice", "Path": "/eng/"}));
    for (arn, message) in [
        (format!("arn:aws:iam::{ACCOUNT}:user/Alice"), "The user with name Alice cannot be found."),
        (format!("arn:aws:iam::{ACCOUNT}:group/Alice"), "The group with name Alice cannot be found."),
        (format!("arn:aws:iam::{ACCOUNT}:role/Alice"), "The role with name Alice cannot be found."),
    ] {
        let body = json!({"PolicySourceArn": arn, "ActionNames": ["kms:Encrypt"]});
        rig.iam_refuses(SIMULATE_PRINCIPAL, body, "NoSuchEntity", message);
        rig.iam_refuses(
            "GetContextKeysForPrincipalPolicy",
            json!({"PolicySourceArn": arn}),
            "NoSuchEntity",
            message,
        );
    }
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Admin/session");
    let message = format!("Invalid Entity Arn: {session} does not clearly define entity type and name.");
    let body = json!({"PolicySourceArn": session, "ActionNames": ["kms:Encrypt"]});
    rig.iam_refuses(SIMULATE_PRINCIPAL, body, "InvalidInput", &message);
    let body = json!({"PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/eng/Alice"), "ActionNames": ["kms:Encrypt"]});
    let error = rig.try_iam_as(&root_of(OTHER_ACCOUNT, REGION), SIMULATE_PRINCIPAL, &body).unwrap_err();
    assert_eq!(error.code, "AccessDeniedException");
    assert_eq!(decision(&rig.iam(SIMULATE_PRINCIPAL, body)), "implicitDeny");
}

#[test]
fn context_keys_are_listed_once_as_they_are_spelled() {
    let rig = Rig::new();
    let first = policy(&[json!({
        "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    })]);
    let of_key = policy(&[json!({
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"AWS:securetransport": "x", "kms:ViaService": "y"}},
    })]);
    let keys = json!({"ContextKeyNames": ["aws:username", "aws:SecureTransport", "kms:ViaService"]});
    assert_eq!(rig.iam("GetContextKeysForCustomPolicy", json!({"PolicyInputList": [first, of_key]})), keys);
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    let source = format!("arn:aws:iam::{ACCOUNT}:user/Alice");
    let body = json!({"PolicySourceArn": source, "PolicyInputList": [first, of_key]});
    assert_eq!(rig.iam("GetContextKeysForPrincipalPolicy", body), keys);
    let error = rig
        .try_iam_as(
            &crate::rig::root(),
            "GetContextKeysForCustomPolicy",
            &json!({"PolicyInputList": [first, "{}"]}),
        )
        .unwrap_err();
    assert_eq!(error.code, "InvalidInput");
    assert!(error.message.unwrap().starts_with("PolicyInputList.2: "));
}

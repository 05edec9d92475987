//! Grants as things: made, named, listed, removed. What they decide is in `grant_decisions.rs`.

use std::collections::BTreeSet;

use keyreeve_service::caller::Caller;
use keyreeve_store::Store;
use serde_json::{Value, json};

use crate::kit::Kit;
use crate::people::{delete_user, grant, service, session, statement, user_arn, with_policy};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, START_SECONDS, b64, root, stranger, text};

const UNKNOWN: &str = "0123456789012345678901234567890123456789012345678901234567890123";

fn grants(rig: &Rig, body: Value) -> Vec<Value> {
    rig.ok("ListGrants", body)["Grants"].as_array().unwrap().clone()
}

fn ids(list: &[Value]) -> Vec<String> {
    list.iter().map(|grant| text(grant, "/GrantId")).collect()
}

#[test]
fn a_grant_is_listed_as_it_was_made() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let (alice, bob) = (user_arn(ACCOUNT, "Alice"), user_arn(OTHER_ACCOUNT, "Bob"));
    rig.user_of(ACCOUNT, "Alice");
    rig.user_of(OTHER_ACCOUNT, "Bob");
    let full = json!({
        "KeyId": key, "GranteePrincipal": alice, "RetiringPrincipal": bob, "Name": "first",
        "Operations": ["Encrypt", "Decrypt", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"Department": "Finance"}},
    });
    let bare = json!({"KeyId": key, "GranteePrincipal": bob, "Operations": ["DescribeKey"]});
    let source = format!("arn:aws:s3:{REGION}:{ACCOUNT}:bucket");
    let to_service = json!({
        "KeyId": key, "GranteeServicePrincipal": "s3.amazonaws.com", "Operations": ["Decrypt"],
        "RetiringServicePrincipal": "rds.amazonaws.com", "Constraints": {"SourceArn": source},
    });
    let made = [full, bare, to_service].map(|body| rig.ok("CreateGrant", body));
    for answer in &made {
        assert_eq!(text(answer, "/GrantId").len(), 64);
        assert!(text(answer, "/GrantToken").len() < 1000);
    }
    let account = format!("arn:aws:iam::{ACCOUNT}:root");
    let mut expected = vec![
        json!({"KeyId": key, "GrantId": made[0]["GrantId"], "Name": "first", "CreationDate": START_SECONDS,
               "GranteePrincipal": alice, "RetiringPrincipal": bob, "IssuingAccount": account,
               "Operations": ["Encrypt", "Decrypt"],
               "Constraints": {"EncryptionContextSubset": {"Department": "Finance"}}}),
        json!({"KeyId": key, "GrantId": made[1]["GrantId"], "Name": "", "CreationDate": START_SECONDS,
               "GranteePrincipal": bob, "IssuingAccount": account, "Operations": ["DescribeKey"]}),
        json!({"KeyId": key, "GrantId": made[2]["GrantId"], "Name": "", "CreationDate": START_SECONDS,
               "GranteeServicePrincipal": "s3.amazonaws.com", "RetiringServicePrincipal": "rds.amazonaws.com",
               "IssuingAccount": account, "Operations": ["Decrypt"], "Constraints": {"SourceArn": source}}),
    ];
    expected.sort_by_key(|grant| text(grant, "/GrantId"));
    assert_eq!(grants(&rig, json!({"KeyId": key})), expected);
    assert_eq!(grants(&rig.restarted(), json!({"KeyId": key})), expected);
}

#[test]
fn principals_must_exist() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.user_of(ACCOUNT, "Alice");
    session(&rig, ACCOUNT, "Worker", "one");
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}::{ACCOUNT}:{resource}");
    let missing = "ARN does not refer to a valid principal: ";
    let malformed = "ARN is not valid: ";
    for (principal, refusal) in [
        (arn("iam", "root"), None),
        (arn("iam", "user/Alice"), None),
        (arn("iam", "role/Worker"), None),
        (arn("sts", "assumed-role/Worker/any.session"), None),
        ("AIDAEXAMPLEALICE0001".to_owned(), None),
        ("AROAEXAMPLEROLE00001:session".to_owned(), None),
        (arn("iam", "user/alice"), Some(missing)),
        (arn("iam", "user/path/Alice"), Some(missing)),
        (arn("iam", "user/Bob"), Some(missing)),
        (arn("iam", "role/None"), Some(missing)),
        (arn("sts", "assumed-role/worker/s"), Some(missing)),
        (arn("sts", "assumed-role/Worker"), Some(missing)),
        (arn("sts", "user/Alice"), Some(missing)),
        (arn("iam", "group/G"), Some(missing)),
        (format!("arn:aws-cn:iam::{ACCOUNT}:user/Alice"), Some(missing)),
        ("arn:aws:iam::1:user/Alice".to_owned(), Some(missing)),
        (format!("x:aws:iam::{ACCOUNT}:user/Alice"), Some(malformed)),
        (ACCOUNT.to_owned(), Some(malformed)),
        ("Alice".to_owned(), Some(malformed)),
        ("s3.amazonaws.com".to_owned(), Some(malformed)),
    ] {
        for member in ["GranteePrincipal", "RetiringPrincipal"] {
            let mut body =
                json!({"KeyId": key, "GranteePrincipal": arn("iam", "root"), "Operations": ["Decrypt"]});
            body[member] = json!(principal);
            match refusal {
                None => drop(rig.ok("CreateGrant", body)),
                Some(text) => {
                    let text = format!("{text}{principal}");
                    rig.refuses("CreateGrant", body, "InvalidArnException", &text);
                }
            }
        }
    }
}

#[test]
fn operations_must_fit_the_key() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let rsa = rig.key_of("RSA_2048", "ENCRYPT_DECRYPT");
    let common = "CreateGrant, RetireGrant, DescribeKey";
    let public = format!("{common}, GetPublicKey");
    for (key, wrong, kind, usage, valid) in [
        (
            &kit.symmetric,
            "Sign",
            "a symmetric",
            "ENCRYPT_DECRYPT",
            format!(
                "{common}, Encrypt, Decrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, \
                 GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, ReEncryptFrom, ReEncryptTo"
            ),
        ),
        (
            &kit.hmac,
            "Encrypt",
            "a symmetric",
            "GENERATE_VERIFY_MAC",
            format!("{common}, GenerateMac, VerifyMac"),
        ),
        (&kit.signer, "Decrypt", "an asymmetric", "SIGN_VERIFY", format!("{public}, Sign, Verify")),
        (&kit.agreement, "Sign", "an asymmetric", "KEY_AGREEMENT", format!("{public}, DeriveSharedSecret")),
        (
            &kit.kem,
            "Encrypt",
            "an asymmetric",
            "ENCAPSULATE_DECAPSULATE",
            format!("{public}, Encapsulate, Decapsulate"),
        ),
        (
            &rsa,
            "GenerateDataKey",
            "an asymmetric",
            "ENCRYPT_DECRYPT",
            format!("{public}, Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo"),
        ),
    ] {
        let with = |operations: Vec<&str>| json!({"KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": operations});
        rig.ok("CreateGrant", with(valid.split(", ").collect()));
        let text = format!(
            "Operations [{wrong}] are not supported when creating a grant for {kind} KMS key with key usage {usage}. \
             Valid operations are [{valid}]"
        );
        rig.refuses("CreateGrant", with(vec!["DescribeKey", wrong]), "ValidationException", &text);
        let text = "Grants must not contain only the CreateGrant operation.";
        rig.refuses("CreateGrant", with(vec!["CreateGrant", "CreateGrant"]), "ValidationException", text);
        let text = "Grants must contain at least one operation.";
        rig.refuses("CreateGrant", with(vec![]), "ValidationException", text);
        rig.ok("CreateGrant", with(vec!["CreateGrant", "RetireGrant"]));
    }
}

#[test]
fn constraints_and_principals_have_rules() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let pairs = |count: usize, len: usize| -> Value {
        (0..count).map(|number| (format!("k{number}"), json!("ä".repeat(len)))).collect()
    };
    let source = "arn:aws:s3:eu-central-1:111122223333:bucket";
    let service = json!({"GranteePrincipal": null, "GranteeServicePrincipal": "s3.amazonaws.com"});
    let serving = |retiring: bool, source: Option<&str>| {
        let mut changes = service.clone();
        if retiring {
            changes["RetiringPrincipal"] = json!(root);
        }
        changes["Constraints"] = json!({"SourceArn": source});
        changes
    };
    for (changes, refusal) in [
        (json!({"Constraints": {}}), None),
        (json!({"Constraints": {"EncryptionContextEquals": pairs(8, 384)}}), None),
        (json!({"Constraints": {"EncryptionContextSubset": pairs(8, 384)}}), None),
        (
            json!({"Constraints": {"EncryptionContextSubset": pairs(9, 1)}}),
            Some("A grant constraint can include up to 8 encryption context pairs."),
        ),
        (
            json!({"Constraints": {"EncryptionContextEquals": pairs(1, 385)}}),
            Some("An encryption context value in a grant constraint cannot exceed 384 characters."),
        ),
        (
            json!({"Constraints": {"EncryptionContextEquals": {}, "EncryptionContextSubset": {}}}),
            Some("More than one constraint supplied"),
        ),
        (
            json!({"KeyId": kit.hmac, "Operations": ["GenerateMac"], "Constraints": {"EncryptionContextEquals": {"a": "b"}}}),
            Some(
                "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.",
            ),
        ),
        (
            json!({"Constraints": {"SourceArn": source}}),
            Some("The SourceArn grant constraint can be used only with GranteeServicePrincipal."),
        ),
        (serving(true, Some(source)), None),
        (
            serving(true, None),
            Some("The SourceArn grant constraint is required with GranteeServicePrincipal."),
        ),
        (
            serving(false, Some(source)),
            Some("RetiringPrincipal or RetiringServicePrincipal is required with GranteeServicePrincipal."),
        ),
        (
            json!({"GranteeServicePrincipal": "s3.amazonaws.com"}),
            Some("You must specify either GranteePrincipal or GranteeServicePrincipal, but not both."),
        ),
        (
            json!({"GranteePrincipal": null}),
            Some("You must specify either GranteePrincipal or GranteeServicePrincipal, but not both."),
        ),
        (
            json!({"RetiringPrincipal": root, "RetiringServicePrincipal": "s3.amazonaws.com"}),
            Some("You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both."),
        ),
    ] {
        let mut body = json!({"KeyId": kit.symmetric, "GranteePrincipal": root, "Operations": ["Decrypt"]});
        changes.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        match refusal {
            None => drop(rig.ok("CreateGrant", body)),
            Some(text) => rig.refuses("CreateGrant", body, "ValidationException", text),
        }
    }
}

#[test]
fn a_name_makes_the_same_request_the_same_grant() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    rig.user_of(ACCOUNT, "Alice");
    let named = |changes: Value| {
        let mut body = json!({
            "KeyId": key, "GranteePrincipal": user_arn(ACCOUNT, "Alice"), "Name": "n",
            "Operations": ["Decrypt", "Encrypt"], "Constraints": {"EncryptionContextEquals": {"a": "1"}},
        });
        changes.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        rig.ok("CreateGrant", body)
    };
    let first = named(json!({}));
    for same in [json!({}), json!({"Operations": ["Encrypt", "Decrypt", "Encrypt"]})] {
        let again = named(same);
        assert_eq!(again["GrantId"], first["GrantId"]);
        assert_ne!(again["GrantToken"], first["GrantToken"]);
        rig.ok("DescribeKey", json!({"KeyId": key, "GrantTokens": [again["GrantToken"]]}));
    }
    let mut seen = BTreeSet::from([text(&first, "/GrantId")]);
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let different = [
        json!({"KeyId": other}),
        json!({"Name": "m"}),
        json!({"Name": null}),
        json!({"Name": null}),
        json!({"Operations": ["Decrypt"]}),
        json!({"GranteePrincipal": root}),
        json!({"RetiringPrincipal": root}),
        json!({"Constraints": {"EncryptionContextEquals": {"a": "2"}}}),
        json!({"Constraints": {"EncryptionContextSubset": {"a": "1"}}}),
        json!({"Constraints": {}}),
    ];
    for changes in different {
        assert!(seen.insert(text(&named(changes.clone()), "/GrantId")), "{changes}");
    }
    rig.ok("RevokeGrant", json!({"KeyId": key, "GrantId": first["GrantId"]}));
    assert!(seen.insert(text(&named(json!({})), "/GrantId")), "a revoked grant is not answered again");
    delete_user(&rig, ACCOUNT, "Alice");
    rig.user_of(ACCOUNT, "Alice");
    assert!(seen.insert(text(&named(json!({})), "/GrantId")), "a namesake is another grantee");
}

/// A key with 23 grants to Alice, 2 to Bob and one to the account.
fn populated() -> (Rig, String) {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for (name, count) in [("Alice", 23), ("Bob", 2)] {
        rig.user_of(ACCOUNT, name);
        for _ in 0..count {
            let arn = user_arn(ACCOUNT, name);
            let body = json!({"KeyId": key, "GranteePrincipal": arn, "RetiringPrincipal": arn, "Operations": ["Decrypt"]});
            grant(&rig, body);
        }
    }
    let body = json!({"KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["Decrypt"]});
    grant(&rig, body);
    (rig, key)
}

fn walk(rig: &Rig, operation: &str, body: &Value, limit: usize) -> Vec<String> {
    let (mut all, mut marker) = (Vec::new(), Value::Null);
    loop {
        let mut body = body.clone();
        (body["Limit"], body["Marker"]) = (json!(limit), marker);
        let answer = rig.ok(operation, body);
        let page = ids(answer["Grants"].as_array().unwrap());
        marker = answer["NextMarker"].clone();
        assert_eq!(answer["Truncated"], json!(!marker.is_null()));
        assert!(page.len() == limit || (marker.is_null() && page.len() < limit), "{operation}");
        all.extend(page);
        if marker.is_null() {
            return all;
        }
    }
}

#[test]
fn lists_come_in_pages_and_by_filters() {
    let (rig, key) = populated();
    let by = |name: &str| json!({"KeyId": key, "GranteePrincipal": user_arn(ACCOUNT, name)});
    let retirable = |name: &str| json!({"RetiringPrincipal": user_arn(ACCOUNT, name)});
    for (operation, body, count) in [
        ("ListGrants", json!({"KeyId": key}), 26),
        ("ListGrants", by("Alice"), 23),
        ("ListGrants", by("Bob"), 2),
        ("ListGrants", by("alice"), 0),
        ("ListGrants", by("Ali"), 0),
        ("ListRetirableGrants", retirable("Alice"), 23),
        ("ListRetirableGrants", retirable("Bob"), 2),
    ] {
        let whole = walk(&rig, operation, &body, 100);
        assert_eq!(whole.len(), count, "{operation} {body}");
        assert!(whole.is_sorted());
        for limit in [1, 2, 7, 22, 23, 24] {
            assert_eq!(walk(&rig, operation, &body, limit), whole, "{operation} {body} by {limit}");
        }
        let mut body = body;
        body["Limit"] = json!(101);
        let error = rig.try_as(&root(), operation, &body).unwrap_err();
        assert_eq!(error.code, "ValidationException");
    }
    let one = walk(&rig, "ListGrants", &by("Bob"), 1).remove(0);
    let with_id = |id: &str, mut body: Value| {
        body["GrantId"] = json!(id);
        ids(&grants(&rig, body))
    };
    assert_eq!(with_id(&one, json!({"KeyId": key})), std::slice::from_ref(&one));
    assert_eq!(with_id(&one, by("Bob")), std::slice::from_ref(&one));
    assert_eq!(with_id(&one, by("Alice")), [""; 0]);
    assert_eq!(with_id(UNKNOWN, json!({"KeyId": key})), [""; 0]);
    rig.refuses("ListGrants", json!({"KeyId": key, "GrantId": "x"}), "InvalidGrantIdException", "");
    let both = "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.";
    let mut body = by("Bob");
    body["GranteeServicePrincipal"] = json!("s3.amazonaws.com");
    rig.refuses("ListGrants", body, "ValidationException", both);
    let body = json!({"KeyId": key, "GranteeServicePrincipal": "s3.amazonaws.com"});
    rig.refuses(
        "ListGrants",
        body,
        "ValidationException",
        "This filter can be used only by a service principal.",
    );
}

#[test]
fn a_marker_is_good_for_its_own_list_only() {
    let (rig, key) = populated();
    let lists = [
        ("ListGrants", json!({"KeyId": key})),
        ("ListGrants", json!({"KeyId": key, "GranteePrincipal": user_arn(ACCOUNT, "Alice")})),
        ("ListGrants", json!({"KeyId": key, "GranteePrincipal": user_arn(ACCOUNT, "Bob")})),
        ("ListRetirableGrants", json!({"RetiringPrincipal": user_arn(ACCOUNT, "Alice")})),
        ("ListRetirableGrants", json!({"RetiringPrincipal": user_arn(ACCOUNT, "Bob")})),
        ("ListAliases", json!({})),
    ];
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let markers = lists
        .clone()
        .map(|(operation, body)| text(&rig.ok(operation, with(&body, "Limit", json!(1))), "/NextMarker"));
    for (index, (operation, body)) in lists.iter().enumerate() {
        for (from, marker) in markers.iter().enumerate() {
            let body = with(body, "Marker", json!(marker));
            if index == from {
                rig.ok(operation, body);
            } else {
                rig.refuses(operation, body, "InvalidMarkerException", "");
            }
        }
    }
}

#[test]
fn retirable_grants_are_found_across_keys_and_accounts_for_ones_own_principals_only() {
    let rig = Rig::new();
    let bob = user_arn(OTHER_ACCOUNT, "Bob");
    rig.user_of(OTHER_ACCOUNT, "Bob");
    let keys = [rig.key(json!({})), rig.key(json!({}))];
    let body = |key: &str, retiring: &str| json!({"KeyId": key, "GranteePrincipal": bob, "RetiringPrincipal": retiring, "Operations": ["Decrypt"]});
    let mut made: Vec<_> = keys.iter().map(|key| grant(&rig, body(key, &bob))).collect();
    made.sort();
    let asked = |caller: &Caller, principal: &str| {
        rig.try_as(caller, "ListRetirableGrants", &json!({"RetiringPrincipal": principal}))
    };
    let found = |caller: &Caller, principal: &str| {
        let mut ids = ids(asked(caller, principal).unwrap()["Grants"].as_array().unwrap());
        ids.sort();
        ids
    };
    assert_eq!(found(&stranger(), &bob), made, "of another account's keys");
    assert_eq!(asked(&root(), &bob).unwrap_err().code, "AccessDeniedException");
    let reader =
        with_policy(rig.user_of(OTHER_ACCOUNT, "Bob"), statement("Allow", "kms:ListRetirableGrants"));
    assert_eq!(found(&reader, &bob), made);
    assert_eq!(asked(&rig.user_of(OTHER_ACCOUNT, "Bob"), &bob).unwrap_err().code, "AccessDeniedException");
    // Whose a unique id is, is not known: only grants on one's own keys are shown.
    let id = "AIDAEXAMPLEBOB000001";
    let own = grant(&rig, body(&keys[0], id));
    assert_eq!(found(&root(), id), [own]);
    assert_eq!(found(&stranger(), id), [""; 0]);
    // In another Region there are none.
    let elsewhere = crate::rig::root_of(OTHER_ACCOUNT, "us-east-1");
    assert_eq!(found(&elsewhere, &bob), [""; 0]);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": keys[0], "PendingWindowInDays": 7}));
    rig.pass_days(7);
    assert_eq!(found(&stranger(), &bob).len(), 1, "a key that is gone has no grants");
    delete_user(&rig, OTHER_ACCOUNT, "Bob");
    let text = format!("ARN does not refer to a valid principal: {bob}");
    let body = json!({"RetiringPrincipal": bob});
    rig.refuses_as(&stranger(), "ListRetirableGrants", body, "InvalidArnException", &text);
    rig.user_of(OTHER_ACCOUNT, "Bob");
    assert_eq!(found(&stranger(), &bob), [""; 0], "those of a namesake");
}

#[test]
fn retirable_grants_are_asked_for_by_one_name() {
    let rig = Rig::new();
    let one = "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.";
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    rig.refuses("ListRetirableGrants", json!({}), "ValidationException", one);
    let both = json!({"RetiringPrincipal": root, "RetiringServicePrincipal": "s3.amazonaws.com"});
    rig.refuses("ListRetirableGrants", both, "ValidationException", one);
    let text = "This filter can be used only by a service principal.";
    let body = json!({"RetiringServicePrincipal": "s3.amazonaws.com"});
    rig.refuses("ListRetirableGrants", body.clone(), "ValidationException", text);
    let other = service("rds.amazonaws.com", None);
    rig.refuses_as(&other, "ListRetirableGrants", body.clone(), "ValidationException", text);
    let own = with_policy(service("s3.amazonaws.com", None), statement("Allow", "kms:ListRetirableGrants"));
    rig.ok_as(&own, "ListRetirableGrants", body);
    for bad in ["Alice", "s3.amazonaws.com"] {
        let text = format!("ARN is not valid: {bad}");
        rig.refuses("ListRetirableGrants", json!({"RetiringPrincipal": bad}), "InvalidArnException", &text);
    }
}

#[test]
fn what_is_gone_cannot_be_removed_again() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let made = rig.ok("CreateGrant", kit.body("CreateGrant"));
    let (id, token) = (text(&made, "/GrantId"), text(&made, "/GrantToken"));
    let by_id = |id: &str| json!({"KeyId": kit.symmetric, "GrantId": id});
    for operation in ["RevokeGrant", "RetireGrant"] {
        let text = format!("Grant ID {UNKNOWN} not found");
        rig.refuses(operation, by_id(UNKNOWN), "NotFoundException", &text);
        let text = format!("Grant ID {id} not found");
        let elsewhere = json!({"KeyId": kit.other, "GrantId": id});
        rig.refuses(operation, elsewhere, "NotFoundException", &text);
        for bad in ["x", &id[1..], &id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")] {
            rig.refuses(operation, by_id(bad), "InvalidGrantIdException", "");
        }
        let mut dry = by_id(&id);
        dry["DryRun"] = json!(true);
        assert_eq!(rig.try_as(&root(), operation, &dry).unwrap_err().code, "DryRunOperationException");
    }
    rig.ok("RetireGrant", json!({"GrantToken": token}));
    let gone = format!("Grant ID {id} not found");
    rig.refuses("RetireGrant", json!({"GrantToken": token}), "NotFoundException", &gone);
    rig.refuses("RevokeGrant", by_id(&id), "NotFoundException", &gone);
    rig.refuses("RetireGrant", by_id(&id), "NotFoundException", &gone);
    let ways = "You must specify either GrantToken, or both KeyId and GrantId, but not all of them.";
    for body in [
        json!({}),
        json!({"KeyId": kit.symmetric}),
        json!({"GrantId": id}),
        json!({"GrantToken": token, "KeyId": kit.symmetric, "GrantId": id}),
        json!({"GrantToken": token, "GrantId": id}),
    ] {
        rig.refuses("RetireGrant", body, "ValidationException", ways);
    }
}

#[test]
fn a_token_is_one_that_was_issued() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let token = text(&rig.ok("CreateGrant", kit.body("CreateGrant")), "/GrantToken");
    let marker = text(&rig.ok("ListGrants", json!({"KeyId": kit.symmetric, "Limit": 1})), "/NextMarker");
    let mut changed = token.clone().into_bytes();
    changed[token.len() / 2] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    let takers = crate::kit::kms_rows()
        .filter(|row| row.input.members.iter().any(|member| member.name == "GrantTokens"));
    let mut count = 0;
    for row in takers {
        let with = |tokens: Value| {
            let mut body = kit.body(row.name);
            body["GrantTokens"] = tokens;
            body
        };
        rig.ok(row.name, with(json!([token, token])));
        for bad in [&changed, &marker, &token[1..].to_owned(), &format!("{token}A"), &b64("x")] {
            rig.refuses(row.name, with(json!([token, bad])), "InvalidGrantTokenException", "");
        }
        count += 1;
    }
    assert_eq!(count, 17);
    rig.refuses("RetireGrant", json!({"GrantToken": changed}), "InvalidGrantTokenException", "");
    rig.ok("RetireGrant", json!({"GrantToken": token}));
    rig.ok("Encrypt", json!({"KeyId": kit.symmetric, "Plaintext": b64("x"), "GrantTokens": [token]}));
    let elsewhere = crate::rig::root_of(ACCOUNT, "us-east-1");
    let text = format!("Invalid arn {REGION}");
    rig.refuses_as(&elsewhere, "RetireGrant", json!({"GrantToken": token}), "NotFoundException", &text);
}

fn grant_rows(rig: &Rig) -> usize {
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    assert!(!page.more);
    let is_grant = |path: &str| {
        ["/grant/", "/grantee/", "/grant-name/", "/retiring/"].iter().any(|kind| path.contains(kind))
    };
    page.rows.iter().filter(|(path, _)| is_grant(path.as_str())).count()
}

#[test]
fn a_grant_leaves_no_row_behind_and_a_key_takes_its_grants_with_it() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let body = |number: usize| {
        let root = format!("arn:aws:iam::{ACCOUNT}:root");
        json!({"KeyId": key, "GranteePrincipal": root, "RetiringPrincipal": root, "Operations": ["Decrypt"], "Name": format!("n{number}")})
    };
    let id = grant(&rig, body(0));
    assert_eq!(grant_rows(&rig), 4);
    rig.ok("RevokeGrant", json!({"KeyId": key, "GrantId": id}));
    assert_eq!(grant_rows(&rig), 0);
    let token = text(&rig.ok("CreateGrant", body(0)), "/GrantToken");
    rig.ok("RetireGrant", json!({"GrantToken": token}));
    assert_eq!(grant_rows(&rig), 0);
    (0..25).for_each(|number| drop(grant(&rig, body(number))));
    assert_eq!(grant_rows(&rig), 100);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    rig.pass_days(7);
    rig.block_on(rig.service.tend_keys());
    assert_eq!(grant_rows(&rig), 0);
    assert_eq!(rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap().rows.len(), 0);
}

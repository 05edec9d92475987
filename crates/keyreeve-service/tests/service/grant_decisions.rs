//! What grants decide: who may do what by which, from when and until when, and what they let others pass on.

use keyreeve_service::caller::Caller;
use serde_json::{Value, json};

use crate::people::{
    delete_user, grant, service, session, statement, user_arn, via, with_policy, with_session_policy,
};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, b64, root, stranger, text};

/// Whether the caller may; anything else than a denial is a fault of the test.
fn may(rig: &Rig, caller: &Caller, operation: &str, body: &Value) -> bool {
    match rig.try_as(caller, operation, body) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, "AccessDeniedException", "{operation} {body}: {error:?}");
            false
        }
    }
}

fn encrypt(key: &str) -> Value {
    json!({"KeyId": key, "Plaintext": b64("x")})
}

fn under(key: &str, context: Value) -> Value {
    json!({"KeyId": key, "Plaintext": b64("x"), "EncryptionContext": context})
}

fn to(key: &str, grantee: &str, operations: &[&str]) -> Value {
    json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": operations})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn of(key: &str, id: &str) -> Value {
    json!({"KeyId": key, "GrantId": id})
}

#[test]
fn a_grantee_may_do_what_the_grant_says_on_its_key_and_nothing_else() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    let (alice, bob) = (rig.user_of(ACCOUNT, "Alice"), rig.user_of(ACCOUNT, "Bob"));
    grant(&rig, to(&key, &user_arn(ACCOUNT, "Alice"), &["Encrypt", "GenerateDataKey", "DescribeKey"]));
    let blob = rig.ok_as(&alice, "Encrypt", encrypt(&key))["CiphertextBlob"].clone();
    let data_key = json!({"KeyId": key, "KeySpec": "AES_256"});
    for (caller, operation, body, allowed) in [
        (&alice, "GenerateDataKey", data_key.clone(), true),
        (&alice, "DescribeKey", json!({"KeyId": key}), true),
        (&alice, "Decrypt", json!({"CiphertextBlob": blob}), false),
        (&alice, "GenerateDataKeyWithoutPlaintext", data_key.clone(), false),
        (&alice, "ReEncrypt", json!({"CiphertextBlob": blob, "DestinationKeyId": key}), false),
        (&alice, "DisableKey", json!({"KeyId": key}), false),
        (&alice, "ListGrants", json!({"KeyId": key}), false),
        (&alice, "CreateGrant", to(&key, &user_arn(ACCOUNT, "Bob"), &["Encrypt"]), false),
        (&alice, "Encrypt", encrypt(&other), false),
        (&bob, "Encrypt", encrypt(&key), false),
    ] {
        assert_eq!(may(&rig, caller, operation, &body), allowed, "{operation}");
    }
    rig.ok("DisableKey", json!({"KeyId": key}));
    let disabled = format!("{key} is disabled.");
    rig.refuses_as(&alice, "Encrypt", encrypt(&key), "DisabledException", &disabled);
    rig.refuses(
        "CreateGrant",
        to(&key, &user_arn(ACCOUNT, "Bob"), &["Encrypt"]),
        "DisabledException",
        &disabled,
    );
}

#[test]
fn a_grant_works_from_its_answer_and_until_it_is_revoked_or_retired() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let body = to(&key, &user_arn(ACCOUNT, "Alice"), &["Encrypt", "RetireGrant"]);
    for way in ["RevokeGrant", "RetireGrant"] {
        assert!(!may(&rig, &alice, "Encrypt", &encrypt(&key)), "before");
        let id = grant(&rig, body.clone());
        for _ in 0..2 {
            assert!(may(&rig, &alice, "Encrypt", &encrypt(&key)));
        }
        let second = grant(&rig, body.clone());
        rig.ok(way, of(&key, &id));
        assert!(may(&rig, &alice, "Encrypt", &encrypt(&key)), "the second grant");
        rig.ok_as(&alice, "RetireGrant", of(&key, &second));
    }
    assert!(!may(&rig, &alice, "Encrypt", &encrypt(&key)), "after");
    assert!(!may(&rig.restarted(), &alice, "Encrypt", &encrypt(&key)), "after a restart");
}

#[test]
fn constraints_admit_contexts() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let both = json!({"Department": "Finance", "Stage": "prod"});
    for (kind, context, allowed) in [
        ("EncryptionContextEquals", both.clone(), true),
        ("EncryptionContextEquals", json!({"department": "Finance", "STAGE": "prod"}), true),
        ("EncryptionContextEquals", json!({"Department": "finance", "Stage": "prod"}), false),
        ("EncryptionContextEquals", json!({"Department": "Finance"}), false),
        ("EncryptionContextEquals", json!({"Department": "Finance", "Stage": "prod", "x": "y"}), false),
        ("EncryptionContextEquals", json!({}), false),
        ("EncryptionContextSubset", both.clone(), true),
        ("EncryptionContextSubset", json!({"department": "Finance", "Stage": "prod", "x": "y"}), true),
        ("EncryptionContextSubset", json!({"Department": "Finance"}), false),
        ("EncryptionContextSubset", json!({}), false),
    ] {
        let body = to(&key, &user_arn(ACCOUNT, "Alice"), &["Encrypt", "DescribeKey"]);
        let id = grant(&rig, with(body, "Constraints", json!({kind: both})));
        assert_eq!(may(&rig, &alice, "Encrypt", &under(&key, context.clone())), allowed, "{kind} {context}");
        assert!(may(&rig, &alice, "DescribeKey", &json!({"KeyId": key})), "which has no context");
        rig.ok("RevokeGrant", of(&key, &id));
    }
}

#[test]
fn an_account_and_another_accounts_user_need_policies_of_their_own() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let bob = rig.user_of(OTHER_ACCOUNT, "Bob");
    let allowed = |caller: &Caller| with_policy(caller.clone(), statement("Allow", "kms:Encrypt"));
    let denied = |caller: &Caller| with_policy(caller.clone(), statement("Deny", "kms:Encrypt"));
    let account = |account: &str| format!("arn:aws:iam::{account}:root");
    for (grantee, caller, verdict) in [
        (account(ACCOUNT), alice.clone(), false),
        (account(OTHER_ACCOUNT), bob.clone(), false),
        (account(OTHER_ACCOUNT), allowed(&bob), true),
        (account(OTHER_ACCOUNT), denied(&bob), false),
        (account(OTHER_ACCOUNT), stranger(), true),
        (user_arn(OTHER_ACCOUNT, "Bob"), bob.clone(), false),
        (user_arn(OTHER_ACCOUNT, "Bob"), allowed(&bob), true),
        (user_arn(OTHER_ACCOUNT, "Bob"), denied(&bob), false),
        (user_arn(OTHER_ACCOUNT, "Bob"), stranger(), false),
        (user_arn(ACCOUNT, "Alice"), alice.clone(), true),
        (user_arn(ACCOUNT, "Alice"), denied(&alice), false),
        (user_arn(ACCOUNT, "Alice"), allowed(&bob), false),
    ] {
        let id = grant(&rig, to(&key, &grantee, &["Encrypt"]));
        assert_eq!(may(&rig, &caller, "Encrypt", &encrypt(&key)), verdict, "{grantee}: {}", caller.principal);
        rig.ok("RevokeGrant", of(&key, &id));
        assert!(!may(&rig, &bob, "Encrypt", &encrypt(&key)));
    }
}

#[test]
fn a_role_is_limited_by_its_session_policy_and_a_session_is_not() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let one = session(&rig, ACCOUNT, "Worker", "one");
    let two = session(&rig, ACCOUNT, "Worker", "two");
    let other = session(&rig, ACCOUNT, "Other", "one");
    let narrow = |caller: &Caller| with_session_policy(caller.clone(), statement("Allow", "kms:Decrypt"));
    let wide = |caller: &Caller| with_session_policy(caller.clone(), statement("Allow", "kms:*"));
    let role = format!("arn:aws:iam::{ACCOUNT}:role/Worker");
    let its_session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Worker/one");
    let id = one.principal.user_id().split(':').next().unwrap().to_owned();
    for (grantee, caller, verdict) in [
        (&role, &one, true),
        (&role, &two, true),
        (&role, &other, false),
        (&role, &narrow(&one), false),
        (&role, &wide(&one), true),
        (&its_session, &one, true),
        (&its_session, &two, false),
        (&its_session, &other, false),
        (&its_session, &narrow(&one), true),
        (&id, &two, true),
        (&format!("{id}:one"), &one, true),
        (&format!("{id}:one"), &narrow(&one), true),
        (&format!("{id}:one"), &two, false),
    ] {
        let grant_id = grant(&rig, to(&key, grantee, &["Encrypt"]));
        assert_eq!(may(&rig, caller, "Encrypt", &encrypt(&key)), verdict, "{grantee}: {}", caller.principal);
        rig.ok("RevokeGrant", of(&key, &grant_id));
    }
}

#[test]
fn a_namesake_is_somebody_else() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = user_arn(ACCOUNT, "Alice");
    rig.user_of(ACCOUNT, "Alice");
    let id =
        grant(&rig, with(to(&key, &alice, &["Encrypt", "RetireGrant"]), "RetiringPrincipal", json!(alice)));
    assert!(may(&rig, &rig.user_of(ACCOUNT, "Alice"), "Encrypt", &encrypt(&key)));
    delete_user(&rig, ACCOUNT, "Alice");
    let namesake = rig.user_of(ACCOUNT, "Alice");
    assert!(!may(&rig, &namesake, "Encrypt", &encrypt(&key)));
    assert!(!may(&rig, &namesake, "RetireGrant", &of(&key, &id)));
    grant(&rig, to(&key, &namesake.principal.user_id(), &["Encrypt"]));
    assert!(may(&rig, &namesake, "Encrypt", &encrypt(&key)), "by its own id");
}

#[test]
fn a_grantee_passes_on_no_more_than_one_of_its_grants_gives_it() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let bob = rig.user_of(ACCOUNT, "Bob");
    let parent = |operations: &[&str], constraints: Value| {
        grant(&rig, with(to(&key, &user_arn(ACCOUNT, "Alice"), operations), "Constraints", constraints))
    };
    let child = |operations: &[&str], constraints: Value| {
        with(to(&key, &user_arn(ACCOUNT, "Bob"), operations), "Constraints", constraints)
    };
    let finance = json!({"EncryptionContextSubset": {"Department": "Finance"}});
    let first = parent(&["CreateGrant", "Encrypt", "DescribeKey"], finance.clone());
    let second = parent(&["CreateGrant", "Decrypt"], json!({}));
    parent(&["GenerateDataKey", "GenerateMac"].map(|_| "GenerateDataKey"), json!({}));
    let exact = json!({"EncryptionContextEquals": {"department": "Finance", "a": "b"}});
    for (operations, constraints, allowed) in [
        (&["Encrypt"][..], finance.clone(), true),
        (&["Encrypt", "CreateGrant", "DescribeKey"], exact.clone(), true),
        (&["Encrypt"], json!({}), false),
        (&["Encrypt"], json!({"EncryptionContextSubset": {"Department": "Sales"}}), false),
        (&["Decrypt"], json!({}), true),
        (&["Decrypt"], exact.clone(), true),
        (&["Encrypt", "Decrypt"], finance.clone(), false),
        (&["GenerateDataKey"], json!({}), false),
        (&["Decrypt", "RetireGrant"], json!({}), false),
    ] {
        let body = child(operations, constraints);
        assert_eq!(may(&rig, &alice, "CreateGrant", &body), allowed, "{body}");
        assert!(may(&rig, &root(), "CreateGrant", &body), "a policy allows any");
    }
    assert!(may(&rig, &bob, "Encrypt", &under(&key, json!({"Department": "Finance"}))));
    rig.ok("RevokeGrant", of(&key, &first));
    assert!(!may(&rig, &alice, "CreateGrant", &child(&["Encrypt"], finance)));
    rig.ok("RevokeGrant", of(&key, &second));
    assert!(!may(&rig, &alice, "CreateGrant", &child(&["Decrypt"], json!({}))));
    let denied = rig.try_as(&alice, "CreateGrant", &child(&["Decrypt"], json!({}))).unwrap_err();
    let expected = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/Alice is not authorized to perform: kms:CreateGrant on resource: {key} \
         because no identity-based policy allows the kms:CreateGrant action"
    );
    assert_eq!(denied.message.as_deref(), Some(expected.as_str()));
}

#[test]
fn what_cannot_be_passed_on_is_denied_in_the_words_of_a_caller_without_grants() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    rig.user_of(ACCOUNT, "Bob");
    let body = to(&key, &user_arn(ACCOUNT, "Bob"), &["Decrypt"]);
    let without = rig.try_as(&alice, "CreateGrant", &body).unwrap_err();
    grant(&rig, to(&key, &user_arn(ACCOUNT, "Alice"), &["CreateGrant", "Encrypt"]));
    assert_eq!(rig.try_as(&alice, "CreateGrant", &body).unwrap_err(), without);
}

#[test]
fn who_may_retire_a_grant() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let carol = rig.user_of(ACCOUNT, "Carol");
    let bob = rig.user_of(OTHER_ACCOUNT, "Bob");
    let worker = session(&rig, ACCOUNT, "Worker", "one");
    let admin = |caller: &Caller| with_policy(caller.clone(), statement("Allow", "kms:*"));
    let barred = |caller: &Caller| with_policy(caller.clone(), statement("Deny", "kms:RetireGrant"));
    let a = user_arn(ACCOUNT, "Alice");
    let b = user_arn(OTHER_ACCOUNT, "Bob");
    let role = format!("arn:aws:iam::{ACCOUNT}:role/Worker");
    let (own, theirs) =
        (format!("arn:aws:iam::{ACCOUNT}:root"), format!("arn:aws:iam::{OTHER_ACCOUNT}:root"));
    let narrow = with_session_policy(worker.clone(), statement("Allow", "kms:Decrypt"));
    for (grantee, retiring, operations, caller, verdict) in [
        (&a, None, &["Encrypt"][..], root(), true),
        (&b, Some(&b), &["Encrypt"], root(), true),
        (&a, None, &["Encrypt"], alice.clone(), false),
        (&a, None, &["Encrypt", "RetireGrant"], alice.clone(), true),
        (&a, None, &["Encrypt", "RetireGrant"], barred(&alice), false),
        (&a, None, &["Encrypt", "RetireGrant"], carol.clone(), false),
        (&a, None, &["Encrypt"], admin(&carol), false),
        (&a, None, &["Encrypt"], admin(&alice), false),
        (&b, Some(&a), &["Encrypt"], alice.clone(), true),
        (&b, Some(&a), &["Encrypt"], barred(&alice), false),
        (&b, Some(&a), &["Encrypt"], bob.clone(), false),
        (&a, Some(&b), &["Encrypt"], bob.clone(), true),
        (&a, Some(&b), &["Encrypt"], barred(&bob), false),
        (&a, Some(&b), &["Encrypt"], stranger(), false),
        (&b, None, &["Encrypt", "RetireGrant"], bob.clone(), true),
        (&b, None, &["Encrypt"], admin(&bob), false),
        (&a, Some(&theirs), &["Encrypt"], stranger(), true),
        (&a, Some(&theirs), &["Encrypt"], bob.clone(), false),
        (&a, Some(&theirs), &["Encrypt"], admin(&bob), true),
        (&b, Some(&own), &["Encrypt"], carol.clone(), false),
        (&b, Some(&own), &["Encrypt"], admin(&carol), true),
        (&a, Some(&role), &["Encrypt"], worker.clone(), true),
        (&a, Some(&role), &["Encrypt"], narrow, true),
    ] {
        let mut body = to(&key, grantee, operations);
        body["RetiringPrincipal"] = json!(retiring);
        let made = rig.ok("CreateGrant", body.clone());
        let shown = format!("{body}: {}", caller.principal);
        assert_eq!(
            may(&rig, &caller, "RetireGrant", &of(&key, &text(&made, "/GrantId"))),
            verdict,
            "{shown}"
        );
        let made = rig.ok("CreateGrant", body);
        let by_token = json!({"GrantToken": made["GrantToken"]});
        assert_eq!(may(&rig, &caller, "RetireGrant", &by_token), verdict, "{shown} by token");
    }
}

/// The default policy with one more statement.
fn key_policy(extra: Value) -> String {
    let own = json!({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [own, extra]}).to_string()
}

#[test]
fn a_deny_of_the_key_policy_wins_over_every_grant() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let callers = [(ACCOUNT, "Alice"), (OTHER_ACCOUNT, "Bob")].map(|(account, name)| {
        let arn = user_arn(account, name);
        let caller = with_policy(rig.user_of(account, name), statement("Allow", "kms:*"));
        let body = with(to(&key, &arn, &["Encrypt", "RetireGrant"]), "RetiringPrincipal", json!(arn));
        (caller, grant(&rig, body))
    });
    let deny = |action: &str| {
        let extra = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*",
                           "Condition": {"StringNotEquals": {"aws:PrincipalType": "Account"}}});
        rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": key_policy(extra)}));
    };
    for (caller, id) in &callers {
        deny("kms:Encrypt");
        assert!(!may(&rig, caller, "Encrypt", &encrypt(&key)), "{}", caller.principal);
        deny("kms:RetireGrant");
        assert!(may(&rig, caller, "Encrypt", &encrypt(&key)), "{}", caller.principal);
        assert!(!may(&rig, caller, "RetireGrant", &of(&key, id)), "{}", caller.principal);
        deny("kms:Decrypt");
        assert!(may(&rig, caller, "RetireGrant", &of(&key, id)), "{}", caller.principal);
    }
}

#[test]
fn strangers_do_not_learn_which_grants_there_are() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    rig.user_of(ACCOUNT, "Alice");
    let id = grant(&rig, to(&key, &user_arn(ACCOUNT, "Alice"), &["Encrypt"]));
    let text = format!(
        "User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: kms:RetireGrant on this resource because \
         the resource does not exist in this Region, no resource-based policies allow access, or a resource-based \
         policy explicitly denies access"
    );
    let missing = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    for (key, id) in [(&key, &id), (&key, &"0".repeat(64)), (&missing, &id)] {
        rig.refuses_as(&stranger(), "RetireGrant", of(key, id), "AccessDeniedException", &text);
    }
}

#[test]
fn a_service_uses_its_grant_for_its_resource_only() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let (bucket, other) =
        (format!("arn:aws:s3:{REGION}:{ACCOUNT}:b"), format!("arn:aws:s3:{REGION}:{ACCOUNT}:c"));
    let name = "s3.amazonaws.com";
    let made = rig.ok(
        "CreateGrant",
        json!({"KeyId": key, "GranteeServicePrincipal": name, "RetiringServicePrincipal": "rds.amazonaws.com",
               "Operations": ["Encrypt"], "Constraints": {"SourceArn": bucket}}),
    );
    for (caller, allowed) in [
        (service(name, Some(&bucket)), true),
        (service(name, Some(&other)), false),
        (service(name, None), false),
        (service("rds.amazonaws.com", Some(&bucket)), false),
        (rig.user_of(ACCOUNT, name), false),
    ] {
        assert_eq!(may(&rig, &caller, "Encrypt", &encrypt(&key)), allowed, "{caller:?}");
    }
    let own = with_policy(service("rds.amazonaws.com", None), statement("Allow", "kms:ListRetirableGrants"));
    let listed =
        rig.ok_as(&own, "ListRetirableGrants", json!({"RetiringServicePrincipal": "rds.amazonaws.com"}));
    assert_eq!(listed["Grants"][0]["GrantId"], made["GrantId"]);
    let by_token = json!({"GrantToken": made["GrantToken"]});
    assert!(!may(&rig, &service(name, Some(&bucket)), "RetireGrant", &by_token));
    assert!(may(&rig, &service("rds.amazonaws.com", None), "RetireGrant", &by_token));
}

/// Conditions on who asks for what: Alice may by a statement with the condition, or not.
#[test]
fn condition_keys_of_create_grant_hold() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let bob = user_arn(ACCOUNT, "Bob");
    rig.user_of(ACCOUNT, "Bob");
    let plain = to(&key, &bob, &["Encrypt", "Decrypt"]);
    let retired = with(plain.clone(), "RetiringPrincipal", json!(bob));
    let subset =
        with(plain.clone(), "Constraints", json!({"EncryptionContextSubset": {"Department": "Finance"}}));
    let exact = with(plain.clone(), "Constraints", json!({"EncryptionContextEquals": {"a": "1", "b": "2"}}));
    let source = format!("arn:aws:s3:{REGION}:{ACCOUNT}:bucket");
    let serving = json!({"KeyId": key, "GranteeServicePrincipal": "s3.amazonaws.com", "Operations": ["Encrypt"],
                         "RetiringServicePrincipal": "rds.amazonaws.com", "Constraints": {"SourceArn": source}});
    let one = |operator: &str, key: &str, value: Value| json!({operator: {key: value}});
    for (condition, body, allowed) in [
        (one("StringEquals", "kms:GranteePrincipal", json!(bob)), &plain, true),
        (one("StringEquals", "kms:GranteePrincipal", json!("x")), &plain, false),
        (one("StringEquals", "kms:RetiringPrincipal", json!(bob)), &retired, true),
        (one("StringEquals", "kms:RetiringPrincipal", json!(bob)), &plain, false),
        (
            one("ForAllValues:StringEquals", "kms:GrantOperations", json!(["Encrypt", "Decrypt", "Sign"])),
            &plain,
            true,
        ),
        (one("ForAllValues:StringEquals", "kms:GrantOperations", json!(["Encrypt"])), &plain, false),
        (one("ForAnyValue:StringEquals", "kms:GrantOperations", json!(["Encrypt"])), &plain, true),
        (one("StringEquals", "kms:GrantConstraintType", json!("EncryptionContextSubset")), &subset, true),
        (one("StringEquals", "kms:GrantConstraintType", json!("EncryptionContextSubset")), &exact, false),
        (one("StringEquals", "kms:GrantConstraintType", json!("EncryptionContextEquals")), &exact, true),
        (one("Null", "kms:GrantConstraintType", json!("true")), &plain, true),
        (one("StringEquals", "kms:EncryptionContext:department", json!("Finance")), &subset, true),
        (one("StringEquals", "kms:EncryptionContext:Department", json!("finance")), &subset, false),
        (one("StringEquals", "kms:EncryptionContext:a", json!("1")), &exact, true),
        (one("StringEquals", "kms:EncryptionContext:a", json!("1")), &plain, false),
        (one("ForAllValues:StringEquals", "kms:EncryptionContextKeys", json!(["a", "b"])), &exact, true),
        (one("ForAllValues:StringEquals", "kms:EncryptionContextKeys", json!(["a"])), &exact, false),
        (one("StringEquals", "kms:GranteeServicePrincipal", json!("s3.amazonaws.com")), &serving, true),
        (one("StringEquals", "kms:RetiringServicePrincipal", json!("rds.amazonaws.com")), &serving, true),
        (one("StringEquals", "kms:RetiringServicePrincipal", json!("s3.amazonaws.com")), &serving, false),
        (
            one("ArnLike", "kms:GrantConstraintSourceArn", json!(format!("arn:aws:s3:*:{ACCOUNT}:*"))),
            &serving,
            true,
        ),
        (one("ArnLike", "kms:GrantConstraintSourceArn", json!("arn:aws:rds:*:*:*")), &serving, false),
    ] {
        let mut allow = statement("Allow", "kms:CreateGrant");
        allow["Condition"] = condition.clone();
        let caller = with_policy(alice.clone(), allow);
        assert_eq!(may(&rig, &caller, "CreateGrant", body), allowed, "{condition} {body}");
    }
}

#[test]
fn a_grant_is_for_an_aws_resource_when_a_service_asks() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let bob = user_arn(ACCOUNT, "Bob");
    rig.user_of(ACCOUNT, "Bob");
    for action in ["CreateGrant", "ListGrants", "RevokeGrant"] {
        let mut allow = statement("Allow", &format!("kms:{action}"));
        allow["Condition"] = json!({"Bool": {"kms:GrantIsForAWSResource": "true"}});
        let alice = with_policy(rig.user_of(ACCOUNT, "Alice"), allow);
        let body = match action {
            "CreateGrant" => to(&key, &bob, &["Encrypt"]),
            "RevokeGrant" => of(&key, &grant(&rig, to(&key, &bob, &["Encrypt"]))),
            _ => json!({"KeyId": key}),
        };
        assert!(!may(&rig, &alice, action, &body), "{action}");
        assert!(may(&rig, &via(alice, "ec2.eu-central-1.amazonaws.com"), action, &body), "{action}");
    }
}

#[test]
fn condition_keys_of_retire_grant_are_those_of_the_grant() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let alice = rig.user_of(ACCOUNT, "Alice");
    let equals = json!({"EncryptionContextEquals": {"Stage": "prod"}});
    for (condition, constraints, allowed) in [
        (json!({"StringEquals": {"kms:EncryptionContext:stage": "prod"}}), equals.clone(), false),
        (json!({"StringEquals": {"kms:EncryptionContext:stage": "test"}}), equals.clone(), true),
        (json!({"StringEquals": {"kms:EncryptionContext:stage": "prod"}}), json!({}), true),
        (
            json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}),
            equals.clone(),
            false,
        ),
        (
            json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}),
            equals.clone(),
            true,
        ),
        (json!({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "Stage"}}), equals, false),
    ] {
        let mut deny = statement("Deny", "kms:RetireGrant");
        deny["Condition"] = condition.clone();
        let body = to(&key, &user_arn(ACCOUNT, "Alice"), &["Encrypt", "RetireGrant"]);
        let id = grant(&rig, with(body, "Constraints", constraints));
        let caller = with_policy(alice.clone(), deny);
        assert_eq!(may(&rig, &caller, "RetireGrant", &of(&key, &id)), allowed, "{condition}");
    }
}

//! Inline and attached policies of users, roles and groups: what is kept, what is shown, and that it takes effect.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, root, text};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const POWER_USER: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

/// What operations call a kind of holder, and the characters of its inline policies.
const HOLDERS: &[(&str, &str, usize)] =
    &[("User", "UserName", 2048), ("Role", "RoleName", 10240), ("Group", "GroupName", 5120)];

/// A rig with a user, a role and a group of the name `X`.
fn holders() -> Rig {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "X"}));
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}});
    rig.iam("CreateRole", json!({"RoleName": "X", "AssumeRolePolicyDocument": trust.to_string()}));
    rig.iam("CreateGroup", json!({"GroupName": "X"}));
    rig
}

/// Allows this action on everything.
fn allow(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
        .to_string()
}

fn body(member: &str, others: Value) -> Value {
    let mut body = others;
    body[member] = json!("X");
    body
}

#[test]
fn inline_policies_are_kept_replaced_listed_and_deleted() {
    let rig = holders();
    for (kind, member, _) in HOLDERS {
        let put = |name: &str, document: &str| {
            let others = json!({"PolicyName": name, "PolicyDocument": document});
            rig.iam(&format!("Put{kind}Policy"), body(member, others))
        };
        assert_eq!(put("b", &allow("kms:ListKeys")), Value::Null);
        put("B", &allow("kms:ListAliases"));
        put("a", &allow("kms:Encrypt"));
        put("a", &format!("{}\n", allow("kms:Decrypt")));
        let shown = rig.iam(&format!("Get{kind}Policy"), body(member, json!({"PolicyName": "a"})));
        assert_eq!((&shown[*member], &shown["PolicyName"]), (&json!("X"), &json!("a")));
        let document = text(&shown, "/PolicyDocument");
        let document = percent_decode_str(&document).decode_utf8().unwrap();
        assert_eq!(document, format!("{}\n", allow("kms:Decrypt")));
        let list = format!("List{kind}Policies");
        let mut page = rig.iam(&list, body(member, json!({"MaxItems": 2})));
        assert_eq!((&page["PolicyNames"], &page["IsTruncated"]), (&json!(["a", "B"]), &json!(true)));
        page = rig.iam(&list, body(member, json!({"Marker": page["Marker"]})));
        assert_eq!((&page["PolicyNames"], &page["IsTruncated"]), (&json!(["b"]), &json!(false)));
        let gone = body(member, json!({"PolicyName": "a"}));
        rig.iam(&format!("Delete{kind}Policy"), gone.clone());
        let text = format!("The {} policy with name a cannot be found.", kind.to_lowercase());
        for operation in [format!("Get{kind}Policy"), format!("Delete{kind}Policy")] {
            rig.iam_refuses(&operation, gone.clone(), "NoSuchEntity", &text);
        }
    }
}

#[test]
fn inline_policies_of_an_entity_count_together_without_white_space() {
    let rig = holders();
    for (kind, member, most) in HOLDERS {
        let operation = format!("Put{kind}Policy");
        let sized = |size: usize| {
            let padding = size - allow("").len();
            allow(&"a".repeat(padding))
        };
        let put = |name: &str, document: &str| {
            rig.try_iam_as(
                &root(),
                &operation,
                &body(member, json!({"PolicyName": name, "PolicyDocument": document})),
            )
        };
        let service = |size: usize| sized(size).replace("\"aaaa", "\"a:aa");
        put("first", &service(1000)).unwrap();
        put("second", &format!("{}{}", service(most - 1000), " ".repeat(1000))).unwrap();
        // In place of itself it counts once.
        put("first", &service(1000)).unwrap();
        let error = put("first", &service(1001)).unwrap_err();
        let text = format!("Maximum policy size of {most} bytes exceeded for {} X", kind.to_lowercase());
        assert_eq!((error.code, error.message.unwrap()), ("LimitExceeded", text));
    }
}

#[test]
fn stored_white_space_is_bounded_too() {
    let rig = holders();
    for (kind, member, _) in HOLDERS {
        let operation = format!("Put{kind}Policy");
        let wide = format!("{}{}", allow("kms:*"), " ".repeat(100_000));
        let put = |name: &str| body(member, json!({"PolicyName": name, "PolicyDocument": wide}));
        rig.iam(&operation, put("one"));
        assert_eq!(rig.try_iam_as(&root(), &operation, &put("two")).unwrap_err().code, "LimitExceeded");
    }
}

#[test]
fn what_is_no_identity_policy_is_malformed() {
    let rig = holders();
    let with_principal = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}});
    for (kind, member, _) in HOLDERS {
        for document in ["{", "{}", &with_principal.to_string()] {
            let body = body(member, json!({"PolicyName": "p", "PolicyDocument": document}));
            let error = rig.try_iam_as(&root(), &format!("Put{kind}Policy"), &body).unwrap_err();
            assert_eq!(error.code, "MalformedPolicyDocument", "{document}");
        }
    }
}

#[test]
fn holders_that_do_not_exist_are_missing_in_every_operation() {
    let rig = holders();
    for (kind, member, _) in HOLDERS {
        for (operation, mut body) in [
            (format!("Put{kind}Policy"), json!({"PolicyName": "p", "PolicyDocument": allow("kms:*")})),
            (format!("Get{kind}Policy"), json!({"PolicyName": "p"})),
            (format!("Delete{kind}Policy"), json!({"PolicyName": "p"})),
            (format!("List{kind}Policies"), json!({})),
            (format!("Attach{kind}Policy"), json!({"PolicyArn": ADMINISTRATOR})),
            (format!("Detach{kind}Policy"), json!({"PolicyArn": ADMINISTRATOR})),
            (format!("ListAttached{kind}Policies"), json!({})),
        ] {
            body[*member] = json!("Nobody");
            let text = format!("The {} with name Nobody cannot be found.", kind.to_lowercase());
            rig.iam_refuses(&operation, body, "NoSuchEntity", &text);
        }
    }
}

#[test]
fn attached_policies_are_listed_and_detached() {
    let rig = holders();
    for (kind, member, _) in HOLDERS {
        let attach =
            |arn: &str| rig.iam(&format!("Attach{kind}Policy"), body(member, json!({"PolicyArn": arn})));
        attach(POWER_USER);
        attach(ADMINISTRATOR);
        assert_eq!(attach(ADMINISTRATOR), Value::Null, "again");
        let list = format!("ListAttached{kind}Policies");
        let named = |arn: &str, name: &str| json!([{"PolicyName": name, "PolicyArn": arn}]);
        let page = rig.iam(&list, body(member, json!({"MaxItems": 1})));
        assert_eq!(page["AttachedPolicies"], named(ADMINISTRATOR, "AdministratorAccess"));
        let page = rig.iam(&list, body(member, json!({"MaxItems": 1, "Marker": page["Marker"]})));
        assert_eq!(page["AttachedPolicies"], named(POWER_USER, "PowerUserAccess"));
        assert_eq!(page["IsTruncated"], false);
        let none = rig.iam(&list, body(member, json!({"PathPrefix": "/other/"})));
        assert_eq!(none["AttachedPolicies"], json!([]));
        let detach = format!("Detach{kind}Policy");
        rig.iam(&detach, body(member, json!({"PolicyArn": ADMINISTRATOR})));
        let text = format!("Policy {ADMINISTRATOR} was not found.");
        rig.iam_refuses(&detach, body(member, json!({"PolicyArn": ADMINISTRATOR})), "NoSuchEntity", &text);
        let left = rig.iam(&list, body(member, json!({})));
        assert_eq!(left["AttachedPolicies"], named(POWER_USER, "PowerUserAccess"));
    }
}

#[test]
fn policies_that_do_not_exist_are_not_attached() {
    let rig = holders();
    for (kind, member, _) in HOLDERS {
        for missing in [
            "arn:aws:iam::aws:policy/Unknown",
            "arn:aws:iam::aws:policy/x/AdministratorAccess",
            "arn:aws:iam::111122223333:policy/Mine",
            "arn:aws:iam::444455556666:policy/Theirs",
        ] {
            let text = format!("Policy {missing} does not exist or is not attachable.");
            let body = body(member, json!({"PolicyArn": missing}));
            rig.iam_refuses(&format!("Attach{kind}Policy"), body, "NoSuchEntity", &text);
        }
        let text = "ARN AdministratorAccess-and-more is not valid.";
        let body = body(member, json!({"PolicyArn": "AdministratorAccess-and-more"}));
        rig.iam_refuses(&format!("Attach{kind}Policy"), body, "InvalidInput", text);
    }
}

/// Creates a policy of the account and answers its ARN.
fn customer_policy(rig: &Rig, path: &str, name: &str, action: &str) -> String {
    let body = json!({"Path": path, "PolicyName": name, "PolicyDocument": allow(action)});
    text(&rig.iam("CreatePolicy", body), "/Policy/Arn")
}

#[test]
fn a_policy_of_the_account_knows_what_it_is_attached_to() {
    let rig = holders();
    let arn = customer_policy(&rig, "/team/", "P", "kms:ListKeys");
    let count = || rig.iam("GetPolicy", json!({"PolicyArn": arn}))["Policy"]["AttachmentCount"].clone();
    for (number, (kind, member, _)) in HOLDERS.iter().enumerate() {
        let operation = format!("Attach{kind}Policy");
        rig.iam(&operation, body(member, json!({"PolicyArn": arn})));
        rig.iam(&operation, body(member, json!({"PolicyArn": arn})));
        assert_eq!(count(), json!(number + 1), "{kind}");
        let list = format!("ListAttached{kind}Policies");
        let listed = rig.iam(&list, body(member, json!({"PathPrefix": "/team/"})));
        assert_eq!(listed["AttachedPolicies"], json!([{"PolicyName": "P", "PolicyArn": arn}]));
    }
    let entities = rig.iam("ListEntitiesForPolicy", json!({"PolicyArn": arn}));
    assert_eq!(text(&entities, "/PolicyUsers/0/UserName"), "X");
    assert_eq!(text(&entities, "/PolicyRoles/0/RoleName"), "X");
    for (left, (kind, member, _)) in HOLDERS.iter().enumerate().rev() {
        assert!(rig.try_iam_as(&root(), "DeletePolicy", &json!({"PolicyArn": arn})).is_err(), "{kind}");
        rig.iam(&format!("Detach{kind}Policy"), body(member, json!({"PolicyArn": arn})));
        assert_eq!(count(), json!(left), "{kind}");
    }
    rig.iam("DeletePolicy", json!({"PolicyArn": arn}));
}

#[test]
fn ten_policies_are_attached_to_one_at_most() {
    let rig = holders();
    let arns: Vec<_> =
        (0..11).map(|n| customer_policy(&rig, "/", &format!("P{n}"), "kms:ListKeys")).collect();
    for (kind, member, _) in HOLDERS {
        let operation = format!("Attach{kind}Policy");
        for arn in &arns[..10] {
            rig.iam(&operation, body(member, json!({"PolicyArn": arn})));
        }
        // One that is attached takes no more room.
        rig.iam(&operation, body(member, json!({"PolicyArn": arns[0]})));
        let text = format!("Cannot exceed quota for PoliciesPer{kind}: 10");
        rig.iam_refuses(&operation, body(member, json!({"PolicyArn": arns[10]})), "LimitExceeded", &text);
    }
}

/// Attaching and deleting meet at the policy's row: whichever comes second sees the first.
#[test]
fn no_policy_is_deleted_while_it_is_being_attached() {
    let rig = holders();
    for round in 0..20 {
        let arn = customer_policy(&rig, "/", &format!("P{round}"), "kms:ListKeys");
        let attach = json!({"UserName": "X", "PolicyArn": arn});
        let (attached, deleted) =
            rig.both(("AttachUserPolicy", &attach), ("DeletePolicy", &json!({"PolicyArn": arn})));
        assert_ne!(attached, deleted, "exactly one is possible");
        if attached {
            rig.iam("DetachUserPolicy", attach);
        }
        let listed = rig.iam("ListAttachedUserPolicies", json!({"UserName": "X"}));
        assert_eq!(listed["AttachedPolicies"], json!([]));
    }
}

#[test]
fn policies_of_its_groups_are_a_users_own() {
    let rig = holders();
    let lists = || rig.try_iam_as(&rig.user("X"), "ListRoles", &json!({})).is_ok();
    rig.iam("AddUserToGroup", json!({"GroupName": "X", "UserName": "X"}));
    assert!(!lists());
    let policy = json!({"GroupName": "X", "PolicyName": "p", "PolicyDocument": allow("iam:ListRoles")});
    rig.iam("PutGroupPolicy", policy);
    assert!(lists());
    rig.iam("DeleteGroupPolicy", json!({"GroupName": "X", "PolicyName": "p"}));
    rig.iam("AttachGroupPolicy", json!({"GroupName": "X", "PolicyArn": ADMINISTRATOR}));
    assert!(lists());
    rig.iam("RemoveUserFromGroup", json!({"GroupName": "X", "UserName": "X"}));
    assert!(!lists());
}

#[test]
fn policies_of_a_user_count_from_their_acknowledgement_on() {
    let rig = holders();
    let lists = || rig.try_iam_as(&rig.user("X"), "ListRoles", &json!({})).is_ok();
    let policy = json!({"UserName": "X", "PolicyName": "p", "PolicyDocument": allow("iam:ListRoles")});
    assert!(!lists());
    rig.iam("PutUserPolicy", policy);
    assert!(lists());
    rig.iam("DeleteUserPolicy", json!({"UserName": "X", "PolicyName": "p"}));
    assert!(!lists());
    rig.iam("AttachUserPolicy", json!({"UserName": "X", "PolicyArn": ADMINISTRATOR}));
    assert!(lists());
    rig.iam("DetachUserPolicy", json!({"UserName": "X", "PolicyArn": ADMINISTRATOR}));
    assert!(!lists());
}

/// The operation is judged on the holder, by its own action.
#[test]
fn whoever_may_change_one_user_may_not_change_another() {
    let rig = holders();
    rig.iam("CreateUser", json!({"UserName": "Y", "Path": "/p/"}));
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": ["iam:PutUserPolicy", "iam:AttachUserPolicy"],
        "Resource": format!("arn:aws:iam::{ACCOUNT}:user/p/*")}});
    rig.iam(
        "PutUserPolicy",
        json!({"UserName": "X", "PolicyName": "p", "PolicyDocument": document.to_string()}),
    );
    for (operation, mut body) in [
        ("PutUserPolicy", json!({"PolicyName": "q", "PolicyDocument": allow("kms:*")})),
        ("AttachUserPolicy", json!({"PolicyArn": ADMINISTRATOR})),
    ] {
        body["UserName"] = json!("Y");
        rig.try_iam_as(&rig.user("X"), operation, &body).unwrap();
        for other in ["X", "Nobody"] {
            body["UserName"] = json!(other);
            let error = rig.try_iam_as(&rig.user("X"), operation, &body).unwrap_err();
            assert!(error.code.starts_with("AccessDenied"), "{operation} {other}: {error:?}");
        }
    }
}

#[test]
fn the_entities_of_a_policy_are_found_by_kind_path_and_usage() {
    let rig = holders();
    rig.iam("CreateUser", json!({"UserName": "Bounded", "Path": "/p/", "PermissionsBoundary": POWER_USER}));
    rig.iam("AttachUserPolicy", json!({"UserName": "X", "PolicyArn": POWER_USER}));
    rig.iam("AttachRolePolicy", json!({"RoleName": "X", "PolicyArn": POWER_USER}));
    rig.iam("AttachGroupPolicy", json!({"GroupName": "X", "PolicyArn": POWER_USER}));
    let names = |filters: Value| {
        let mut body = filters;
        body["PolicyArn"] = json!(POWER_USER);
        let found = rig.iam("ListEntitiesForPolicy", body);
        let of = |list: &str, member: &str| -> Vec<String> {
            let entries = found[list].as_array().unwrap().iter();
            entries.map(|entry| text(entry, &format!("/{member}Name"))).collect()
        };
        (of("PolicyGroups", "Group"), of("PolicyUsers", "User"), of("PolicyRoles", "Role"))
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (filters, groups, users, roles) in [
        (json!({}), owned(&["X"]), owned(&["Bounded", "X"]), owned(&["X"])),
        (json!({"EntityFilter": "Group"}), owned(&["X"]), owned(&[]), owned(&[])),
        (json!({"EntityFilter": "User"}), owned(&[]), owned(&["Bounded", "X"]), owned(&[])),
        (json!({"EntityFilter": "Role"}), owned(&[]), owned(&[]), owned(&["X"])),
        (json!({"EntityFilter": "LocalManagedPolicy"}), owned(&[]), owned(&[]), owned(&[])),
        (json!({"PathPrefix": "/p/"}), owned(&[]), owned(&["Bounded"]), owned(&[])),
        (json!({"PolicyUsageFilter": "PermissionsPolicy"}), owned(&["X"]), owned(&["X"]), owned(&["X"])),
        (json!({"PolicyUsageFilter": "PermissionsBoundary"}), owned(&[]), owned(&["Bounded"]), owned(&[])),
    ] {
        assert_eq!(names(filters.clone()), (groups, users, roles), "{filters}");
    }
    let (mut seen, mut marker) = (Vec::new(), Value::Null);
    for last in [false, false, false, true] {
        let body = json!({"PolicyArn": POWER_USER, "MaxItems": 1, "Marker": marker});
        let page = rig.iam("ListEntitiesForPolicy", body);
        for list in ["PolicyGroups", "PolicyRoles", "PolicyUsers"] {
            seen.extend(page[list].as_array().unwrap().iter().map(|_| list));
        }
        assert_eq!(page["IsTruncated"], json!(!last));
        marker = page["Marker"].clone();
    }
    assert_eq!(seen, ["PolicyGroups", "PolicyRoles", "PolicyUsers", "PolicyUsers"]);
    let missing = "arn:aws:iam::aws:policy/Unknown";
    let text = format!("Policy {missing} was not found.");
    rig.iam_refuses("ListEntitiesForPolicy", json!({"PolicyArn": missing}), "NoSuchEntity", &text);
}

//! Roles, their trust policies, service-linked roles and instance profiles.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, stranger, text};

/// A trust policy for this principal.
fn trust(principal: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}],
    })
    .to_string()
}

fn arn(resource: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{resource}")
}

/// Creates a role that the account may assume.
fn role(rig: &Rig, name: &str) -> Value {
    rig.iam("CreateRole", json!({"RoleName": name, "AssumeRolePolicyDocument": trust(ACCOUNT)}))
}

/// The trust policy that GetRole shows.
fn shown_trust(rig: &Rig, name: &str) -> String {
    let role = rig.iam("GetRole", json!({"RoleName": name}));
    let encoded = text(&role, "/Role/AssumeRolePolicyDocument");
    assert!(!encoded.contains(['{', '"', ':', '/', ' ']), "{encoded}");
    percent_decode_str(&encoded).decode_utf8().unwrap().into_owned()
}

#[test]
fn a_role_is_shown_as_it_was_made() {
    let rig = Rig::new();
    let document = format!("{} \n", trust(ACCOUNT));
    let made = rig.iam(
        "CreateRole",
        json!({"Path": "/team/", "RoleName": "Reader", "AssumeRolePolicyDocument": document,
               "Description": "reads", "MaxSessionDuration": 7200,
               "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
               "Tags": [{"Key": "team", "Value": "a"}]}),
    );
    let got = rig.iam("GetRole", json!({"RoleName": "rEADER"}));
    assert_eq!(made, got);
    let shown = &got["Role"];
    assert!(text(shown, "/RoleId").starts_with("AROA"));
    assert_eq!(shown["Arn"], arn("role/team/Reader"));
    assert_eq!(shown["CreateDate"], "2026-01-01T00:00:00Z");
    assert_eq!(shown["Description"], "reads");
    assert_eq!(shown["MaxSessionDuration"], 7200);
    assert_eq!(
        shown["PermissionsBoundary"]["PermissionsBoundaryArn"],
        "arn:aws:iam::aws:policy/PowerUserAccess"
    );
    assert_eq!(shown["Tags"], json!([{"Key": "team", "Value": "a"}]));
    assert_eq!(shown["RoleLastUsed"], json!({}));
    assert_eq!(shown_trust(&rig, "Reader"), document);
    let listed = rig.iam("ListRoles", json!({"PathPrefix": "/te"}));
    for absent in ["Tags", "PermissionsBoundary", "RoleLastUsed"] {
        assert!(listed["Roles"][0].get(absent).is_none(), "{absent}");
    }
    assert_eq!(listed["Roles"][0]["RoleId"], shown["RoleId"]);
    assert_eq!(rig.iam("ListRoles", json!({"PathPrefix": "/other/"}))["Roles"], json!([]));
}

#[test]
fn a_role_that_says_nothing_else_has_the_defaults() {
    let rig = Rig::new();
    let made = role(&rig, "Plain");
    assert_eq!((&made["Role"]["MaxSessionDuration"], &made["Role"]["Path"]), (&json!(3600), &json!("/")));
    assert!(made["Role"].get("Description").is_none());
}

#[test]
fn roles_of_other_accounts_are_not_there() {
    let rig = Rig::new();
    role(&rig, "Mine");
    let error = rig.try_iam_as(&stranger(), "GetRole", &json!({"RoleName": "Mine"})).unwrap_err();
    assert_eq!(error.code, "NoSuchEntity");
    let listed = rig.try_iam_as(&stranger(), "ListRoles", &json!({})).unwrap();
    assert_eq!(listed["Roles"], json!([]));
}

#[test]
fn names_of_roles_are_taken_whatever_their_letter_case() {
    let rig = Rig::new();
    role(&rig, "Reader");
    let body = json!({"RoleName": "READER", "AssumeRolePolicyDocument": trust(ACCOUNT)});
    rig.iam_refuses("CreateRole", body, "EntityAlreadyExists", "Role with name READER already exists.");
}

#[test]
fn trust_policies_name_principals_that_exist() {
    let rig = Rig::new();
    role(&rig, "R");
    rig.iam("CreateUser", json!({"UserName": "Alice", "Path": "/a/"}));
    for known in [
        arn("user/a/Alice"),
        arn("role/R"),
        arn("root"),
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/session"),
        "*".to_owned(),
    ] {
        rig.iam("UpdateAssumeRolePolicy", json!({"RoleName": "R", "PolicyDocument": trust(&known)}));
    }
    for missing in [
        arn("user/Alice"),
        arn("user/Bob"),
        arn("role/Q"),
        "arn:aws:iam::444455556666:role/R".to_owned(),
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/Q/session"),
    ] {
        let text = format!("Invalid principal in policy: \"AWS\":\"{missing}\"");
        for (operation, member) in
            [("CreateRole", "AssumeRolePolicyDocument"), ("UpdateAssumeRolePolicy", "PolicyDocument")]
        {
            let mut body = json!({"RoleName": "R"});
            body[member] = json!(trust(&missing));
            rig.iam_refuses(operation, body, "MalformedPolicyDocument", &text);
        }
    }
}

#[test]
fn what_is_no_trust_policy_is_malformed() {
    let rig = Rig::new();
    role(&rig, "R");
    let mut with_resource: Value = serde_json::from_str(&trust(ACCOUNT)).unwrap();
    with_resource["Statement"][0]["Resource"] = json!("*");
    for document in ["{", "[]", "{}", &with_resource.to_string(), &trust("not an arn")] {
        let body = json!({"RoleName": "R", "PolicyDocument": document});
        let error = rig.try_iam_as(&crate::rig::root(), "UpdateAssumeRolePolicy", &body).unwrap_err();
        assert_eq!(error.code, "MalformedPolicyDocument", "{document}");
    }
}

#[test]
fn white_space_does_not_count_against_the_size_of_a_trust_policy() {
    let rig = Rig::new();
    let sized = |sid: usize| {
        let mut document: Value = serde_json::from_str(&trust(ACCOUNT)).unwrap();
        document["Statement"][0]["Sid"] = json!("s".repeat(sid));
        document.to_string()
    };
    let room = 2048 - sized(0).len();
    for (name, document) in [("A", sized(room)), ("B", format!("{}{}", sized(room), " ".repeat(500)))] {
        rig.iam("CreateRole", json!({"RoleName": name, "AssumeRolePolicyDocument": document}));
    }
    let body = json!({"RoleName": "C", "AssumeRolePolicyDocument": sized(room + 1)});
    rig.iam_refuses("CreateRole", body, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048");
}

#[test]
fn a_principal_that_is_gone_stands_as_its_id_even_when_a_namesake_comes() {
    let rig = Rig::new();
    let made = rig.iam("CreateUser", json!({"UserName": "Alice"}));
    let id = text(&made, "/User/UserId");
    let alice = arn("user/Alice");
    let body = json!({"RoleName": "R", "AssumeRolePolicyDocument": trust(&alice)});
    rig.iam("CreateRole", body);
    let root =
        json!({"Effect": "Allow", "Principal": {"AWS": arn("root")}, "Action": "kms:*", "Resource": "*"});
    let policy = |who: &str| {
        let user =
            json!({"Effect": "Allow", "Principal": {"AWS": [who]}, "Action": "kms:Encrypt", "Resource": "*"});
        json!({"Version": "2012-10-17", "Statement": [root, user]}).to_string()
    };
    let key = rig.key(json!({"Policy": policy(&alice)}));
    let shown = || text(&rig.ok("GetKeyPolicy", json!({"KeyId": key})), "/Policy");
    assert_eq!((shown_trust(&rig, "R"), shown()), (trust(&alice), policy(&alice)));
    rig.iam("DeleteUser", json!({"UserName": "Alice"}));
    assert_eq!((shown_trust(&rig, "R"), shown()), (trust(&id), policy(&id)));
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    assert_eq!((shown_trust(&rig, "R"), shown()), (trust(&id), policy(&id)));
    rig.iam("UpdateAssumeRolePolicy", json!({"RoleName": "R", "PolicyDocument": trust(&alice)}));
    assert_eq!(shown_trust(&rig, "R"), trust(&alice));
}

#[test]
fn an_update_leaves_what_it_does_not_name() {
    let rig = Rig::new();
    role(&rig, "R");
    rig.iam("UpdateRole", json!({"RoleName": "R", "Description": "d", "MaxSessionDuration": 43200}));
    rig.iam("UpdateRole", json!({"RoleName": "R", "MaxSessionDuration": 3601}));
    assert_eq!(rig.iam("UpdateRole", json!({"RoleName": "R"})), json!({}));
    let shown = rig.iam("GetRole", json!({"RoleName": "R"}));
    assert_eq!(
        (&shown["Role"]["Description"], &shown["Role"]["MaxSessionDuration"]),
        (&json!("d"), &json!(3601))
    );
    let answer = rig.iam("UpdateRoleDescription", json!({"RoleName": "R", "Description": ""}));
    assert!(answer["Role"].get("Description").is_none());
    assert_eq!(answer["Role"]["MaxSessionDuration"], 3601);
    for seconds in [3599, 43201] {
        let body = json!({"RoleName": "R", "MaxSessionDuration": seconds});
        assert!(rig.try_iam_as(&crate::rig::root(), "UpdateRole", &body).is_err(), "{seconds}");
    }
}

#[test]
fn a_role_is_deleted_once_nothing_hangs_on_it() {
    let rig = Rig::new();
    role(&rig, "R");
    let document = json!({"Version": "2012-10-17",
                          "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    rig.iam(
        "PutRolePolicy",
        json!({"RoleName": "R", "PolicyName": "p", "PolicyDocument": document.to_string()}),
    );
    let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
    rig.iam("AttachRolePolicy", json!({"RoleName": "R", "PolicyArn": policy}));
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I"}));
    rig.iam("AddRoleToInstanceProfile", json!({"InstanceProfileName": "I", "RoleName": "R"}));
    let member = json!({"InstanceProfileName": "I", "RoleName": "R"});
    for (first, operation, body) in [
        ("must remove roles from instance profile first.", "RemoveRoleFromInstanceProfile", member),
        (
            "must detach all policies first.",
            "DetachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": policy}),
        ),
        ("must delete policies first.", "DeleteRolePolicy", json!({"RoleName": "R", "PolicyName": "p"})),
    ] {
        let text = format!("Cannot delete entity, {first}");
        rig.iam_refuses("DeleteRole", json!({"RoleName": "R"}), "DeleteConflict", &text);
        rig.iam(operation, body);
    }
    assert_eq!(rig.iam("DeleteRole", json!({"RoleName": "R"})), Value::Null);
    for operation in ["GetRole", "DeleteRole"] {
        let text = "The role with name R cannot be found.";
        rig.iam_refuses(operation, json!({"RoleName": "R"}), "NoSuchEntity", text);
    }
}

#[test]
fn only_the_description_of_a_service_linked_role_may_change() {
    let rig = Rig::new();
    let service = json!({"AWSServiceName": "mrk.kms.amazonaws.com"});
    let made = rig.iam("CreateServiceLinkedRole", service.clone());
    let name = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
    assert_eq!(made["Role"]["Arn"], arn(&format!("role/aws-service-role/mrk.kms.amazonaws.com/{name}")));
    assert!(shown_trust(&rig, name).contains(r#"{"Service":"mrk.kms.amazonaws.com"}"#));
    let taken =
        format!("Service role name {name} has been taken in this account, please try a different suffix.");
    rig.iam_refuses("CreateServiceLinkedRole", service, "InvalidInput", &taken);
    let text = format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    );
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I"}));
    let document = json!({"Version": "2012-10-17",
                          "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
    for (operation, mut body) in [
        ("DeleteRole", json!({})),
        ("UpdateRole", json!({"MaxSessionDuration": 3600})),
        ("UpdateAssumeRolePolicy", json!({"PolicyDocument": trust(ACCOUNT)})),
        ("PutRolePolicy", json!({"PolicyName": "p", "PolicyDocument": document.to_string()})),
        ("DeleteRolePolicy", json!({"PolicyName": "p"})),
        ("AttachRolePolicy", json!({"PolicyArn": policy})),
        ("DetachRolePolicy", json!({"PolicyArn": policy})),
        ("AddRoleToInstanceProfile", json!({"InstanceProfileName": "I"})),
        ("PutRolePermissionsBoundary", json!({"PermissionsBoundary": policy})),
        ("DeleteRolePermissionsBoundary", json!({})),
    ] {
        body["RoleName"] = json!(name);
        rig.iam_refuses(operation, body, "UnmodifiableEntity", &text);
    }
    rig.iam("UpdateRole", json!({"RoleName": name, "Description": "d"}));
    assert_eq!(rig.iam("GetRole", json!({"RoleName": name}))["Role"]["Description"], "d");
}

#[test]
fn nobody_makes_a_role_in_the_path_of_service_linked_roles() {
    let rig = Rig::new();
    let body = json!({"RoleName": "R", "Path": "/aws-service-role/x/",
                      "AssumeRolePolicyDocument": trust(ACCOUNT)});
    let text = "The path /aws-service-role/ is reserved for service-linked roles.";
    rig.iam_refuses("CreateRole", body, "InvalidInput", text);
    let body = json!({"AWSServiceName": "kms"});
    let text = "Service name kms is not valid for a service-linked role.";
    rig.iam_refuses("CreateServiceLinkedRole", body, "InvalidInput", text);
}

#[test]
fn an_instance_profile_has_one_role_at_most() {
    let rig = Rig::new();
    role(&rig, "R");
    role(&rig, "Q");
    let made = rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I", "Path": "/p/"}));
    assert!(text(&made, "/InstanceProfile/InstanceProfileId").starts_with("AIPA"));
    assert_eq!(made["InstanceProfile"]["Arn"], arn("instance-profile/p/I"));
    assert_eq!(made["InstanceProfile"]["Roles"], json!([]));
    let body = json!({"InstanceProfileName": "i"});
    rig.iam_refuses(
        "CreateInstanceProfile",
        body,
        "EntityAlreadyExists",
        "Instance Profile i already exists.",
    );
    rig.iam("AddRoleToInstanceProfile", json!({"InstanceProfileName": "I", "RoleName": "r"}));
    let quota = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
    let other = json!({"InstanceProfileName": "I", "RoleName": "Q"});
    rig.iam_refuses("AddRoleToInstanceProfile", other.clone(), "LimitExceeded", quota);
    let text = "The role with name Q cannot be found.";
    rig.iam_refuses("RemoveRoleFromInstanceProfile", other, "NoSuchEntity", text);
    for (operation, body) in [
        ("ListInstanceProfiles", json!({"PathPrefix": "/p/"})),
        ("ListInstanceProfilesForRole", json!({"RoleName": "R"})),
    ] {
        let listed = rig.iam(operation, body);
        assert_eq!(listed["InstanceProfiles"][0]["Roles"][0]["RoleName"], "R", "{operation}");
        assert_eq!(listed["IsTruncated"], false);
    }
    let none = rig.iam("ListInstanceProfilesForRole", json!({"RoleName": "Q"}));
    assert_eq!(none["InstanceProfiles"], json!([]));
    let text = "Cannot delete entity, must remove roles from instance profile first.";
    let named = json!({"InstanceProfileName": "I"});
    rig.iam_refuses("DeleteInstanceProfile", named.clone(), "DeleteConflict", text);
    rig.iam("RemoveRoleFromInstanceProfile", json!({"InstanceProfileName": "I", "RoleName": "R"}));
    rig.iam("DeleteInstanceProfile", named.clone());
    let text = "Instance Profile I cannot be found.";
    rig.iam_refuses("GetInstanceProfile", named, "NoSuchEntity", text);
}

#[test]
fn instance_profiles_have_tags() {
    let rig = Rig::new();
    let tags = |keys: &[&str]| keys.iter().map(|key| json!({"Key": key, "Value": "v"})).collect::<Vec<_>>();
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I", "Tags": tags(&["a"])}));
    rig.iam("TagInstanceProfile", json!({"InstanceProfileName": "I", "Tags": tags(&["b"])}));
    let named = json!({"InstanceProfileName": "I"});
    assert_eq!(rig.iam("ListInstanceProfileTags", named.clone())["Tags"], json!(tags(&["a", "b"])));
    rig.iam("UntagInstanceProfile", json!({"InstanceProfileName": "I", "TagKeys": ["a"]}));
    let shown = rig.iam("GetInstanceProfile", named);
    assert_eq!(shown["InstanceProfile"]["Tags"], json!(tags(&["b"])));
    let listed = rig.iam("ListInstanceProfiles", json!({}));
    assert!(listed["InstanceProfiles"][0].get("Tags").is_none());
}

/// Both rows know of it: whichever comes second sees the first.
#[test]
fn no_role_is_deleted_while_it_goes_into_an_instance_profile() {
    let rig = Rig::new();
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I"}));
    for _ in 0..20 {
        role(&rig, "R");
        let add = json!({"InstanceProfileName": "I", "RoleName": "R"});
        let delete = json!({"RoleName": "R"});
        let (added, deleted) = rig.both(("AddRoleToInstanceProfile", &add), ("DeleteRole", &delete));
        assert_ne!(added, deleted, "exactly one is possible");
        if added {
            rig.iam("RemoveRoleFromInstanceProfile", add);
            rig.iam("DeleteRole", delete);
        }
        let profile = rig.iam("GetInstanceProfile", json!({"InstanceProfileName": "I"}));
        assert_eq!(profile["InstanceProfile"]["Roles"], json!([]));
    }
}

/// Whoever puts a role into an instance profile passes it on, and must be allowed to.
#[test]
fn a_role_goes_into_an_instance_profile_only_with_pass_role() {
    let rig = Rig::new();
    role(&rig, "R");
    role(&rig, "Q");
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "I"}));
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:AddRoleToInstanceProfile", "Resource": arn("instance-profile/I")},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn("role/R")},
    ]});
    let body = json!({"UserName": "Alice", "PolicyName": "p", "PolicyDocument": document.to_string()});
    rig.iam("PutUserPolicy", body);
    let add = |role: &str| {
        let body = json!({"InstanceProfileName": "I", "RoleName": role});
        rig.try_iam_as(&rig.user("Alice"), "AddRoleToInstanceProfile", &body)
    };
    let denied = add("Q").unwrap_err().message.unwrap();
    assert!(denied.contains(&format!("iam:PassRole on resource: {}", arn("role/Q"))), "{denied}");
    add("R").unwrap();
}

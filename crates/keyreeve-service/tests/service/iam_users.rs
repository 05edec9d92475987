//! Users and groups: what a rename carries along, who is in which group, tags, boundaries, and what nobody has.

use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, stranger, text};

const POWER_USER: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

fn names(answer: &Value, list: &str, member: &str) -> Vec<String> {
    answer[list].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn rig_with(users: &[&str], groups: &[&str]) -> Rig {
    let rig = Rig::new();
    for user in users {
        rig.iam("CreateUser", json!({"UserName": user}));
    }
    for group in groups {
        rig.iam("CreateGroup", json!({"GroupName": group}));
    }
    rig
}

fn missing_user(rig: &Rig, name: &str) {
    let text = format!("The user with name {name} cannot be found.");
    rig.iam_refuses("GetUser", json!({"UserName": name}), "NoSuchEntity", &text);
}

#[test]
fn a_renamed_user_keeps_its_id_its_keys_and_its_groups() {
    let rig = rig_with(&["Alice"], &["Admins"]);
    let id = text(&rig.iam("GetUser", json!({"UserName": "alice"})), "/User/UserId");
    rig.iam("AddUserToGroup", json!({"UserName": "ALICE", "GroupName": "admins"}));
    let key = text(&rig.iam("CreateAccessKey", json!({"UserName": "Alice"})), "/AccessKey/AccessKeyId");
    // What is cached before the rename must not outlive it.
    rig.block_on(rig.service.identity().credential(&key)).unwrap().unwrap();
    rig.iam("UpdateUser", json!({"UserName": "Alice", "NewUserName": "Alicia", "NewPath": "/eng/"}));

    missing_user(&rig, "Alice");
    let user = rig.iam("GetUser", json!({"UserName": "alicia"}));
    assert_eq!(text(&user, "/User/UserId"), id);
    assert_eq!(text(&user, "/User/Arn"), format!("arn:aws:iam::{ACCOUNT}:user/eng/Alicia"));
    let group = rig.iam("GetGroup", json!({"GroupName": "Admins"}));
    assert_eq!(names(&group, "Users", "UserName"), ["Alicia"]);
    let groups = rig.iam("ListGroupsForUser", json!({"UserName": "Alicia"}));
    assert_eq!(names(&groups, "Groups", "GroupName"), ["Admins"]);
    let keys = rig.iam("ListAccessKeys", json!({"UserName": "Alicia"}));
    assert_eq!(names(&keys, "AccessKeyMetadata", "AccessKeyId"), [key.as_str()]);

    // The old credential signs as the renamed user, in this process and in the next one.
    for rig in [&rig, &rig.restarted()] {
        let credential = rig.block_on(rig.service.identity().credential(&key)).unwrap().unwrap();
        let (principal, _) =
            rig.block_on(rig.service.identity().signer(&credential.owner)).unwrap().expect("a user signs");
        assert_eq!(principal.to_string(), format!("arn:aws:iam::{ACCOUNT}:user/eng/Alicia"));
    }
}

#[test]
fn a_rename_may_change_letter_case_and_nothing_else_that_is_taken() {
    let rig = rig_with(&["alice", "Bob"], &["g"]);
    rig.iam("AddUserToGroup", json!({"UserName": "alice", "GroupName": "g"}));
    rig.iam("UpdateUser", json!({"UserName": "alice", "NewUserName": "ALICE"}));
    assert_eq!(names(&rig.iam("ListUsers", json!({})), "Users", "UserName"), ["ALICE", "Bob"]);
    assert_eq!(names(&rig.iam("GetGroup", json!({"GroupName": "g"})), "Users", "UserName"), ["ALICE"]);
    let taken = "User with name BOB already exists.";
    let body = json!({"UserName": "alice", "NewUserName": "BOB"});
    rig.iam_refuses("UpdateUser", body, "EntityAlreadyExists", taken);
    // Nothing to change is no fault.
    rig.iam("UpdateUser", json!({"UserName": "Bob"}));
    rig.iam("UpdateUser", json!({"UserName": "Bob", "NewUserName": "Bob"}));
}

#[test]
fn a_name_that_a_rename_freed_belongs_to_somebody_else() {
    let rig = rig_with(&["alice"], &[]);
    let key = text(&rig.iam("CreateAccessKey", json!({"UserName": "alice"})), "/AccessKey/AccessKeyId");
    // As a session token that was sealed before the rename has it.
    let before = rig.block_on(rig.service.identity().credential(&key)).unwrap().unwrap().owner.clone();
    rig.iam("UpdateUser", json!({"UserName": "alice", "NewUserName": "carl"}));
    rig.iam("UpdateUser", json!({"UserName": "carl", "NewUserName": "carol"}));
    let namesake = rig.iam("CreateUser", json!({"UserName": "alice"}));
    let (sealed, _) = rig.block_on(rig.service.identity().signer(&before)).unwrap().expect("found by its id");
    assert_eq!(sealed.to_string(), format!("arn:aws:iam::{ACCOUNT}:user/carol"));
    let credential = rig.block_on(rig.service.identity().credential(&key)).unwrap().unwrap();
    let (principal, _) = rig.block_on(rig.service.identity().signer(&credential.owner)).unwrap().unwrap();
    assert_ne!(*principal.user_id(), text(&namesake, "/User/UserId"));
    assert_eq!(rig.iam("ListAccessKeys", json!({"UserName": "alice"}))["AccessKeyMetadata"], json!([]));
    // Once it is deleted, no name of it signs any more.
    rig.iam("DeleteAccessKey", json!({"UserName": "carol", "AccessKeyId": key}));
    rig.iam("DeleteUser", json!({"UserName": "carol"}));
    rig.iam("CreateUser", json!({"UserName": "carol"}));
    assert!(rig.block_on(rig.service.identity().signer(&before)).unwrap().is_none());
}

#[test]
fn a_renamed_group_keeps_its_users() {
    let rig = rig_with(&["alice", "bob"], &["Staff", "other"]);
    for user in ["alice", "bob"] {
        rig.iam("AddUserToGroup", json!({"UserName": user, "GroupName": "staff"}));
    }
    let body = json!({"GroupName": "Staff", "NewGroupName": "OTHER"});
    rig.iam_refuses("UpdateGroup", body, "EntityAlreadyExists", "Group with name OTHER already exists.");
    rig.iam("UpdateGroup", json!({"GroupName": "Staff", "NewGroupName": "Crew", "NewPath": "/x/"}));
    let group = rig.iam("GetGroup", json!({"GroupName": "crew"}));
    assert_eq!(text(&group, "/Group/Arn"), format!("arn:aws:iam::{ACCOUNT}:group/x/Crew"));
    assert_eq!(names(&group, "Users", "UserName"), ["alice", "bob"]);
    for user in ["alice", "bob"] {
        let groups = rig.iam("ListGroupsForUser", json!({"UserName": user}));
        assert_eq!(names(&groups, "Groups", "GroupName"), ["Crew"]);
    }
    let text = "The group with name Staff cannot be found.";
    rig.iam_refuses("GetGroup", json!({"GroupName": "Staff"}), "NoSuchEntity", text);
}

#[test]
fn a_group_too_large_for_one_commit_is_not_renamed_by_halves() {
    let rig = rig_with(&[], &["big"]);
    for index in 0..46 {
        rig.iam("CreateUser", json!({"UserName": format!("u{index}")}));
        rig.iam("AddUserToGroup", json!({"UserName": format!("u{index}"), "GroupName": "big"}));
    }
    let rename = json!({"GroupName": "big", "NewGroupName": "large"});
    let text = "A group with more than 45 users cannot be renamed.";
    rig.iam_refuses("UpdateGroup", rename.clone(), "LimitExceeded", text);
    rig.iam("RemoveUserFromGroup", json!({"UserName": "u7", "GroupName": "big"}));
    rig.iam("UpdateGroup", rename);
    let group = rig.iam("GetGroup", json!({"GroupName": "large", "MaxItems": 1000}));
    assert_eq!(group["Users"].as_array().unwrap().len(), 45);
}

#[test]
fn membership_is_known_on_both_sides_and_has_a_quota() {
    let groups: Vec<String> = (0..11).map(|index| format!("g{index}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let rig = rig_with(&["alice"], &groups);
    for group in &groups[..10] {
        rig.iam("AddUserToGroup", json!({"UserName": "alice", "GroupName": group}));
    }
    // Twice is once.
    rig.iam("AddUserToGroup", json!({"UserName": "Alice", "GroupName": "G0"}));
    let eleventh = json!({"UserName": "alice", "GroupName": "g10"});
    let quota = "Cannot exceed quota for GroupsPerUser: 10";
    rig.iam_refuses("AddUserToGroup", eleventh, "LimitExceeded", quota);
    let conflict = "Cannot delete entity, must remove users from group first.";
    rig.iam_refuses("DeleteGroup", json!({"GroupName": "g0"}), "DeleteConflict", conflict);
    rig.iam("RemoveUserFromGroup", json!({"UserName": "alice", "GroupName": "g0"}));
    rig.iam("DeleteGroup", json!({"GroupName": "g0"}));
    let listed = rig.iam("ListGroupsForUser", json!({"UserName": "alice"}));
    assert_eq!(names(&listed, "Groups", "GroupName"), &groups[1..10]);
    for (group, user, text) in [
        ("g0", "alice", "The group with name g0 cannot be found."),
        ("g1", "nobody", "The user with name nobody cannot be found."),
        ("g10", "alice", "User alice is not in group g10."),
    ] {
        let body = json!({"UserName": user, "GroupName": group});
        rig.iam_refuses("RemoveUserFromGroup", body, "NoSuchEntity", text);
    }
}

#[test]
fn lists_of_groups_and_members_come_in_pages() {
    let rig = rig_with(&["Zoe", "adam", "Mia"], &["Zeta", "alpha", "Mu"]);
    for user in ["Zoe", "adam", "Mia"] {
        rig.iam("AddUserToGroup", json!({"UserName": user, "GroupName": "Mu"}));
    }
    for (operation, list, member, expected, mut body) in [
        ("ListGroups", "Groups", "GroupName", ["alpha", "Mu", "Zeta"], json!({})),
        ("GetGroup", "Users", "UserName", ["adam", "Mia", "Zoe"], json!({"GroupName": "mu"})),
        ("ListUsers", "Users", "UserName", ["adam", "Mia", "Zoe"], json!({})),
    ] {
        body["MaxItems"] = json!(1);
        let mut seen = Vec::new();
        loop {
            let page = rig.iam(operation, body.clone());
            seen.extend(names(&page, list, member));
            assert_eq!(page["IsTruncated"], json!(page.get("Marker").is_some()), "{operation}");
            let Some(marker) = page.get("Marker") else { break };
            body["Marker"] = marker.clone();
        }
        assert_eq!(seen, expected, "{operation}");
    }
}

#[test]
fn tags_of_users_are_set_read_and_removed_whatever_their_letter_case() {
    let rig = rig_with(&["alice"], &[]);
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    rig.iam("TagUser", json!({"UserName": "alice", "Tags": [tag("Team", "a"), tag("cost", "1")]}));
    rig.iam("TagUser", json!({"UserName": "alice", "Tags": [tag("team", "b")]}));
    let listed = rig.iam("ListUserTags", json!({"UserName": "alice"}));
    assert_eq!(listed["Tags"], json!([tag("cost", "1"), tag("team", "b")]));
    assert_eq!(rig.iam("GetUser", json!({"UserName": "alice"}))["User"]["Tags"], listed["Tags"]);
    rig.iam("UntagUser", json!({"UserName": "alice", "TagKeys": ["TEAM", "none"]}));
    assert_eq!(rig.iam("ListUserTags", json!({"UserName": "alice"}))["Tags"], json!([tag("cost", "1")]));
    let many: Vec<Value> = (0..50).map(|index| tag(&format!("k{index}"), "")).collect();
    let limit = "The number of tags has reached the maximum limit.";
    rig.iam_refuses("TagUser", json!({"UserName": "alice", "Tags": many}), "LimitExceeded", limit);
    let text = "The role with name none cannot be found.";
    rig.iam_refuses("TagRole", json!({"RoleName": "none", "Tags": []}), "NoSuchEntity", text);
    let text = format!("Policy arn:aws:iam::{ACCOUNT}:policy/none does not exist or is not attachable.");
    let body = json!({"PolicyArn": format!("arn:aws:iam::{ACCOUNT}:policy/none")});
    rig.iam_refuses("ListPolicyTags", body, "NoSuchEntity", &text);
}

#[test]
fn a_boundary_is_put_shown_and_taken_away() {
    let rig = rig_with(&["alice"], &[]);
    let put = json!({"UserName": "alice", "PermissionsBoundary": POWER_USER});
    rig.iam("PutUserPermissionsBoundary", put);
    let expected = json!({
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": POWER_USER,
    });
    let shown = rig.iam("GetUser", json!({"UserName": "alice"}));
    assert_eq!(shown["User"]["PermissionsBoundary"], expected);
    let profile = rig.user("alice").profile;
    assert_eq!(profile.boundary.as_ref().map(|policy| &*policy.name), Some(POWER_USER));
    let none = "arn:aws:iam::aws:policy/None";
    let text = format!("Scope ARN: {none} does not exist or is not attachable.");
    let put = json!({"UserName": "alice", "PermissionsBoundary": none});
    rig.iam_refuses("PutUserPermissionsBoundary", put, "NoSuchEntity", &text);
    rig.iam("DeleteUserPermissionsBoundary", json!({"UserName": "alice"}));
    assert!(rig.user("alice").profile.boundary.is_none());
    assert!(rig.iam("GetUser", json!({"UserName": "alice"}))["User"].get("PermissionsBoundary").is_none());
}

#[test]
fn credentials_that_do_not_exist_here_are_listed_as_none() {
    let rig = rig_with(&["alice"], &[]);
    for (operation, list) in [
        ("ListMFADevices", "MFADevices"),
        ("ListSigningCertificates", "Certificates"),
        ("ListSSHPublicKeys", "SSHPublicKeys"),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ] {
        let expected = json!({list: [], "IsTruncated": false});
        assert_eq!(rig.iam(operation, json!({"UserName": "alice"})), expected, "{operation}");
        assert_eq!(rig.iam(operation, json!({})), expected, "{operation} of root");
        let text = "The user with name none cannot be found.";
        rig.iam_refuses(operation, json!({"UserName": "none"}), "NoSuchEntity", text);
    }
    for operation in ["GetLoginProfile", "DeleteLoginProfile"] {
        let text = "Login Profile for User alice cannot be found.";
        rig.iam_refuses(operation, json!({"UserName": "Alice"}), "NoSuchEntity", text);
    }
}

#[test]
fn other_accounts_see_nothing_of_users_and_groups() {
    let rig = rig_with(&["alice"], &["g"]);
    for (operation, body) in [
        ("GetUser", json!({"UserName": "alice"})),
        ("UpdateUser", json!({"UserName": "alice", "NewUserName": "mine"})),
        ("GetGroup", json!({"GroupName": "g"})),
        ("TagUser", json!({"UserName": "alice", "Tags": []})),
        ("CreateAccessKey", json!({"UserName": "alice"})),
    ] {
        let error = rig.try_iam_as(&stranger(), operation, &body).unwrap_err();
        assert_eq!(error.code, "NoSuchEntity", "{operation}");
    }
    let listed = rig.try_iam_as(&stranger(), "ListGroups", &json!({})).unwrap();
    assert_eq!(listed["Groups"], json!([]));
}

#[test]
fn a_user_without_policies_may_nothing() {
    let rig = rig_with(&["alice", "bob"], &["g"]);
    let alice = rig.user("alice");
    for (operation, body) in [
        ("UpdateUser", json!({"UserName": "alice", "NewUserName": "x"})),
        ("CreateAccessKey", json!({})),
        ("ListAccessKeys", json!({"UserName": "bob"})),
        ("AddUserToGroup", json!({"UserName": "alice", "GroupName": "g"})),
        ("CreateAccountAlias", json!({"AccountAlias": "mine"})),
        ("GetAccountAuthorizationDetails", json!({})),
        ("DeleteUserPermissionsBoundary", json!({"UserName": "alice"})),
        ("GetAccessKeyLastUsed", json!({"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA"})),
    ] {
        let error = rig.try_iam_as(&alice, operation, &body).unwrap_err();
        assert!(error.code.starts_with("AccessDenied"), "{operation}: {error:?}");
    }
}

#[test]
fn a_rename_must_be_allowed_for_the_old_and_for_the_new_name() {
    let rig = rig_with(&["mover"], &[]);
    for user in ["in", "other"] {
        rig.iam("CreateUser", json!({"UserName": user, "Path": "/a/"}));
    }
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "iam:UpdateUser", "Resource": format!("arn:aws:iam::{ACCOUNT}:user/a/*"),
    }});
    rig.user_policy(ACCOUNT, "mover", &document.to_string());
    let mover = rig.user("mover");
    for (body, named) in [
        (json!({"UserName": "in", "NewPath": "/b/"}), "user/b/in"),
        (json!({"UserName": "mover", "NewPath": "/a/"}), "user/mover"),
        (json!({"UserName": "none", "NewPath": "/a/"}), "user/none"),
    ] {
        let error = rig.try_iam_as(&mover, "UpdateUser", &body).unwrap_err();
        let text = error.message.unwrap_or_default();
        let arn = format!("on resource: arn:aws:iam::{ACCOUNT}:{named} because");
        assert!(error.code.starts_with("AccessDenied") && text.contains(&arn), "{body}: {text}");
    }
    rig.try_iam_as(&mover, "UpdateUser", &json!({"UserName": "in", "NewUserName": "out"})).unwrap();
}

#[test]
fn a_user_changes_its_own_keys_where_a_policy_lets_it() {
    let rig = rig_with(&["alice", "bob"], &[]);
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": ["iam:*AccessKey*"],
        "Resource": format!("arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"),
    }});
    rig.user_policy(ACCOUNT, "alice", &document.to_string());
    let alice = rig.user("alice");
    let made = rig.try_iam_as(&alice, "CreateAccessKey", &json!({})).unwrap();
    let id = text(&made, "/AccessKey/AccessKeyId");
    assert_eq!(text(&made, "/AccessKey/UserName"), "alice");
    rig.try_iam_as(&alice, "GetAccessKeyLastUsed", &json!({"AccessKeyId": id})).unwrap();
    let bobs = text(&rig.iam("CreateAccessKey", json!({"UserName": "bob"})), "/AccessKey/AccessKeyId");
    for (operation, body) in [
        ("GetAccessKeyLastUsed", json!({"AccessKeyId": bobs})),
        ("ListAccessKeys", json!({"UserName": "bob"})),
        ("DeleteAccessKey", json!({"UserName": "bob", "AccessKeyId": bobs})),
    ] {
        let error = rig.try_iam_as(&alice, operation, &body).unwrap_err();
        assert!(error.code.starts_with("AccessDenied"), "{operation}: {error:?}");
    }
}

#[test]
fn policies_and_roles_follow_a_rename_as_others_see_it() {
    let rig = rig_with(&["Ada"], &["Staff"]);
    let document = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "iam:GetUser", "Resource": "*",
    }});
    let made = rig.iam("CreatePolicy", json!({"PolicyName": "p", "PolicyDocument": document.to_string()}));
    let arn = text(&made, "/Policy/Arn");
    rig.iam("AttachUserPolicy", json!({"UserName": "ada", "PolicyArn": arn}));
    rig.iam("AttachGroupPolicy", json!({"GroupName": "staff", "PolicyArn": arn}));
    rig.iam("PutUserPermissionsBoundary", json!({"UserName": "Ada", "PermissionsBoundary": arn}));
    rig.iam("AddUserToGroup", json!({"UserName": "Ada", "GroupName": "Staff"}));
    rig.iam("UpdateUser", json!({"UserName": "Ada", "NewUserName": "Cleo"}));
    rig.iam("UpdateGroup", json!({"GroupName": "Staff", "NewGroupName": "Crew"}));
    let holders = rig.iam("ListEntitiesForPolicy", json!({"PolicyArn": arn}));
    assert_eq!(names(&holders, "PolicyUsers", "UserName"), ["Cleo"]);
    assert_eq!(names(&holders, "PolicyGroups", "GroupName"), ["Crew"]);
    let cleo = rig.user("Cleo");
    rig.try_iam_as(&cleo, "GetUser", &json!({})).unwrap();
    let in_use = "Cannot delete a policy attached to entities.";
    rig.iam_refuses("DeletePolicy", json!({"PolicyArn": arn}), "DeleteConflict", in_use);
    // Everything can be taken away under the new names, and then the policy goes.
    rig.iam("DetachUserPolicy", json!({"UserName": "cleo", "PolicyArn": arn}));
    rig.iam("DetachGroupPolicy", json!({"GroupName": "crew", "PolicyArn": arn}));
    rig.iam("DeleteUserPermissionsBoundary", json!({"UserName": "cleo"}));
    rig.iam("DeletePolicy", json!({"PolicyArn": arn}));
}

#[test]
fn tags_of_roles_policies_and_profiles_are_the_same_code() {
    let rig = Rig::new();
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole",
    }});
    let allow = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "kms:*", "Resource": "*",
    }});
    rig.iam("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trust.to_string()}));
    rig.iam("CreatePolicy", json!({"PolicyName": "p", "PolicyDocument": allow.to_string()}));
    rig.iam("CreateInstanceProfile", json!({"InstanceProfileName": "i"}));
    for (noun, member, name) in [
        ("Role", "RoleName", "r".to_owned()),
        ("Policy", "PolicyArn", format!("arn:aws:iam::{ACCOUNT}:policy/p")),
        ("InstanceProfile", "InstanceProfileName", "i".to_owned()),
    ] {
        let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
        rig.iam(&format!("Tag{noun}"), json!({member: name, "Tags": tags}));
        rig.iam(&format!("Untag{noun}"), json!({member: name, "TagKeys": ["a"]}));
        let listed = rig.iam(&format!("List{noun}Tags"), json!({member: name}));
        assert_eq!(listed["Tags"], json!([{"Key": "b", "Value": "2"}]), "{noun}");
    }
    let text = format!("ARN {POWER_USER} is not valid.");
    let body = json!({"PolicyArn": POWER_USER, "TagKeys": ["a"]});
    rig.iam_refuses("UntagPolicy", body, "InvalidInput", &text);
}

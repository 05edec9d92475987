//! Identities for the bodies of IAM and STS: what is there before each tape, and a body that is answered for each operation.

use serde_json::{Value, json};

/// The account of everybody here.
pub(crate) const ACCOUNT: &str = "111122223333";
/// A user that may assume the role.
pub(crate) const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

const RULES: &str = "arn:aws:iam::111122223333:policy/rules";
const LOOSE: &str = "arn:aws:iam::111122223333:policy/loose";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/7";
const ROLE: &str = "arn:aws:iam::111122223333:role/worker";

fn document() -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}})
        .to_string()
}

fn trust() -> String {
    let principal = json!({"AWS": ALICE});
    json!({"Version": "2012-10-17",
           "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:*"}})
    .to_string()
}

/// Calls that make what is missing; those whose result is there already are refused.
pub(crate) fn making() -> Vec<(&'static str, Value)> {
    let inline = |holder: &str, name: &str| json!({holder: name, "PolicyName": "inline", "PolicyDocument": document()});
    let attached = |holder: &str, name: &str| json!({holder: name, "PolicyArn": RULES});
    vec![
        ("CreateUser", json!({"UserName": "alice"})),
        ("CreateUser", json!({"UserName": "bob"})),
        ("CreateGroup", json!({"GroupName": "staff"})),
        ("CreateGroup", json!({"GroupName": "nobody"})),
        ("CreateRole", json!({"RoleName": "worker", "AssumeRolePolicyDocument": trust()})),
        ("CreateRole", json!({"RoleName": "idle", "AssumeRolePolicyDocument": trust()})),
        ("CreateRole", json!({"RoleName": "spare", "AssumeRolePolicyDocument": trust()})),
        ("CreatePolicy", json!({"PolicyName": "rules", "PolicyDocument": document()})),
        ("CreatePolicyVersion", json!({"PolicyArn": RULES, "PolicyDocument": document()})),
        ("CreatePolicy", json!({"PolicyName": "loose", "PolicyDocument": document()})),
        ("CreateInstanceProfile", json!({"InstanceProfileName": "box"})),
        ("CreateInstanceProfile", json!({"InstanceProfileName": "empty"})),
        ("AddRoleToInstanceProfile", json!({"InstanceProfileName": "box", "RoleName": "worker"})),
        ("AddUserToGroup", json!({"GroupName": "staff", "UserName": "alice"})),
        ("PutUserPolicy", inline("UserName", "alice")),
        ("PutGroupPolicy", inline("GroupName", "staff")),
        ("PutRolePolicy", inline("RoleName", "worker")),
        ("AttachUserPolicy", attached("UserName", "alice")),
        ("AttachGroupPolicy", attached("GroupName", "staff")),
        ("AttachRolePolicy", attached("RoleName", "worker")),
        (
            "CreateOpenIDConnectProvider",
            json!({"Url": "https://oidc.example.com/id/7", "ClientIDList": ["sts.amazonaws.com"]}),
        ),
    ]
}

/// Bodies that are answered. `keys` are the ids of both access keys of alice.
pub(crate) fn examples(keys: &[String; 2]) -> Vec<(&'static str, Value)> {
    let mut all = making();
    all.extend(of_users_and_groups(keys));
    all.extend(of_roles());
    all.extend(of_policies());
    all.extend(of_providers());
    all.extend(of_operators());
    all
}

fn of_users_and_groups([first, second]: &[String; 2]) -> Vec<(&'static str, Value)> {
    let alice = json!({"UserName": "alice"});
    let staff = json!({"GroupName": "staff"});
    let tag = json!([{"Key": "a", "Value": "b"}]);
    vec![
        ("CreateUser", json!({"UserName": "carol"})),
        ("CreateGroup", json!({"GroupName": "other"})),
        ("GetUser", alice.clone()),
        ("UpdateUser", json!({"UserName": "bob", "NewUserName": "bobby"})),
        ("DeleteUser", json!({"UserName": "bob"})),
        ("GetGroup", staff.clone()),
        ("UpdateGroup", json!({"GroupName": "nobody", "NewGroupName": "somebody"})),
        ("DeleteGroup", json!({"GroupName": "nobody"})),
        ("RemoveUserFromGroup", json!({"GroupName": "staff", "UserName": "alice"})),
        ("ListGroupsForUser", alice.clone()),
        ("ListUserPolicies", alice.clone()),
        ("ListGroupPolicies", staff.clone()),
        ("ListAttachedUserPolicies", alice.clone()),
        ("ListAttachedGroupPolicies", staff),
        ("DeleteAccessKey", json!({"UserName": "alice", "AccessKeyId": first})),
        ("UpdateAccessKey", json!({"UserName": "alice", "AccessKeyId": second, "Status": "Inactive"})),
        ("GetAccessKeyLastUsed", json!({"AccessKeyId": second})),
        ("GetAccessKeyInfo", json!({"AccessKeyId": second})),
        ("TagUser", json!({"UserName": "alice", "Tags": tag})),
        ("UntagUser", json!({"UserName": "alice", "TagKeys": ["a"]})),
        ("ListUserTags", alice.clone()),
        ("PutUserPermissionsBoundary", json!({"UserName": "alice", "PermissionsBoundary": RULES})),
        ("DeleteUserPermissionsBoundary", alice),
    ]
}

fn of_roles() -> Vec<(&'static str, Value)> {
    let worker = json!({"RoleName": "worker"});
    let profile = json!({"InstanceProfileName": "box"});
    let tag = json!([{"Key": "a", "Value": "b"}]);
    vec![
        ("AssumeRole", json!({"RoleArn": ROLE, "RoleSessionName": "session"})),
        ("CreateRole", json!({"RoleName": "other", "AssumeRolePolicyDocument": trust()})),
        ("CreateServiceLinkedRole", json!({"AWSServiceName": "rds.amazonaws.com"})),
        ("GetRole", worker.clone()),
        ("UpdateRole", json!({"RoleName": "worker", "Description": "d"})),
        ("UpdateRoleDescription", json!({"RoleName": "worker", "Description": "d"})),
        ("UpdateAssumeRolePolicy", json!({"RoleName": "idle", "PolicyDocument": trust()})),
        ("DeleteRole", json!({"RoleName": "spare"})),
        ("ListRolePolicies", worker.clone()),
        ("ListAttachedRolePolicies", worker.clone()),
        ("ListInstanceProfilesForRole", worker.clone()),
        ("TagRole", json!({"RoleName": "worker", "Tags": tag})),
        ("UntagRole", json!({"RoleName": "worker", "TagKeys": ["a"]})),
        ("ListRoleTags", worker.clone()),
        ("PutRolePermissionsBoundary", json!({"RoleName": "worker", "PermissionsBoundary": RULES})),
        ("DeleteRolePermissionsBoundary", worker),
        ("GetInstanceProfile", profile.clone()),
        ("AddRoleToInstanceProfile", json!({"InstanceProfileName": "empty", "RoleName": "idle"})),
        ("RemoveRoleFromInstanceProfile", json!({"InstanceProfileName": "box", "RoleName": "worker"})),
        ("DeleteInstanceProfile", json!({"InstanceProfileName": "empty"})),
        ("TagInstanceProfile", json!({"InstanceProfileName": "box", "Tags": tag})),
        ("UntagInstanceProfile", json!({"InstanceProfileName": "box", "TagKeys": ["a"]})),
        ("ListInstanceProfileTags", profile),
    ]
}

fn of_policies() -> Vec<(&'static str, Value)> {
    let rules = json!({"PolicyArn": RULES});
    let mut all = vec![
        ("CreatePolicy", json!({"PolicyName": "other", "PolicyDocument": document()})),
        ("CreatePolicyVersion", json!({"PolicyArn": LOOSE, "PolicyDocument": document()})),
        ("GetPolicy", rules.clone()),
        ("DeletePolicy", json!({"PolicyArn": LOOSE})),
        ("GetPolicyVersion", json!({"PolicyArn": RULES, "VersionId": "v1"})),
        ("SetDefaultPolicyVersion", json!({"PolicyArn": RULES, "VersionId": "v1"})),
        ("ListPolicyVersions", rules.clone()),
        ("ListEntitiesForPolicy", rules.clone()),
        ("TagPolicy", json!({"PolicyArn": RULES, "Tags": [{"Key": "a", "Value": "b"}]})),
        ("UntagPolicy", json!({"PolicyArn": RULES, "TagKeys": ["a"]})),
        ("ListPolicyTags", rules),
        ("SimulatePrincipalPolicy", json!({"PolicySourceArn": ALICE, "ActionNames": ["kms:Encrypt"]})),
        ("SimulateCustomPolicy", json!({"PolicyInputList": [document()], "ActionNames": ["kms:Encrypt"]})),
        ("GetContextKeysForPrincipalPolicy", json!({"PolicySourceArn": ALICE})),
        ("GetContextKeysForCustomPolicy", json!({"PolicyInputList": [document()]})),
    ];
    all.extend((2..=5).map(|number| {
        ("DeletePolicyVersion", json!({"PolicyArn": RULES, "VersionId": format!("v{number}")}))
    }));
    for (suffix, holder, name) in
        [("User", "UserName", "alice"), ("Group", "GroupName", "staff"), ("Role", "RoleName", "worker")]
    {
        let inline = json!({holder: name, "PolicyName": "inline"});
        let attached = json!({holder: name, "PolicyArn": RULES});
        let [get, delete, attach, detach] = match suffix {
            "User" => ["GetUserPolicy", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy"],
            "Group" => ["GetGroupPolicy", "DeleteGroupPolicy", "AttachGroupPolicy", "DetachGroupPolicy"],
            _ => ["GetRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"],
        };
        all.extend([(get, inline.clone()), (delete, inline), (attach, attached.clone()), (detach, attached)]);
    }
    all
}

fn of_providers() -> Vec<(&'static str, Value)> {
    let provider = json!({"OpenIDConnectProviderArn": PROVIDER});
    let client = json!({"OpenIDConnectProviderArn": PROVIDER, "ClientID": "other"});
    let tag = json!([{"Key": "a", "Value": "b"}]);
    vec![
        ("CreateOpenIDConnectProvider", json!({"Url": "https://oidc.example.com/id/8"})),
        ("GetOpenIDConnectProvider", provider.clone()),
        ("DeleteOpenIDConnectProvider", provider.clone()),
        ("AddClientIDToOpenIDConnectProvider", client.clone()),
        ("RemoveClientIDFromOpenIDConnectProvider", client),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            json!({"OpenIDConnectProviderArn": PROVIDER, "ThumbprintList": ["a".repeat(40)]}),
        ),
        ("TagOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": PROVIDER, "Tags": tag})),
        ("UntagOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": PROVIDER, "TagKeys": ["a"]})),
        ("ListOpenIDConnectProviderTags", provider),
    ]
}

fn of_operators() -> Vec<(&'static str, Value)> {
    let service = "s3.eu-central-1.amazonaws.com";
    vec![
        ("SetAccount", json!({"AccountId": ACCOUNT, "OrganizationId": "o-aaaaaaaaaa"})),
        ("Explain", json!({"Principal": ALICE, "Action": "kms:Encrypt", "Resource": "*"})),
        ("RegisterService", json!({"ServiceName": service, "AccountId": ACCOUNT, "RoleName": "idle"})),
        ("UnregisterService", json!({"ServiceName": service})),
    ]
}

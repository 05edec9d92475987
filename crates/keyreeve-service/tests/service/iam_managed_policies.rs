//! Managed policies and their versions: what is refused, what is counted, what never changes.

use serde_json::{Value, json};

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, root_of, text};

const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn arn(path_and_name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{path_and_name}")
}

fn create(rig: &Rig, name: &str) -> String {
    text(&rig.iam("CreatePolicy", json!({"PolicyName": name, "PolicyDocument": ALLOW_ALL})), "/Policy/Arn")
}

/// A document of this many characters, white space not counted.
fn document_of(characters: usize) -> String {
    let shell = |action: &str| {
        format!(r#"{{ "Statement": {{ "Effect": "Allow", "Action": "{action}", "Resource": "*" }} }}"#)
    };
    let bare = shell("").chars().filter(|c| !c.is_whitespace()).count();
    shell(&format!("kms:{}", "x".repeat(characters - bare - 4)))
}

fn names(answer: &Value) -> Vec<&str> {
    let policies = answer["Policies"].as_array().unwrap();
    policies.iter().map(|policy| policy["PolicyName"].as_str().unwrap()).collect()
}

fn versions(rig: &Rig, arn: &str) -> Vec<(String, bool)> {
    let answer = rig.iam("ListPolicyVersions", json!({"PolicyArn": arn}));
    let versions = answer["Versions"].as_array().unwrap().iter();
    versions.map(|one| (text(one, "/VersionId"), one["IsDefaultVersion"].as_bool().unwrap())).collect()
}

#[test]
fn a_policy_is_shown_as_it_was_made() {
    let rig = Rig::new();
    let body = json!({
        "PolicyName": "Readers", "Path": "/eng/", "PolicyDocument": ALLOW_ALL, "Description": "reads",
        "Tags": [{"Key": "team", "Value": "a"}],
    });
    let made = rig.iam("CreatePolicy", body)["Policy"].clone();
    assert!(text(&made, "/PolicyId").starts_with("ANPA"));
    let expected = json!({
        "PolicyName": "Readers", "PolicyId": made["PolicyId"], "Arn": arn("eng/Readers"), "Path": "/eng/",
        "DefaultVersionId": "v1", "AttachmentCount": 0, "PermissionsBoundaryUsageCount": 0, "IsAttachable": true,
        "CreateDate": "2026-01-01T00:00:00Z", "UpdateDate": "2026-01-01T00:00:00Z",
        "Tags": [{"Key": "team", "Value": "a"}],
    });
    assert_eq!(made, expected);
    let mut shown = rig.iam("GetPolicy", json!({"PolicyArn": arn("eng/Readers")}))["Policy"].clone();
    assert_eq!(shown["Description"].take(), "reads");
    let version = rig.iam("GetPolicyVersion", json!({"PolicyArn": arn("eng/Readers"), "VersionId": "v1"}));
    let document = text(&version, "/PolicyVersion/Document");
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"), "{document}");
}

#[test]
fn names_are_taken_whatever_their_letter_case_and_path() {
    let rig = Rig::new();
    create(&rig, "Readers");
    let body = json!({"PolicyName": "READERS", "Path": "/other/", "PolicyDocument": ALLOW_ALL});
    let text = "A policy called READERS already exists. Duplicate names are not allowed.";
    rig.iam_refuses("CreatePolicy", body, "EntityAlreadyExists", text);
}

#[test]
fn only_the_exact_arn_finds_a_policy() {
    let rig = Rig::new();
    create(&rig, "Readers");
    for wrong in [arn("readers"), arn("eng/Readers"), arn("None"), "arn:aws:iam::aws:policy/None".to_owned()]
    {
        let text = format!("Policy {wrong} was not found.");
        rig.iam_refuses("GetPolicy", json!({"PolicyArn": wrong}), "NoSuchEntity", &text);
    }
    let user = format!("arn:aws:iam::{ACCOUNT}:user/Readers");
    let text = format!("ARN {user} is not valid.");
    rig.iam_refuses("GetPolicy", json!({"PolicyArn": user}), "InvalidInput", &text);
}

#[test]
fn policies_of_other_accounts_are_out_of_reach() {
    let rig = Rig::new();
    let arn = create(&rig, "Readers");
    for (operation, more) in [
        ("GetPolicy", json!({})),
        ("DeletePolicy", json!({})),
        ("ListPolicyVersions", json!({})),
        ("GetPolicyVersion", json!({"VersionId": "v1"})),
        ("CreatePolicyVersion", json!({"PolicyDocument": ALLOW_ALL})),
    ] {
        let mut body = more;
        body["PolicyArn"] = json!(arn);
        let error = rig.try_iam_as(&root_of(OTHER_ACCOUNT, REGION), operation, &body).unwrap_err();
        assert_eq!(error.code, "AccessDeniedException", "{operation}");
    }
}

#[test]
fn documents_are_identity_policies_of_6144_characters_at_most() {
    let rig = Rig::new();
    let body = |document: &str| json!({"PolicyName": "P", "PolicyDocument": document});
    let text = "Cannot exceed quota for PolicySize: 6144";
    rig.iam_refuses("CreatePolicy", body(&document_of(6145)), "LimitExceeded", text);
    for document in [
        "{",
        "{}",
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*"}}"#,
    ] {
        let error = rig.try_iam_as(&crate::rig::root(), "CreatePolicy", &body(document)).unwrap_err();
        assert_eq!(error.code, "MalformedPolicyDocument", "{document}");
    }
    rig.iam("CreatePolicy", body(&document_of(6144)));
    let body = json!({"PolicyArn": arn("P"), "PolicyDocument": document_of(6145)});
    rig.iam_refuses("CreatePolicyVersion", body, "LimitExceeded", text);
}

#[test]
fn five_documents_with_much_white_space_fit_into_a_row() {
    let rig = Rig::new();
    let wide = |lines: usize| ALLOW_ALL.replacen('{', &format!("{{{}", "\n".repeat(lines)), 1);
    let arn = create(&rig, "P");
    for _ in 2..=5 {
        rig.iam("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": wide(12_000)}));
    }
    let text = "Cannot exceed quota for PolicySize: 6144";
    let body = json!({"PolicyName": "Q", "PolicyDocument": wide(12_300)});
    rig.iam_refuses("CreatePolicy", body, "LimitExceeded", text);
}

#[test]
fn a_policy_has_five_versions_and_no_number_twice() {
    let rig = Rig::new();
    let arn = create(&rig, "P");
    let version = json!({"PolicyArn": arn, "PolicyDocument": ALLOW_ALL});
    rig.pass_days(1);
    for number in 2..=5 {
        let mut body = version.clone();
        body["SetAsDefault"] = json!(number == 3);
        let made = rig.iam("CreatePolicyVersion", body);
        let expected = json!({
            "VersionId": format!("v{number}"), "IsDefaultVersion": number == 3, "CreateDate": "2026-01-02T00:00:00Z",
        });
        assert_eq!(made["PolicyVersion"], expected);
    }
    assert_eq!(
        rig.iam("GetPolicy", json!({"PolicyArn": arn}))["Policy"]["UpdateDate"],
        "2026-01-02T00:00:00Z"
    );
    let text = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.";
    rig.iam_refuses("CreatePolicyVersion", version.clone(), "LimitExceeded", text);
    rig.iam("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v5"}));
    rig.iam("CreatePolicyVersion", version);
    let listed = versions(&rig, &arn);
    let listed: Vec<_> = listed.iter().map(|(id, default)| (id.as_str(), *default)).collect();
    assert_eq!(listed, [("v6", false), ("v4", false), ("v3", true), ("v2", false), ("v1", false)]);
}

#[test]
fn versions_are_listed_in_pages_from_the_newest() {
    let rig = Rig::new();
    let arn = create(&rig, "P");
    for _ in 2..=5 {
        rig.iam("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": ALLOW_ALL}));
    }
    let (mut seen, mut body) = (Vec::new(), json!({"PolicyArn": arn, "MaxItems": 2}));
    loop {
        let page = rig.iam("ListPolicyVersions", body.clone());
        seen.extend(page["Versions"].as_array().unwrap().iter().map(|one| text(one, "/VersionId")));
        assert_eq!(page["IsTruncated"], page["Marker"].is_string());
        if page["Marker"].is_null() {
            break;
        }
        body["Marker"] = page["Marker"].clone();
    }
    assert_eq!(seen, ["v5", "v4", "v3", "v2", "v1"]);
}

#[test]
fn the_default_version_is_moved_and_never_deleted() {
    let rig = Rig::new();
    let arn = create(&rig, "P");
    rig.iam("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": ALLOW_ALL}));
    let version = |id: &str| json!({"PolicyArn": arn, "VersionId": id});
    let text = "Cannot delete the default version of a policy.";
    rig.iam_refuses("DeletePolicyVersion", version("v1"), "DeleteConflict", text);
    rig.iam("SetDefaultPolicyVersion", version("v2"));
    rig.iam_refuses("DeletePolicyVersion", version("v2"), "DeleteConflict", text);
    rig.iam("DeletePolicyVersion", version("v1"));
    for operation in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
        for id in ["v1", "v99999999999", "v2.x"] {
            let text = format!("Policy {arn} version {id} does not exist or is not attachable.");
            rig.iam_refuses(operation, version(id), "NoSuchEntity", &text);
        }
    }
    assert_eq!(rig.iam("GetPolicy", json!({"PolicyArn": arn}))["Policy"]["DefaultVersionId"], "v2");
}

#[test]
fn a_policy_in_use_or_with_versions_is_not_deleted() {
    let rig = Rig::new();
    let arn = create(&rig, "P");
    rig.iam("CreateUser", json!({"UserName": "alice", "PermissionsBoundary": arn}));
    rig.iam("CreateUser", json!({"UserName": "bob"}));
    rig.iam("AttachUserPolicy", json!({"UserName": "bob", "PolicyArn": arn}));
    rig.iam("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": ALLOW_ALL}));
    let attached = "Cannot delete a policy attached to entities.";
    rig.iam_refuses("DeletePolicy", json!({"PolicyArn": arn}), "DeleteConflict", attached);
    rig.iam("DeleteUser", json!({"UserName": "alice"}));
    rig.iam_refuses("DeletePolicy", json!({"PolicyArn": arn}), "DeleteConflict", attached);
    rig.iam("DetachUserPolicy", json!({"UserName": "bob", "PolicyArn": arn}));
    let versions = "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.";
    rig.iam_refuses("DeletePolicy", json!({"PolicyArn": arn}), "DeleteConflict", versions);
    rig.iam("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}));
    rig.iam("DeletePolicy", json!({"PolicyArn": arn}));
    let text = format!("Policy {arn} was not found.");
    rig.iam_refuses("DeletePolicy", json!({"PolicyArn": arn}), "NoSuchEntity", &text);
}

#[test]
fn lists_are_narrowed_by_scope_path_and_use() {
    let rig = Rig::new();
    create(&rig, "b");
    rig.iam("CreatePolicy", json!({"PolicyName": "A", "Path": "/eng/", "PolicyDocument": ALLOW_ALL}));
    rig.iam("CreateUser", json!({"UserName": "u", "PermissionsBoundary": arn("b")}));
    rig.iam("CreateUser", json!({"UserName": "v", "PermissionsBoundary": ADMINISTRATOR}));
    rig.iam("AttachUserPolicy", json!({"UserName": "v", "PolicyArn": arn("eng/A")}));
    let power_user = "arn:aws:iam::aws:policy/PowerUserAccess";
    rig.iam("AttachUserPolicy", json!({"UserName": "v", "PolicyArn": power_user}));
    let list = |body: Value| rig.iam("ListPolicies", body);
    let aws = [
        "AdministratorAccess",
        "AWSKeyManagementServicePowerUser",
        "IAMFullAccess",
        "IAMReadOnlyAccess",
        "IAMUserChangePassword",
        "PowerUserAccess",
    ];
    for (body, expected) in [
        (json!({"Scope": "Local"}), vec!["A", "b"]),
        (json!({"Scope": "AWS"}), aws.to_vec()),
        (json!({"Scope": "All"}), [&["A", "b"][..], &aws].concat()),
        (json!({}), [&["A", "b"][..], &aws].concat()),
        (json!({"PathPrefix": "/eng/"}), vec!["A"]),
        (json!({"OnlyAttached": true}), vec!["A", "PowerUserAccess"]),
        (json!({"PolicyUsageFilter": "PermissionsBoundary"}), vec!["b", "AdministratorAccess"]),
        (json!({"PolicyUsageFilter": "PermissionsPolicy", "Scope": "Local"}), vec!["A"]),
        (
            json!({"PolicyUsageFilter": "PermissionsPolicy", "OnlyAttached": true, "Scope": "AWS"}),
            vec!["PowerUserAccess"],
        ),
    ] {
        assert_eq!(names(&list(body.clone())), expected, "{body}");
    }
    let (mut seen, mut body) = (Vec::new(), json!({"MaxItems": 3}));
    loop {
        let page = list(body.clone());
        seen.extend(names(&page).into_iter().map(str::to_owned));
        if page["Marker"].is_null() {
            break;
        }
        body["Marker"] = page["Marker"].clone();
    }
    assert_eq!(seen, [&["A", "b"][..], &aws].concat());
}

#[test]
fn a_new_default_version_is_in_force_at_once() {
    let rig = Rig::new();
    let arn = create(&rig, "P");
    rig.iam("CreateUser", json!({"UserName": "alice"}));
    rig.iam("AttachUserPolicy", json!({"UserName": "alice", "PolicyArn": arn}));
    let may_list = || rig.try_iam_as(&rig.user("alice"), "ListUsers", &json!({})).is_ok();
    assert!(may_list());
    let denying = ALLOW_ALL.replace("Allow", "Deny");
    rig.iam("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": denying}));
    assert!(may_list());
    rig.iam("SetDefaultPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}));
    assert!(!may_list());
    rig.iam("SetDefaultPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"}));
    assert!(may_list());
}

#[test]
fn policies_of_aws_are_read_and_never_changed() {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "u", "PermissionsBoundary": ADMINISTRATOR}));
    let policy = rig.iam("GetPolicy", json!({"PolicyArn": ADMINISTRATOR}))["Policy"].clone();
    assert_eq!(policy["PolicyId"], "ANPAIWMBCKSKIEE64ZLYK");
    assert_eq!(policy["CreateDate"], "2015-02-06T18:39:46Z");
    assert_eq!(policy["PermissionsBoundaryUsageCount"], 1);
    assert_eq!(versions(&rig, ADMINISTRATOR), [("v1".to_owned(), true)]);
    let version = json!({"PolicyArn": ADMINISTRATOR, "VersionId": "v1"});
    assert!(
        text(&rig.iam("GetPolicyVersion", version.clone()), "/PolicyVersion/Document").starts_with("%7B")
    );
    for (operation, body) in [
        ("DeletePolicy", json!({"PolicyArn": ADMINISTRATOR})),
        ("CreatePolicyVersion", json!({"PolicyArn": ADMINISTRATOR, "PolicyDocument": ALLOW_ALL})),
        ("SetDefaultPolicyVersion", version.clone()),
        ("DeletePolicyVersion", version),
    ] {
        let text = format!(
            "User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: iam:{operation} on resource: policy \
             {ADMINISTRATOR}"
        );
        rig.iam_refuses(operation, body, "AccessDeniedException", &text);
    }
}

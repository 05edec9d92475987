//! The account as a whole: its alias, its summary, and everything in it.

use serde_json::{Value, json};

use crate::rig::{Rig, root, stranger};

fn aliases(rig: &Rig) -> Value {
    rig.iam("ListAccountAliases", json!({}))["AccountAliases"].clone()
}

#[test]
fn an_account_has_one_alias_that_no_other_account_has() {
    let rig = Rig::new();
    assert_eq!(aliases(&rig), json!([]));
    rig.iam("CreateAccountAlias", json!({"AccountAlias": "acme"}));
    let taken =
        rig.try_iam_as(&stranger(), "CreateAccountAlias", &json!({"AccountAlias": "acme"})).unwrap_err();
    assert_eq!(
        (taken.code, taken.message.as_deref()),
        ("EntityAlreadyExists", Some("The account alias acme already exists."))
    );
    let foreign = rig.try_iam_as(&stranger(), "DeleteAccountAlias", &json!({"AccountAlias": "acme"}));
    assert_eq!(foreign.unwrap_err().code, "NoSuchEntity");
    // A second one takes the place of the first, which others may have then.
    rig.iam("CreateAccountAlias", json!({"AccountAlias": "acme-2"}));
    assert_eq!(aliases(&rig), json!(["acme-2"]));
    rig.try_iam_as(&stranger(), "CreateAccountAlias", &json!({"AccountAlias": "acme"})).unwrap();
    rig.iam("DeleteAccountAlias", json!({"AccountAlias": "acme-2"}));
    assert_eq!(aliases(&rig), json!([]));
    let text = "The account alias acme-2 cannot be found.";
    rig.iam_refuses("DeleteAccountAlias", json!({"AccountAlias": "acme-2"}), "NoSuchEntity", text);
}

#[test]
fn aliases_have_a_form() {
    let rig = Rig::new();
    for alias in ["ab", "-acme", "acme-", "ac--me", "Acme", "ac_me", &"a".repeat(64)] {
        let error =
            rig.try_iam_as(&root(), "CreateAccountAlias", &json!({"AccountAlias": alias})).unwrap_err();
        assert!(error.code.starts_with("Validation"), "{alias}: {error:?}");
    }
}

#[test]
fn the_summary_counts_what_there_is() {
    let rig = Rig::new();
    let count = |name: &str| rig.iam("GetAccountSummary", json!({}))["SummaryMap"][name].as_u64().unwrap();
    assert_eq!((count("Users"), count("Groups"), count("AccountAccessKeysPresent")), (0, 0, 0));
    for index in 0..3 {
        rig.iam("CreateUser", json!({"UserName": format!("u{index}")}));
    }
    rig.iam("CreateGroup", json!({"GroupName": "g"}));
    rig.iam("CreateAccessKey", json!({"UserName": "u0"}));
    assert_eq!((count("Users"), count("Groups"), count("AccountAccessKeysPresent")), (3, 1, 0));
    rig.iam("CreateAccessKey", json!({}));
    assert_eq!((count("AccountAccessKeysPresent"), count("UsersQuota"), count("Roles")), (1, 5000, 0));
}

#[test]
fn everything_of_an_account_comes_in_pages_and_by_kind() {
    let rig = Rig::new();
    for user in ["alice", "Bob"] {
        rig.iam("CreateUser", json!({"UserName": user}));
    }
    rig.iam("CreateGroup", json!({"GroupName": "Staff"}));
    rig.iam("AddUserToGroup", json!({"UserName": "Bob", "GroupName": "staff"}));
    let boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    rig.iam("PutUserPermissionsBoundary", json!({"UserName": "Bob", "PermissionsBoundary": boundary}));

    let (mut body, mut names, mut boundaries) = (json!({"MaxItems": 1}), Vec::new(), Vec::new());
    loop {
        let page = rig.iam("GetAccountAuthorizationDetails", body.clone());
        let lists = [
            ("UserDetailList", "UserName"),
            ("GroupDetailList", "GroupName"),
            ("RoleDetailList", "RoleName"),
            ("Policies", "PolicyName"),
        ];
        let before = names.len();
        for (list, member) in lists {
            for item in page[list].as_array().unwrap() {
                names.push(item[member].as_str().unwrap().to_owned());
                boundaries.extend(item.get("PermissionsBoundaryUsageCount").and_then(Value::as_u64));
            }
        }
        assert_eq!(names.len(), before + 1, "one item a page");
        let Some(marker) = page.get("Marker") else { break };
        body["Marker"] = marker.clone();
    }
    assert_eq!(names[..3], ["alice", "Bob", "Staff"]);
    assert_eq!(names.len(), 3 + boundaries.len());
    assert_eq!(boundaries.iter().sum::<u64>(), 1, "one user has one boundary");

    let users = rig.iam("GetAccountAuthorizationDetails", json!({"Filter": ["User"]}));
    assert_eq!(users["UserDetailList"][1]["GroupList"], json!(["Staff"]));
    assert_eq!(users["UserDetailList"][1]["PermissionsBoundary"]["PermissionsBoundaryArn"], boundary);
    for list in ["GroupDetailList", "RoleDetailList", "Policies"] {
        assert_eq!(users[list], json!([]), "{list}");
    }
    assert_eq!(users["IsTruncated"], json!(false));
}

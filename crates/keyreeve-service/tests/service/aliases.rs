//! Aliases: names, moving, quota, and what they stand for.

use serde_json::{Value, json};

use crate::kit::{Kit, key_rows};
use crate::rig::{ACCOUNT, REGION, Rig, b64, id_of, text};

fn alias_arn(name: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:{name}")
}

/// Names in the list of a key, or of the account's own.
fn listed(rig: &Rig, key: Option<&str>) -> Vec<String> {
    let answer = rig.ok("ListAliases", json!({"KeyId": key, "Limit": 100}));
    let names = answer["Aliases"].as_array().unwrap().iter().map(|alias| text(alias, "/AliasName"));
    names.filter(|name| !name.starts_with("alias/aws/")).collect()
}

fn create(rig: &Rig, name: &str, key: &str) {
    rig.ok("CreateAlias", json!({"AliasName": name, "TargetKeyId": key}));
}

#[test]
fn names_are_refused_as_aws_refuses_them() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let prefix = "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
    for (name, code, message) in [
        ("payments", "ValidationException", prefix),
        ("Alias/x", "ValidationException", prefix),
        ("alias/a:b", "InvalidAliasNameException", "alias/a:b contains invalid characters for an alias"),
        ("alias/", "InvalidAliasNameException", "alias/ contains invalid characters for an alias"),
        ("alias/aws/s3", "NotAuthorizedException", ""),
        ("alias/aws/mine", "NotAuthorizedException", ""),
        (
            "alias/a b",
            "ValidationException",
            "1 validation error detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
    ] {
        rig.refuses("CreateAlias", json!({"AliasName": name, "TargetKeyId": kit.symmetric}), code, message);
    }
    for operation in ["UpdateAlias", "DeleteAlias"] {
        let body = json!({"AliasName": "alias/aws/s3", "TargetKeyId": kit.symmetric});
        rig.refuses(operation, body, "NotAuthorizedException", "");
        let body = json!({"AliasName": "alias/a:b", "TargetKeyId": kit.symmetric});
        assert_eq!(rig.try_as(&crate::rig::root(), operation, &body).unwrap_err().code, "NotFoundException");
        let text = format!("Alias {} is not found.", alias_arn("alias/none"));
        let body = json!({"AliasName": "alias/none", "TargetKeyId": kit.symmetric});
        rig.refuses(operation, body, "NotFoundException", &text);
    }
}

#[test]
fn an_alias_is_made_moved_and_removed() {
    let rig = Rig::new();
    let (one, two) = (rig.key(json!({})), rig.key(json!({})));
    create(&rig, "alias/a", &one);
    assert_eq!(listed(&rig, Some(&one)), ["alias/a"]);
    let text = format!("An alias with the name {} already exists", alias_arn("alias/a"));
    let body = json!({"AliasName": "alias/a", "TargetKeyId": two});
    rig.refuses("CreateAlias", body.clone(), "AlreadyExistsException", &text);
    rig.pass_days(1);
    rig.ok("UpdateAlias", body.clone());
    rig.ok("UpdateAlias", body);
    assert_eq!(
        (listed(&rig, Some(&one)), listed(&rig, Some(id_of(&two)))),
        (vec![], vec!["alias/a".to_owned()])
    );
    let entry = rig.ok("ListAliases", json!({"KeyId": two}))["Aliases"][0].clone();
    assert_eq!(
        (&entry["AliasArn"], &entry["TargetKeyId"]),
        (&json!(alias_arn("alias/a")), &json!(id_of(&two)))
    );
    let times = ["LastUpdatedDate", "CreationDate"].map(|name| entry[name].as_f64().unwrap());
    assert_eq!(times[0] - times[1], 86_400.0);
    assert_eq!(rig.ok("DescribeKey", json!({"KeyId": "alias/a"}))["KeyMetadata"]["Arn"], json!(two));
    rig.ok("DeleteAlias", json!({"AliasName": "alias/a"}));
    assert!(listed(&rig, None).is_empty());
    let text = format!("Alias {} is not found.", alias_arn("alias/a"));
    rig.refuses("DescribeKey", json!({"KeyId": "alias/a"}), "NotFoundException", &text);
    create(&rig, "alias/a", &one);
    assert_eq!(listed(&rig.restarted(), None), ["alias/a"]);
}

#[test]
fn an_alias_moves_within_its_kind_only() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let rsa = rig.key_of("RSA_2048", "SIGN_VERIFY");
    let encrypting = rig.key_of("RSA_2048", "ENCRYPT_DECRYPT");
    create(&rig, "alias/signer", &kit.signer);
    let text = "The current and new target keys of an alias must be of the same type and key usage.";
    for wrong in [&kit.symmetric, &kit.hmac, &kit.agreement, &encrypting] {
        let body = json!({"AliasName": "alias/signer", "TargetKeyId": wrong});
        rig.refuses("UpdateAlias", body, "ValidationException", text);
    }
    rig.ok("UpdateAlias", json!({"AliasName": "alias/signer", "TargetKeyId": rsa}));
}

#[test]
fn an_alias_points_to_a_key_and_not_to_an_alias() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for target in ["alias/kit".to_owned(), alias_arn("alias/kit")] {
        for (operation, name) in [("CreateAlias", "alias/new"), ("UpdateAlias", "alias/kit")] {
            let body = json!({"AliasName": name, "TargetKeyId": target});
            rig.refuses(operation, body, "ValidationException", "Aliases must refer to keys. Not aliases");
        }
    }
    let missing = kit.symmetric.replace(id_of(&kit.symmetric), "1234abcd-12ab-34cd-56ef-1234567890ab");
    let text = format!("Key '{missing}' does not exist");
    rig.refuses(
        "CreateAlias",
        json!({"AliasName": "alias/new", "TargetKeyId": missing}),
        "NotFoundException",
        &text,
    );
}

#[test]
fn operations_take_aliases_exactly_where_the_catalogue_says() {
    for row in key_rows() {
        let rig = Rig::new();
        let kit = Kit::new(&rig);
        let key = if row.name == "ReEncrypt" { &kit.other } else { kit.key(row) };
        create(&rig, "alias/it", key);
        for name in ["alias/it".to_owned(), alias_arn("alias/it")] {
            let body = kit.body_for(row, &name);
            if row.scope.takes_aliases() {
                rig.ok(row.name, body);
            } else {
                let text = "Key Aliases are not supported for this operation.";
                rig.refuses(row.name, body, "InvalidArnException", text);
            }
        }
    }
}

#[test]
fn a_key_has_at_most_fifty_aliases() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    for number in 0..50 {
        create(&rig, &format!("alias/n{number:02}"), &key);
    }
    let text = "The maximum number of aliases for this key (50) has been reached.";
    let body = json!({"AliasName": "alias/more", "TargetKeyId": key});
    rig.refuses("CreateAlias", body.clone(), "LimitExceededException", text);
    create(&rig, "alias/more", &other);
    rig.refuses("UpdateAlias", body.clone(), "LimitExceededException", text);
    rig.ok("DeleteAlias", json!({"AliasName": "alias/n00"}));
    rig.ok("UpdateAlias", body);
    assert_eq!(listed(&rig, Some(&key)).len(), 50);
}

#[test]
fn predefined_aliases_of_services_are_listed_without_a_target() {
    let rig = Rig::new();
    let answer = rig.ok("ListAliases", json!({"Limit": 100}));
    let aliases = answer["Aliases"].as_array().unwrap();
    let s3 = aliases.iter().find(|alias| alias["AliasName"] == "alias/aws/s3").unwrap();
    assert!(s3.get("TargetKeyId").is_none());
    rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"}));
    let answer = rig.ok("ListAliases", json!({"Limit": 100}));
    let aliases: Vec<&Value> = answer["Aliases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|alias| alias["AliasName"] == "alias/aws/s3")
        .collect();
    assert_eq!(aliases.len(), 1);
    assert!(aliases[0]["TargetKeyId"].is_string());
}

#[test]
fn a_moved_alias_encrypts_with_the_new_key_at_once() {
    let rig = Rig::new();
    let (one, two) = (rig.key(json!({})), rig.key(json!({})));
    create(&rig, "alias/a", &one);
    let encrypt = || rig.ok("Encrypt", json!({"KeyId": "alias/a", "Plaintext": b64("x")}))["KeyId"].clone();
    assert_eq!(encrypt(), json!(one));
    rig.ok("UpdateAlias", json!({"AliasName": "alias/a", "TargetKeyId": two}));
    assert_eq!(encrypt(), json!(two));
}

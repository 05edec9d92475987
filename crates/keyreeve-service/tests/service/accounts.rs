//! Accounts are isolated: whoever asks for another account's key learns nothing, not even whether it exists.

use keyreeve_service::catalogue::{Api, CATALOGUE, Row, find};
use keyreeve_service::input::shape::Kind;
use serde_json::{Value, json};

use crate::kit::{Kit, key_rows, kms_rows};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, b64, id_of, root, root_of, stranger};

const UNKNOWN: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const NO_CIPHERTEXT_KEY: &str = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";

fn denial(action: &str) -> String {
    format!(
        "User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: {action} on this resource because the \
         resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy \
         explicitly denies access"
    )
}

/// The action that is asked for first when the key is named.
fn action(row: &Row) -> &'static str {
    row.actions.last().unwrap()
}

/// The kit's request about another name; the source of ReEncrypt is the stranger's own.
fn about(rig: &Rig, kit: &Kit, row: &'static Row, name: &str) -> Value {
    let mut body = kit.body_for(row, name);
    if row.name == "ReEncrypt" {
        let own = rig.ok_as(&stranger(), "CreateKey", json!({}));
        let plain = json!({"KeyId": own["KeyMetadata"]["Arn"], "Plaintext": b64("x")});
        body["CiphertextBlob"] = rig.ok_as(&stranger(), "Encrypt", plain)["CiphertextBlob"].clone();
    }
    body
}

#[test]
fn a_foreign_key_answers_the_same_bytes_whether_it_exists_or_not() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in key_rows() {
        let key = kit.key(row);
        let text = denial(action(row));
        for name in [key.to_owned(), key.replace(id_of(key), UNKNOWN), key.replace(ACCOUNT, "999999999999")] {
            let body = about(&rig, &kit, row, &name);
            rig.refuses_as(&stranger(), row.name, body, "AccessDeniedException", &text);
        }
        if row.scope.takes_aliases() {
            for alias in ["alias/kit", "alias/none", "alias/aws/s3", "alias/aws/none"] {
                let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:{alias}");
                let body = about(&rig, &kit, row, &arn);
                rig.refuses_as(&stranger(), row.name, body, "AccessDeniedException", &text);
            }
        }
    }
    for row in kms_rows().filter(|row| matches!(row.name, "CreateAlias" | "UpdateAlias")) {
        let own = rig.ok_as(&stranger(), "CreateKey", json!({}));
        let body = json!({"AliasName": "alias/kit", "TargetKeyId": own["KeyMetadata"]["Arn"]});
        if row.name == "UpdateAlias" {
            rig.ok_as(&stranger(), "CreateAlias", body);
        }
        for name in [kit.symmetric.clone(), kit.symmetric.replace(id_of(&kit.symmetric), UNKNOWN)] {
            let body = json!({"AliasName": "alias/kit", "TargetKeyId": name});
            rig.refuses_as(&stranger(), row.name, body, "AccessDeniedException", &denial(action(row)));
        }
    }
}

#[test]
fn a_foreign_state_or_usage_is_not_told_either() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    rig.ok("DisableKey", json!({"KeyId": kit.symmetric}));
    for key in [&kit.symmetric, &kit.signer] {
        let body = json!({"KeyId": key, "Plaintext": b64("x")});
        rig.refuses_as(&stranger(), "Encrypt", body, "AccessDeniedException", &denial("kms:Encrypt"));
    }
}

#[test]
fn bare_ids_and_names_are_the_callers_own() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let id = id_of(&kit.symmetric);
    let text = format!("Key 'arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/{id}' does not exist");
    rig.refuses_as(&stranger(), "DescribeKey", json!({"KeyId": id}), "NotFoundException", &text);
    let text = format!("Alias arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:alias/kit is not found.");
    rig.refuses_as(&stranger(), "DescribeKey", json!({"KeyId": "alias/kit"}), "NotFoundException", &text);
    for operation in ["ListKeys", "ListAliases"] {
        let answer = rig.ok_as(&stranger(), operation, json!({})).to_string();
        assert!(!answer.contains(ACCOUNT) && !answer.contains(id), "{operation}");
    }
}

#[test]
fn list_aliases_of_a_foreign_key_is_the_same_as_of_none() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for key in [kit.other.clone(), kit.other.replace(id_of(&kit.other), UNKNOWN)] {
        let text = format!("Key '{key}' does not exist");
        rig.refuses_as(&stranger(), "ListAliases", json!({"KeyId": key}), "NotFoundException", &text);
    }
}

#[test]
fn missing_keys_of_the_own_account_do_not_exist() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in key_rows() {
        let missing = kit.key(row).replace(id_of(kit.key(row)), UNKNOWN);
        for name in [&missing, UNKNOWN] {
            let text = format!("Key '{missing}' does not exist");
            rig.refuses(row.name, kit.body_for(row, name), "NotFoundException", &text);
        }
        for name in ["x", &UNKNOWN.replace('-', ""), "mrk-1", &UNKNOWN.to_uppercase()] {
            let text = format!("Invalid keyId '{name}'");
            rig.refuses(row.name, kit.body_for(row, name), "NotFoundException", &text);
        }
        for name in ["arn:", "arn:aws:kms", "arn:aws:s3:::bucket", &missing.replace(":key/", ":kay/")] {
            let error = rig.try_as(&root(), row.name, &kit.body_for(row, name)).unwrap_err();
            assert_eq!(error.code, "NotFoundException", "{} {name}: {error:?}", row.name);
        }
    }
}

#[test]
fn keys_of_other_regions_are_not_found() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    for row in key_rows() {
        for name in [kit.key(row).to_owned(), format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/kit")] {
            let elsewhere = name.replace(REGION, "us-east-1");
            let alias = name.contains(":alias/");
            if alias && !row.scope.takes_aliases() {
                continue;
            }
            // Decrypt compares the key with the one that the ciphertext names.
            if row.name == "Decrypt" && !alias {
                continue;
            }
            rig.refuses(
                row.name,
                kit.body_for(row, &elsewhere),
                "NotFoundException",
                "Invalid arn us-east-1",
            );
        }
    }
    let elsewhere = kit.other.replace(REGION, "us-east-1");
    rig.refuses("ListAliases", json!({"KeyId": elsewhere}), "NotFoundException", "Invalid arn us-east-1");
    let there = root_of(ACCOUNT, "us-east-1");
    rig.refuses_as(
        &there,
        "ListAliases",
        json!({"KeyId": kit.other}),
        "NotFoundException",
        &format!("Invalid arn {REGION}"),
    );
    let text = format!("Key '{elsewhere}' does not exist");
    rig.refuses_as(&there, "DescribeKey", json!({"KeyId": id_of(&kit.other)}), "NotFoundException", &text);
}

#[test]
fn a_ciphertext_of_a_foreign_key_is_as_one_of_no_key() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let foreign = kit.body("ReEncrypt")["CiphertextBlob"].clone();
    let expired = {
        let key = rig.key(json!({}));
        let made = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
        rig.pass_days(7);
        made
    };
    let own = rig.ok_as(&stranger(), "CreateKey", json!({}))["KeyMetadata"]["Arn"].clone();
    for ciphertext in [foreign, expired] {
        let body = json!({"CiphertextBlob": ciphertext, "DestinationKeyId": own});
        for operation in ["Decrypt", "ReEncrypt"] {
            rig.refuses_as(&stranger(), operation, body.clone(), "AccessDeniedException", NO_CIPHERTEXT_KEY);
        }
        rig.refuses_as(
            &root_of(ACCOUNT, "us-east-1"),
            "Decrypt",
            body,
            "AccessDeniedException",
            NO_CIPHERTEXT_KEY,
        );
    }
}

#[test]
fn operators_touch_no_key_and_accounts_no_deployment() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let mut operator = root();
    operator.principal = keyreeve_policy::principal::Principal::Operator(0);
    for row in kms_rows() {
        let error = rig.try_as(&operator, row.name, &kit.body(row.name)).expect_err(row.name);
        assert_eq!(error.code, "AccessDeniedException", "{}", row.name);
    }
    for row in CATALOGUE.iter().filter(|row| row.api == Api::Operator) {
        let required = row.input.members.iter().filter(|member| member.required).map(|member| {
            let value = match member.kind {
                Kind::Blob { .. } => json!(b64("x")),
                Kind::Enum(names) => json!(names[0]),
                Kind::Integer { min, .. } => json!(min),
                _ if member.name == "KeyId" => json!(kit.symmetric),
                _ if member.name == "AccountId" => json!(OTHER_ACCOUNT),
                _ if member.name == "ServiceName" => json!("s3.amazonaws.com"),
                _ if member.name == "RoleName" => json!("Storage"),
                _ if member.name == "Action" => json!("kms:Encrypt"),
                // A path, where one is asked for.
                Kind::Text { .. }
                | Kind::Boolean
                | Kind::Timestamp
                | Kind::List { .. }
                | Kind::Map
                | Kind::Structure(_) => json!("/x"),
            };
            (member.name.to_owned(), value)
        });
        let body = required.collect::<Value>().to_string();
        let error = rig.block_on(rig.service.call(&root(), row, body.as_bytes())).unwrap_err();
        assert_eq!(error.wire().code, "AccessDeniedException", "{}", row.name);
    }
    let call = |name: &str, body: &[u8]| {
        let answer = rig.block_on(rig.service.call(&operator, find(Api::Operator, name).unwrap(), body));
        serde_json::from_slice::<Value>(&answer.unwrap()).unwrap()
    };
    let made = call("CreateAccount", br#"{"AccountName":"payments"}"#);
    let listed = call("ListAccounts", b"{}");
    assert_eq!(listed["Accounts"][0]["AccountId"], made["AccountId"]);
    let restarted = rig.restarted();
    let id = made["AccessKeyId"].as_str().unwrap();
    let credential = restarted.block_on(restarted.service.identity().credential(id)).unwrap().unwrap();
    assert_eq!(credential.secret.expose_secret(), made["SecretAccessKey"].as_str().unwrap().as_bytes());
}

#[test]
fn the_caller_is_told_who_he_is() {
    let rig = Rig::new();
    let row = find(Api::Sts, "GetCallerIdentity").unwrap();
    let answer = rig.block_on(rig.service.call(&root(), row, b"")).unwrap();
    let expected =
        json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:root"), "UserId": ACCOUNT, "Account": ACCOUNT});
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap(), expected);
}

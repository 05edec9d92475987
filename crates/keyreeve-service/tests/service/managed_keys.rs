//! AWS managed keys: they appear when their alias is described, are looked at, and neither used nor changed directly.

use keyreeve_service::catalogue::Effect;
use serde_json::json;

use crate::kit::{Kit, key_rows};
use crate::rig::{ACCOUNT, REGION, Rig, b64, root, stranger, text};

fn managed(rig: &Rig) -> String {
    text(&rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"})), "/KeyMetadata/Arn")
}

#[test]
fn the_key_appears_when_its_alias_is_described_and_stays() {
    let rig = Rig::new();
    let answer = rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"}));
    let metadata = &answer["KeyMetadata"];
    assert_eq!((&metadata["KeyManager"], &metadata["KeyState"]), (&json!("AWS"), &json!("Enabled")));
    assert_eq!(metadata["Arn"], json!(managed(&rig)));
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3");
    assert_eq!(rig.restarted().ok("DescribeKey", json!({"KeyId": arn})), answer);
    let others = rig.ok_as(&stranger(), "DescribeKey", json!({"KeyId": "alias/aws/s3"}));
    assert_ne!(others["KeyMetadata"]["Arn"], metadata["Arn"]);
}

#[test]
fn only_describing_makes_it_and_only_for_known_services() {
    let rig = Rig::new();
    for name in ["alias/aws/s3", "alias/aws/none"] {
        let text = format!("Alias arn:aws:kms:{REGION}:{ACCOUNT}:{name} is not found.");
        rig.refuses("Encrypt", json!({"KeyId": name, "Plaintext": b64("x")}), "NotFoundException", &text);
    }
    let text = format!("Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/none is not found.");
    rig.refuses("DescribeKey", json!({"KeyId": "alias/aws/none"}), "NotFoundException", &text);
    assert_eq!(rig.ok("ListKeys", json!({}))["Keys"], json!([]));
}

#[test]
fn it_may_be_looked_at_and_neither_used_nor_changed() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let key = managed(&rig);
    let mut denied = 0;
    for row in key_rows().filter(|row| row.name != "GetPublicKey") {
        // The account may revoke what its service granted; whether a grant may be retired, the grant says.
        if let "RetireGrant" | "RevokeGrant" = row.name {
            let body = kit.body_for(row, &key);
            let text = format!("Grant ID {} not found", body["GrantId"].as_str().unwrap());
            rig.refuses(row.name, body, "NotFoundException", &text);
            continue;
        }
        let body = kit.body_for(row, &key);
        if row.origin.is_some() && row.effect == Effect::Reads {
            let text = format!("{key} origin is AWS_KMS which is not valid for this operation.");
            rig.refuses(row.name, body, "UnsupportedOperationException", &text);
            continue;
        }
        if row.effect == Effect::Reads {
            rig.ok(row.name, body);
            continue;
        }
        let action = row.actions.last().unwrap();
        let text = format!(
            "User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: {action} on resource: {key} because no \
             resource-based policy allows the {action} action"
        );
        rig.refuses(row.name, body, "AccessDeniedException", &text);
        denied += 1;
    }
    assert!(denied > 20, "{denied}");
    for (operation, name) in [("CreateAlias", "alias/mine"), ("UpdateAlias", "alias/kit")] {
        let body = json!({"AliasName": name, "TargetKeyId": key});
        assert_eq!(rig.try_as(&root(), operation, &body).unwrap_err().code, "AccessDeniedException");
    }
    assert_eq!(rig.state(&key), "Enabled");
}

#[test]
fn its_policy_names_its_service() {
    let rig = Rig::new();
    let key = managed(&rig);
    let policy = text(&rig.ok("GetKeyPolicy", json!({"KeyId": key})), "/Policy");
    assert!(policy.contains(&format!("s3.{REGION}.amazonaws.com")), "{policy}");
}

//! Accounts made by an operator, what their credentials may do, and what the operator sees of their keys.

use keyreeve_store::{Commit, CommitId, OpenOptions, Path, SqliteStore, Store as _};
use serde_json::{Value, json};

use crate::rig::{Account, Place, REGION};

#[test]
fn an_account_uses_its_keys_and_no_other_account_does() {
    let place = Place::initialised();
    let server = place.serve();
    let (kms, mine, other) = (server.kms(), place.account("mine"), place.account("other"));
    let (status, made) = mine.call(&kms, REGION, "CreateKey", json!({"Description": "first"}));
    assert_eq!(status, 200, "{made}");
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap();
    assert!(arn.starts_with(&format!("arn:aws:kms:{REGION}:{}:key/", mine.id)), "{arn}");
    let (status, sealed) = mine.call(&kms, REGION, "Encrypt", json!({"KeyId": arn, "Plaintext": "aGVsbG8="}));
    assert_eq!(status, 200, "{sealed}");
    let input = json!({"KeyId": arn, "CiphertextBlob": sealed["CiphertextBlob"]});
    let (status, opened) = mine.call(&kms, REGION, "Decrypt", input.clone());
    assert_eq!((status, opened["Plaintext"].as_str()), (200, Some("aGVsbG8=")));

    for (operation, input) in [("Decrypt", input), ("DescribeKey", json!({"KeyId": arn}))] {
        let (status, refused) = other.call(&kms, REGION, operation, input);
        assert_eq!((status, refused["__type"].as_str()), (400, Some("AccessDeniedException")), "{operation}");
    }
    let impostor = Account { secret: other.secret.clone(), ..mine };
    let (status, refused) = impostor.call(&kms, REGION, "ListKeys", json!({}));
    assert_eq!((status, refused["__type"].as_str()), (400, Some("InvalidSignatureException")));
}

#[test]
fn serve_knows_neither_the_credentials_of_dev_nor_other_regions() {
    let place = Place::initialised();
    let server = place.serve();
    let account = place.account("mine");
    let well_known = Account { id: String::new(), key: "test".to_owned(), secret: "test".to_owned() };
    let (status, refused) = well_known.call(&server.kms(), REGION, "ListKeys", json!({}));
    assert_eq!((status, refused["__type"].as_str()), (400, Some("UnrecognizedClientException")));
    assert_eq!(account.call(&server.kms(), "eu-west-1", "ListKeys", json!({})).0, 200);
    assert_eq!(account.call(&server.kms(), "us-east-1", "ListKeys", json!({})).0, 400);
}

#[test]
fn the_operator_sees_the_keys_of_every_account_and_which_are_whose() {
    let place = Place::initialised();
    let server = place.serve();
    let (kms, one, two) = (server.kms(), place.account("one"), place.account("two"));
    let created = |account: &Account, region: &str| {
        let (_, made) = account.call(
            &kms,
            region,
            "CreateKey",
            json!({"Tags": [{"TagKey": "team", "TagValue": "blue"}]}),
        );
        made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    };
    let (first, second, elsewhere) =
        (created(&one, REGION), created(&two, REGION), created(&one, "eu-west-1"));
    let alias = json!({"AliasName": "alias/invoices", "TargetKeyId": first});
    assert_eq!(one.call(&kms, REGION, "CreateAlias", alias).0, 200);
    let schedule = json!({"KeyId": second, "PendingWindowInDays": 7});
    assert_eq!(two.call(&kms, REGION, "ScheduleKeyDeletion", schedule).0, 200);

    let listed = place.succeeds(&["key", "list", "--config", "keyreeve.toml"]);
    let line = |key: &str| listed.lines().find(|line| line.contains(key)).map(str::to_owned);
    let (of_first, of_second) = (line(&first).unwrap(), line(&second).unwrap());
    assert!(of_first.starts_with(&one.id) && of_first.ends_with("alias/invoices"), "{listed}");
    assert!(of_second.starts_with(&two.id) && of_second.contains("PendingDeletion"), "{listed}");
    assert_eq!(line(&elsewhere), None);
    let listed = place.succeeds(&["key", "list", "--data", "data", "--region", "eu-west-1"]);
    assert!(listed.contains(&elsewhere) && !listed.contains(&first), "{listed}");
    let listed = place.succeeds(&["key", "list", "--data", "data", "--account", &two.id, "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["Keys"].as_array().unwrap().len(), 1);
    assert_eq!(listed["Keys"][0]["KeyId"], second);
    describe(&place, &first, &one);
}

fn describe(place: &Place, key: &str, owner: &Account) {
    let by_alias = format!("arn:aws:kms:{REGION}:{}:alias/invoices", owner.id);
    for name in [key, &by_alias] {
        let sheet = place.succeeds(&["key", "describe", name, "--data", "data"]);
        for expected in
            [key, owner.id.as_str(), "SYMMETRIC_DEFAULT", "alias/invoices", "team=blue", "Enabled"]
        {
            assert!(sheet.contains(expected), "{expected}: {sheet}");
        }
    }
    let absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
    for (name, expected) in [
        (absent.to_owned(), "1234abcd"),
        (format!("arn:aws:kms:{REGION}:{}:key/{absent}", owner.id), "does not exist"),
        ("alias/invoices".to_owned(), "give its ARN"),
    ] {
        let refused = place.fails(&["key", "describe", &name, "--data", "data"]);
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_list_longer_than_a_page_is_complete() {
    let place = Place::initialised();
    let server = place.serve();
    let (kms, account) = (server.kms(), place.account("busy"));
    let made: Vec<_> = (0..3).map(|_| account.call(&kms, REGION, "CreateKey", json!({})).0).collect();
    assert_eq!(made, [200, 200, 200]);
    let client = keyreeve_server::admin_client::AdminClient::new(place.path("data/admin.sock"));
    for account_id in [None, Some(account.id.as_str())] {
        let (mut marker, mut pages) = (None, Vec::new());
        loop {
            let mut input = json!({"Limit": 2});
            account_id.into_iter().for_each(|id| input["AccountId"] = json!(id));
            marker.into_iter().for_each(|marker: Value| input["Marker"] = marker);
            let reply = client.call("ListAllKeys", None, &input).unwrap();
            pages.push(reply["Keys"].as_array().unwrap().len());
            match reply.get("NextMarker") {
                Some(next) => marker = Some(next.clone()),
                None => break,
            }
        }
        assert_eq!(pages, [2, 1], "{account_id:?}");
    }
}

#[test]
fn credentials_are_printed_once_as_lines_for_a_shell() {
    let place = Place::initialised();
    let _server = place.serve();
    let printed = place.succeeds(&["account", "create", "pay\u{1b}[2Jments", "--config", "keyreeve.toml"]);
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[0].starts_with("# Account ") && lines[0].contains("pay?[2Jments"), "{printed}");
    assert!(lines[1].starts_with("export AWS_ACCESS_KEY_ID=AKIA"), "{printed}");
    assert!(lines[2].starts_with("export AWS_SECRET_ACCESS_KEY="), "{printed}");
    assert_eq!(lines[3], "export AWS_REGION=eu-central-1");
    let listed = place.succeeds(&["account", "list", "--socket", "data/admin.sock"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let secret = lines[2].split_once('=').unwrap().1;
    assert!(!listed.contains(secret), "{listed}");
}

#[test]
fn commands_work_on_a_dev_server_too() {
    let place = Place::new();
    let server = place.start(&["dev", "--data", "data", "--port", "0"]);
    let kms = server.address("AWS_ENDPOINT_URL_KMS=http://");
    let account = place.account("real");
    let (status, made) = account.call(&kms, "us-east-1", "CreateKey", json!({}));
    assert_eq!(status, 200, "{made}");
    let well_known = Account { id: String::new(), key: "test".to_owned(), secret: "test".to_owned() };
    assert_eq!(well_known.call(&kms, "us-east-1", "CreateKey", json!({})).0, 200);
    let listed = place.succeeds(&["key", "list", "--data", "data"]);
    assert!(listed.contains(&account.id) && listed.contains("000000000000"), "{listed}");
}

#[test]
fn without_a_server_a_command_says_how_to_start_one() {
    let place = Place::initialised();
    for arguments in
        [&["account", "list", "--data", "data"][..], &["key", "list", "--config", "keyreeve.toml"]]
    {
        let refused = place.fails(arguments);
        assert!(refused.contains("start it with `keyreeve serve"), "{refused}");
    }
}

#[test]
fn a_key_whose_row_was_altered_is_named_and_hides_no_other() {
    let place = Place::initialised();
    let server = place.serve();
    let account = place.account("mine");
    let ids: Vec<_> = (0..2)
        .map(|_| account.call(&server.kms(), REGION, "CreateKey", json!({})).1)
        .map(|made| made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned())
        .collect();
    server.signal(rustix::process::Signal::TERM);
    assert!(server.wait().success());
    let path = |id| Path::parse(&format!("kms/{REGION}/{}/key/{id}", account.id)).unwrap();
    overwrite(&place, path(&ids[0]), path(&ids[1]));
    let _server = place.serve();
    for of_account in [&[][..], &["--account", account.id.as_str()]] {
        let arguments = [&["key", "list", "--data", "data"], of_account].concat();
        let listed = place.succeeds(&arguments);
        let line = |key: &str| listed.lines().find(|line| line.contains(key)).unwrap_or_default();
        assert!(line(&ids[0]).contains("UNREADABLE"), "{listed}");
        assert!(line(&ids[1]).contains("Enabled"), "{listed}");
    }
}

/// Puts one row in the place of another.
fn overwrite(place: &Place, target: Path, source: Path) {
    let options = OpenOptions { path: place.path("data/store"), create: false, kind: "serve".to_owned() };
    let store = SqliteStore::open(options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let snapshot = store.get(&[source]).await.unwrap();
        let sealed = snapshot.rows[0].as_ref().unwrap().value.to_vec();
        store.commit(Commit::new(CommitId::new([7; 16])).put(target, sealed)).await.unwrap();
    });
}

//! OpenID Connect providers: which URLs are one, what they hold, and which limits they have.

use serde_json::{Value, json};

use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, Rig, root_of, text};

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{name}")
}

fn create(rig: &Rig, name: &str) -> String {
    let body = json!({"Url": format!("https://{name}")});
    text(&rig.iam("CreateOpenIDConnectProvider", body), "/OpenIDConnectProviderArn")
}

fn get(rig: &Rig, arn: &str) -> Value {
    rig.iam("GetOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": arn}))
}

fn listed(rig: &Rig) -> Vec<String> {
    let answer = rig.iam("ListOpenIDConnectProviders", json!({}));
    answer["OpenIDConnectProviderList"].as_array().unwrap().iter().map(|one| text(one, "/Arn")).collect()
}

#[test]
fn a_provider_is_shown_as_it_was_made() {
    let rig = Rig::new();
    let (name, thumbprint) = ("oidc.eks.eu-central-1.example.com/id/EXAMPLED539D", "aB".repeat(20));
    let tags = json!([{"Key": "team", "Value": "a"}]);
    let body = json!({
        "Url": format!("https://{name}"), "ClientIDList": ["sts.amazonaws.com", "b", "b"],
        "ThumbprintList": [thumbprint], "Tags": tags,
    });
    let made = rig.iam("CreateOpenIDConnectProvider", body);
    assert_eq!(made, json!({"OpenIDConnectProviderArn": arn(name), "Tags": tags}));
    let expected = json!({
        "Url": name, "ClientIDList": ["sts.amazonaws.com", "b"], "ThumbprintList": [thumbprint],
        "CreateDate": "2026-01-01T00:00:00Z", "Tags": tags,
    });
    assert_eq!(get(&rig, &arn(name)), expected);
    assert_eq!(get(&rig.restarted(), &arn(name)), expected);
}

#[test]
fn nothing_but_the_url_is_needed() {
    let rig = Rig::new();
    let arn = create(&rig, "accounts.example.org/");
    let expected = json!({
        "Url": "accounts.example.org/", "ClientIDList": [], "ThumbprintList": [], "CreateDate": "2026-01-01T00:00:00Z",
    });
    assert_eq!(get(&rig, &arn), expected);
}

#[test]
fn other_urls_are_refused() {
    let rig = Rig::new();
    for url in
        ["a.example.org", "http://a.example.org", "https://", "https://a.example.org?x", "https://localhost"]
    {
        let text = "Invalid Open ID Connect Provider URL";
        rig.iam_refuses("CreateOpenIDConnectProvider", json!({"Url": url}), "ValidationError", text);
    }
}

#[test]
fn a_provider_exists_once_and_only_its_exact_arn_finds_it() {
    let rig = Rig::new();
    create(&rig, "a.example.org/Realm");
    create(&rig, "a.example.org");
    for name in ["a.example.org/Realm", "A.example.org/realm"] {
        let text = format!("Provider with url https://{name} already exists.");
        let body = json!({"Url": format!("https://{name}")});
        rig.iam_refuses("CreateOpenIDConnectProvider", body, "EntityAlreadyExists", &text);
    }
    for wrong in [arn("a.example.org/realm"), arn("b.example.org"), arn("..")] {
        let text = format!("OpenIDConnect Provider not found for arn {wrong}");
        let body = json!({"OpenIDConnectProviderArn": wrong});
        rig.iam_refuses("GetOpenIDConnectProvider", body, "NoSuchEntity", &text);
    }
    let role = format!("arn:aws:iam::{ACCOUNT}:role/x");
    let text = format!("ARN {role} is not valid.");
    for operation in ["GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider"] {
        rig.iam_refuses(operation, json!({"OpenIDConnectProviderArn": role}), "InvalidInput", &text);
    }
    assert_eq!(listed(&rig), [arn("a.example.org"), arn("a.example.org/Realm")]);
}

#[test]
fn deleting_is_idempotent() {
    let rig = Rig::new();
    let (gone, kept) = (create(&rig, "a.example.org"), create(&rig, "b.example.org"));
    for _ in 0..2 {
        rig.iam("DeleteOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": gone}));
    }
    assert_eq!(listed(&rig), [kept]);
}

#[test]
fn providers_of_other_accounts_are_out_of_reach() {
    let rig = Rig::new();
    let arn = create(&rig, "a.example.org");
    let stranger = root_of(OTHER_ACCOUNT, REGION);
    for operation in
        ["GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "ListOpenIDConnectProviderTags"]
    {
        let error =
            rig.try_iam_as(&stranger, operation, &json!({"OpenIDConnectProviderArn": arn})).unwrap_err();
        assert_eq!(error.code, "AccessDeniedException", "{operation}");
    }
    let none = rig.try_iam_as(&stranger, "ListOpenIDConnectProviders", &json!({})).unwrap();
    assert_eq!(none["OpenIDConnectProviderList"], json!([]));
}

#[test]
fn client_ids_are_added_once_and_removed() {
    let rig = Rig::new();
    let arn = create(&rig, "a.example.org");
    let client = |id: &str| json!({"OpenIDConnectProviderArn": arn, "ClientID": id});
    for id in ["x", "y", "x"] {
        rig.iam("AddClientIDToOpenIDConnectProvider", client(id));
    }
    assert_eq!(get(&rig, &arn)["ClientIDList"], json!(["x", "y"]));
    for id in ["x", "x", "none"] {
        rig.iam("RemoveClientIDFromOpenIDConnectProvider", client(id));
    }
    assert_eq!(get(&rig, &arn)["ClientIDList"], json!(["y"]));
}

#[test]
fn limits_hold() {
    let rig = Rig::new();
    let arn = create(&rig, "a.example.org");
    let ids: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let quota = "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100";
    let body = json!({"Url": "https://b.example.org", "ClientIDList": ids});
    rig.iam_refuses("CreateOpenIDConnectProvider", body, "LimitExceeded", quota);
    for id in &ids[..100] {
        rig.iam(
            "AddClientIDToOpenIDConnectProvider",
            json!({"OpenIDConnectProviderArn": arn, "ClientID": id}),
        );
    }
    let body = json!({"OpenIDConnectProviderArn": arn, "ClientID": ids[100]});
    rig.iam_refuses("AddClientIDToOpenIDConnectProvider", body, "LimitExceeded", quota);

    let six: Vec<String> = (0..6).map(|digit| digit.to_string().repeat(40)).collect();
    let thumbprints = |list: &[String]| json!({"OpenIDConnectProviderArn": arn, "ThumbprintList": list});
    rig.iam("UpdateOpenIDConnectProviderThumbprint", thumbprints(&six[..5]));
    for (list, text) in [
        (&six[..], "Thumbprint list must contain fewer than 5 entries."),
        (&["g".repeat(40)][..], "Thumbprint must consist of hexadecimal digits."),
    ] {
        rig.iam_refuses("UpdateOpenIDConnectProviderThumbprint", thumbprints(list), "InvalidInput", text);
    }
    assert_eq!(get(&rig, &arn)["ThumbprintList"], json!(&six[..5]));

    for number in 1..100 {
        create(&rig, &format!("p{number}.example.org"));
    }
    let body = json!({"Url": "https://one.more.example.org"});
    let quota = "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100";
    rig.iam_refuses("CreateOpenIDConnectProvider", body, "LimitExceeded", quota);
}

#[test]
fn tags_come_and_go_whatever_their_letter_case() {
    let rig = Rig::new();
    let on = create(&rig, "a.example.org");
    let tag = |key: &str, value: &str| {
        let tags = json!([{"Key": key, "Value": value}]);
        rig.iam("TagOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": on, "Tags": tags}));
    };
    tag("team", "a");
    tag("TEAM", "b");
    tag("cost", "c");
    let list = |more: Value| {
        let mut body = json!({"OpenIDConnectProviderArn": on});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rig.iam("ListOpenIDConnectProviderTags", body)
    };
    let all = list(json!({}));
    let mut tags = all["Tags"].as_array().unwrap().clone();
    tags.sort_by_key(|tag| text(tag, "/Key").to_lowercase());
    assert_eq!(json!(tags), json!([{"Key": "cost", "Value": "c"}, {"Key": "TEAM", "Value": "b"}]));
    let first = list(json!({"MaxItems": 1}));
    assert_eq!((&first["IsTruncated"], first["Tags"].as_array().unwrap().len()), (&json!(true), 1));
    let second = list(json!({"MaxItems": 1, "Marker": first["Marker"]}));
    assert_eq!(second["IsTruncated"], false);
    assert_ne!(first["Tags"], second["Tags"]);
    rig.iam(
        "UntagOpenIDConnectProvider",
        json!({"OpenIDConnectProviderArn": on, "TagKeys": ["Team", "none"]}),
    );
    assert_eq!(list(json!({}))["Tags"], json!([{"Key": "cost", "Value": "c"}]));
}

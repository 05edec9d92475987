//! Lists: pages are complete, disjoint and ordered; a marker is good for its own list only.

use std::collections::BTreeSet;

use keyreeve_service::caller::Caller;
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, id_of, root, root_of, stranger};

struct List {
    operation: &'static str,
    items: &'static str,
    name: &'static str,
    default: usize,
    max: usize,
}

const LISTS: &[List] = &[
    List { operation: "ListKeys", items: "Keys", name: "KeyId", default: 100, max: 1000 },
    List { operation: "ListAliases", items: "Aliases", name: "AliasName", default: 50, max: 100 },
    List { operation: "ListResourceTags", items: "Tags", name: "TagKey", default: 50, max: 50 },
    List { operation: "ListKeyPolicies", items: "PolicyNames", name: "", default: 100, max: 1000 },
];

fn body(list: &List, key: &str, limit: Option<usize>, marker: Option<&str>) -> Value {
    let mut body = json!({"Limit": limit, "Marker": marker});
    if matches!(list.operation, "ListResourceTags" | "ListKeyPolicies") {
        body["KeyId"] = json!(key);
    }
    body
}

/// Every name in the list, page by page.
fn walk(rig: &Rig, list: &List, key: &str, limit: usize) -> Vec<String> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    loop {
        let answer = rig.ok(list.operation, body(list, key, Some(limit), marker.as_deref()));
        let page = answer[list.items].as_array().unwrap();
        assert!(page.len() <= limit, "{}: {} on a page of {limit}", list.operation, page.len());
        all.extend(page.iter().map(|item| item.get(list.name).unwrap_or(item).as_str().unwrap().to_owned()));
        marker = answer.get("NextMarker").map(|marker| marker.as_str().unwrap().to_owned());
        assert_eq!(answer["Truncated"], json!(marker.is_some()));
        assert!(
            marker.is_none() || page.len() == limit,
            "{}: a page before the last is full",
            list.operation
        );
        if marker.is_none() {
            return all;
        }
    }
}

/// A key with 23 tags and 23 aliases among 23 keys.
fn populated() -> (Rig, String) {
    let rig = Rig::new();
    let tags: Vec<_> = (0..23).map(|i| json!({"TagKey": format!("t{i}"), "TagValue": ""})).collect();
    let key = rig.key(json!({"Tags": tags}));
    (1..23).for_each(|_| drop(rig.key(json!({}))));
    for number in 0..23 {
        rig.ok("CreateAlias", json!({"AliasName": format!("alias/n{number}"), "TargetKeyId": key}));
    }
    (rig, key)
}

#[test]
fn pages_of_every_size_are_complete_disjoint_and_ordered() {
    let (rig, key) = populated();
    for list in LISTS {
        let whole = walk(&rig, list, &key, list.max);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len(), "{}", list.operation);
        assert!(whole.is_sorted(), "{}", list.operation);
        assert!(whole.len() >= 23 || list.operation == "ListKeyPolicies");
        for limit in [1, 2, 7, 22, 23, 24].into_iter().filter(|limit| *limit <= list.max) {
            assert_eq!(walk(&rig, list, &key, limit), whole, "{} by {limit}", list.operation);
        }
    }
    let mut by_key = Vec::new();
    let mut marker = Value::Null;
    loop {
        let answer = rig.ok("ListAliases", json!({"KeyId": key, "Limit": 5, "Marker": marker}));
        by_key.extend(answer["Aliases"].as_array().unwrap().clone());
        marker = answer["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    assert_eq!(by_key.len(), 23);
}

#[test]
fn each_list_has_its_own_default_and_greatest_page() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    for number in 0..50 {
        rig.ok("CreateAlias", json!({"AliasName": format!("alias/n{number}"), "TargetKeyId": key}));
    }
    (0..100).for_each(|_| drop(rig.key(json!({}))));
    for list in LISTS {
        let answer = rig.ok(list.operation, body(list, &key, None, None));
        let found = answer[list.items].as_array().unwrap().len();
        if matches!(list.operation, "ListKeys" | "ListAliases") {
            assert_eq!(found, list.default, "{}", list.operation);
        }
        rig.ok(list.operation, body(list, &key, Some(list.max), None));
        let text = format!(
            "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {}",
            list.max + 1,
            list.max,
        );
        let too_many = body(list, &key, Some(list.max + 1), None);
        rig.refuses(list.operation, too_many, "ValidationException", &text);
    }
}

fn marker_of(rig: &Rig, caller: &Caller, operation: &str, mut body: Value) -> String {
    body["Limit"] = json!(1);
    let answer = rig.ok_as(caller, operation, body);
    answer["NextMarker"].as_str().unwrap_or_else(|| panic!("{operation}: {answer}")).to_owned()
}

#[test]
fn a_marker_is_refused_unless_it_is_whole_and_of_this_list() {
    let (rig, key) = populated();
    let other = rig.key(json!({"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": ""}]}));
    rig.ok("CreateAlias", json!({"AliasName": "alias/o1", "TargetKeyId": other}));
    rig.ok("CreateAlias", json!({"AliasName": "alias/o2", "TargetKeyId": other}));
    let elsewhere = root_of(ACCOUNT, "us-east-1");
    for caller in [&stranger(), &elsewhere] {
        (0..2).for_each(|_| drop(rig.ok_as(caller, "CreateKey", json!({}))));
    }
    let lists = [
        ("ListKeys", json!({}), root()),
        ("ListKeys", json!({}), stranger()),
        ("ListKeys", json!({}), elsewhere.clone()),
        ("ListAliases", json!({}), root()),
        ("ListAliases", json!({}), stranger()),
        ("ListAliases", json!({}), elsewhere),
        ("ListAliases", json!({"KeyId": key}), root()),
        ("ListAliases", json!({"KeyId": other}), root()),
        ("ListResourceTags", json!({"KeyId": key}), root()),
        ("ListResourceTags", json!({"KeyId": other}), root()),
    ];
    let markers: Vec<_> = lists
        .iter()
        .map(|(operation, body, caller)| marker_of(&rig, caller, operation, body.clone()))
        .collect();
    for (index, (operation, body, caller)) in lists.iter().enumerate() {
        for (from, marker) in markers.iter().enumerate() {
            let mut body = body.clone();
            body["Marker"] = json!(marker);
            if from == index {
                rig.ok_as(caller, operation, body);
            } else {
                rig.refuses_as(caller, operation, body, "InvalidMarkerException", "");
            }
        }
        let marker = &markers[index];
        let mut changed = marker.clone().into_bytes();
        changed[marker.len() / 2] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        for bad in
            [&marker[..marker.len() - 1], &marker[1..], &format!("{marker}A"), &changed, "x", id_of(&key)]
        {
            let mut body = body.clone();
            body["Marker"] = json!(bad);
            rig.refuses_as(caller, operation, body, "InvalidMarkerException", "");
        }
    }
    let body = json!({"KeyId": key, "Marker": markers[0]});
    rig.refuses("ListKeyPolicies", body, "InvalidMarkerException", "");
}

#[test]
fn other_accounts_keys_through_ram_are_an_empty_list() {
    let (rig, _) = populated();
    let count = |owners: Value| {
        let answer = rig.ok("ListKeys", json!({"ResourceOwners": owners}));
        answer["Keys"].as_array().unwrap().len()
    };
    assert_eq!(count(json!(["SELF"])), 23);
    assert_eq!(count(json!(["OTHER_ACCOUNTS_VIA_RAM"])), 0);
    assert_eq!(count(json!(["OTHER_ACCOUNTS_VIA_RAM", "SELF"])), 23);
}

#[test]
fn a_page_goes_on_where_it_was_though_its_last_item_is_gone() {
    let (rig, key) = populated();
    let mut seen = BTreeSet::new();
    let mut marker = Value::Null;
    for _ in 0..100 {
        let answer = rig.ok("ListAliases", json!({"KeyId": key, "Limit": 2, "Marker": marker}));
        for alias in answer["Aliases"].as_array().unwrap() {
            assert!(seen.insert(alias["AliasName"].to_string()));
            rig.ok("DeleteAlias", json!({"AliasName": alias["AliasName"]}));
        }
        marker = answer["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 23);
}

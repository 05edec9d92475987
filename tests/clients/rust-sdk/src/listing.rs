//! The SDK's paginator over `ListKeys`: each key once, on full pages.

use aws_sdk_kms::{Client, types::KeyListEntry};

use crate::{
    keys::make_symmetric,
    outcome::{Outcome, holds, same},
};

const PAGE: usize = 2;
/// The most that one answer may hold.
const ALL: i32 = 1000;

pub(crate) async fn check(client: &Client) -> Outcome {
    let mut made = Vec::new();
    for _ in 0..2 * PAGE + 1 {
        made.push(make_symmetric(client).await?);
    }
    let whole = client.list_keys().limit(ALL).send().await?;
    same("Truncated", whole.truncated(), false)?;
    let whole = whole.keys.unwrap_or_default();
    let id_of = |entry: &KeyListEntry| entry.key_id().unwrap_or_default().to_owned();
    let ids: Vec<String> = whole.iter().map(id_of).collect();
    holds("every new key is listed", made.iter().all(|id| ids.contains(id)))?;

    let mut pages = client.list_keys().into_paginator().page_size(i32::try_from(PAGE)?).send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page?.keys().len());
    }
    let wanted: Vec<usize> = whole.chunks(PAGE).map(<[KeyListEntry]>::len).collect();
    same("sizes of the pages", sizes, wanted)?;

    let mut entries = client.list_keys().into_paginator().page_size(i32::try_from(PAGE)?).items().send();
    let mut one_by_one = Vec::new();
    while let Some(entry) = entries.next().await {
        one_by_one.push(entry?);
    }
    same("the entries of the pages", one_by_one, whole)
}

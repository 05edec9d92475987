//! A name for a key, moved to another key, and taken away.

use aws_sdk_kms::{Client, primitives::Blob};

use crate::{
    keys::make_symmetric,
    outcome::{Outcome, holds, refusal, same},
};

pub(crate) async fn check(client: &Client) -> Outcome {
    let (first, second) = (make_symmetric(client).await?, make_symmetric(client).await?);
    // The key's own id makes the name new, however often this runs against one server.
    let name = format!("alias/rust-{first}");
    let create = || client.create_alias().alias_name(&name).target_key_id(&first).send();
    create().await?;
    same("the key of the name", target(client, &name).await?, Some(first.clone()))?;
    let twice = refusal("CreateAlias again", create().await)?;
    holds("AlreadyExistsException", twice.is_already_exists_exception())?;

    let listed = client.list_aliases().key_id(&first).send().await?;
    let names: Vec<_> =
        listed.aliases().iter().map(|alias| (alias.alias_name(), alias.target_key_id())).collect();
    same("ListAliases of the key", names, vec![(Some(name.as_str()), Some(first.as_str()))])?;

    client.update_alias().alias_name(&name).target_key_id(&second).send().await?;
    same("the key of the moved name", target(client, &name).await?, Some(second.clone()))?;
    let sealed = client.encrypt().key_id(&name).plaintext(Blob::new("x")).send().await?;
    holds("Encrypt names the key itself", sealed.key_id().is_some_and(|arn| arn.ends_with(&second)))?;

    client.delete_alias().alias_name(&name).send().await?;
    let gone = refusal("DescribeKey by a deleted name", client.describe_key().key_id(&name).send().await)?;
    holds("NotFoundException", gone.is_not_found_exception())
}

async fn target(client: &Client, name: &str) -> Outcome<Option<String>> {
    let described = client.describe_key().key_id(name).send().await?;
    Ok(described.key_metadata.map(|key| key.key_id))
}

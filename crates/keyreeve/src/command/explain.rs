//! `keyreeve explain`: why somebody may or may not do something, without doing it.

use clap::Args;
use keyreeve_model::region::Region;
use serde_json::{Map, Value, json};

use super::Failure;
use super::operator::ServerAt;
use crate::terminal;

/// What to explain.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve explain --principal arn:aws:iam::111122223333:user/Alice --action kms:Decrypt --resource alias/orders\n  keyreeve explain --principal arn:aws:sts::111122223333:assumed-role/App/s1 --action kms:Decrypt \\\n      --resource arn:aws:kms:eu-central-1:111122223333:key/… --context kms:EncryptionContext:tenant=blue\n\nThe decision is made by the same engine, from the same policies and grants as for a request; conditions see what is given with --context and what is known of principal and key."
)]
pub(crate) struct Explain {
    /// Who: the ARN of a user, a role, a session or a root user, or the name of a service.
    #[arg(long, value_name = "ARN")]
    principal: String,
    /// Does what: kms:Decrypt, iam:CreateUser, …
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// On what: a key ARN or alias ARN, another ARN, or *.
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// A condition key of the request, again and again: aws:SourceIp=10.0.0.1
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Region of an alias or key id without an ARN.
    #[arg(long, value_parser = super::key::region)]
    region: Option<Region>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(crate) fn run(arguments: &Explain) -> Result<(), Failure> {
    let mut context = Map::new();
    for pair in &arguments.context {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            format!("--context {pair}: write it as KEY=VALUE, such as aws:SourceIp=10.0.0.1")
        })?;
        context.insert(key.to_owned(), value.into());
    }
    let input = json!({
        "Principal": arguments.principal,
        "Action": arguments.action,
        "Resource": arguments.resource,
        "Context": context,
    });
    let reply = arguments.server.client()?.call("Explain", arguments.region.as_ref(), &input)?;
    if arguments.json {
        let explanation = reply.get("Explanation").unwrap_or(&Value::Null);
        terminal::print(&super::account::pretty(explanation)?);
    } else {
        terminal::print(reply.get("Text").and_then(Value::as_str).unwrap_or_default().trim_end());
    }
    Ok(())
}

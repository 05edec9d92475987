//! `keyreeve service`: roles whose sessions act as a service of the deployment and may speak for others.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::operator::ServerAt;
use crate::table::{plain, table};
use crate::terminal;

/// What to do with services.
#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// Makes the sessions of a role act as a service.
    #[command(
        after_help = "Example:\n  keyreeve service register s3.eu-central-1.amazonaws.com --role arn:aws:iam::111122223333:role/Storage\n\nSuch a session is the service principal of key policies and grants, may use AWS managed keys, and may say for whom and for which resource it asks (x-keyreeve-forwarded-principal, x-keyreeve-source-arn, x-keyreeve-source-account):\nthat is what kms:ViaService, aws:CalledVia, aws:SourceArn and aws:SourceAccount then tell. Trust the role as much."
    )]
    Register(Register),
    /// Makes its sessions those of a role like any other again.
    Unregister(Unregister),
    /// Lists the services.
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// `<service>.<region>.amazonaws.com`.
    name: String,
    /// ARN of the role.
    #[arg(long, value_name = "ARN")]
    role: String,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Unregister {
    /// Name that it was registered by.
    name: String,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(crate) fn run(command: Service) -> Result<(), Failure> {
    match command {
        Service::Register(arguments) => register(&arguments),
        Service::Unregister(arguments) => {
            let input = json!({"ServiceName": arguments.name});
            arguments.server.client()?.call("UnregisterService", None, &input)?;
            terminal::print(&format!("{} is no service any more.", plain(&arguments.name)));
            Ok(())
        }
        Service::List(arguments) => list(&arguments),
    }
}

fn register(arguments: &Register) -> Result<(), Failure> {
    let (account, role) = role(&arguments.role).ok_or_else(|| {
        format!("{} is no ARN of a role: arn:aws:iam::<account>:role/<name>", arguments.role)
    })?;
    let input = json!({"ServiceName": arguments.name, "AccountId": account, "RoleName": role});
    arguments.server.client()?.call("RegisterService", None, &input)?;
    terminal::print(&format!(
        "Sessions of {} are {} from now on.",
        plain(&arguments.role),
        plain(&arguments.name)
    ));
    Ok(())
}

/// Account and name in the ARN of a role.
fn role(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:aws:iam::")?;
    let (account, path_and_name) = rest.split_once(":role/")?;
    Some((account, path_and_name.rsplit('/').next()?))
}

fn list(arguments: &List) -> Result<(), Failure> {
    let reply = arguments.server.client()?.call("ListServices", None, &json!({}))?;
    if arguments.json {
        terminal::print(&super::account::pretty(&reply)?);
        return Ok(());
    }
    let services = reply.get("Services").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if services.is_empty() {
        terminal::print("There is no service yet: `keyreeve service register NAME --role ARN` makes one.");
        return Ok(());
    }
    let text = |service: &Value, name| plain(service.get(name).and_then(Value::as_str).unwrap_or_default());
    let rows: Vec<_> = services
        .iter()
        .map(|service| [text(service, "ServiceName"), text(service, "AccountId"), text(service, "RoleName")])
        .collect();
    terminal::print(&table(["SERVICE", "ACCOUNT", "ROLE"], &rows));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arn_of_a_role_has_an_account_and_a_name() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:role/Storage", Some(("111122223333", "Storage"))),
            ("arn:aws:iam::111122223333:role/a/b/Storage", Some(("111122223333", "Storage"))),
            ("arn:aws:iam::111122223333:user/Alice", None),
            ("Storage", None),
        ] {
            assert_eq!(super::role(arn), expected, "{arn}");
        }
    }
}

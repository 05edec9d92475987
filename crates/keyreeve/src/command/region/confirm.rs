//! What two operators confirm: printing the request, signing it, carrying it out.

use std::path::PathBuf;

use clap::Args;
use keyreeve_server::operator_key;
use keyreeve_server::regions::{Action, Confirmation, PromotedKeys};
use serde_json::{Value, json};

use super::{ServerAt, answer, elements, read, text};
use crate::command::Failure;
use crate::command::account::pretty;
use crate::table::plain;
use crate::terminal;

#[derive(Debug, Args)]
pub(crate) struct PromotionRequest {
    /// One multi-Region key, mrk-…
    #[arg(long, value_name = "KEY", conflicts_with = "all", required_unless_present = "all")]
    key_id: Option<String>,
    /// Every key whose primary is in the lost Region and that has a replica here.
    #[arg(long)]
    all: bool,
    /// The Region that is lost.
    #[arg(long, value_name = "REGION")]
    lost: String,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct HomeRequest {
    /// The home that is lost.
    #[arg(long, value_name = "REGION")]
    lost: String,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The request.
    request: PathBuf,
    /// The operator's private key, as `keyreeve region operator-key new` made it.
    #[arg(long, value_name = "KEY")]
    with: PathBuf,
}

/// A request, and who signed it.
#[derive(Debug, Args)]
pub(crate) struct Signed {
    /// The request.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// What `keyreeve region sign` printed; given twice, of two operators.
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ForcePromote {
    #[command(flatten)]
    signed: Signed,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct TakeHome {
    #[command(flatten)]
    signed: Signed,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

impl Signed {
    /// As the commands take it.
    pub(super) fn input(&self) -> Result<Value, Failure> {
        input(&self.request, &self.signature)
    }
}

/// A request and signatures as the commands take them.
pub(super) fn input(request: &std::path::Path, signatures: &[PathBuf]) -> Result<Value, Failure> {
    let signatures = signatures.iter().map(|path| {
        let signature: Value = serde_json::from_str(&read(path)?)
            .map_err(|_| format!("{}: this is not what `keyreeve region sign` prints", path.display()))?;
        Ok::<_, Failure>(signature)
    });
    let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"Request": read(request)?, "Signatures": signatures}))
}

pub(super) fn request_promotion(arguments: &PromotionRequest) -> Result<(), Failure> {
    let mut input = json!({"What": "ForcePromote", "LostRegion": arguments.lost});
    if let Some(members) = input.as_object_mut() {
        match &arguments.key_id {
            Some(key) => members.insert("KeyId".to_owned(), json!(key)),
            None => members.insert("All".to_owned(), json!(true)),
        };
    }
    print_request(&arguments.server, &input)
}

pub(super) fn request_home(arguments: &HomeRequest) -> Result<(), Failure> {
    print_request(&arguments.server, &json!({"What": "TakeHome", "LostRegion": arguments.lost}))
}

/// Asks for a request and prints it; what it means, on the terminal.
pub(super) fn print_request(server: &ServerAt, input: &Value) -> Result<(), Failure> {
    let reply = server.client()?.call("RequestConfirmation", None, input)?;
    let request = pretty(&reply)?;
    let meaning = meaning(&Confirmation::parse(&request)?);
    terminal::print(&request);
    terminal::tell(&format!("{meaning}\nTwo operators sign it: keyreeve region sign FILE --with KEY"));
    Ok(())
}

pub(super) fn sign(arguments: &Sign) -> Result<(), Failure> {
    let request = read(&arguments.request)?;
    terminal::tell(&format!("You sign: {}", meaning(&Confirmation::parse(&request)?)));
    if !terminal::agreed("Sign it?")? {
        return Err("nothing was signed".into());
    }
    let (_, signature) = operator_key::sign(&request, &arguments.with)?;
    terminal::print(&serde_json::to_string_pretty(&signature)?);
    Ok(())
}

pub(super) fn force_promote(arguments: &ForcePromote) -> Result<(), Failure> {
    let input = arguments.signed.input()?;
    let reply = arguments.server.client()?.call("ForcePromote", None, &input)?;
    answer(arguments.json, &reply, |reply| {
        let keys = elements(reply, "Keys");
        let mut words = format!(
            "{} keys have their primary here from now on, and not in {} any more. Confirmed by {}.",
            keys.len(),
            plain(text(reply, "LostRegion")),
            signers(reply)
        );
        for key in keys {
            words.push_str(&format!("\n{}", plain(key.as_str().unwrap_or_default())));
        }
        let failed = elements(reply, "Failed");
        if !failed.is_empty() {
            words.push_str(&format!(
                "\n{} keys could not be promoted; confirm them anew once mended:",
                failed.len()
            ));
        }
        for key in failed {
            words.push_str(&format!("\n{}", plain(key.as_str().unwrap_or_default())));
        }
        words
    })
}

pub(super) fn take_home(arguments: &TakeHome) -> Result<(), Failure> {
    let input = arguments.signed.input()?;
    let reply = arguments.server.client()?.call("TakeHome", None, &input)?;
    answer(arguments.json, &reply, |reply| {
        let lost = plain(text(reply, "LostRegion"));
        format!(
            "The identities are kept here from now on, and not in {lost} any more: term {}. Confirmed by {}.\nThey are as \
             {lost} had them at {}; what it changed later is lost.",
            reply.get("Term").map(Value::to_string).unwrap_or_default(),
            signers(reply),
            terminal::instant(reply.get("IdentitiesAgreed")),
        )
    })
}

/// Who confirmed, in words.
pub(super) fn signers(reply: &Value) -> String {
    let names = elements(reply, "ConfirmedBy").iter().map(|signer| plain(text(signer, "Name")));
    names.collect::<Vec<_>>().join(" and ")
}

/// What a request asks for, in a sentence.
fn meaning(request: &Confirmation) -> String {
    let what = match &request.action {
        Action::ForcePromote { keys: PromotedKeys::All, lost } => {
            format!("becomes the primary of every key that has its primary in {lost}, which is lost")
        }
        Action::ForcePromote { keys: PromotedKeys::Key { id, epoch }, lost } => {
            format!(
                "becomes the primary of the key {} (epoch {epoch}) instead of {lost}, which is lost",
                plain(id)
            )
        }
        // The name says nothing of whose key it is.
        Action::AddOperatorKey { name, spki } => format!(
            "registers the operator key of {}, which has the fingerprint {}",
            plain(name),
            operator_key::fingerprint_in_request(spki).unwrap_or_else(|| "of no key".to_owned())
        ),
        Action::TakeHome { lost, epoch } => {
            format!(
                "becomes the home of the identities (term {epoch}) instead of {lost}, which is lost for good"
            )
        }
        Action::RemoveOperatorKey { fingerprint } => {
            format!("removes the operator key {}", plain(fingerprint))
        }
    };
    format!("the Region {} {what}. Until {}, once.", request.region, plain(&request.expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_for_a_new_operator_key_sees_which_key_it_is() {
        let request = |spki: &str| {
            let request = json!({
                "format": "keyreeve-confirmation/1", "region": "eu-west-1", "deployment": "d",
                "action": {"AddOperatorKey": {"name": "carol", "spki": spki}},
                "nonce": "00".repeat(16), "expires": "2026-01-01T00:00:00Z",
            });
            meaning(&Confirmation::parse(&request.to_string()).unwrap())
        };
        // SHA-256 of "a" and of "b".
        for (spki, fingerprint) in [
            ("61", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
            ("62", "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"),
        ] {
            let meaning = request(spki);
            assert!(meaning.contains("carol") && meaning.contains(fingerprint), "{meaning}");
        }
    }
}

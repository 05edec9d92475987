//! `keyreeve region operator-key`: keys of operators, made on their own machines and registered in a Region.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::operator_key::{self, OperatorPublicKey};
use serde_json::{Value, json};

use super::confirm::{self, signers};
use super::{ServerAt, Show, answer, elements, text};
use crate::command::Failure;
use crate::table::{plain, table};
use crate::terminal;

/// What to do with operator keys.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  keyreeve region operator-key new --out alice.key > alice.pub         on Alice's own machine\n  keyreeve region operator-key add alice.pub --name alice --config frankfurt.toml\n  keyreeve region operator-key add bob.pub --name bob --config frankfurt.toml\n\nOnce two are registered, every change of the list needs two signatures:\n  keyreeve region operator-key request --add carol.pub --name carol > request.json\n  keyreeve region sign request.json --with alice.key > alice.sig\n  keyreeve region sign request.json --with bob.key > bob.sig\n  keyreeve region operator-key add --request request.json --signature alice.sig --signature bob.sig\n\nRegister at least two in every Region before one is lost, and keep the private keys off its machines."
)]
pub(crate) enum OperatorKey {
    /// Makes a key: the private half into a file, mode 0600; prints the public half. Needs no server.
    New(New),
    /// Registers a public key.
    Add(Add),
    /// Removes a registered key.
    Remove(Remove),
    /// Prints what two operators sign so that the list changes.
    Request(Request),
    /// Lists the registered keys.
    List(Show),
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// File for the private key; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The public key in PEM.
    #[arg(required_unless_present = "request", requires = "name")]
    public_key: Option<PathBuf>,
    /// Whose it is.
    #[arg(long, value_name = "NAME", requires = "public_key")]
    name: Option<String>,
    /// A signed request, where two keys are registered already.
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    request: Option<PathBuf>,
    /// What `keyreeve region sign` printed; given twice, of two operators.
    #[arg(long, value_name = "FILE", requires = "request")]
    signature: Vec<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The key, as `keyreeve region operator-key list` shows it.
    #[arg(required_unless_present = "request")]
    fingerprint: Option<String>,
    /// A signed request, where two keys are registered.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    request: Option<PathBuf>,
    /// What `keyreeve region sign` printed; given twice, of two operators.
    #[arg(long, value_name = "FILE", requires = "request")]
    signature: Vec<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// A public key to be registered.
    #[arg(long, value_name = "FILE", requires = "name", required_unless_present = "remove")]
    add: Option<PathBuf>,
    /// Whose it is.
    #[arg(long, value_name = "NAME", requires = "add")]
    name: Option<String>,
    /// The fingerprint of a key to be removed.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "add")]
    remove: Option<String>,
    #[command(flatten)]
    server: ServerAt,
}

pub(super) fn run(command: &OperatorKey) -> Result<(), Failure> {
    match command {
        OperatorKey::New(arguments) => new(arguments),
        OperatorKey::Add(arguments) => add(arguments),
        OperatorKey::Remove(arguments) => remove(arguments),
        OperatorKey::Request(arguments) => request(arguments),
        OperatorKey::List(arguments) => {
            let reply = arguments.server.client()?.call("ListOperatorKeys", None, &json!({}))?;
            answer(arguments.json, &reply, list)
        }
    }
}

fn new(arguments: &New) -> Result<(), Failure> {
    let public = operator_key::make(&arguments.out)?;
    if arguments.json {
        let reply = json!({"PublicKey": public.to_pem(), "Fingerprint": public.fingerprint()});
        return answer(true, &reply, |_| String::new());
    }
    terminal::print(public.to_pem().trim_end());
    terminal::tell(&format!(
        "The private key is in {}: whoever has it can confirm in your name.\nFingerprint: {}",
        arguments.out.display(),
        public.fingerprint()
    ));
    Ok(())
}

fn add(arguments: &Add) -> Result<(), Failure> {
    let input = match (&arguments.request, &arguments.public_key) {
        (Some(request), _) => confirm::input(request, &arguments.signature)?,
        (None, Some(file)) => {
            json!({"Name": arguments.name, "PublicKey": OperatorPublicKey::read(file)?.to_base64()})
        }
        (None, None) => return Err("give a public key, or a signed request".into()),
    };
    let reply = arguments.server.client()?.call("AddOperatorKey", None, &input)?;
    answer(arguments.json, &reply, |reply| {
        format!(
            "The key of {} confirms from now on: {}{}",
            plain(text(reply, "Name")),
            plain(text(reply, "Fingerprint")),
            confirmed(reply)
        )
    })
}

fn remove(arguments: &Remove) -> Result<(), Failure> {
    let input = match (&arguments.request, &arguments.fingerprint) {
        (Some(request), _) => confirm::input(request, &arguments.signature)?,
        (None, Some(fingerprint)) => json!({"Fingerprint": fingerprint}),
        (None, None) => return Err("give a fingerprint, or a signed request".into()),
    };
    let reply = arguments.server.client()?.call("RemoveOperatorKey", None, &input)?;
    answer(arguments.json, &reply, |reply| {
        format!("The key {} confirms no more.{}", plain(text(reply, "Fingerprint")), confirmed(reply))
    })
}

fn confirmed(reply: &Value) -> String {
    if elements(reply, "ConfirmedBy").is_empty() {
        return String::new();
    }
    format!("\nConfirmed by {}.", signers(reply))
}

fn request(arguments: &Request) -> Result<(), Failure> {
    let input = match (&arguments.add, &arguments.remove) {
        (Some(file), _) => json!({
            "What": "AddOperatorKey",
            "Name": arguments.name,
            "PublicKey": OperatorPublicKey::read(file)?.to_base64(),
        }),
        (None, Some(fingerprint)) => json!({"What": "RemoveOperatorKey", "Fingerprint": fingerprint}),
        (None, None) => return Err("say which key is to be added or removed".into()),
    };
    confirm::print_request(&arguments.server, &input)
}

fn list(reply: &Value) -> String {
    let keys = elements(reply, "OperatorKeys");
    if keys.is_empty() {
        return "There is no operator key yet: `keyreeve region operator-key new --out FILE` makes one."
            .to_owned();
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                plain(text(key, "Name")),
                terminal::day(key.get("RegistrationDate")),
                plain(text(key, "Fingerprint")),
            ]
        })
        .collect();
    table(["NAME", "REGISTERED", "FINGERPRINT"], &rows)
}

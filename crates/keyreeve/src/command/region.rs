//! `keyreeve region`: other Regions of the installation, through the admin socket. What two operators confirm is in
//! `confirm.rs`, their keys in `operator_key.rs`, the words of the status in `status.rs`.

mod confirm;
mod operator_key;
mod status;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyreeve_server::regions::Introduction;
use serde_json::{Value, json};

use super::Failure;
use super::account::pretty;
use super::operator::ServerAt;
use crate::table::{plain, table};
use crate::terminal;

/// What to do about Regions.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Two Regions come together so (each `keyreeve serve` has its own folder, root key and configuration, with [region] listen and endpoint in it):\n\n  keyreeve region init --config frankfurt.toml > frankfurt.json     in eu-central-1\n  keyreeve region init --config ireland.toml > ireland.json         in eu-west-1\n  keyreeve region trust ireland.json --config frankfurt.toml        compare fingerprints by voice\n  keyreeve region trust frankfurt.json --home --config ireland.toml identities are kept there\n  keyreeve region status --config frankfurt.toml\n\nWhen a Region is lost for good, two operators can make another one the primary of its keys:\n`keyreeve region promotion-request --help`; and the home of the identities: `keyreeve region home-request --help`. Register their keys while all is well:\n`keyreeve region operator-key --help`."
)]
pub(crate) enum Region {
    /// Makes the keys of this Region that are missing, and prints how it introduces itself to others.
    #[command(
        after_help = "Example:\n  keyreeve region init --config frankfurt.toml > frankfurt.json\n\nThe file holds nothing secret: where the Region answers, the pin of its certificate, its public transport key. Bring it to the other Region in any way, and the fingerprint, which is printed to the terminal, in another one: by voice."
    )]
    Init(Init),
    /// Trusts another Region by its introduction.
    #[command(
        after_help = "Examples:\n  keyreeve region trust ireland.json --config frankfurt.toml       asks for the fingerprint\n  keyreeve region trust ireland.json --fingerprint 1a2b-3c4d-...   as you were told it\n  keyreeve region trust frankfurt.json --home                      users and roles are kept there\n\nTrust is needed on both sides. A trusted Region gets the material of keys that are replicated to it, and may write to keys whose primary it is. Trusting it again replaces what was known of it, such as after it was made anew; the home stays the home, until another one is named with --home."
    )]
    Trust(Trust),
    /// Trusts a Region no more: at once, also on connections that are open.
    #[command(
        after_help = "Example:\n  keyreeve region untrust eu-west-1 --config frankfurt.toml\n\nKeys that have a replica there keep it, and stay behind until the Region is trusted again. The home of the identities cannot be untrusted before another home is named: `keyreeve region trust FILE --home`, or `keyreeve region take-home`."
    )]
    Untrust(Untrust),
    /// Lists this Region and the trusted ones.
    #[command(after_help = "Example:\n  keyreeve region list --config frankfurt.toml")]
    List(Show),
    /// Asks every trusted Region, and tells how far they and this one are apart.
    #[command(
        after_help = "Example:\n  keyreeve region status --config frankfurt.toml\n\nKEYS BEHIND counts keys whose newest state the Region has not got yet. The age of identities is how long a deactivated user can still be believed here."
    )]
    Status(Show),
    /// Makes, registers and lists the keys by which operators confirm what cannot be undone.
    #[command(subcommand)]
    OperatorKey(operator_key::OperatorKey),
    /// Prints what two operators sign so that this Region becomes the primary of a lost one's keys.
    #[command(
        after_help = "Example, when eu-central-1 is lost and eu-west-1 shall go on:\n  keyreeve region promotion-request --all --lost eu-central-1 --config ireland.toml > request.json\n  keyreeve region sign request.json --with alice.key > alice.sig      each on her own machine\n  keyreeve region sign request.json --with bob.key > bob.sig\n  keyreeve region force-promote --request request.json --signature alice.sig --signature bob.sig\n\nOnly for a Region that does not come back soon: what its primary changed last and did not tell is lost. Is it only unreachable, wait; and while both answer, use UpdatePrimaryRegion. A request counts for an hour, once."
    )]
    PromotionRequest(confirm::PromotionRequest),
    /// Signs a request with an operator key; needs no server.
    #[command(
        after_help = "Example:\n  keyreeve region sign request.json --with alice.key > alice.sig\n\nWhat is signed is told on the terminal: read it."
    )]
    Sign(confirm::Sign),
    /// Makes this Region the primary of a lost one's keys, as two operators signed.
    #[command(
        after_help = "Example:\n  keyreeve region force-promote --request request.json --signature alice.sig --signature bob.sig\n\nThe record of it names both keys. Should the lost Region come back, it hears of the newer epoch and becomes a replica."
    )]
    ForcePromote(confirm::ForcePromote),
    /// Prints what two operators sign so that this Region becomes the home of the identities in place of a lost one.
    #[command(
        after_help = "Example, when eu-central-1 was the home and is lost for good:\n  keyreeve region home-request --lost eu-central-1 --config ireland.toml > request.json\n  keyreeve region sign request.json --with alice.key > alice.sig      each on her own machine\n  keyreeve region sign request.json --with bob.key > bob.sig\n  keyreeve region take-home --request request.json --signature alice.sig --signature bob.sig\n\nOnly for a home that does not come back: what it changed last and had not handed out is lost. A request counts for an hour, once."
    )]
    HomeRequest(confirm::HomeRequest),
    /// Makes this Region the home of the identities in place of a lost one, as two operators signed.
    #[command(
        after_help = "Example:\n  keyreeve region take-home --request request.json --signature alice.sig --signature bob.sig\n\nOther Regions in which the keys of both operators are registered follow it as soon as they hear of it, the lost one too, should it come back; what that one alone had is named in its log and by its `keyreeve region status`."
    )]
    TakeHome(confirm::TakeHome),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Prints the fingerprint beside the introduction, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// What `keyreeve region init` printed there.
    file: PathBuf,
    /// Users, roles and their policies are kept in that Region, and followed here.
    #[arg(long)]
    home: bool,
    /// The fingerprint as the other operator told it, instead of a question.
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Untrust {
    /// The Region, as `keyreeve region list` shows it.
    region: String,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(crate) fn run(command: &Region) -> Result<(), Failure> {
    match command {
        Region::Init(arguments) => init(arguments),
        Region::Trust(arguments) => trust(arguments),
        Region::Untrust(arguments) => {
            let input = json!({"Region": arguments.region});
            arguments.server.client()?.call("UntrustRegion", None, &input)?;
            let sentence = format!("{} is not trusted any more.", plain(&arguments.region));
            answer(arguments.json, &json!({"Region": arguments.region}), |_| sentence)
        }
        Region::List(arguments) => {
            let reply = arguments.server.client()?.call("ListRegions", None, &json!({}))?;
            answer(arguments.json, &reply, list)
        }
        Region::Status(arguments) => {
            let reply = arguments.server.client()?.call("RegionStatus", None, &json!({}))?;
            answer(arguments.json, &reply, status::words)
        }
        Region::OperatorKey(command) => operator_key::run(command),
        Region::PromotionRequest(arguments) => confirm::request_promotion(arguments),
        Region::Sign(arguments) => confirm::sign(arguments),
        Region::ForcePromote(arguments) => confirm::force_promote(arguments),
        Region::HomeRequest(arguments) => confirm::request_home(arguments),
        Region::TakeHome(arguments) => confirm::take_home(arguments),
    }
}

/// Prints an answer: as it came, or in words.
fn answer(json: bool, reply: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
    terminal::print(&if json { pretty(reply)? } else { words(reply) });
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn elements<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// The content of a file that somebody named.
fn read(path: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn init(arguments: &Init) -> Result<(), Failure> {
    let reply = arguments.server.client()?.call("InitRegion", None, &json!({}))?;
    if arguments.json {
        terminal::print(&pretty(&reply)?);
        return Ok(());
    }
    terminal::print(&pretty(reply.get("Introduction").unwrap_or(&Value::Null))?);
    terminal::tell(&format!(
        "Fingerprint: {}\nTell it to the operator of the other Region by voice; `keyreeve region trust` shows it there.",
        plain(text(&reply, "Fingerprint"))
    ));
    Ok(())
}

fn trust(arguments: &Trust) -> Result<(), Failure> {
    let introduction = Introduction::parse(&read(&arguments.file)?)
        .map_err(|fault| format!("{}: {fault}", arguments.file.display()))?;
    let fingerprint = match &arguments.fingerprint {
        Some(given) => given.clone(),
        None => compared(&introduction)?,
    };
    let input = json!({
        "Introduction": serde_json::to_string(&introduction)?,
        "Fingerprint": fingerprint,
        "Home": arguments.home,
    });
    let reply = arguments.server.client()?.call("TrustRegion", None, &input)?;
    answer(arguments.json, &reply, |reply| {
        let home = match (is_true(reply, "Home"), arguments.home, text(reply, "FormerHome")) {
            (false, _, _) => String::new(),
            (true, false, _) => " Identities are kept there, as before.".to_owned(),
            (true, true, "") => " Identities are kept there.".to_owned(),
            (true, true, former) => {
                format!(" Identities are kept there; those of {} are not followed any more.", plain(former))
            }
        };
        let before =
            if is_true(reply, "Replaced") { " What was known of it before is forgotten." } else { "" };
        format!(
            "{} at {} is trusted from now on.{home}{before}\nThe other side must trust this Region too; then \
             `keyreeve region status` shows it reachable.",
            plain(text(reply, "Region")),
            plain(text(reply, "Endpoint"))
        )
    })
}

/// Asks whether the fingerprint is the one that the other operator reads.
fn compared(introduction: &Introduction) -> Result<String, Failure> {
    let fingerprint = introduction.fingerprint();
    if !std::io::stdin().is_terminal() {
        return Err(format!(
            "compare the fingerprint of {} with the one that `keyreeve region init` printed there, and say it with \
             --fingerprint",
            introduction.region
        )
        .into());
    }
    terminal::tell(&format!(
        "{} at {}\nFingerprint: {fingerprint}",
        introduction.region,
        plain(&introduction.endpoint)
    ));
    let mut err = std::io::stderr();
    write!(err, "Does the operator there read the same? Type yes: ")?;
    err.flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    if typed.trim() == "yes" {
        Ok(fingerprint)
    } else {
        Err("nothing was changed: that is not the Region that you mean".into())
    }
}

fn list(reply: &Value) -> String {
    let own = format!(
        "This Region: {}{}",
        plain(text(reply, "Region")),
        match text(reply, "Endpoint") {
            "" => " (speaks with no other: set [region] in the configuration)".to_owned(),
            endpoint => format!(" at {}", plain(endpoint)),
        }
    );
    let trusted = elements(reply, "Trusted");
    if trusted.is_empty() {
        return format!("{own}\nIt trusts no other Region yet: `keyreeve region trust FILE`.");
    }
    let rows: Vec<_> = trusted
        .iter()
        .map(|peer| {
            [
                plain(text(peer, "Region")),
                plain(text(peer, "Endpoint")),
                terminal::day(peer.get("TrustDate")),
                if is_true(peer, "Home") { "yes".to_owned() } else { String::new() },
                plain(text(peer, "CertificatePin").get(..16).unwrap_or_default()),
            ]
        })
        .collect();
    format!("{own}\n{}", table(["REGION", "ENDPOINT", "TRUSTED", "HOME", "CERTIFICATE"], &rows))
}

//! `keyreeve root`: a new root key for a running server, and everything under it sealed anew.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Failure;
use super::given_secret::GivenSecret;
use super::operator::ServerAt;
use super::operators::LOOK_PAUSE;
use crate::progress::Bar;
use crate::terminal;

/// What to do with the root key.
#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Makes a new root key and seals everything under it anew, while the server serves.
    #[command(
        after_help = "Examples:\n  keyreeve root rotate --config keyreeve.toml\n  keyreeve root rotate --data /var/lib/keyreeve --passphrase\n\nKey file and passphrase stay as they are; ciphertexts stay valid. The server goes on when this command is stopped, and after a restart; run it again to watch. Older backups open with the same secret as before."
    )]
    Rotate(Rotate),
    /// Prints how far the rotation is.
    Status(Status),
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    server: ServerAt,
    #[command(flatten)]
    secret: GivenSecret,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    server: ServerAt,
}

pub(crate) fn run(command: Root) -> Result<(), Failure> {
    match command {
        Root::Rotate(arguments) => rotate(&arguments),
        Root::Status(arguments) => {
            let status = arguments.server.client()?.call("RootRotationStatus", None, &json!({}))?;
            terminal::print(&serde_json::to_string_pretty(&status)?);
            Ok(())
        }
    }
}

fn rotate(arguments: &Rotate) -> Result<(), Failure> {
    let (client, config, folder) =
        (arguments.server.client()?, arguments.server.config()?, arguments.server.folder()?);
    let mut input = Map::new();
    if let Some(passphrase) = arguments.secret.secret(config.as_ref(), Some(&folder))?.passphrase_base64() {
        input.insert("Passphrase".to_owned(), passphrase.into());
    }
    let begun = client.call("RootRotate", None, &Value::Object(input))?;
    let generation = number(&begun, "Generation");
    terminal::print(&if begun.get("Resumed") == Some(&Value::Bool(true)) {
        format!("An earlier rotation is still under way: finishing it (root key generation {generation}).")
    } else {
        format!("Root key generation {generation} is in force. Sealing everything anew:")
    });
    let bar = Bar::rows();
    let last = loop {
        let status = client.call("RootRotationStatus", None, &json!({}))?;
        bar.show(number(&status, "RowsDone"), number(&status, "RowsTotal"));
        if status.get("State").and_then(Value::as_str) != Some("Running") {
            break status;
        }
        std::thread::sleep(LOOK_PAUSE);
    };
    bar.clear();
    if let Some(trouble) = last.get("Trouble").and_then(Value::as_str) {
        return Err(format!("the rotation is incomplete: {trouble}").into());
    }
    terminal::print(&format!(
        "Done: {} rows were sealed anew, a whole scan found none under the old keys, and those are gone.",
        number(&last, "RowsSealed")
    ));
    Ok(())
}

fn number(status: &Value, name: &str) -> u64 {
    status.get(name).and_then(Value::as_u64).unwrap_or_default()
}

//! `keyreeve key import`: the whole ceremony of ImportKeyMaterial, as the owner of the material does it.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use keyreeve_client::import::{self, Format, Imported, Kind, Order, Validity};
use keyreeve_server::deployment;
use serde_json::json;

use crate::command::Failure;
use crate::command::account::pretty;
use crate::command::endpoint::{Endpoint, SETTINGS_HELP};
use crate::table::plain;
use crate::terminal;

/// Which material into which key.
#[derive(Debug, Args)]
#[command(
    after_help = help(),
    group = ArgGroup::new("validity").required(true).args(["expires", "does_not_expire"]),
    group = ArgGroup::new("kind").args(["new", "existing"])
)]
pub(crate) struct Import {
    /// Key with origin EXTERNAL: id, ARN or alias.
    #[arg(long, value_name = "KEY")]
    key_id: String,
    /// File of the material: raw bytes, hex or base64 of a secret key; PKCS#8, PEM or DER, of a private key.
    #[arg(long, value_name = "FILE")]
    material: PathBuf,
    /// How the file holds it, where that is not plain from its content.
    #[arg(long, value_enum)]
    format: Option<Written>,
    /// When the service deletes the material: 2027-06-30 (its first second, UTC) or 2027-06-30T12:00:00Z; within a year.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    expires: Option<i64>,
    /// The material stays until somebody deletes it.
    #[arg(long)]
    does_not_expire: bool,
    /// A further material of a symmetric key, to which it is rotated by RotateKeyOnDemand.
    #[arg(long)]
    new: bool,
    /// Material that the key had before.
    #[arg(long)]
    existing: bool,
    /// Note on the material.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    endpoint: Endpoint,
}

/// How a file holds key material.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Raw,
    Hex,
    Base64,
    Der,
    Pem,
}

fn help() -> String {
    format!(
        "Examples:\n  \
         aws kms create-key --origin EXTERNAL\n  \
         openssl rand -out material.bin 32\n  \
         keyreeve key import --key-id alias/mine --material material.bin --does-not-expire\n  \
         keyreeve key import --key-id alias/mine --material second.bin --new --expires 2027-06-30\n  \
         keyreeve key import --key-id alias/signing --material rsa-pkcs8.pem --does-not-expire\n\n\
         The material is wrapped here, under a key that the service made for this import: RSAES_OAEP_SHA_256 for secret keys \
         and whatever else fits, RSA_AES_KEY_WRAP_SHA_256 for RSA keys, SM2PKE in China Regions. Keep the file: the service \
         never gives material back, and after it expires or is deleted only the same material opens its ciphertexts.\n\n{SETTINGS_HELP}"
    )
}

fn moment(text: &str) -> Result<i64, String> {
    let time = text.parse::<jiff::Timestamp>().ok();
    let time = time.or_else(|| format!("{text}T00:00:00Z").parse().ok());
    time.map(jiff::Timestamp::as_second)
        .ok_or_else(|| "a date is like 2027-06-30 or 2027-06-30T12:00:00Z".to_owned())
}

pub(super) fn run(arguments: &Import) -> Result<(), Failure> {
    deployment::harden()?;
    let mut kms = arguments.endpoint.kms(Some(&arguments.key_id))?;
    let key = import::describe(&mut kms, &arguments.key_id)?;
    let file = arguments.material.display();
    let (material, open_to_others) =
        import::read(&arguments.material, &key, arguments.format.map(Written::format))
            .map_err(|error| format!("{file}: {error}"))?;
    if open_to_others {
        tracing::warn!("others than its owner may read {file}: chmod 600 {file}");
    }
    let order = Order {
        validity: arguments.expires.map_or(Validity::Unlimited, Validity::Until),
        kind: arguments.new.then_some(Kind::New).or_else(|| arguments.existing.then_some(Kind::Existing)),
        description: arguments.description.clone(),
    };
    let imported = import::import(&mut kms, &key, &material, &order)?;
    terminal::print(&if arguments.json { pretty(&described(&imported))? } else { told(&imported) });
    Ok(())
}

impl Written {
    const fn format(self) -> Format {
        match self {
            Self::Raw => Format::Raw,
            Self::Hex => Format::Hex,
            Self::Base64 => Format::Base64,
            Self::Der => Format::Der,
            Self::Pem => Format::Pem,
        }
    }
}

fn described(imported: &Imported) -> serde_json::Value {
    json!({
        "KeyId": imported.arn,
        "KeyMaterialId": imported.material_id,
        "WrappingAlgorithm": imported.algorithm,
        "KeyState": imported.after.as_ref().map(|key| &key.state),
        "AwaitsRotation": imported.awaits_rotation(),
    })
}

fn told(imported: &Imported) -> String {
    let arn = plain(&imported.arn);
    let mut text = format!("Imported into {arn}, wrapped by {}.", imported.algorithm);
    if let Some(id) = &imported.material_id {
        text.push_str(&format!("\nMaterial {}.", plain(id)));
    }
    if let Some(key) = &imported.after {
        text.push_str(&format!("\nThe key is {}.", plain(&key.state)));
    }
    if imported.awaits_rotation() {
        text.push_str(&format!(
            "\nIt encrypts with other material. Where this is new, begin to use it: aws kms rotate-key-on-demand --key-id {arn}"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_or_a_moment() {
        for (text, second) in [
            ("2027-01-31", Some(1_801_353_600)),
            ("2027-01-31T00:00:01Z", Some(1_801_353_601)),
            ("2027-01-31T01:00:00+01:00", Some(1_801_353_600)),
            ("2027-02-31", None),
            ("tomorrow", None),
        ] {
            assert_eq!(moment(text).ok(), second, "{text}");
        }
    }

    #[test]
    fn material_that_waits_is_said_to_wait() {
        let mut imported = Imported {
            arn: "arn:k".to_owned(),
            material_id: Some("second".to_owned()),
            algorithm: "RSAES_OAEP_SHA_256",
            after: None,
        };
        assert_eq!(told(&imported), "Imported into arn:k, wrapped by RSAES_OAEP_SHA_256.\nMaterial second.");
        imported.after = Some(import::DescribedKey {
            arn: "arn:k".to_owned(),
            spec: keyreeve_model::key_spec::KeySpec::SymmetricDefault,
            in_china: false,
            current_material_id: Some("first".to_owned()),
            state: "Enabled".to_owned(),
        });
        assert!(told(&imported).ends_with("aws kms rotate-key-on-demand --key-id arn:k"));
        assert_eq!(described(&imported)["AwaitsRotation"], true);
    }
}

//! `keyreeve key usage`: which materials of a key still decrypt, so that its owner knows when a sweep is finished.

use clap::Args;
use keyreeve_model::region::Region;
use serde_json::{Value, json};

use super::{region, region_of, text};
use crate::command::Failure;
use crate::command::account::pretty;
use crate::command::operator::ServerAt;
use crate::table::table;
use crate::terminal;

/// Of which key.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyreeve key usage --key-id 1234abcd-12ab-34cd-56ef-1234567890ab --config keyreeve.toml\n  keyreeve key usage --key-id arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab --json\n\nAfter a rotation, `keyreeve reencrypt` moves ciphertexts to the newest material. What it did not find shows here: an older material with a Decrypt since then."
)]
pub(crate) struct Usage {
    /// Key id, key ARN or alias ARN.
    #[arg(long, value_name = "KEY")]
    key_id: String,
    /// Region of a bare key id; by default the first one that the server serves (us-east-1 in dev).
    #[arg(long, value_parser = region)]
    region: Option<Region>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerAt,
}

pub(super) fn run(arguments: &Usage) -> Result<(), Failure> {
    let region = region_of(&arguments.key_id, arguments.region.as_ref())?;
    let input = json!({"KeyId": arguments.key_id});
    let reply = arguments.server.client()?.call("DescribeKeyUsage", region.as_ref(), &input)?;
    terminal::print(&if arguments.json { pretty(&reply)? } else { sheet(&reply) });
    Ok(())
}

/// `KeyMaterialState` of what encrypts.
const CURRENT: &str = "CURRENT";

fn sheet(reply: &Value) -> String {
    let materials = reply.get("Materials").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> = materials.iter().map(row).collect();
    format!(
        "{}\n\n{}",
        table(["MATERIAL", "STATE", "LAST DECRYPT", "EVENT"], &rows),
        verdict(reply, materials)
    )
}

fn row(material: &Value) -> [String; 4] {
    let last = match terminal::instant(material.get("LastDecrypt")) {
        none if none.is_empty() => "-".to_owned(),
        time => time,
    };
    [text(material, "KeyMaterialId"), text(material, "State"), last, text(material, "LastDecryptEventId")]
}

/// What the uses show of a sweep. They never show that it is finished: nobody may have read what is left.
fn verdict(reply: &Value, materials: &[Value]) -> String {
    let older: Vec<_> = materials.iter().filter(|one| text(one, "State") == "NON_CURRENT").collect();
    if older.is_empty() {
        let current = materials.iter().any(|one| text(one, "State") == CURRENT);
        return if current {
            "The key has one material: there is nothing to sweep."
        } else {
            "The key has no material."
        }
        .to_owned();
    }
    let since = match terminal::instant(reply.get("TrackingSince")) {
        none if none.is_empty() => "since counting began".to_owned(),
        time => format!("since {time}, when counting began"),
    };
    let second = |one: &&Value| one.get("LastDecrypt").and_then(Value::as_f64);
    let last = older
        .iter()
        .filter(|one| second(one).is_some())
        .max_by(|one, other| second(one).unwrap_or_default().total_cmp(&second(other).unwrap_or_default()));
    match last {
        None => format!(
            "No older material was used to decrypt {since}: nothing shows that older ciphertexts are left, which is no proof \
             that none are."
        ),
        Some(last) => format!(
            "An older material was used to decrypt last at {}: a sweep that ended earlier has missed ciphertexts. After a later \
             one nothing shows that any are left, which is no proof that none are.",
            terminal::instant(last.get("LastDecrypt"))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(id: &str, state: &str, last: Option<i64>) -> Value {
        let mut material = json!({"KeyMaterialId": id, "State": state});
        if let Some(second) = last {
            material["LastDecrypt"] = json!(second);
            material["LastDecryptEventId"] = json!("e1");
        }
        material
    }

    #[test]
    fn the_table_shows_every_material_and_one_sentence_judges() {
        let (first, second) =
            (|last| material("aa", "NON_CURRENT", last), material("bb", "CURRENT", Some(1_800_000_000)));
        let waiting = material("cc", "PENDING_ROTATION", None);
        for (materials, sentence) in [
            (vec![], "The key has no material."),
            (vec![second.clone(), waiting.clone()], "The key has one material: there is nothing to sweep."),
            (
                vec![first(None), second.clone()],
                "No older material was used to decrypt since 2027-01-01 00:00:00 UTC, when counting began: nothing shows that \
                 older ciphertexts are left, which is no proof that none are.",
            ),
            (
                vec![first(Some(1_799_999_000)), material("a0", "NON_CURRENT", None), second.clone()],
                "An older material was used to decrypt last at 2027-01-15 07:43:20 UTC: a sweep that ended earlier has missed \
                 ciphertexts. After a later one nothing shows that any are left, which is no proof that none are.",
            ),
        ] {
            let reply = json!({"KeyId": "k", "Materials": materials, "TrackingSince": 1_798_761_600});
            let sheet = sheet(&reply);
            assert_eq!(sheet.split_once("\n\n").unwrap().1, sentence);
        }
        let reply = json!({"Materials": [first(None), second]});
        assert_eq!(
            sheet(&reply).lines().take(3).collect::<Vec<_>>(),
            [
                "MATERIAL  STATE        LAST DECRYPT             EVENT",
                "aa        NON_CURRENT  -",
                "bb        CURRENT      2027-01-15 08:00:00 UTC  e1",
            ]
        );
    }
}

//! Keyreeve's own seed files: a list of `keys`, and where those go that do not say.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::tag::Tags;
use keyreeve_service::SeedKey;
use serde_json::Value;

use super::fields::Fields;
use super::{Problem, SeedFile, material};

const KEY_ID: &str = "a key id (a UUID in small letters, or mrk- and 32 hexadecimal digits)";

pub(super) fn parse(document: Value, file: &SeedFile) -> Result<Vec<SeedKey>, Problem> {
    let mut fields = Fields::of(document, String::new())?;
    let file = SeedFile {
        region: region(&mut fields)?.unwrap_or_else(|| file.region.clone()),
        account: account(&mut fields)?.unwrap_or(file.account),
        ..file.clone()
    };
    let keys = fields.list("keys")?;
    fields.finish()?;
    keys.into_iter().map(|(place, value)| key(Fields::of(value, place)?, &file)).collect()
}

fn region(fields: &mut Fields) -> Result<Option<Region>, Problem> {
    fields.parsed("region", Region::parse, "the name of a Region")
}

fn account(fields: &mut Fields) -> Result<Option<AccountId>, Problem> {
    fields.parsed("account", AccountId::parse, "an account id of 12 digits")
}

/// The id of a key.
pub(super) fn key_id(fields: &mut Fields, name: &'static str) -> Result<KeyId, Problem> {
    fields.parsed(name, KeyId::parse, KEY_ID)?.ok_or_else(|| fields.missing(name))
}

fn key(mut fields: Fields, file: &SeedFile) -> Result<SeedKey, Problem> {
    let key_id = key_id(&mut fields, "id")?;
    let region = region(&mut fields)?.unwrap_or_else(|| file.region.clone());
    let account = account(&mut fields)?.unwrap_or(file.account);
    let spec =
        fields.choice("spec", KeySpec::WIRE_NAMES, KeySpec::parse)?.unwrap_or(KeySpec::SymmetricDefault);
    let usage = fields.choice("usage", KeyUsage::WIRE_NAMES, KeyUsage::parse)?;
    let usage = match usage.or_else(|| only_usage(spec)) {
        Some(usage) => usage,
        None => return Err(fields.problem("usage", format!("{spec} keys have several: say which"))),
    };
    let origin = fields.choice("origin", &["AWS_KMS", "EXTERNAL"], Origin::parse)?.unwrap_or(Origin::AwsKms);
    let description = fields.text("description")?.unwrap_or_default();
    let policy = policy(&mut fields)?;
    let tags = tags(&mut fields)?;
    let aliases = fields.texts("aliases")?.into_iter().map(|(place, name)| alias(place, &name));
    let aliases = aliases.collect::<Result<_, _>>()?;
    let material = match fields.text("material")? {
        Some(text) => {
            let read = material::read(spec, text);
            Some(read.map_err(|what| fields.problem("material", what))?)
        }
        None => None,
    };
    fields.finish()?;
    let arn = KeyArn { region, account, key_id };
    Ok(SeedKey { arn, spec, usage, origin, description, policy, tags, aliases, material })
}

fn only_usage(spec: KeySpec) -> Option<KeyUsage> {
    match spec.row().usages {
        [only] => Some(*only),
        _ => None,
    }
}

/// An alias; `alias/` may be left out.
pub(super) fn alias(place: String, name: &str) -> Result<AliasName, Problem> {
    let full = if name.starts_with("alias/") { name.to_owned() } else { format!("alias/{name}") };
    AliasName::parse(&full).map_err(|_| Problem { place, what: "it is not a name of an alias".to_owned() })
}

/// A policy as a text, or written out as a table.
fn policy(fields: &mut Fields) -> Result<Option<String>, Problem> {
    match fields.value("policy") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(table @ Value::Object(_)) => Ok(Some(table.to_string())),
        Some(_) => Err(fields.problem("policy", "a policy document is needed: a text or a table")),
    }
}

fn tags(fields: &mut Fields) -> Result<Tags, Problem> {
    let pairs = match fields.value("tags") {
        None => Vec::new(),
        Some(Value::Object(map)) => {
            let pairs = map.into_iter().map(|(key, value)| {
                let text = value.as_str().map(|value| (key, value.to_owned()));
                text.ok_or_else(|| fields.problem("tags", "every tag is a text"))
            });
            pairs.collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(fields.problem("tags", "a table of texts is needed")),
    };
    Tags::parse(pairs).map_err(|fault| fields.problem("tags", fault.to_string()))
}

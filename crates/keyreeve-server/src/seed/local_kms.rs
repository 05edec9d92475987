//! The seed files of nsmithuk/local-kms 3: `Keys` by kind, and `Aliases`.
//! <https://github.com/nsmithuk/local-kms#seeding-file-format>
//!
//! Of several `BackingKeys` the last is the present one. The others would open ciphertexts of local-kms only, whose
//! format is another: they are not needed.

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::tag::Tags;
use keyreeve_service::SeedKey;
use serde_json::Value;

use super::fields::Fields;
use super::keys::{alias, key_id};
use super::{Problem, SeedFile, material};

const RSA: [KeySpec; 3] = [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096];
const ECC: [KeySpec; 4] =
    [KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccNistP521, KeySpec::EccSecgP256k1];

pub(super) fn parse(document: Value, file: &SeedFile) -> Result<Vec<SeedKey>, Problem> {
    let mut fields = Fields::of(document, String::new())?;
    let mut keys = Vec::new();
    if let Some(kinds) = fields.value("Keys") {
        let mut kinds = Fields::of(kinds, "Keys".to_owned())?;
        if let Some(symmetric) = kinds.value("Symmetric") {
            let mut symmetric = Fields::of(symmetric, kinds.place("Symmetric"))?;
            for (place, value) in symmetric.list("Aes")? {
                keys.push(aes(Fields::of(value, place)?, file)?);
            }
            symmetric.finish()?;
        }
        if let Some(asymmetric) = kinds.value("Asymmetric") {
            let mut asymmetric = Fields::of(asymmetric, kinds.place("Asymmetric"))?;
            for (name, specs) in [("Rsa", &RSA[..]), ("Ecc", &ECC[..])] {
                for (place, value) in asymmetric.list(name)? {
                    keys.push(pair(Fields::of(value, place)?, specs, file)?);
                }
            }
            asymmetric.finish()?;
        }
        kinds.finish()?;
    }
    for (place, value) in fields.list("Aliases")? {
        give_alias(Fields::of(value, place)?, &mut keys)?;
    }
    fields.finish()?;
    Ok(keys)
}

/// What every key has.
struct Metadata {
    key_id: KeyId,
    description: String,
    usage: Option<KeyUsage>,
    origin: Origin,
    tags: Tags,
}

fn metadata(fields: &mut Fields) -> Result<Metadata, Problem> {
    let value = fields.value("Metadata").ok_or_else(|| fields.missing("Metadata"))?;
    let mut metadata = Fields::of(value, fields.place("Metadata"))?;
    let found = Metadata {
        key_id: key_id(&mut metadata, "KeyId")?,
        description: metadata.text("Description")?.unwrap_or_default(),
        usage: metadata.choice("KeyUsage", KeyUsage::WIRE_NAMES, KeyUsage::parse)?,
        origin: metadata.choice("Origin", &["AWS_KMS", "EXTERNAL"], Origin::parse)?.unwrap_or(Origin::AwsKms),
        tags: tags(&mut metadata)?,
    };
    metadata.finish()?;
    Ok(found)
}

fn tags(fields: &mut Fields) -> Result<Tags, Problem> {
    let mut pairs = Vec::new();
    for (place, value) in fields.list("Tags")? {
        let mut tag = Fields::of(value, place)?;
        pairs.push((tag.required_text("TagKey")?, tag.required_text("TagValue")?));
        tag.finish()?;
    }
    Tags::parse(pairs).map_err(|fault| fields.problem("Tags", fault.to_string()))
}

impl Metadata {
    fn key(self, spec: KeySpec, usage: KeyUsage, material: Option<SecretBytes>, file: &SeedFile) -> SeedKey {
        SeedKey {
            arn: KeyArn { region: file.region.clone(), account: file.account, key_id: self.key_id },
            spec,
            usage,
            origin: self.origin,
            description: self.description,
            policy: None,
            tags: self.tags,
            aliases: Vec::new(),
            material,
        }
    }
}

fn aes(mut fields: Fields, file: &SeedFile) -> Result<SeedKey, Problem> {
    let metadata = metadata(&mut fields)?;
    if fields.text("NextKeyRotation")?.is_some() {
        tracing::warn!(key = %metadata.key_id, "NextKeyRotation of the seed file is not honoured: the key does not rotate");
    }
    let present = fields.texts("BackingKeys")?.pop();
    let material = match present {
        Some((place, text)) => {
            let read = material::read(KeySpec::SymmetricDefault, text);
            Some(read.map_err(|what| Problem { place, what })?)
        }
        None if metadata.origin == Origin::External => None,
        None => return Err(fields.missing("BackingKeys")),
    };
    fields.finish()?;
    let usage = metadata.usage.unwrap_or(KeyUsage::EncryptDecrypt);
    Ok(metadata.key(KeySpec::SymmetricDefault, usage, material, file))
}

/// A key pair; its PEM says of which spec it is.
fn pair(mut fields: Fields, specs: &[KeySpec], file: &SeedFile) -> Result<SeedKey, Problem> {
    let metadata = metadata(&mut fields)?;
    let pem = fields.required_text("PrivateKeyPem")?;
    let found = material::recognise(specs, &pem);
    let (spec, material) = found.map_err(|what| fields.problem("PrivateKeyPem", what))?;
    fields.finish()?;
    let usage = metadata.usage.unwrap_or(KeyUsage::SignVerify);
    Ok(metadata.key(spec, usage, Some(material), file))
}

fn give_alias(mut fields: Fields, keys: &mut [SeedKey]) -> Result<(), Problem> {
    let name = fields.required_text("AliasName")?;
    let name = alias(fields.place("AliasName"), &name)?;
    let target = key_id(&mut fields, "TargetKeyId")?;
    let Some(key) = keys.iter_mut().find(|key| key.arn.key_id == target) else {
        return Err(fields.problem("TargetKeyId", "no key of this file has this id"));
    };
    key.aliases.push(name);
    fields.finish()
}

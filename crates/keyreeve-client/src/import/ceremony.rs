//! GetParametersForImport, the wrapping, ImportKeyMaterial.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::ImportError;
use super::described::{DescribedKey, describe};
use super::material::Material;
use super::wrapping::Wrapping;
use crate::error::CallError;
use crate::kms::Call;

/// Until when the material serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Until this second since the epoch; it is then deleted.
    Until(i64),
    /// For ever.
    Unlimited,
}

/// `ImportType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A further material of the key, which waits for its rotation.
    New,
    /// One that the key had before.
    Existing,
}

/// How to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Until when.
    pub validity: Validity,
    /// New or existing; without it the service decides.
    pub kind: Option<Kind>,
    /// `KeyMaterialDescription`.
    pub description: Option<String>,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Into which key.
    pub arn: String,
    /// Under which id; symmetric keys only.
    pub material_id: Option<String>,
    /// `RSAES_OAEP_SHA_256` or another.
    pub algorithm: &'static str,
    /// The key after it, where it can still be described.
    pub after: Option<DescribedKey>,
}

impl Imported {
    /// Whether the key goes on with other material until it is rotated.
    #[must_use]
    pub fn awaits_rotation(&self) -> bool {
        let current = self.after.as_ref().and_then(|key| key.current_material_id.as_ref());
        match (&self.material_id, current) {
            (Some(imported), Some(current)) => imported != current,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}

/// Imports the material into the key.
///
/// # Errors
/// [`ImportError`]. When ImportKeyMaterial itself had no answer the import may have been done; it may be repeated, but for
/// further material ([`ImportError::Unsure`]).
pub fn import(
    call: &mut impl Call,
    key: &DescribedKey,
    material: &Material,
    order: &Order,
) -> Result<Imported, ImportError> {
    let wrapping = Wrapping::of(key, material);
    let asked = json!({
        "KeyId": key.arn,
        "WrappingAlgorithm": wrapping.algorithm(),
        "WrappingKeySpec": wrapping.key_spec(),
    });
    let parameters = call.call("GetParametersForImport", &asked)?;
    let member = |name| {
        let text = parameters.get(name).and_then(Value::as_str);
        text.ok_or(CallError::Incomplete { operation: "GetParametersForImport", member: name })
    };
    let spki = STANDARD.decode(member("PublicKey")?);
    let spki =
        spki.map_err(|_| CallError::Incomplete { operation: "GetParametersForImport", member: "PublicKey" })?;
    let wrapped = wrapping.wrap(&spki, material)?;
    let question = question(key, member("ImportToken")?, &wrapped, order);
    let answer = match order.kind {
        // Once it is in, the service refuses the same material as new.
        Some(Kind::New) => call.call_once("ImportKeyMaterial", &question).map_err(|source| {
            let unsure = source.is_passing() && !source.is_throttled();
            if unsure { ImportError::Unsure { arn: key.arn.clone(), source } } else { source.into() }
        })?,
        Some(Kind::Existing) | None => call.call("ImportKeyMaterial", &question)?,
    };
    let material_id = answer.get("KeyMaterialId").and_then(Value::as_str).map(str::to_owned);
    // It is imported; that nobody says how the key is now changes nothing.
    let after = describe(call, &key.arn).ok();
    Ok(Imported { arn: key.arn.clone(), material_id, algorithm: wrapping.algorithm(), after })
}

fn question(key: &DescribedKey, token: &str, wrapped: &[u8], order: &Order) -> Value {
    let mut question = Map::from_iter([
        ("KeyId".to_owned(), json!(key.arn)),
        ("ImportToken".to_owned(), json!(token)),
        ("EncryptedKeyMaterial".to_owned(), json!(STANDARD.encode(wrapped))),
    ]);
    let model = match order.validity {
        Validity::Until(seconds) => {
            question.insert("ValidTo".to_owned(), json!(seconds));
            "KEY_MATERIAL_EXPIRES"
        }
        Validity::Unlimited => "KEY_MATERIAL_DOES_NOT_EXPIRE",
    };
    question.insert("ExpirationModel".to_owned(), json!(model));
    let kind = order.kind.map(|kind| match kind {
        Kind::New => "NEW_KEY_MATERIAL",
        Kind::Existing => "EXISTING_KEY_MATERIAL",
    });
    question.extend(kind.map(|kind| ("ImportType".to_owned(), json!(kind))));
    question
        .extend(order.description.as_ref().map(|text| ("KeyMaterialDescription".to_owned(), json!(text))));
    Value::Object(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An RSA-4096 public key, made by OpenSSL for this test alone; nobody has the private half.
    const SPKI: &str = include_str!("wrapping_key.b64");

    /// A service that answers as AWS does, and keeps what it was asked.
    struct Service {
        metadata: Value,
        silent: bool,
        heard: Vec<(&'static str, Value)>,
    }

    impl Call for Service {
        fn call(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
            self.heard.push((operation, input.clone()));
            Ok(match operation {
                "DescribeKey" => json!({"KeyMetadata": self.metadata}),
                "GetParametersForImport" => json!({"PublicKey": SPKI.trim(), "ImportToken": "dG9rZW4="}),
                _ if self.silent => return Err(CallError::Unreachable { why: "no answer".to_owned() }),
                _ => json!({"KeyMaterialId": "second"}),
            })
        }

        fn call_once(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
            assert_eq!(operation, "ImportKeyMaterial");
            let answer = self.call(operation, input);
            self.heard.push(("once", Value::Null));
            answer
        }
    }

    fn service(origin: &str) -> Service {
        let metadata = json!({
            "Arn": "arn:aws:kms:us-east-1:000000000000:key/k", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": origin,
            "KeyState": "Enabled", "CurrentKeyMaterialId": "first",
        });
        Service { metadata, silent: false, heard: Vec::new() }
    }

    #[test]
    fn the_ceremony_asks_wraps_and_imports() {
        let mut service = service("EXTERNAL");
        let key = describe(&mut service, "alias/mine").unwrap();
        let order = Order {
            validity: Validity::Until(1_800_000_000),
            kind: Some(Kind::New),
            description: Some("from the vault".to_owned()),
        };
        let imported = import(&mut service, &key, &Material::of(vec![7; 32]), &order).unwrap();
        assert_eq!((imported.material_id.as_deref(), imported.awaits_rotation()), (Some("second"), true));
        let operations: Vec<_> = service.heard.iter().map(|(operation, _)| *operation).collect();
        assert_eq!(
            operations,
            ["DescribeKey", "GetParametersForImport", "ImportKeyMaterial", "once", "DescribeKey"]
        );
        assert_eq!(
            service.heard[1].1,
            json!({"KeyId": key.arn, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_4096"})
        );
        let mut question = service.heard[2].1.clone();
        let wrapped = question.as_object_mut().unwrap().remove("EncryptedKeyMaterial").unwrap();
        assert_eq!(STANDARD.decode(wrapped.as_str().unwrap()).unwrap().len(), 512);
        assert_eq!(
            question,
            json!({
                "KeyId": key.arn, "ImportToken": "dG9rZW4=", "ValidTo": 1_800_000_000_i64,
                "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ImportType": "NEW_KEY_MATERIAL",
                "KeyMaterialDescription": "from the vault",
            })
        );
    }

    #[test]
    fn without_an_answer_new_material_is_not_imported_twice_and_it_is_said_where_to_look() {
        for (kind, unsure) in [(Some(Kind::New), true), (Some(Kind::Existing), false), (None, false)] {
            let mut service = service("EXTERNAL");
            service.silent = true;
            let key = describe(&mut service, "k").unwrap();
            let order = Order { validity: Validity::Unlimited, kind, description: None };
            let error = import(&mut service, &key, &Material::of(vec![7; 32]), &order).unwrap_err();
            assert_eq!(service.heard.iter().any(|(operation, _)| *operation == "once"), unsure);
            let said = error.to_string();
            assert!(said.contains("no answer"), "{said}");
            assert_eq!(said.contains(&format!("list-key-rotations --key-id {}", key.arn)), unsure, "{said}");
        }
    }

    #[test]
    fn a_key_that_makes_its_own_material_is_refused_before_anything_is_sent() {
        let mut service = service("AWS_KMS");
        let error = describe(&mut service, "k").unwrap_err();
        assert!(error.to_string().contains("--origin EXTERNAL --key-spec SYMMETRIC_DEFAULT"), "{error}");
        assert_eq!(service.heard.len(), 1);
    }
}

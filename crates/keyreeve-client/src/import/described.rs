//! The key that material shall be imported into, as DescribeKey describes it.

use keyreeve_model::key_spec::KeySpec;
use serde_json::{Value, json};

use super::ImportError;
use crate::error::CallError;
use crate::kms::Call;

/// A key with origin `EXTERNAL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedKey {
    /// Its ARN.
    pub arn: String,
    /// What its material is.
    pub spec: KeySpec,
    /// Whether it is in a China Region, where symmetric keys are SM4.
    pub in_china: bool,
    /// The material that it encrypts with, where it has any and the answer says so.
    pub current_material_id: Option<String>,
    /// Its state, such as `PendingImport`.
    pub state: String,
}

/// Asks for the key.
///
/// # Errors
/// [`ImportError::Origin`] where it makes its material itself, [`ImportError::Spec`] or what the call failed with.
pub fn describe(call: &mut impl Call, key_id: &str) -> Result<DescribedKey, ImportError> {
    let answer = call.call("DescribeKey", &json!({"KeyId": key_id}))?;
    let metadata = answer.get("KeyMetadata").unwrap_or(&Value::Null);
    let text = |name| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let wanted = |name| text(name).ok_or(CallError::Incomplete { operation: "DescribeKey", member: name });
    let (arn, spec, origin) = (wanted("Arn")?, wanted("KeySpec")?, wanted("Origin")?);
    if origin != "EXTERNAL" {
        return Err(ImportError::Origin { arn, origin, spec });
    }
    let Some(spec) = KeySpec::parse(&spec) else { return Err(ImportError::Spec { arn, spec }) };
    let in_china = arn.starts_with("arn:aws-cn:");
    let current_material_id = text("CurrentKeyMaterialId");
    Ok(DescribedKey { arn, spec, in_china, current_material_id, state: wanted("KeyState")? })
}

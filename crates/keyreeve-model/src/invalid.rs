//! ValidationException texts beyond the constraints of AWS's model: captures of AWS KMS and its documentation.

use crate::algorithm::{EncryptionAlgorithm, KeyUsage, MessageType, Origin, SigningAlgorithm};
use crate::grant::GrantOperation;
use crate::grantable::grantable;
use crate::import::{WrappingAlgorithm, WrappingKeySpec};
use crate::key_spec::{KeyClass, KeySpec};

/// ValidationException texts beyond the model's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented by its text in `message`")]
pub enum Invalid {
    NumberOfBytesRequired,
    KeyIdRequiredForAsymmetric,
    CiphertextRequired,
    ContextWithAsymmetric,
    ContextTooLarge,
    PlaintextTooLong { algorithm: EncryptionAlgorithm, spec: KeySpec, max: usize },
    DigestLength(SigningAlgorithm),
    UsageSpec(KeyUsage, KeySpec),
    UsageRequired,
    MessageTypeAlgorithm(MessageType, SigningAlgorithm),
    MessageTypeSpec(MessageType, KeySpec),
    ExternalMuLength,
    KeySpecTwice,
    DataKeySpecAndNumber,
    DataKeyNeither,
    AliasPrefix,
    AliasToAlias,
    AliasKind,
    DeletionWindow,
    PeerPublicKey,
    PolicyName,
    RamPolicy,
    OriginSpec(Origin, KeySpec),
    DryRunModifiersWithoutDryRun,
    GrantOperations { asked: Vec<GrantOperation>, class: KeyClass, usage: KeyUsage },
    GrantOfNothing,
    GrantOfCreateGrantOnly,
    GrantContextKind,
    GrantConstraints,
    GrantConstraintPairs,
    GrantConstraintValue,
    GrantGrantee,
    GrantRetirer,
    GrantServiceWithoutRetirer,
    GrantServiceWithoutSource,
    GrantSourceWithoutService,
    GranteeFilter,
    RetirerFilter,
    ServiceFilter,
    RetiredGrant,
    ValidToRequired,
    ValidToWithoutExpiry,
    ValidToPast,
    ValidToFar,
    MaterialIdOfNewMaterial,
    Wrapping { algorithm: WrappingAlgorithm, wrapping: WrappingKeySpec, spec: KeySpec },
}

impl Invalid {
    pub(crate) fn message(&self) -> Option<String> {
        let text = match self {
            Self::NumberOfBytesRequired => "NumberOfBytes is required.".to_owned(),
            Self::KeyIdRequiredForAsymmetric => "KeyId must not be null".to_owned(),
            Self::CiphertextRequired => "CiphertextBlob must not be null".to_owned(),
            Self::ContextWithAsymmetric => {
                "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.".to_owned()
            }
            Self::ContextTooLarge => "EncryptionContext is too large.".to_owned(),
            Self::PlaintextTooLong { algorithm, spec, max } => {
                format!("Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {max} bytes.")
            }
            Self::DigestLength(algorithm) => format!("Digest is invalid length for algorithm {algorithm}."),
            Self::UsageSpec(usage, spec) => format!("KeyUsage {usage} is not compatible with KeySpec {spec}"),
            Self::UsageRequired => {
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.".to_owned()
            }
            Self::MessageTypeAlgorithm(kind, algorithm) => {
                format!("Message type {kind} is incompatible with algorithm {algorithm}.")
            }
            Self::MessageTypeSpec(kind, spec) => format!("Message type {kind} is incompatible with key spec {spec}."),
            Self::ExternalMuLength => "Message is invalid length for message type EXTERNAL_MU.".to_owned(),
            Self::KeySpecTwice => {
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."
                    .to_owned()
            }
            Self::DataKeySpecAndNumber => "Please specify either number of bytes or key spec, but not both.".to_owned(),
            Self::DataKeyNeither => "Please specify either number of bytes or key spec.".to_owned(),
            Self::AliasPrefix => "Alias must start with the prefix \"alias/\". Please see \
                 https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                .to_owned(),
            Self::AliasToAlias => "Aliases must refer to keys. Not aliases".to_owned(),
            Self::AliasKind => "The current and new target keys of an alias must be of the same type and key usage.".to_owned(),
            Self::DeletionWindow => "PendingWindowInDays must be between 7 and 30 days.".to_owned(),
            Self::PeerPublicKey => return None,
            Self::PolicyName => "PolicyName must be \"default\".".to_owned(),
            Self::RamPolicy => "The AWS_RAM policy can only be managed by the RAM service".to_owned(),
            Self::OriginSpec(origin, spec) => format!("Origin {origin} is not compatible with KeySpec {spec}"),
            Self::DryRunModifiersWithoutDryRun => "DryRunModifiers can be used only when DryRun is set.".to_owned(),
            Self::GrantOperations { asked, class, usage } => grant_operations(asked, *class, *usage),
            Self::GrantOfNothing => "Grants must contain at least one operation.".to_owned(),
            Self::GrantOfCreateGrantOnly => "Grants must not contain only the CreateGrant operation.".to_owned(),
            Self::GrantContextKind => {
                "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."
                    .to_owned()
            }
            Self::GrantConstraints => "More than one constraint supplied".to_owned(),
            Self::GrantConstraintPairs => "A grant constraint can include up to 8 encryption context pairs.".to_owned(),
            Self::GrantConstraintValue => {
                "An encryption context value in a grant constraint cannot exceed 384 characters.".to_owned()
            }
            Self::GrantGrantee | Self::GranteeFilter => {
                "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.".to_owned()
            }
            Self::GrantRetirer => {
                "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.".to_owned()
            }
            Self::RetirerFilter => {
                "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.".to_owned()
            }
            Self::GrantServiceWithoutRetirer => {
                "RetiringPrincipal or RetiringServicePrincipal is required with GranteeServicePrincipal.".to_owned()
            }
            Self::GrantServiceWithoutSource => {
                "The SourceArn grant constraint is required with GranteeServicePrincipal.".to_owned()
            }
            Self::GrantSourceWithoutService => {
                "The SourceArn grant constraint can be used only with GranteeServicePrincipal.".to_owned()
            }
            Self::ServiceFilter => "This filter can be used only by a service principal.".to_owned(),
            Self::RetiredGrant => {
                "You must specify either GrantToken, or both KeyId and GrantId, but not all of them.".to_owned()
            }
            Self::ValidToRequired => {
                "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES".to_owned()
            }
            Self::ValidToWithoutExpiry => {
                "A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()
            }
            Self::ValidToPast => "ValidTo must be in the future".to_owned(),
            Self::ValidToFar => "ValidTo must be less than 365 days in the future".to_owned(),
            Self::MaterialIdOfNewMaterial => {
                "Input parameter keyMaterialId cannot be used with NEW_KEY_MATERIAL importType.".to_owned()
            }
            Self::Wrapping { algorithm, wrapping, spec } => format!(
                "Wrapping algorithm {algorithm} and wrapping key spec {wrapping} cannot be used to import a {spec} key."
            ),
        };
        Some(text)
    }
}

/// AWS names those that do not fit, then all that would.
fn grant_operations(asked: &[GrantOperation], class: KeyClass, usage: KeyUsage) -> String {
    let valid = grantable(class, usage);
    let list = |operations: &mut dyn Iterator<Item = &GrantOperation>| {
        operations.map(|operation| operation.as_str()).collect::<Vec<_>>().join(", ")
    };
    let wrong = list(&mut asked.iter().filter(|operation| !valid.contains(operation)));
    let kind = if class == KeyClass::Asymmetric { "an asymmetric" } else { "a symmetric" };
    let valid = list(&mut valid.iter());
    format!(
        "Operations [{wrong}] are not supported when creating a grant for {kind} KMS key with key usage {usage}. Valid \
         operations are [{valid}]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_that_do_not_fit_a_key_are_named_as_aws_names_them() {
        let asked = vec![GrantOperation::Encrypt, GrantOperation::GenerateMac];
        let usage = KeyUsage::GenerateVerifyMac;
        let error = Invalid::GrantOperations { asked, class: KeyClass::Hmac, usage };
        let text = "Operations [Encrypt] are not supported when creating a grant for a symmetric KMS key with key usage \
                    GENERATE_VERIFY_MAC. Valid operations are [CreateGrant, RetireGrant, DescribeKey, GenerateMac, VerifyMac]";
        assert_eq!(error.message().as_deref(), Some(text));
    }
}

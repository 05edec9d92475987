//! Every reason for which a request is refused, and the one table that gives each its AWS type and text.
//! Texts: captures of AWS KMS and its documentation. No free strings: variants carry typed facts.

use crate::algorithm::{EncryptionAlgorithm, KeyUsage, MessageType, Origin, SigningAlgorithm};
use crate::arn::{AliasArn, KeyArn};
use crate::grant::GrantOperation;
use crate::grantable::grantable;
use crate::iam_error::IamError;
use crate::key_spec::{KeyClass, KeySpec};
use crate::key_state::StateRefusal;
use crate::tag::TagFault;
use crate::trail_error::TrailError;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KmsError {
    /// The body is not JSON of the operation's shape.
    Serialization(SerializationFault),
    /// No operation of this name.
    UnknownOperation,
    /// One text for each violated constraint of the model, in member order.
    Violations(Vec<String>),
    /// ValidationException with a text of its own.
    Invalid(Invalid),
    /// A member that AWS models and this version does not honour yet: refused, never ignored.
    NotHonoured {
        /// Name of the member.
        member: &'static str,
    },
    /// The key does not exist.
    KeyNotFound(KeyArn),
    /// A bare key id of a wrong form.
    InvalidKeyId(String),
    /// An ARN of another Region, or no ARN at all; AWS prints the Region of the ARN.
    InvalidArnRegion(String),
    /// The alias does not exist.
    AliasNotFound(AliasArn),
    /// The operation takes no alias.
    AliasesNotSupported,
    /// Not an ARN of a key, an alias or a principal.
    MalformedArn(String),
    /// The alias exists.
    AliasExists(AliasArn),
    /// A character that alias names may not have.
    InvalidAliasName(String),
    /// `alias/aws/…` is reserved.
    ReservedAlias,
    /// The key state does not allow the operation.
    State(KeyArn, StateRefusal),
    /// UnsupportedOperationException without a text.
    Unsupported,
    /// The key's origin does not fit the operation.
    UnsupportedOrigin(KeyArn, Origin),
    /// An AWS managed key cannot be changed by customers.
    AwsManaged(KeyArn),
    /// SM2 outside China, and the like.
    SpecNotOffered(KeySpec),
    /// The key's usage does not fit the operation.
    Usage {
        /// The key.
        key: KeyArn,
        /// Its usage.
        usage: KeyUsage,
        /// The operation.
        operation: &'static str,
    },
    /// The algorithm does not fit the key spec.
    Algorithm {
        /// Name of the algorithm.
        algorithm: &'static str,
        /// The key's spec.
        spec: KeySpec,
    },
    /// KeyId names another key than the ciphertext.
    IncorrectKey,
    /// Wrong key, wrong context, truncated, tampered: one answer for all.
    InvalidCiphertext,
    /// The signature is not valid.
    InvalidSignature,
    /// The MAC is not valid.
    InvalidMac,
    /// DryRun was set and everything before the effect succeeded.
    DryRun,
    /// Tags.
    Tag(TagFault),
    /// A resource quota.
    Limit(Quota),
    /// The marker is not one of ours.
    InvalidMarker,
    /// The key policy is refused.
    MalformedPolicy(PolicyFault),
    /// A grant token is not one of ours.
    InvalidGrantToken,
    /// No grant of this id on the key.
    GrantNotFound(String),
    /// Not the form of a grant id.
    InvalidGrantId,
    /// A principal of a grant that does not exist.
    NoSuchPrincipal(String),
    /// Policy does not allow it: AWS's text, composed by the gatehouse from the verdict.
    AccessDenied(String),
    /// An error of IAM or STS.
    Iam(IamError),
    /// An error of CloudTrail.
    Trail(TrailError),
    /// An operator's command cannot be carried out: a sentence with what to do next. No customer ever gets it.
    Refused(String),
    /// The audit log cannot be written, and nothing is answered without it.
    AuditUnavailable,
    /// The store did not answer in time, or its outcome is unknown.
    DependencyTimeout,
    /// A stored row or key does not open: the operator's log has the details under this request's id.
    Internal,
    /// Another request changed the same rows again and again.
    Conflict,
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerializationFault {
    /// Not JSON.
    NotJson,
    /// A name occurs twice in one object.
    DuplicateName,
    /// A value has another type than the model's.
    WrongType {
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: &'static str,
    },
    /// A blob is not base64.
    NotBase64,
    /// Nested deeper than any request.
    TooDeep,
}

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
}

/// Resource quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented by its text in `message`")]
pub enum Quota {
    AliasesPerKey,
    GrantsPerKey,
    KeysPerAccount,
    PolicyBytes,
}

/// Why a policy document is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFault {
    /// Whoever puts it could not put another one afterwards.
    Lockout,
    /// Not a policy: what is wrong, and where.
    Grammar(String),
    /// A principal that does not exist or has no form.
    Principal,
}

/// Whose fault an error is: decides the HTTP status at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// 400.
    Client,
    /// 500: SDKs retry.
    Server,
}

/// How an error stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// `__type`.
    pub code: &'static str,
    /// Client or server.
    pub blame: Blame,
    /// `message`; AWS leaves it out where nothing may be told.
    pub message: Option<String>,
}

impl KmsError {
    /// The AWS type, whose fault, and the public text.
    pub fn wire(&self) -> WireError {
        let (code, message) = self.client_fault();
        let server = if let Self::Iam(error) = self {
            error.status() >= 500
        } else {
            matches!(self, Self::AuditUnavailable | Self::DependencyTimeout | Self::Internal | Self::Conflict)
        };
        let blame = if server { Blame::Server } else { Blame::Client };
        WireError { code, blame, message }
    }

    fn client_fault(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Serialization(fault) => ("SerializationException", Some(fault.message())),
            Self::UnknownOperation => ("UnknownOperationException", None),
            Self::Violations(violations) => ("ValidationException", Some(violations_message(violations))),
            Self::Invalid(invalid) => ("ValidationException", invalid.message()),
            Self::NotHonoured { member } => (
                "UnsupportedOperationException",
                Some(format!(
                    "The parameter {member} is not supported by this version of Keyreeve, and ignoring it would be unsafe."
                )),
            ),
            Self::KeyNotFound(arn) => ("NotFoundException", Some(format!("Key '{arn}' does not exist"))),
            Self::InvalidKeyId(text) => ("NotFoundException", Some(format!("Invalid keyId '{text}'"))),
            Self::InvalidArnRegion(region) => ("NotFoundException", Some(format!("Invalid arn {region}"))),
            Self::AliasNotFound(arn) => ("NotFoundException", Some(format!("Alias {arn} is not found."))),
            Self::AliasesNotSupported => {
                ("InvalidArnException", Some("Key Aliases are not supported for this operation.".to_owned()))
            }
            Self::MalformedArn(text) => ("InvalidArnException", Some(format!("ARN is not valid: {text}"))),
            Self::AliasExists(arn) => {
                ("AlreadyExistsException", Some(format!("An alias with the name {arn} already exists")))
            }
            Self::InvalidAliasName(name) => (
                "InvalidAliasNameException",
                Some(format!("{name} contains invalid characters for an alias")),
            ),
            Self::ReservedAlias => ("NotAuthorizedException", None),
            Self::State(arn, refusal) => (state_code(*refusal), Some(format!("{arn} {}", refusal.text()))),
            Self::Unsupported => ("UnsupportedOperationException", None),
            Self::UnsupportedOrigin(arn, origin) => (
                "UnsupportedOperationException",
                Some(format!("{arn} origin is {origin} which is not valid for this operation.")),
            ),
            Self::AwsManaged(arn) => (
                "UnsupportedOperationException",
                Some(format!("{arn} is an AWS managed key: this operation is not allowed.")),
            ),
            Self::SpecNotOffered(spec) => (
                "UnsupportedOperationException",
                Some(format!("KeySpec {spec} is not supported in this Region.")),
            ),
            Self::Usage { key, usage, operation } => (
                "InvalidKeyUsageException",
                Some(format!("{key} key usage is {usage} which is not valid for {operation}.")),
            ),
            Self::Algorithm { algorithm, spec } => (
                "InvalidKeyUsageException",
                Some(format!("Algorithm {algorithm} is incompatible with key spec {spec}.")),
            ),
            Self::IncorrectKey => (
                "IncorrectKeyException",
                Some(
                    "The key ID in the request does not identify a CMK that can perform this operation."
                        .to_owned(),
                ),
            ),
            Self::InvalidCiphertext => ("InvalidCiphertextException", None),
            Self::InvalidSignature => ("KMSInvalidSignatureException", None),
            Self::InvalidMac => ("KMSInvalidMacException", None),
            Self::DryRun => (
                "DryRunOperationException",
                Some("The request would have succeeded, but the DryRun option is set.".to_owned()),
            ),
            Self::Tag(fault) => ("TagException", Some(fault.to_string())),
            Self::Limit(quota) => ("LimitExceededException", Some(quota.message().to_owned())),
            Self::InvalidMarker => ("InvalidMarkerException", None),
            Self::MalformedPolicy(fault) => ("MalformedPolicyDocumentException", Some(fault.message())),
            Self::InvalidGrantToken => ("InvalidGrantTokenException", None),
            Self::GrantNotFound(id) => ("NotFoundException", Some(format!("Grant ID {id} not found"))),
            Self::InvalidGrantId => ("InvalidGrantIdException", None),
            Self::NoSuchPrincipal(text) => {
                ("InvalidArnException", Some(format!("ARN does not refer to a valid principal: {text}")))
            }
            Self::AccessDenied(text) => ("AccessDeniedException", Some(text.clone())),
            Self::Iam(error) => (error.code(), Some(error.message().to_owned())),
            Self::Trail(error) => (error.fault.code(), Some(error.message.clone())),
            Self::Refused(text) => ("CommandRefusedException", Some(text.clone())),
            Self::AuditUnavailable => (
                "ServiceUnavailableException",
                Some("The audit log cannot be written, and no request is answered without it. Retry the request.".to_owned()),
            ),
            Self::DependencyTimeout => (
                "DependencyTimeoutException",
                Some("The system timed out while trying to fulfill the request.".to_owned()),
            ),
            Self::Internal => ("KMSInternalException", Some("An internal error occurred.".to_owned())),
            Self::Conflict => (
                "KMSInternalException",
                Some("The key is being changed by other requests. Retry the request.".to_owned()),
            ),
        }
    }
}

const fn state_code(refusal: StateRefusal) -> &'static str {
    match refusal {
        StateRefusal::Disabled => "DisabledException",
        StateRefusal::PendingDeletion
        | StateRefusal::PendingReplicaDeletion
        | StateRefusal::PendingImport
        | StateRefusal::Unavailable
        | StateRefusal::Creating
        | StateRefusal::Updating
        | StateRefusal::NotPendingDeletion => "KMSInvalidStateException",
    }
}

fn violations_message(violations: &[String]) -> String {
    let plural = if violations.len() == 1 { "error" } else { "errors" };
    format!("{} validation {plural} detected: {}", violations.len(), violations.join("; "))
}

impl SerializationFault {
    fn message(self) -> String {
        match self {
            Self::NotJson => "The request body is not valid JSON.".to_owned(),
            Self::DuplicateName => "The request body names a member twice.".to_owned(),
            Self::WrongType { found, expected } => format!("{found} found where {expected} was expected."),
            Self::NotBase64 => "The value of a blob member is not valid base64.".to_owned(),
            Self::TooDeep => "The request body is nested too deeply.".to_owned(),
        }
    }
}

impl Invalid {
    fn message(&self) -> Option<String> {
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

impl Quota {
    const fn message(self) -> &'static str {
        match self {
            Self::AliasesPerKey => "The maximum number of aliases for this key (50) has been reached.",
            Self::GrantsPerKey => "The maximum number of grants for this key (50000) has been reached.",
            Self::KeysPerAccount => {
                "The maximum number of keys for this account in this Region (100000) has been reached."
            }
            Self::PolicyBytes => "The key policy exceeds the maximum size of 32768 bytes.",
        }
    }
}

impl PolicyFault {
    fn message(&self) -> String {
        match self {
            Self::Lockout => {
                "The new key policy will not allow you to update the key policy in the future.".to_owned()
            }
            Self::Grammar(text) => text.clone(),
            Self::Principal => "Policy contains a statement with one or more invalid principals.".to_owned(),
        }
    }
}

impl std::fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::fmt::Display for KmsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wire = self.wire();
        write!(f, "{}: {}", wire.code, wire.message.as_deref().unwrap_or_default())
    }
}

impl std::error::Error for KmsError {}

impl From<TrailError> for KmsError {
    fn from(error: TrailError) -> Self {
        Self::Trail(error)
    }
}

impl From<IamError> for KmsError {
    fn from(error: IamError) -> Self {
        Self::Iam(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_counted_and_joined() {
        let one = KmsError::Violations(vec!["A".to_owned()]).wire().message;
        assert_eq!(one.as_deref(), Some("1 validation error detected: A"));
        let two = KmsError::Violations(vec!["A".to_owned(), "B".to_owned()]).wire().message;
        assert_eq!(two.as_deref(), Some("2 validation errors detected: A; B"));
    }

    #[test]
    fn operations_that_do_not_fit_a_key_are_named_as_aws_names_them() {
        let asked = vec![GrantOperation::Encrypt, GrantOperation::GenerateMac];
        let usage = KeyUsage::GenerateVerifyMac;
        let error = Invalid::GrantOperations { asked, class: KeyClass::Hmac, usage };
        let text = "Operations [Encrypt] are not supported when creating a grant for a symmetric KMS key with key usage \
                    GENERATE_VERIFY_MAC. Valid operations are [CreateGrant, RetireGrant, DescribeKey, GenerateMac, VerifyMac]";
        assert_eq!(error.message().as_deref(), Some(text));
    }

    #[test]
    fn cryptographic_failures_say_nothing() {
        for error in [
            KmsError::InvalidCiphertext,
            KmsError::InvalidSignature,
            KmsError::InvalidMac,
            KmsError::InvalidMarker,
        ] {
            assert_eq!(error.wire().message, None);
        }
    }
}

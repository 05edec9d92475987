//! Every reason for which a request is refused, and the one table that gives each its AWS type and text.
//! Texts: captures of AWS KMS and its documentation. No free strings: variants carry typed facts.

mod faults;

pub use faults::{MaterialMismatch, PolicyFault, Quota, ReplicaRegionFault, SerializationFault};

use crate::algorithm::{KeyUsage, Origin};
use crate::arn::{AliasArn, KeyArn};
use crate::iam_error::IamError;
pub use crate::invalid::Invalid;
use crate::key_spec::KeySpec;
use crate::key_state::StateRefusal;
use crate::material_id::MaterialId;
use crate::region::Region;
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
    /// A replica of a multi-Region key: its primary alone decides.
    NotPrimary(KeyArn),
    /// A Region that no key can be replicated to.
    InvalidReplicaRegion(Region, ReplicaRegionFault),
    /// The Region has a replica of the key.
    ReplicaExists,
    /// Another Region did not answer, and nothing was changed.
    RegionAway(Region),
    /// RotateKeyOnDemand of an imported key for which no material waits.
    NothingPending(KeyArn),
    /// RotateKeyOnDemand too often in the life of a key.
    OnDemandLimit(KeyArn),
    /// RotateKeyOnDemand while an automatic rotation is due soon.
    RotationSoon(KeyArn),
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
    /// An import token that was issued more than 24 hours ago.
    ExpiredImportToken,
    /// An import token that was never issued, or for another key.
    InvalidImportToken,
    /// Other material than the key had, or than was announced.
    IncorrectMaterial(KeyArn, MaterialMismatch),
    /// New material while another one waits for its rotation.
    MaterialPending {
        /// The key.
        key: KeyArn,
        /// What was to be imported, and what waits; boxed, as every answer has room for this variant.
        new_and_pending: Box<(MaterialId, MaterialId)>,
    },
    /// No material of this id on the key.
    MaterialNotFound(KeyArn, MaterialId),
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
            matches!(
                self,
                Self::AuditUnavailable
                    | Self::DependencyTimeout
                    | Self::Internal
                    | Self::Conflict
                    | Self::RegionAway(_)
            )
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
            Self::NotPrimary(arn) => (
                "UnsupportedOperationException",
                Some(format!("{arn} is not a multi-region primary key.")),
            ),
            Self::InvalidReplicaRegion(region, fault) => {
                ("ValidationException", Some(fault.message(region)))
            }
            Self::ReplicaExists => (
                "AlreadyExistsException",
                Some("You can create only one replica of each primary key in each AWS Region.".to_owned()),
            ),
            Self::RegionAway(region) => (
                "KMSInternalException",
                Some(format!("The Region {region} did not answer. Nothing was changed. Retry the request.")),
            ),
            Self::NothingPending(arn) => (
                "KMSInvalidStateException",
                Some(format!("No available key material pending rotation for the key: {arn}.")),
            ),
            Self::OnDemandLimit(arn) => (
                "LimitExceededException",
                Some(format!(
                    "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations \
                     can be performed for this key: {arn}"
                )),
            ),
            Self::RotationSoon(arn) => (
                "ConflictException",
                Some(format!(
                    "An automatic rotation of this key is in progress or due within the next 20 minutes: {arn}"
                )),
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
            Self::ExpiredImportToken => ("ExpiredImportTokenException", None),
            Self::InvalidImportToken => ("InvalidImportTokenException", None),
            Self::IncorrectMaterial(key, mismatch) => {
                ("IncorrectKeyMaterialException", Some(mismatch.message(key)))
            }
            Self::MaterialPending { key, new_and_pending } => {
                let (new, pending) = new_and_pending.as_ref();
                (
                    "KMSInvalidStateException",
                    Some(format!(
                        "New key material (id: {new}) cannot be imported into KMS key {key}, because another key material \
                         (id: {pending}) is pending rotation."
                    )),
                )
            }
            Self::MaterialNotFound(key, id) => (
                "NotFoundException",
                Some(format!("Key material (id: {id}) is not associated with KMS key {key}.")),
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
